//! AES-CMAC (NIST SP 800-38B, RFC 4493).
//!
//! ```text
//! material = AES key (16, 24 or 32)
//! ```

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, KeyInit, Mac};
use digest::consts::U16;

use super::{Authenticator, AuthenticatorType, CMAC_LEN, KeyType};
use crate::{Error, SecretBytes, random};

pub(super) static AES128_CMAC: CmacKeyType<Cmac<Aes128>> = CmacKeyType::new("aes128-cmac");
pub(super) static AES192_CMAC: CmacKeyType<Cmac<Aes192>> = CmacKeyType::new("aes192-cmac");
pub(super) static AES256_CMAC: CmacKeyType<Cmac<Aes256>> = CmacKeyType::new("aes256-cmac");

/// A MAC with the tag of a CMAC, whose key is absorbed once and then used again and again.
trait BlockMac: Mac<OutputSize = U16> + KeyInit + Clone + Send + Sync + 'static {}

impl<M: Mac<OutputSize = U16> + KeyInit + Clone + Send + Sync + 'static> BlockMac for M {}

/// A key type that is CMAC over one block cipher.
pub(super) struct CmacKeyType<M> {
    name: &'static str,
    mac: PhantomData<fn() -> M>,
}

impl<M> CmacKeyType<M> {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            mac: PhantomData,
        }
    }
}

impl<M> fmt::Debug for CmacKeyType<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(type_name::<M>()).field(&self.name).finish()
    }
}

impl<M: BlockMac> KeyType for CmacKeyType<M> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(random::generate_bytes(M::key_size()))
    }

    fn authenticator(&self) -> Option<&dyn AuthenticatorType> {
        Some(self)
    }
}

impl<M: BlockMac> AuthenticatorType for CmacKeyType<M> {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Authenticator>, Error> {
        // EXPOSE: the key is expanded by the cipher, which wipes what it made of it.
        let mac = <M as KeyInit>::new_from_slice(material.expose())
            .map_err(|_| Error::invalid("the key has the wrong length for its type"))?;
        Ok(Box::new(Prepared(mac)))
    }
}

/// A state that has expanded the key.
struct Prepared<M>(M);

impl<M: BlockMac> Authenticator for Prepared<M> {
    fn compute(&self, input: &[u8]) -> [u8; CMAC_LEN] {
        self.0
            .clone()
            .chain_update(input)
            .finalize()
            .into_bytes()
            .into()
    }
}
