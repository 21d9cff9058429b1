//! What stands in for PingID, whom no test can reach.
//!
//! It follows PingID's document of its API (`authonline`): what is asked, how requests and answers
//! are signed, what is answered. A JWT is opened and made by other code than the server's.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{
    Authority,
    https::{Call, HttpsServer, Reply},
};

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// The push is approved.
    Approve,
    /// The push is denied.
    Deny,
    /// The answer is one to another request.
    Echo,
    /// The service has a fault, which it tells in HTML.
    Fault,
    /// The answer is not signed by the key of the organization.
    Forge,
    /// The answer is about another organization.
    Foreign,
    /// The answer does not end.
    Oversize,
    /// The answer is elsewhere.
    Redirect,
    /// What is not needed is left out of the answer.
    Terse,
    /// The answer says nothing.
    Unknown,
}

/// The service, and whom it was asked about.
pub(crate) struct PingId {
    server: HttpsServer,
    token: String,
    key: String,
    state: Arc<Mutex<State>>,
}

struct State {
    play: Play,
    /// Whom each good request was about.
    asked: Vec<String>,
    /// How many requests there were, good or not.
    reached: usize,
}

const ORGANIZATION: &str = "6b0b1c5e-org-alias";

impl PingId {
    /// Starts the service of an organization with a token and a key.
    pub(crate) async fn start(authority: &Authority, token: &str, key: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            play: Play::Approve,
            asked: Vec::new(),
            reached: 0,
        }));
        let (shared, owned) = (Arc::clone(&state), token.to_owned());
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let server = HttpsServer::start(authority, move |call| {
            let mut state = shared.lock().unwrap();
            state.reached += 1;
            match opened(&call, &owned, &secret) {
                Ok(body) => state.answer(&body, &owned, &secret),
                Err(why) => {
                    println!("PingID refuses {call:?}: {why}");
                    let body = json!({ "errorId": 20504, "errorMsg": "Invalid signature" });
                    Reply {
                        status: 200,
                        headers: vec![],
                        body: signed(&json!({ "responseBody": body }), &owned, "", &secret),
                    }
                }
            }
        });
        Self {
            server: server.await,
            token: token.to_owned(),
            key: key.to_owned(),
            state,
        }
    }

    /// The settings file of the organization, in base64.
    pub(crate) fn settings(&self) -> String {
        self.settings_with(&self.key)
    }

    /// The same with another key.
    pub(crate) fn settings_with(&self, key: &str) -> String {
        let host = self.server.host();
        let key = STANDARD.encode(key);
        let file = format!(
            "#Auto-Generated from PingOne\nuse_base64_key={key}\nuse_signature=true\ntoken={}\n\
             idp_url=https://{host}/pingid\norg_alias={ORGANIZATION}\n\
             admin_url=https://{host}/pingid\nauthenticator_url=https://{host}/pingid/ppm\n",
            self.token
        );
        STANDARD.encode(file)
    }

    /// Begins another play, and forgets what was asked.
    pub(crate) fn play(&self, play: Play) {
        let mut state = self.state.lock().unwrap();
        *state = State {
            play,
            asked: Vec::new(),
            reached: 0,
        };
    }

    /// Whom it was asked about, by requests that were signed well.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many requests there were, good or not.
    pub(crate) fn reached(&self) -> usize {
        self.state.lock().unwrap().reached
    }
}

impl State {
    fn answer(&mut self, body: &Value, token: &str, key: &hmac::Key) -> Reply {
        let user = body["userName"].as_str().unwrap();
        self.asked.push(user.to_owned());
        let mark = body["clientData"].clone();
        let said = |error: i64, message: &str| {
            json!({
                "responseBody": {
                    "errorId": error, "errorMsg": message, "clientData": mark,
                    "sessionId": "webs_ort1VV1hqLkbO3bmHX6ruA", "uniqueMsgId": "webs_1",
                },
            })
        };
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"the key of somebody else");
        let (said, organization, key) = match self.play {
            Play::Deny => (said(20521, "Authentication denied"), ORGANIZATION, key),
            Play::Echo => {
                let mut said = said(200, "ok");
                said["responseBody"]["clientData"] = "another".into();
                (said, ORGANIZATION, key)
            }
            Play::Forge => (said(200, "ok"), ORGANIZATION, &other),
            Play::Foreign => (said(200, "ok"), "another organization", key),
            Play::Oversize => (said(200, &"x".repeat(1 << 20)), ORGANIZATION, key),
            Play::Terse => {
                let said = json!({ "responseBody": { "errorId": 200 } });
                (said, ORGANIZATION, key)
            }
            Play::Unknown => (json!({}), ORGANIZATION, key),
            Play::Approve | Play::Fault | Play::Redirect => (said(200, "ok"), ORGANIZATION, key),
        };
        let body = signed(&said, token, organization, key);
        match self.play {
            Play::Fault => Reply {
                status: 503,
                headers: vec![("content-type", "text/html".to_owned())],
                body: "<h1>maintenance</h1>".to_owned(),
            },
            Play::Redirect => Reply {
                status: 307,
                headers: vec![("location", "/pingid/rest/4/authonline/elsewhere".to_owned())],
                body,
            },
            _ => Reply {
                status: 200,
                headers: vec![("content-type", "application/json".to_owned())],
                body,
            },
        }
    }
}

/// Opens a request, and returns its body.
fn opened(call: &Call, token: &str, key: &hmac::Key) -> Result<Value, String> {
    let asks = call.method == "POST" && call.path == "/pingid/rest/4/authonline/do";
    if !asks
        || call
            .headers
            .get("content-type")
            .is_none_or(|it| it != "application/json")
    {
        return Err("it is no request for a push".to_owned());
    }
    let (signed, tag) = call.body.rsplit_once('.').ok_or("it is no JWT")?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|error| error.to_string())
    };
    hmac::verify(key, signed.as_bytes(), &decode(tag)?).map_err(|_| "it is not signed")?;
    let (head, claims) = signed.split_once('.').ok_or("it is no JWT")?;
    let read = |part: &str| {
        let read = serde_json::from_slice::<Value>(&decode(part)?);
        read.map_err(|error| error.to_string())
    };
    let (head, claims) = (read(head)?, read(claims)?);
    let wanted = json!({ "alg": "HS256", "org_alias": ORGANIZATION, "token": token });
    let asked = &claims["reqHeader"];
    if head != wanted || asked["secretKey"] != token || asked["orgAlias"] != ORGANIZATION {
        return Err("it is for another organization".to_owned());
    }
    let body = &claims["reqBody"];
    match body["authType"] == "CONFIRM" && body["spAlias"] == "web" {
        true => Ok(body.clone()),
        false => Err("it asks for something else".to_owned()),
    }
}

fn signed(claims: &Value, token: &str, organization: &str, key: &hmac::Key) -> String {
    let head = json!({ "alg": "HS256", "token": token, "orgAlias": organization });
    let [head, claims] = [&head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{head}.{claims}");
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, signed.as_bytes()));
    format!("{signed}.{tag}")
}
