//! The transit engine: encrypt, decrypt, rewrap, sign, verify; one input or many.
//!
//! Many inputs travel in one request, and each has its own outcome: the promise gives one entry an
//! item, in the order of the items and in the form of `Promise.allSettled`.

use std::rc::Rc;

use js_sys::{Array, Object, Uint8Array};
use keyward_api::{
    Base64, Client, Endpoint,
    transit::{
        Answer, Decrypt, DecryptItem, Encrypt, EncryptItem, Rewrap, RewrapItem, Sign, SignItem,
        Verify, VerifyItem,
    },
};
use wasm_bindgen::prelude::*;

use crate::{
    error::Failure,
    input::{self, Given, Options},
    transport::Fetch,
};

/// A transit engine of a server.
#[wasm_bindgen]
pub struct Transit {
    client: Rc<Client<Fetch>>,
    mount: String,
}

#[wasm_bindgen]
impl Transit {
    /// Encrypts `data` with the key named `key`; gives the ciphertext.
    ///
    /// # Errors
    /// A wrong argument, or the call failed.
    pub async fn encrypt(
        &self,
        key: JsValue,
        data: JsValue,
        options: Option<Options>,
    ) -> Result<JsValue, JsValue> {
        let given = Given::read(options.as_ref())?;
        let request = Encrypt {
            name: input::text(&key, "key")?,
            plaintext: Some(input::bytes(&data, "data")?),
            context: given.context,
            associated_data: given.associated_data,
            key_version: given.key_version,
            ..Default::default()
        };
        Ok(self.one(&request).await?.ciphertext.into())
    }

    /// Encrypts each item; gives the ciphertexts.
    ///
    /// # Errors
    /// A wrong argument, or the whole call failed.
    #[wasm_bindgen(js_name = encryptMany)]
    pub async fn encrypt_many(&self, key: JsValue, items: JsValue) -> Result<Array, JsValue> {
        let items = input::items(&items, |item| {
            let (plaintext, given) = input::data_item(item)?;
            Ok(EncryptItem {
                plaintext: Some(plaintext),
                context: given.context,
                associated_data: given.associated_data,
                key_version: given.key_version,
                ..Default::default()
            })
        })?;
        let request = Encrypt {
            name: input::text(&key, "key")?,
            batch_input: Some(items),
            ..Default::default()
        };
        self.many(&request, |item| Outcome::text(item.ciphertext, item.error))
            .await
    }

    /// Decrypts `ciphertext`; gives the bytes.
    ///
    /// # Errors
    /// A wrong argument, or the call failed.
    pub async fn decrypt(
        &self,
        key: JsValue,
        ciphertext: JsValue,
        options: Option<Options>,
    ) -> Result<JsValue, JsValue> {
        let given = Given::read(options.as_ref())?;
        let request = Decrypt {
            name: input::text(&key, "key")?,
            ciphertext: Some(input::text(&ciphertext, "ciphertext")?),
            context: given.context,
            associated_data: given.associated_data,
            ..Default::default()
        };
        let decrypted = self.one(&request).await?;
        Ok(plaintext(&decrypted.plaintext)?)
    }

    /// Decrypts each item; gives the bytes.
    ///
    /// # Errors
    /// A wrong argument, or the whole call failed.
    #[wasm_bindgen(js_name = decryptMany)]
    pub async fn decrypt_many(&self, key: JsValue, items: JsValue) -> Result<Array, JsValue> {
        let items = input::items(&items, |item| {
            let (ciphertext, given) = input::ciphertext_item(item)?;
            Ok(DecryptItem {
                ciphertext: Some(ciphertext),
                context: given.context,
                associated_data: given.associated_data,
                ..Default::default()
            })
        })?;
        let request = Decrypt {
            name: input::text(&key, "key")?,
            batch_input: Some(items),
            ..Default::default()
        };
        self.many(&request, |item| match item.error {
            Some(error) => Outcome::Refused(error),
            None => plaintext(&item.plaintext).map_or(Outcome::Unexpected, Outcome::Given),
        })
        .await
    }

    /// Encrypts `ciphertext` anew with the latest version of its key; gives the new ciphertext. The
    /// plaintext stays within the server.
    ///
    /// # Errors
    /// A wrong argument, or the call failed.
    pub async fn rewrap(
        &self,
        key: JsValue,
        ciphertext: JsValue,
        options: Option<Options>,
    ) -> Result<JsValue, JsValue> {
        let given = Given::read(options.as_ref())?;
        let request = Rewrap {
            name: input::text(&key, "key")?,
            ciphertext: Some(input::text(&ciphertext, "ciphertext")?),
            context: given.context,
            associated_data: given.associated_data,
            key_version: given.key_version,
            ..Default::default()
        };
        Ok(self.one(&request).await?.ciphertext.into())
    }

    /// Rewraps each item; gives the new ciphertexts.
    ///
    /// # Errors
    /// A wrong argument, or the whole call failed.
    #[wasm_bindgen(js_name = rewrapMany)]
    pub async fn rewrap_many(&self, key: JsValue, items: JsValue) -> Result<Array, JsValue> {
        let items = input::items(&items, |item| {
            let (ciphertext, given) = input::ciphertext_item(item)?;
            Ok(RewrapItem {
                ciphertext: Some(ciphertext),
                context: given.context,
                associated_data: given.associated_data,
                key_version: given.key_version,
                ..Default::default()
            })
        })?;
        let request = Rewrap {
            name: input::text(&key, "key")?,
            batch_input: Some(items),
            ..Default::default()
        };
        self.many(&request, |item| Outcome::text(item.ciphertext, item.error))
            .await
    }

