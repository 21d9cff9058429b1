//! The form of a Wycheproof file.

use keyward_crypto::SecretBytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<G> {
    number_of_tests: usize,
    test_groups: Vec<G>,
}

/// A group whose parameters matter beside its tests.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group<T> {
    #[serde(default)]
    pub(crate) public_key: PublicKey,
    #[serde(default)]
    pub(crate) tag_size: usize,
    #[serde(default)]
    pub(crate) key_size: usize,
    #[serde(default)]
    pub(crate) sha: String,
    #[serde(default)]
    pub(crate) mgf_sha: String,
    #[serde(default)]
    pub(crate) s_len: Option<usize>,
    #[serde(default)]
    pub(crate) public_key_pem: String,
    #[serde(default)]
    pub(crate) private_key_pkcs8: Hex,
    tests: Vec<T>,
}

#[derive(Default, Deserialize)]
pub(crate) struct PublicKey {
    #[serde(default)]
    pub(crate) pk: Hex,
}

#[derive(Default)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16);
        let bytes = (0..text.len())
            .step_by(2)
            .map(byte)
            .collect::<Result<_, _>>();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

impl Hex {
    pub(crate) fn secret(&self) -> SecretBytes {
        SecretBytes::from(self.0.as_slice())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Acceptable,
    Invalid,
    Valid,
}

/// Runs `check` on every test of a file and returns how many there were, which is how many the file
/// says that it holds.
pub(crate) fn run<T: DeserializeOwned>(file: &[u8], check: impl Fn(&Group<T>, &T)) -> usize {
    let file: File<Group<T>> = serde_json::from_slice(file).unwrap();
    let mut ran = 0;
    for group in &file.test_groups {
        for test in &group.tests {
            check(group, test);
            ran += 1;
        }
    }
    assert_eq!(ran, file.number_of_tests);
    ran
}
