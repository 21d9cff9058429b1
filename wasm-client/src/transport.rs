//! HTTP through `fetch`, which browsers, Node and edge runtimes share.

use std::fmt;

use js_sys::{Array, Object, Uint8Array};
use keyward_api::client::{HttpRequest, HttpResponse, Transport};
use keyward_crypto::SecretBytes;
use wasm_bindgen::prelude::*;

use crate::error::Failure;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn fetch(url: &str, init: &Init) -> Result<JsValue, JsValue>;

    type AbortSignal;
    #[wasm_bindgen(static_method_of = AbortSignal)]
    fn timeout(milliseconds: u32) -> AbortSignal;

    type Init;
    #[wasm_bindgen(method, setter)]
    fn set_body(this: &Init, body: &Uint8Array);
    #[wasm_bindgen(method, setter)]
    fn set_headers(this: &Init, headers: &Array);
    #[wasm_bindgen(method, setter)]
    fn set_method(this: &Init, method: &str);
    #[wasm_bindgen(method, setter)]
    fn set_mode(this: &Init, mode: &str);
    #[wasm_bindgen(method, setter)]
    fn set_redirect(this: &Init, redirect: &str);
    #[wasm_bindgen(method, setter)]
    fn set_signal(this: &Init, signal: &AbortSignal);

    type Response;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    async fn array_buffer(this: &Response) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Response) -> Headers;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Response) -> u16;

    type Headers;
    #[wasm_bindgen(method)]
    fn get(this: &Headers, name: &str) -> Option<String>;

    #[wasm_bindgen(js_name = URL)]
    type Url;
    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    fn new(url: &JsValue) -> Result<Url, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn origin(this: &Url) -> String;
    #[wasm_bindgen(method, getter)]
    fn pathname(this: &Url) -> String;
    #[wasm_bindgen(method, getter)]
    fn protocol(this: &Url) -> String;

    #[wasm_bindgen(extends = Url)]
    type Location;
    /// Where the page or worker comes from; elsewhere there is none.
    #[wasm_bindgen(thread_local_v2, js_name = location)]
    static LOCATION: Option<Location>;

    /// What `fetch` throws.
    type Thrown;
    #[wasm_bindgen(method, getter)]
    fn message(this: &Thrown) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Thrown) -> JsValue;
}

/// Sends requests to one server.
pub(crate) struct Fetch {
    /// Origin and folder, without a slash at the end.
    address: String,
    origin: String,
    timeout_ms: u32,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// No connection, or it broke.
    Failed { address: String, cause: JsValue },
    /// The server is there, but the browser may not show its answers to this page.
    OriginDenied { page: String, cause: JsValue },
    /// The server named another address. It is not followed: the token is for this one.
    Redirected(String),
    /// The answer took too long.
    TimedOut { timeout_ms: u32, cause: JsValue },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { address, cause } => {
                write!(f, "no answer from {address}")?;
                match cause.unchecked_ref::<Thrown>().message().as_string() {
                    Some(why) => write!(f, ": {why}"),
                    None => Ok(()),
                }
            }
            Self::OriginDenied { page, .. } => write!(
                f,
                "the server does not let pages of {page} call it: allow this origin in \
                 sys/config/cors (a sealed server lets none)"
            ),
            Self::Redirected(address) => write!(
                f,
                "{address} redirects, which is not followed: use the address it redirects to"
            ),
            Self::TimedOut { timeout_ms, .. } => write!(f, "no answer within {timeout_ms} ms"),
        }
    }
}

impl Fetch {
    pub(crate) fn new(address: &JsValue, timeout_ms: u32) -> Result<Self, Failure> {
        let url = Url::new(address)
            .ok()
            .filter(|url| ["http:", "https:"].contains(&url.protocol().as_str()))
            .ok_or_else(|| Failure::invalid("address is no http: or https: URL"))?;
        let origin = url.origin();
        let address = format!("{origin}{}", url.pathname().trim_end_matches('/'));
        Ok(Self {
            address,
            origin,
            timeout_ms,
        })
    }

    fn write(&self, request: &HttpRequest) -> Init {
        let init = self.init();
        init.set_method(request.method);
        let headers = Array::new();
        for (name, value) in &request.headers {
            // EXPOSE: `fetch` sends it; what JavaScript holds of it cannot be wiped.
            let value = JsValue::from_str(value.expose());
            headers.push(&Array::of2(&JsValue::from_str(name), &value));
        }
        init.set_headers(&headers);
        if let Some(body) = &request.body {
            // EXPOSE: as above.
            init.set_body(&Uint8Array::from(body.expose().as_slice()));
        }
        init
    }

    /// What every request shares. No option is set that some runtime refuses.
    fn init(&self) -> Init {
        let init: Init = Object::new().unchecked_into();
        init.set_redirect("manual");
        init.set_signal(&AbortSignal::timeout(self.timeout_ms));
        init
    }

    /// Tells why an answer broke off, or never came.
    fn broken(&self, cause: JsValue) -> FetchError {
        match cause.unchecked_ref::<Thrown>().name().as_string() {
            Some(name) if name == "TimeoutError" => FetchError::TimedOut {
                timeout_ms: self.timeout_ms,
                cause,
            },
            _ => FetchError::Failed {
                address: self.address.clone(),
                cause,
            },
        }
    }

    /// Finds out why no answer came.
    async fn unanswered(&self, cause: JsValue) -> FetchError {
        let page = LOCATION.with(|location| location.as_ref().map(|location| location.origin()));
        match (self.broken(cause), page) {
            (FetchError::Failed { cause, .. }, Some(page))
                if page != self.origin && self.is_there().await =>
            {
                FetchError::OriginDenied { page, cause }
            }
            (error, _) => error,
        }
    }

    /// Asks whether the server answers at all. A browser tells a page as little of a server that
    /// refuses its origin as of one that is down, but it tells whether an answer came that the page
    /// may not see.
    async fn is_there(&self) -> bool {
        let init = self.init();
        init.set_mode("no-cors");
        // Of these requests the browser would refuse the redirect option.
        init.set_redirect("follow");
        fetch(&format!("{}/v1/sys/health", self.address), &init)
            .await
            .is_ok()
    }
}

impl Transport for Fetch {
    type Error = FetchError;

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let url = format!("{}{}", self.address, request.target);
        let response: Response = match fetch(&url, &self.write(&request)).await {
            Ok(response) => response.unchecked_into(),
            Err(cause) => return Err(self.unanswered(cause).await),
        };
        // A browser hides the status of a redirect behind a zero.
        if matches!(response.status(), 0 | 300..400) {
            return Err(FetchError::Redirected(self.address.clone()));
        }
        let body = response.array_buffer().await;
        let body = body.map_err(|cause| self.broken(cause))?;
        Ok(HttpResponse {
            status: response.status(),
            request_id: response.headers().get("x-request-id"),
            body: SecretBytes::new(Uint8Array::new(&body).to_vec()),
        })
    }
}