    /// Signs `data`; gives the signature.
    ///
    /// # Errors
    /// A wrong argument, or the call failed.
    pub async fn sign(
        &self,
        key: JsValue,
        data: JsValue,
        options: Option<Options>,
    ) -> Result<JsValue, JsValue> {
        let given = Given::read(options.as_ref())?;
        let request = Sign {
            name: input::text(&key, "key")?,
            input: Some(input::bytes(&data, "data")?),
            context: given.context,
            key_version: given.key_version,
            ..Default::default()
        };
        Ok(self.one(&request).await?.signature.into())
    }

    /// Signs each item, all with the same version of the key; gives the signatures.
    ///
    /// # Errors
    /// A wrong argument, or the whole call failed.
    #[wasm_bindgen(js_name = signMany)]
    pub async fn sign_many(
        &self,
        key: JsValue,
        items: JsValue,
        options: Option<Options>,
    ) -> Result<Array, JsValue> {
        let items = input::items(&items, |item| {
            let (input, given) = input::data_item(item)?;
            Ok(SignItem {
                input: Some(input),
                context: given.context,
                ..Default::default()
            })
        })?;
        let request = Sign {
            name: input::text(&key, "key")?,
            key_version: Given::read(options.as_ref())?.key_version,
            batch_input: Some(items),
            ..Default::default()
        };
        self.many(&request, |item| Outcome::text(item.signature, item.error))
            .await
    }

    /// Tells whether `signature` fits `data`.
    ///
    /// # Errors
    /// A wrong argument, the call failed, or the signature is no signature at all.
    pub async fn verify(
        &self,
        key: JsValue,
        data: JsValue,
        signature: JsValue,
        options: Option<Options>,
    ) -> Result<JsValue, JsValue> {
        let request = Verify {
            name: input::text(&key, "key")?,
            input: Some(input::bytes(&data, "data")?),
            signature: Some(input::text(&signature, "signature")?),
            context: Given::read(options.as_ref())?.context,
            ..Default::default()
        };
        Ok(self.one(&request).await?.valid.into())
    }

    /// Tells of each item, `{data, signature}`, whether they fit.
    ///
    /// # Errors
    /// A wrong argument, or the whole call failed.
    #[wasm_bindgen(js_name = verifyMany)]
    pub async fn verify_many(&self, key: JsValue, items: JsValue) -> Result<Array, JsValue> {
        let items = input::items(&items, |item| {
            let (input, signature, given) = input::signed_item(item)?;
            Ok(VerifyItem {
                input: Some(input),
                signature: Some(signature),
                context: given.context,
                ..Default::default()
            })
        })?;
        let request = Verify {
            name: input::text(&key, "key")?,
            batch_input: Some(items),
            ..Default::default()
        };
        self.many(&request, |item| match item.error {
            Some(error) => Outcome::Refused(error),
            None => Outcome::Given(item.valid.into()),
        })
        .await
    }
}

impl Transit {
    pub(crate) fn new(client: Rc<Client<Fetch>>, mount: String) -> Self {
        Self { client, mount }
    }

    /// Calls with one input.
    async fn one<E, One, Item>(&self, request: &E) -> Result<One, Failure>
    where
        E: Endpoint<Reply = Answer<One, Item>>,
    {
        let reply = self.client.call(&self.mount, request).await?;
        reply
            .data
            .and_then(Answer::one)
            .ok_or_else(Failure::unexpected)
    }

    /// Calls with many inputs.
    async fn many<E, One, Item>(
        &self,
        request: &E,
        outcome: impl Fn(Item) -> Outcome,
    ) -> Result<Array, JsValue>
    where
        E: Endpoint<Reply = Answer<One, Item>>,
    {
        let reply = self
            .client
            .call(&self.mount, request)
            .await
            .map_err(Failure::from)?;
        let items = reply.data.and_then(Answer::items);
        Ok(items
            .ok_or_else(Failure::unexpected)?
            .into_iter()
            .map(|item| outcome(item).settled(&reply.request_id))
            .collect())
    }
}

/// What became of one item of a batch.
enum Outcome {
    Given(JsValue),
    Refused(String),
    Unexpected,
}

impl Outcome {
    fn text(text: Option<String>, error: Option<String>) -> Self {
        match (text, error) {
            (_, Some(error)) => Self::Refused(error),
            (Some(text), None) => Self::Given(text.into()),
            (None, None) => Self::Unexpected,
        }
    }

    /// Writes it as `Promise.allSettled` does.
    fn settled(self, request_id: &str) -> JsValue {
        let settled: Settled = Object::new().unchecked_into();
        let failure = match self {
            Self::Given(value) => {
                settled.set_status("fulfilled");
                settled.set_value(&value);
                return settled.into();
            }
            Self::Refused(error) => Failure::refused_item(&error, request_id),
            Self::Unexpected => Failure::unexpected(),
        };
        settled.set_status("rejected");
        settled.set_reason(&failure.into());
        settled.into()
    }
}

#[wasm_bindgen]
extern "C" {
    type Settled;
    #[wasm_bindgen(method, setter)]
    fn set_reason(this: &Settled, reason: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_status(this: &Settled, status: &str);
    #[wasm_bindgen(method, setter)]
    fn set_value(this: &Settled, value: &JsValue);
}

/// Copies a plaintext into an array of JavaScript; what stays here is wiped.
fn plaintext(plaintext: &Base64) -> Result<JsValue, Failure> {
    let bytes = plaintext.bytes().map_err(|_| Failure::unexpected())?;
    // EXPOSE: the caller asked for it.
    Ok(Uint8Array::from(bytes.expose().as_slice()).into())
}
