//! The ciphers.

use aes_gcm::AesGcm;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::aead::consts::{
    U1, U2, U4, U6, U8, U10, U12, U14, U15, U16, U20, U32, U64, U128, U257,
};
use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use keyward_crypto::{Error, Scope, key_type};
use serde::Deserialize;

use crate::file::{Hex, Verdict, run};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AeadTest {
    tc_id: u32,
    key: Hex,
    iv: Hex,
    aad: Hex,
    msg: Hex,
    ct: Hex,
    tag: Hex,
    result: Verdict,
}

impl AeadTest {
    fn sealed(&self) -> Vec<u8> {
        [self.ct.0.as_slice(), &self.tag.0].concat()
    }

    /// Opens through the crate: the nonce is the front of the payload.
    fn check_ours(&self, name: &str) {
        let cipher = key_type(name)
            .unwrap()
            .cipher()
            .unwrap()
            .prepare(&self.key.secret())
            .unwrap();
        let scope = Scope {
            associated_data: &self.aad.0,
            ..Scope::default()
        };
        let payload = [self.iv.0.as_slice(), &self.sealed()].concat();
        let expected = match self.result {
            Verdict::Valid => Ok(self.msg.secret()),
            _ => Err(Error::Decryption),
        };
        assert_eq!(
            cipher.open(&payload, &scope),
            expected,
            "test {}",
            self.tc_id
        );
    }

    /// Seals and opens with the primitive.
    fn check_primitive<A: Aead + KeyInit>(&self) {
        let aead = A::new_from_slice(&self.key.0).unwrap();
        let nonce = Nonce::<A>::try_from(self.iv.0.as_slice()).unwrap();
        let (aad, sealed) = (self.aad.0.as_slice(), self.sealed());
        let opened = aead.decrypt(&nonce, Payload { msg: &sealed, aad }).ok();
        match self.result {
            Verdict::Valid => {
                assert_eq!(opened.as_ref(), Some(&self.msg.0), "test {}", self.tc_id);
                let made = aead
                    .encrypt(
                        &nonce,
                        Payload {
                            msg: &self.msg.0,
                            aad,
                        },
                    )
                    .unwrap();
                assert_eq!(made, sealed, "test {}", self.tc_id);
            }
            _ => assert_eq!(opened, None, "test {}", self.tc_id),
        }
    }
}

/// Runs a test with the AES-GCM that takes nonces as long as its own.
macro_rules! check_aes_gcm {
    ($test:expr, $aes:ty, [$($len:ty),*]) => {
        match $test.iv.0.len() {
            $(<$len as Unsigned>::USIZE => $test.check_primitive::<AesGcm<$aes, $len>>(),)*
            // No nonce at all: the type of the primitive has no value for it.
            0 => assert_eq!($test.result, Verdict::Invalid),
            other => panic!("a nonce of {other} bytes in test {}", $test.tc_id),
        }
    };
    ($test:expr, $aes:ty) => {
        check_aes_gcm!(
            $test,
            $aes,
            [U1, U2, U4, U6, U8, U10, U12, U14, U15, U16, U20, U32, U64, U128, U257]
        )
    };
}

/// Runs the file of AES-GCM; returns how many tests it holds.
pub(crate) fn aes_gcm(file: &[u8]) -> usize {
    run(file, |_, test: &AeadTest| {
        // The crate takes 96 bits alone, and so refuses whatever a test wants refused.
        let ours = test.iv.0.len() == 12 || test.result == Verdict::Invalid;
        match test.key.0.len() {
            16 => check_aes_gcm!(test, Aes128),
            24 => check_aes_gcm!(test, Aes192),
            32 => check_aes_gcm!(test, Aes256),
            other => panic!("a key of {other} bytes in test {}", test.tc_id),
        }
        match test.key.0.len() {
            16 if ours => test.check_ours("aes128-gcm96"),
            32 if ours => test.check_ours("aes256-gcm96"),
            _ => {}
        }
    })
}

/// Runs the file of ChaCha20-Poly1305; returns how many tests it holds.
pub(crate) fn chacha20_poly1305(file: &[u8]) -> usize {
    run(file, |_, test: &AeadTest| {
        // A nonce of another length is refused too: it shifts what follows it.
        test.check_ours("chacha20-poly1305");
        if test.iv.0.len() == 12 {
            test.check_primitive::<ChaCha20Poly1305>();
        } else {
            assert_eq!(test.result, Verdict::Invalid);
        }
    })
}

/// Runs the file of XChaCha20-Poly1305; returns how many tests it holds.
pub(crate) fn xchacha20_poly1305(file: &[u8]) -> usize {
    run(file, |_, test: &AeadTest| {
        test.check_ours("xchacha20-poly1305");
        if test.iv.0.len() == 24 {
            test.check_primitive::<XChaCha20Poly1305>();
        } else {
            assert_eq!(test.result, Verdict::Invalid);
        }
    })
}
