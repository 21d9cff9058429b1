//! A chain value and its text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The bytes of a chain value.
pub(super) type Value = [u8; 32];

/// A chain value; printed as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ChainValue(Value);

impl fmt::Display for ChainValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Vec::with_capacity(64);
        push_hex(&self.0, &mut digits);
        f.write_str(&String::from_utf8_lossy(&digits))
    }
}

impl ChainValue {
    pub(super) const fn new(value: Value) -> Self {
        Self(value)
    }

    pub(super) const fn bytes(&self) -> &Value {
        &self.0
    }
}

impl FromStr for ChainValue {
    type Err = NoChainValue;

    fn from_str(text: &str) -> Result<Self, NoChainValue> {
        read_hex(text.as_bytes()).map(Self).ok_or(NoChainValue)
    }
}

impl Serialize for ChainValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A text that is no [`ChainValue`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a chain value is 64 lower-case hexadecimal digits")]
pub struct NoChainValue;

/// Appends bytes as lower-case hexadecimal digits.
pub(super) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().flat_map(|&byte| hex(byte)));
}

/// Returns the two lower-case hexadecimal digits of a byte.
pub(super) fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|nibble| DIGITS[usize::from(nibble)])
}

/// Reads 64 digits.
pub(super) fn read_hex(digits: &[u8]) -> Option<Value> {
    let mut value = Value::default();
    if digits.len() != 2 * value.len() {
        return None;
    }
    for (byte, pair) in value.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(value)
}

/// Reads a digit in the one form that is written.
const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
