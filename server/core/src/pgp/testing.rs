//! Keys made by GnuPG, and what reads messages for them.

use keyward_api::Sensitive;
use keyward_crypto::encoding;
use pgp::{
    composed::{Deserializable, Message, SignedSecretKey},
    types::Password,
};

/// A key with its secret half.
pub(crate) struct Pair {
    /// As it is sent.
    pub(crate) public: &'static str,
    secret: &'static str,
    /// The fingerprint that GnuPG shows.
    pub(crate) fingerprint: &'static str,
}

/// Reads one of `tests/vectors/openpgp`.
macro_rules! vector {
    ($name:literal $(, $half:literal)?) => {
        include_str!(concat!(
            "../../../../tests/vectors/openpgp/", $name, $($half,)? ".b64"
        ))
    };
}
pub(crate) use vector;

macro_rules! pair {
    ($name:literal, $fingerprint:literal) => {
        Pair {
            public: vector!($name),
            secret: vector!($name, ".secret"),
            fingerprint: $fingerprint,
        }
    };
}

pub(crate) const RSA: Pair = pair!("rsa2048", "418931ffc0b193aaac3eb9291658972884dcde6d");
pub(crate) const CURVE: Pair = pair!("curve25519", "683158218cda1d4c541807fabb2366f64fd97a8a");
pub(crate) const NIST: Pair = pair!("nistp256", "903e8b89c8667e21c539ff2a9e7e7b097f599edd");

impl Pair {
    /// Reads a message in base64.
    pub(crate) fn open(&self, message: &Sensitive) -> Vec<u8> {
        // EXPOSE: opened for the test that looks into it.
        let message = encoding::decode(message.expose()).unwrap();
        let secret = encoding::decode(self.secret).unwrap();
        // EXPOSE: the key of a test.
        let secret = SignedSecretKey::from_bytes(&secret.expose()[..]).unwrap();
        // EXPOSE: the message to be opened, encrypted still.
        let message = Message::from_bytes(&message.expose()[..]).unwrap();
        let mut message = message.decrypt(&Password::empty(), &secret).unwrap();
        message.as_data_vec().unwrap()
    }
}
