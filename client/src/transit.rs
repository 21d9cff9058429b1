//! The transit engine: cryptography with keys that stay in the server.

use keyward_api::transit::{
    Answer, Authenticate, CreateDataKey, CreateDataKeys, CreateKey, Decrypt, DecryptItem, Encrypt,
    EncryptItem, EncryptedItem, Jwks, Key, ReadJwks, ReadKey, Rewrap, RewrapItem, RotateKey, Sign,
    SignItem, Verify, VerifyItem,
};
use keyward_api::{Base64, Endpoint};
use keyward_crypto::SecretBytes;
use keyward_crypto::envelope::{Context, canonical};

use crate::{Effect, Error, ItemError, Keyward, Transport};

/// What one call is bound to; [`Options::default`] is nothing, and the latest version.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Names and values that decryption must present again. They travel as associated data, in the
    /// one form of RFC 8785.
    pub context: Option<&'a Context>,
    /// What a derived key derives from (Vault's `context`).
    pub derivation: Option<&'a [u8]>,
    /// The version of the key; the latest if none.
    pub key_version: Option<u32>,
}

impl Options<'_> {
    fn associated_data(&self) -> Option<Base64> {
        self.context
            .map(|it| Base64::from(canonical(it).as_bytes()))
    }

    fn derivation(&self) -> Option<Base64> {
        self.derivation.map(Base64::from)
    }

    fn key_version(&self) -> Option<i64> {
        self.key_version.map(i64::from)
    }
}

/// A data key as the server made it.
#[derive(Debug)]
pub struct WrappedDataKey {
    /// The key.
    pub plaintext: SecretBytes,
    /// The key under the named key: `vault:vN:…`.
    pub wrapped: String,
}

/// The transit engine at one mount.
///
/// Batches have a result for each item, in their order; a batch fails as a whole only if it was not
/// done at all.
pub struct Transit<'a, T> {
    pub(crate) client: &'a Keyward<T>,
    pub(crate) mount: &'a str,
}

