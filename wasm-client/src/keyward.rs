//! The client: an address and a token.

use std::rc::Rc;

use keyward_api::Client;
use wasm_bindgen::prelude::*;

use crate::{
    input::{ClientOptions, milliseconds, optional, text, token},
    transit::Transit,
    transport::Fetch,
};

/// How long a call may take if the caller does not say.
const TIMEOUT_MS: u32 = 30_000;

/// Calls one server with one token.
#[wasm_bindgen]
pub struct Keyward(Rc<Client<Fetch>>);

#[wasm_bindgen]
impl Keyward {
    /// Makes a client of `{address, token?, timeoutMs?}`; nothing is sent yet.
    ///
    /// # Errors
    /// The address is no `http:` or `https:` URL, or an option has a wrong type.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &ClientOptions) -> Result<Keyward, JsValue> {
        let token = optional(options.token(), "token", token)?;
        let timeout_ms = optional(options.timeout_ms(), "timeoutMs", milliseconds)?;
        let fetch = Fetch::new(&options.address(), timeout_ms.unwrap_or(TIMEOUT_MS))?;
        Ok(Self(Rc::new(Client::new(fetch, token))))
    }

    /// Returns the transit engine mounted at `mount`; `transit` if not given.
    ///
    /// # Errors
    /// The mount is no string.
    pub fn transit(&self, mount: JsValue) -> Result<Transit, JsValue> {
        let mount = optional(mount, "mount", text)?.unwrap_or_else(|| "transit".to_owned());
        Ok(Transit::new(
            Rc::clone(&self.0),
            mount.trim_matches('/').to_owned(),
        ))
    }
}
