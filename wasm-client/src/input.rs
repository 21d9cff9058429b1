//! What JavaScript hands in, read into the types of `keyward-api`.
//!
//! Each reader names the argument that it refuses. `null` counts as not given.

use js_sys::{Array, ArrayBuffer, JsString, Uint8Array};
use keyward_api::{Base64, Sensitive};
use keyward_crypto::SecretBytes;
use wasm_bindgen::prelude::*;

use crate::error::Failure;

#[wasm_bindgen]
extern "C" {
    /// The options of a client.
    pub type ClientOptions;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn address(this: &ClientOptions) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn token(this: &ClientOptions) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = timeoutMs)]
    pub(crate) fn timeout_ms(this: &ClientOptions) -> JsValue;

    /// The options of one call, or one item of a batch with its options; any value may be asked
    /// for them, and has none.
    pub type Options;

    #[wasm_bindgen(method, getter, js_name = associatedData)]
    fn associated_data(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn ciphertext(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn context(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn data(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = keyVersion)]
    fn key_version(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn signature(this: &Options) -> JsValue;
}

/// What a call or an item says beside its data.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) associated_data: Option<Base64>,
    pub(crate) context: Option<Base64>,
    pub(crate) key_version: Option<i64>,
}

impl Given {
    pub(crate) fn read(options: Option<&Options>) -> Result<Self, Failure> {
        let Some(options) = options else {
            return Ok(Self::default());
        };
        Ok(Self {
            associated_data: optional(options.associated_data(), "associatedData", bytes)?,
            context: optional(options.context(), "context", bytes)?,
            key_version: optional(options.key_version(), "keyVersion", whole_number)?,
        })
    }
}

/// An item of a batch to encrypt or sign: the data itself, or an object that holds it.
pub(crate) fn data_item(item: JsValue) -> Result<(Base64, Given), Failure> {
    if item.is_string() || is_bytes(&item) {
        return Ok((bytes(&item, "an item")?, Given::default()));
    }
    let item = object(item)?;
    Ok((bytes(&item.data(), "data")?, Given::read(Some(&item))?))
}

/// An item of a batch to decrypt or rewrap: the ciphertext itself, or an object that holds it.
pub(crate) fn ciphertext_item(item: JsValue) -> Result<(String, Given), Failure> {
    if item.is_string() {
        return Ok((text(&item, "an item")?, Given::default()));
    }
    let item = object(item)?;
    Ok((
        text(&item.ciphertext(), "ciphertext")?,
        Given::read(Some(&item))?,
    ))
}

/// An item of a batch to verify.
pub(crate) fn signed_item(item: JsValue) -> Result<(Base64, String, Given), Failure> {
    let item = object(item)?;
    Ok((
        bytes(&item.data(), "data")?,
        text(&item.signature(), "signature")?,
        Given::read(Some(&item))?,
    ))
}

/// Reads the items of a batch, each with `read`; the refusal of one names its place.
pub(crate) fn items<T>(
    items: &JsValue,
    read: impl Fn(JsValue) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    // A string is a list of characters to JavaScript, and never what was meant.
    if !Array::is_array(items) {
        return Err(Failure::invalid("items is no array"));
    }
    let items = items.unchecked_ref::<Array>().iter();
    items
        .enumerate()
        .map(|(index, item)| read(item).map_err(|failure| failure.of_item(index)))
        .collect()
}

/// Reads something that may be left out.
pub(crate) fn optional<T>(
    value: JsValue,
    name: &str,
    read: fn(&JsValue, &str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    read(&value, name).map(Some)
}

/// Reads bytes: an `ArrayBuffer`, a view of one, or a string as UTF-8.
pub(crate) fn bytes(value: &JsValue, name: &str) -> Result<Base64, Failure> {
    let bytes = if value.is_string() {
        text(value, name)?.into_bytes()
    } else if ArrayBuffer::is_view(value) {
        // Every view has these three, a `DataView` as well, and one of another realm too.
        let view = value.unchecked_ref::<Uint8Array>();
        Uint8Array::new_with_byte_offset_and_length(
            &view.buffer(),
            view.byte_offset(),
            view.byte_length(),
        )
        .to_vec()
    } else if value.is_instance_of::<ArrayBuffer>() {
        Uint8Array::new(value).to_vec()
    } else {
        return Err(Failure::invalid(&format!(
            "{name} is neither bytes nor a string"
        )));
    };
    Ok(Base64::new(SecretBytes::new(bytes)))
}

/// Reads a string.
pub(crate) fn text(value: &JsValue, name: &str) -> Result<String, Failure> {
    let Some(text) = value.as_string() else {
        return Err(Failure::invalid(&format!("{name} is no string")));
    };
    // Half a surrogate pair has become U+FFFD by now, and would not come back as it was.
    if text.contains(char::REPLACEMENT_CHARACTER)
        && !value.unchecked_ref::<JsString>().is_valid_utf16()
    {
        return Err(Failure::invalid(&format!(
            "{name} holds half a surrogate pair; pass it as bytes"
        )));
    }
    Ok(text)
}

/// Reads a token.
pub(crate) fn token(value: &JsValue, name: &str) -> Result<Sensitive, Failure> {
    text(value, name).map(Sensitive::new)
}

/// Reads how long something may take.
pub(crate) fn milliseconds(value: &JsValue, name: &str) -> Result<u32, Failure> {
    let number = whole_number(value, name)?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Failure::invalid(&format!("{name} is out of range")))
}

fn whole_number(value: &JsValue, name: &str) -> Result<i64, Failure> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0);
    number
        // The cast saturates, which no version of a key reaches.
        .map(|number| number as i64)
        .ok_or_else(|| Failure::invalid(&format!("{name} is no whole number")))
}

fn is_bytes(value: &JsValue) -> bool {
    ArrayBuffer::is_view(value) || value.is_instance_of::<ArrayBuffer>()
}

fn object(value: JsValue) -> Result<Options, Failure> {
    if value.is_object() && !is_bytes(&value) {
        Ok(value.unchecked_into())
    } else {
        Err(Failure::invalid("an item is no object"))
    }
}