impl<T: Transport> Transit<'_, T> {
    /// Encrypts; gives `vault:vN:…`.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn encrypt(
        &self,
        key: &str,
        plaintext: &[u8],
        options: Options<'_>,
    ) -> Result<String, Error> {
        let request = Encrypt {
            name: key.to_owned(),
            plaintext: Some(plaintext.into()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            key_version: options.key_version(),
            ..Encrypt::default()
        };
        Ok(self.one(&request).await?.ciphertext.into())
    }

    /// Encrypts many.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn encrypt_many(
        &self,
        key: &str,
        plaintexts: &[&[u8]],
        options: Options<'_>,
    ) -> Result<Vec<Result<String, ItemError>>, Error> {
        let item = |plaintext: &&[u8]| EncryptItem {
            plaintext: Some((*plaintext).into()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            key_version: options.key_version(),
            ..EncryptItem::default()
        };
        let request = Encrypt {
            name: key.to_owned(),
            batch_input: Some(plaintexts.iter().map(item).collect()),
            ..Encrypt::default()
        };
        ciphertexts(self.many(&request, plaintexts.len()).await?)
    }

    /// Decrypts.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn decrypt(
        &self,
        key: &str,
        ciphertext: &str,
        options: Options<'_>,
    ) -> Result<SecretBytes, Error> {
        let request = Decrypt {
            name: key.to_owned(),
            ciphertext: Some(ciphertext.to_owned()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            ..Decrypt::default()
        };
        bytes(&self.one(&request).await?.plaintext)
    }

    /// Decrypts many.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn decrypt_many(
        &self,
        key: &str,
        ciphertexts: &[&str],
        options: Options<'_>,
    ) -> Result<Vec<Result<SecretBytes, ItemError>>, Error> {
        let item = |ciphertext: &&str| DecryptItem {
            ciphertext: Some((*ciphertext).to_owned()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            ..DecryptItem::default()
        };
        let request = Decrypt {
            name: key.to_owned(),
            batch_input: Some(ciphertexts.iter().map(item).collect()),
            ..Decrypt::default()
        };
        let items = self.many(&request, ciphertexts.len()).await?;
        items
            .into_iter()
            .map(|item| match item.error {
                Some(error) => Ok(Err(ItemError(error))),
                None => bytes(&item.plaintext).map(Ok),
            })
            .collect()
    }

    /// Encrypts a ciphertext anew, with a newer version; the plaintext stays in the server.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn rewrap(
        &self,
        key: &str,
        ciphertext: &str,
        options: Options<'_>,
    ) -> Result<String, Error> {
        let request = Rewrap {
            name: key.to_owned(),
            ciphertext: Some(ciphertext.to_owned()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            key_version: options.key_version(),
            ..Rewrap::default()
        };
        Ok(self.one(&request).await?.ciphertext.into())
    }

    /// Encrypts many ciphertexts anew.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn rewrap_many(
        &self,
        key: &str,
        olds: &[&str],
        options: Options<'_>,
    ) -> Result<Vec<Result<String, ItemError>>, Error> {
        let item = |ciphertext: &&str| RewrapItem {
            ciphertext: Some((*ciphertext).to_owned()),
            context: options.derivation(),
            associated_data: options.associated_data(),
            key_version: options.key_version(),
            ..RewrapItem::default()
        };
        let request = Rewrap {
            name: key.to_owned(),
            batch_input: Some(olds.iter().map(item).collect()),
            ..Rewrap::default()
        };
        ciphertexts(self.many(&request, olds.len()).await?)
    }

    /// Signs; gives `vault:vN:…`. What else a signature may be asked for has [`sign_as`].
    ///
    /// [`sign_as`]: Self::sign_as
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn sign(&self, key: &str, input: &[u8]) -> Result<String, Error> {
        self.sign_as(Sign {
            name: key.to_owned(),
            input: Some(input.into()),
            ..Sign::default()
        })
        .await
    }

    /// Signs as the request says.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn sign_as(&self, request: Sign) -> Result<String, Error> {
        Ok(self.one(&request).await?.signature)
    }

    /// Signs many.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn sign_many(
        &self,
        key: &str,
        inputs: &[&[u8]],
    ) -> Result<Vec<Result<String, ItemError>>, Error> {
        let item = |input: &&[u8]| SignItem {
            input: Some((*input).into()),
            ..SignItem::default()
        };
        let request = Sign {
            name: key.to_owned(),
            batch_input: Some(inputs.iter().map(item).collect()),
            ..Sign::default()
        };
        let items = self.many(&request, inputs.len()).await?;
        items
            .into_iter()
            .map(|item| result(item.error, item.signature, "signature"))
            .collect()
    }

    /// Says whether a signature of [`sign`](Self::sign) fits.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn verify(&self, key: &str, input: &[u8], signature: &str) -> Result<bool, Error> {
        self.verify_as(Verify {
            name: key.to_owned(),
            input: Some(input.into()),
            signature: Some(signature.to_owned()),
            ..Verify::default()
        })
        .await
    }

    /// Verifies as the request says: signatures, HMACs, CMACs.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn verify_as(&self, request: Verify) -> Result<bool, Error> {
        Ok(self.one(&request).await?.valid)
    }

    /// Verifies many inputs, each with its signature.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn verify_many(
        &self,
        key: &str,
        signed: &[(&[u8], &str)],
    ) -> Result<Vec<Result<bool, ItemError>>, Error> {
        let item = |(input, signature): &(&[u8], &str)| VerifyItem {
            input: Some((*input).into()),
            signature: Some((*signature).to_owned()),
            ..VerifyItem::default()
        };
        let request = Verify {
            name: key.to_owned(),
            batch_input: Some(signed.iter().map(item).collect()),
            ..Verify::default()
        };
        let items = self.many(&request, signed.len()).await?;
        items
            .into_iter()
            .map(|item| result(item.error, Some(item.valid), "verdict"))
            .collect()
    }

    /// Computes an HMAC; gives `vault:vN:…`.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn hmac(&self, key: &str, input: &[u8]) -> Result<String, Error> {
        let request = Authenticate {
            name: key.to_owned(),
            input: Some(input.into()),
            ..Authenticate::default()
        };
        Ok(self.one(&request).await?.hmac)
    }

    /// Makes a data key of 32 bytes.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn data_key(&self, key: &str) -> Result<WrappedDataKey, Error> {
        let request = CreateDataKey {
            form: "plaintext".to_owned(),
            name: key.to_owned(),
            ..CreateDataKey::default()
        };
        let made = self.compute(&request).await?;
        wrapped(made.plaintext, made.ciphertext)
    }

    /// Makes many data keys of 32 bytes. OpenBao has no such path.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn data_keys(&self, key: &str, count: u32) -> Result<Vec<WrappedDataKey>, Error> {
        let request = CreateDataKeys {
            form: "plaintext".to_owned(),
            name: key.to_owned(),
            count: Some(count.into()),
            ..CreateDataKeys::default()
        };
        let made = self.compute(&request).await?;
        made.key_pairs
            .into_iter()
            .map(|pair| wrapped(pair.plaintext, pair.ciphertext))
            .collect()
    }

    /// Reads the public keys, for who verifies or encrypts without the server.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn public_keys(&self, key: &str) -> Result<Jwks, Error> {
        self.compute(&ReadJwks {
            name: key.to_owned(),
        })
        .await
    }

    /// Creates a key, if there is none of its name.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn create_key(&self, request: &CreateKey) -> Result<(), Error> {
        self.change(request).await
    }

    /// Reads what is known of a key.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn read_key(&self, key: &str) -> Result<Key, Error> {
        self.compute(&ReadKey {
            name: key.to_owned(),
            ..ReadKey::default()
        })
        .await
    }

    /// Gives a key a new version.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn rotate_key(&self, key: &str) -> Result<(), Error> {
        self.change(&RotateKey {
            name: key.to_owned(),
        })
        .await
    }

    async fn change<E: Endpoint>(&self, request: &E) -> Result<(), Error> {
        let changed = self.client.call(self.mount, request, Effect::Changes);
        changed.await.map(drop)
    }

    async fn compute<E: Endpoint>(&self, request: &E) -> Result<E::Reply, Error> {
        self.client
            .data(self.mount, request, Effect::Computes)
            .await
    }

    async fn one<E, One, Item>(&self, request: &E) -> Result<One, Error>
    where
        E: Endpoint<Reply = Answer<One, Item>>,
    {
        let answer = self.compute(request).await?;
        answer.one().ok_or_else(|| Error::missing("result"))
    }

    async fn many<E, One, Item>(&self, request: &E, count: usize) -> Result<Vec<Item>, Error>
    where
        E: Endpoint<Reply = Answer<One, Item>>,
    {
        let items = self.compute(request).await?.items();
        items
            .filter(|items| items.len() == count)
            .ok_or_else(|| Error::missing("result for each item"))
    }
}

fn ciphertexts(items: Vec<EncryptedItem>) -> Result<Vec<Result<String, ItemError>>, Error> {
    items
        .into_iter()
        .map(|item| result(item.error, item.ciphertext.map(String::from), "ciphertext"))
        .collect()
}

fn result<V>(
    error: Option<String>,
    value: Option<V>,
    what: &str,
) -> Result<Result<V, ItemError>, Error> {
    match (error, value) {
        (Some(error), _) => Ok(Err(ItemError(error))),
        (None, Some(value)) => Ok(Ok(value)),
        (None, None) => Err(Error::missing(what)),
    }
}

fn wrapped(plaintext: Option<Base64>, wrapped: String) -> Result<WrappedDataKey, Error> {
    let plaintext = plaintext.ok_or_else(|| Error::missing("data key"))?;
    Ok(WrappedDataKey {
        plaintext: bytes(&plaintext)?,
        wrapped,
    })
}

fn bytes(text: &Base64) -> Result<SecretBytes, Error> {
    let bytes = text.bytes().map(SecretBytes::duplicate);
    bytes.map_err(|error| Error::Malformed(error.to_string()))
}
