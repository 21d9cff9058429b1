//! What stands in for Duo, whom no test can reach.
//!
//! It follows Duo's document of the Auth API, version 2 (<https://duo.com/docs/authapi>): what is
//! asked, how requests are signed, what is answered. The signature is made anew from what came, by
//! other code than the server's.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::Regex;
use serde_json::{Value, json};

use super::{
    Authority,
    https::{Call, HttpsServer, Reply},
};

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// The push is approved, once it was asked about twice in vain.
    Approve,
    /// The user need not confirm anything.
    Bypass,
    /// The push is denied.
    Deny,
    /// The user has no device.
    Enroll,
    /// The service has a fault, which it tells in HTML.
    Fault,
    /// The user may not log in.
    Lock,
    /// The answer does not end.
    Oversize,
    /// The answer is elsewhere.
    Redirect,
    /// Nobody looks at the push.
    TimeOut,
    /// The answer is something that nobody documented.
    Unknown,
}

/// The service, and what it was asked.
pub(crate) struct Duo {
    server: HttpsServer,
    state: Arc<Mutex<State>>,
}

struct State {
    play: Play,
    /// The path of each good request, with its parameters as they are signed.
    asked: Vec<(String, String)>,
    waited: usize,
}

/// The one passcode that is right.
pub(crate) const PASSCODE: &str = "424 242&1";
pub(crate) const INTEGRATION_KEY: &str = "DIRTEGRATIONKEYFORTEST";

impl Duo {
    /// Starts the service for an application with a secret key.
    pub(crate) async fn start(authority: &Authority, secret_key: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            play: Play::Approve,
            asked: Vec::new(),
            waited: 0,
        }));
        let (shared, key) = (Arc::clone(&state), secret_key.to_owned());
        let server = HttpsServer::start(authority, move |call| {
            let mut state = shared.lock().unwrap();
            match signed(&call, &key) {
                Ok(parameters) => state.answer(&call.path, parameters),
                Err(why) => {
                    println!("Duo refuses {call:?}: {why}");
                    fault(401, 40103, "Invalid signature in request credentials")
                }
            }
        });
        Self {
            server: server.await,
            state,
        }
    }

    /// Where it is, as `api_hostname`.
    pub(crate) fn host(&self) -> String {
        self.server.host()
    }

    /// Begins another play, and forgets what was asked.
    pub(crate) fn play(&self, play: Play) {
        let mut state = self.state.lock().unwrap();
        *state = State {
            play,
            asked: Vec::new(),
            waited: 0,
        };
    }

    /// The last part of each path that was asked, with the parameters as they are signed.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().asked.clone()
    }
}

impl State {
    fn answer(&mut self, path: &str, parameters: String) -> Reply {
        let endpoint = path.strip_prefix("/auth/v2/").unwrap_or(path).to_owned();
        let has = |wanted: &str| parameters.split('&').any(|pair| pair == wanted);
        let (is_push, is_right) = (has("factor=push"), has("passcode=424%20242%261"));
        self.asked.push((endpoint.clone(), parameters));
        match (endpoint.as_str(), self.play) {
            (_, Play::Fault) => Reply {
                status: 503,
                headers: vec![("content-type", "text/html".to_owned())],
                body: "<h1>maintenance</h1>".to_owned(),
            },
            (_, Play::Oversize) => good(&json!({ "result": "allow", "more": "x".repeat(1 << 20) })),
            (_, Play::Redirect) => Reply {
                status: 307,
                headers: vec![("location", "/auth/v2/elsewhere".to_owned())],
                body: json!({ "stat": "OK", "response": { "result": "allow" } }).to_string(),
            },
            ("preauth", Play::Bypass) => good(&json!({ "result": "allow", "status_msg": "Hi" })),
            ("preauth", Play::Enroll) => good(&json!({
                "result": "enroll", "status_msg": "Enroll an authentication device to proceed",
                "enroll_portal_url": "https://api-3945ef22.duosecurity.com/portal?48bac5d9393fb2c2",
            })),
            ("preauth", Play::Lock) => good(&json!({
                "result": "deny", "status_msg": "Your account is disabled",
            })),
            ("preauth", Play::Unknown) => good(&json!({ "result": "perhaps" })),
            ("preauth", _) => good(&json!({
                "result": "auth", "status_msg": "Account is active",
                "devices": [{
                    "device": "DPFZRS9FB0D46QFTM891", "type": "phone", "name": "",
                    "number": "555-0100", "capabilities": ["push", "sms", "phone"],
                }],
            })),
            ("auth", _) if is_push => {
                good(&json!({ "txid": "45f7c92b-f45f-4862-8545-e0f58e78075a" }))
            }
            ("auth", _) if is_right => good(&json!({
                "result": "allow", "status": "allow", "status_msg": "Success. Logging you in...",
            })),
            ("auth", _) => good(&json!({
                "result": "deny", "status": "deny", "status_msg": "Incorrect passcode.",
            })),
            ("auth_status", Play::Approve) if self.waited < 2 => {
                self.waited += 1;
                good(&json!({
                    "result": "waiting", "status": "pushed",
                    "status_msg": "Pushed a login request to your phone...",
                }))
            }
            ("auth_status", Play::Approve) => good(&json!({
                "result": "allow", "status": "allow", "status_msg": "Success. Logging you in...",
            })),
            ("auth_status", Play::TimeOut) => good(&json!({
                "result": "deny", "status": "timeout", "status_msg": "Login timed out.",
            })),
            ("auth_status", _) => good(&json!({
                "result": "deny", "status": "deny", "status_msg": "Login request denied.",
            })),
            _ => fault(404, 40401, "Resource not found"),
        }
    }
}

fn good(response: &Value) -> Reply {
    Reply::json(200, &json!({ "stat": "OK", "response": response }))
}

fn fault(status: u16, code: u32, message: &str) -> Reply {
    let body = json!({ "stat": "FAIL", "code": code, "message": message });
    Reply::json(status, &body)
}

/// Checks that a request is signed, and returns its parameters.
fn signed(call: &Call, secret_key: &str) -> Result<String, String> {
    let header = |name: &str| {
        let value = call.headers.get(name).cloned();
        value.ok_or_else(|| format!("{name} is missing"))
    };
    let date = header("date")?;
    let form = Regex::new(r"^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]0000$");
    if !form.unwrap().is_match(&date) {
        return Err(format!("{date:?} is no date (RFC 2822)"));
    }
    let parameters = match call.method.as_str() {
        "GET" => call.query.clone(),
        _ if header("content-type")? != "application/x-www-form-urlencoded" => {
            return Err("the body is no form".to_owned());
        }
        _ => call.body.clone(),
    };
    let mut sorted: Vec<_> = parameters.split('&').collect();
    sorted.sort_unstable();
    let sorted = sorted.join("&");
    let unreserved = Regex::new("^(?:[A-Za-z0-9._~&=-]|%[0-9A-F]{2})*$").unwrap();
    if !unreserved.is_match(&sorted) {
        return Err("the parameters are not encoded as they are signed".to_owned());
    }
    let host = header("host")?.to_lowercase();
    let canonical = format!("{date}\n{}\n{host}\n{}\n{sorted}", call.method, call.path);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret_key.as_bytes());
    let signature = hmac::sign(&key, canonical.as_bytes());
    let signature = signature.as_ref().iter().map(|byte| format!("{byte:02x}"));
    let basic = format!("{INTEGRATION_KEY}:{}", signature.collect::<String>());
    match header("authorization")? == format!("Basic {}", STANDARD.encode(basic)) {
        true => Ok(sorted),
        false => Err("the signature is another".to_owned()),
    }
}
