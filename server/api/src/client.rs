//! A client without IO: typed call to bytes, bytes to typed reply.
//!
//! The bytes travel through a [`Transport`], which is `fetch` in a browser and a socket elsewhere.

use std::{fmt, future::Future};

use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, value::RawValue};

use crate::{Endpoint, Failure, Operation, Reply, Sensitive};

/// Carries one HTTP exchange.
pub trait Transport {
    /// Why no answer came.
    type Error;

    /// Sends the request and returns the whole answer, whatever its status.
    fn send(&self, request: HttpRequest)
    -> impl Future<Output = Result<HttpResponse, Self::Error>>;
}

/// An HTTP request as the transport sends it.
#[derive(Debug)]
pub struct HttpRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query, beginning with `/v1/`.
    pub target: String,
    /// Header names in lower case, with values that may be secret.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The JSON body.
    pub body: Option<SecretBytes>,
}

/// An HTTP answer as the transport read it.
#[derive(Debug)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `X-Request-Id`, under which the audit log holds the request.
    pub request_id: Option<String>,
    /// The whole body.
    pub body: SecretBytes,
}

/// Why a call brought no reply.
#[derive(Debug)]
pub enum CallError<E> {
    /// The request names no path that could be asked for; nothing was sent.
    Invalid(String),
    /// The answer is not what the API promises; the text says where.
    Malformed(String),
    /// The server refused or failed.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The id under which its audit log holds the request.
        request_id: Option<String>,
        /// What it said.
        failure: Failure,
    },
    /// No answer came.
    Transport(E),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => f.write_str(text),
            Self::Malformed(text) => write!(f, "the server's answer could not be read: {text}"),
            Self::Refused {
                status, failure, ..
            } => {
                write!(f, "code {status}: {}", failure.errors.join("; "))
            }
            Self::Transport(error) => write!(f, "no answer from the server: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for CallError<E> {}

/// Calls the API over a transport, with one token and one namespace.
#[derive(Debug)]
pub struct Client<T> {
    transport: T,
    token: Option<Sensitive>,
}

impl<T: Transport> Client<T> {
    /// Makes a client; without a token only public paths answer.
    pub fn new(transport: T, token: Option<Sensitive>) -> Self {
        Self { transport, token }
    }

    /// Sends `request` to the engine mounted at `mount` (without slashes around) and reads the
    /// reply. An answer without a body is a reply without data; one with data is a reply whatever
    /// its status, since a batch with a bad item answers 400 and a deleted KV entry 404.
    ///
    /// # Errors
    /// The path cannot be asked for, the transport brought no answer, the server refused, or the
    /// answer is not of the API.
    pub async fn call<E: Endpoint>(
        &self,
        mount: &str,
        request: &E,
    ) -> Result<Reply<E::Reply>, CallError<T::Error>> {
        let target = target(E::PATH, mount, &request.path()).map_err(CallError::Invalid)?;
        let request = self.request(target, request).map_err(malformed)?;
        let sent = self.transport.send(request).await;
        let answer = sent.map_err(CallError::Transport)?;
        // EXPOSE: parsed into the typed reply; the buffer is wiped on return.
        let bytes = answer.body.expose();
        let succeeded = (200..300).contains(&answer.status);
        if E::DOCUMENT && succeeded {
            let document = serde_json::from_slice(bytes).map_err(malformed)?;
            return Ok(Reply::of_document(document));
        }
        let reply = serde_json::from_slice::<Reply<&RawValue>>(match &bytes[..] {
            [] => br#"{"data":null}"#,
            bytes => bytes,
        });
        let reply = reply.and_then(Reply::read);
        if succeeded {
            return reply.map_err(malformed);
        }
        let failure: Failure = serde_json::from_slice(bytes).unwrap_or_default();
        match reply {
            Ok(reply) if reply.data.is_some() && failure.errors.is_empty() => Ok(reply),
            _ => Err(CallError::Refused {
                status: answer.status,
                request_id: answer.request_id,
                failure,
            }),
        }
    }

    /// Writes a request. Its parameters are the body of a write and the query of a read.
    fn request<E: Endpoint>(
        &self,
        mut target: String,
        parameters: &E,
    ) -> Result<HttpRequest, serde_json::Error> {
        let mut headers = vec![("x-vault-request", SecretString::new("true".to_owned()))];
        if let Some(token) = &self.token {
            // EXPOSE: the token travels in its header, whose value is wiped as well.
            headers.push((
                "x-vault-token",
                SecretString::new(token.expose().to_owned()),
            ));
        }
        let body = match E::OPERATION {
            Operation::Create | Operation::Patch | Operation::Update => {
                headers.push((
                    "content-type",
                    SecretString::new(content_type(E::OPERATION).to_owned()),
                ));
                Some(SecretBytes::new(serde_json::to_vec(parameters)?))
            }
            Operation::Delete | Operation::List | Operation::Read | Operation::Scan => {
                target.push_str(&query(E::OPERATION, &serde_json::to_value(parameters)?));
                None
            }
        };
        let method = match E::OPERATION {
            // Proxies and browsers know GET; the server reads `list=true` as LIST, `scan=true` as SCAN.
            Operation::List | Operation::Scan => "GET",
            operation => operation.method(),
        };
        Ok(HttpRequest {
            method,
            target,
            headers,
            body,
        })
    }
}

fn malformed<E>(error: serde_json::Error) -> CallError<E> {
    CallError::Malformed(error.to_string())
}

/// Writes the path of a request as it stands in a URL (RFC 3986 section 3.3).
///
/// A name that comes from outside must not lead the call to another route: relative and empty
/// segments are refused, a capture of one segment holds no slash, and the rest is encoded.
fn target(template: &str, mount: &str, path: &str) -> Result<String, String> {
    let whole_rest = template.contains("*}") || template.contains("+}");
    if !whole_rest {
        let most = template.split('/').count();
        let least = most - usize::from(template.contains("?}"));
        let segments = path.split('/').count();
        if !(least..=most).contains(&segments) || path.ends_with('/') {
            return Err(format!("`{path}` has an empty name or one with a slash"));
        }
    }
    let whole = format!("{mount}/{path}");
    let mut target = String::from("/v1");
    for segment in whole.strip_suffix('/').unwrap_or(&whole).split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(format!("`{whole}` has an empty or relative segment"));
        }
        target.push('/');
        target.push_str(&percent_encode(segment));
    }
    if whole.ends_with('/') {
        target.push('/');
    }
    Ok(target)
}

fn content_type(operation: Operation) -> &'static str {
    match operation {
        Operation::Patch => "application/merge-patch+json",
        _ => "application/json",
    }
}

/// Writes the parameters of a request without a body as a query string.
fn query(operation: Operation, parameters: &Value) -> String {
    let mut pairs = Vec::new();
    if operation.lists() {
        pairs.push(format!("{}=true", operation.name()));
    }
    if let Value::Object(map) = parameters {
        for (name, value) in map {
            match value {
                Value::Null => {}
                Value::String(text) => pairs.push(format!("{name}={}", percent_encode(text))),
                other => pairs.push(format!("{name}={}", percent_encode(&other.to_string()))),
            }
        }
    }
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
#[must_use]
pub fn percent_encode(text: &str) -> String {
    use fmt::Write as _;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests;
