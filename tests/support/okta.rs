//! What stands in for Okta, whom no test can reach.
//!
//! It follows Okta's document of its Users and Factors API
//! (<https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/>): what is
//! asked, by which headers, what is answered. A filter is read as Okta reads it, so that one which
//! says something else finds somebody else.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{
    Authority,
    https::{Call, HttpsServer, Reply},
};

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// The user is not the one who was asked about.
    Another,
    /// The push is approved, once it was asked about twice in vain.
    Approve,
    /// The push is denied.
    Deny,
    /// What becomes of the push is told by another host.
    Elsewhere,
    /// The service has a fault, which it tells in HTML.
    Fault,
    /// What becomes of the push is what became of another user's.
    Foreign,
    /// The user may not log in.
    Lock,
    /// There are two users of the name.
    Many,
    /// The user has nothing that gets pushes.
    NoPush,
    /// There is no user of the name.
    Nobody,
    /// The answer does not end.
    Oversize,
    /// The push is approved before it is asked about.
    Prompt,
    /// The answer is elsewhere.
    Redirect,
    /// Nobody looks at the push.
    TimeOut,
    /// The result is something that nobody documented.
    Unknown,
}

/// The service, and what it was asked.
pub(crate) struct Okta {
    server: HttpsServer,
    state: Arc<Mutex<State>>,
}

struct State {
    play: Play,
    elsewhere: String,
    /// Whom there is, by login; any who is asked for if none.
    login: Option<String>,
    /// Each good request.
    asked: Vec<Call>,
    /// How many requests there were, good or not.
    reached: usize,
    waited: usize,
}

const USER: &str = "00ub0oNGTSWTBKOLGLNR";
const FACTOR: &str = "opf3hkfocI4JTLAju0g4";
const TRANSACTION: &str = "v2mst.GldKV5VxTrifyeZmWSQguA";

impl Okta {
    /// Starts the service of an organization with an API token.
    pub(crate) async fn start(authority: &Authority, token: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            play: Play::Approve,
            elsewhere: String::new(),
            login: None,
            asked: Vec::new(),
            reached: 0,
            waited: 0,
        }));
        let (shared, token) = (Arc::clone(&state), token.to_owned());
        let server = HttpsServer::start(authority, move |call| {
            let mut state = shared.lock().unwrap();
            state.reached += 1;
            let is = |name: &str, value: &str| call.headers.get(name).is_some_and(|it| it == value);
            if !is("authorization", &format!("SSWS {token}")) {
                return fault(401, "E0000011", "Invalid token provided");
            }
            // Required, as the document says.
            if !call.headers.contains_key("user-agent") || !is("accept", "application/json") {
                return fault(400, "E0000021", "Bad request");
            }
            state.asked.push(call.clone());
            state.answer(&call)
        });
        Self {
            server: server.await,
            state,
        }
    }

    /// Where it is, as `org_name` and `base_url`.
    pub(crate) fn place(&self) -> (String, String) {
        let host = self.server.host();
        let (org_name, base_url) = host.split_once('.').unwrap();
        (org_name.to_owned(), base_url.to_owned())
    }

    /// Begins another play, and forgets what was asked.
    pub(crate) fn play(&self, play: Play) {
        let mut state = self.state.lock().unwrap();
        state.play = play;
        state.asked = Vec::new();
        state.waited = 0;
    }

    /// Says where else the answer could be.
    pub(crate) fn point_to(&self, elsewhere: &Self) {
        self.state.lock().unwrap().elsewhere = elsewhere.server.host();
    }

    /// Says who the one user is.
    pub(crate) fn is_home_of(&self, login: &str) {
        self.state.lock().unwrap().login = Some(login.to_owned());
    }

    /// Tells whether there was any request, good or not.
    pub(crate) fn was_reached(&self) -> bool {
        self.state.lock().unwrap().reached > 0
    }

    /// What was asked with the right token.
    pub(crate) fn asked(&self) -> Vec<Call> {
        self.state.lock().unwrap().asked.clone()
    }
}

impl State {
    fn answer(&mut self, call: &Call) -> Reply {
        let path = call.path.strip_prefix("/api/v1").unwrap_or_default();
        let user = format!("/users/{USER}");
        let factor = format!("{user}/factors/{FACTOR}");
        let host = &call.headers["host"];
        match (call.method.as_str(), self.play) {
            (_, Play::Fault) => Reply {
                status: 503,
                headers: vec![("content-type", "text/html".to_owned())],
                body: "<h1>maintenance</h1>".to_owned(),
            },
            (_, Play::Oversize) => {
                Reply::json(200, &json!([{ "id": USER, "more": "x".repeat(1 << 20) }]))
            }
            (_, Play::Redirect) => Reply {
                status: 307,
                headers: vec![("location", format!("https://{}/", self.elsewhere))],
                body: json!([]).to_string(),
            },
            ("GET", _) if path == "/users" => self.users(&call.query),
            ("GET", Play::NoPush) if path == format!("{user}/factors") => Reply::json(
                200,
                &json!([
                    factor_of("token:software:totp", "ACTIVE"),
                    factor_of("push", "PENDING_ACTIVATION"),
                ]),
            ),
            ("GET", _) if path == format!("{user}/factors") => Reply::json(
                200,
                &json!([
                    { "id": "ufs2bysphxKODSZKWVCT", "factorType": "question", "provider": "OKTA",
                      "status": "ACTIVE", "profile": { "question": "favorite_art_piece" } },
                    factor_of("push", "ACTIVE"),
                ]),
            ),
            ("POST", play) if path == format!("{factor}/verify") && call.body.is_empty() => {
                let (host, factor) = match play {
                    Play::Elsewhere => (&self.elsewhere, factor),
                    Play::Foreign => (host, factor.replace(USER, "00u2")),
                    _ => (host, factor),
                };
                let href = format!("https://{host}/api/v1{factor}/transactions/{TRANSACTION}");
                Reply::json(
                    201,
                    &json!({
                        "expiresAt": "2015-04-01T15:57:32.000Z", "factorResult": "WAITING",
                        "_links": {
                            "poll": { "href": href, "hints": { "allow": ["GET"] } },
                            "cancel": { "href": href, "hints": { "allow": ["DELETE"] } },
                        },
                    }),
                )
            }
            ("GET", play) if path == format!("{factor}/transactions/{TRANSACTION}") => {
                let result = match play {
                    Play::Approve if self.waited < 2 => "WAITING",
                    Play::Approve | Play::Prompt => "SUCCESS",
                    Play::Deny => "REJECTED",
                    Play::TimeOut => "TIMEOUT",
                    _ => "PERHAPS",
                };
                self.waited += 1;
                Reply::json(200, &json!({ "factorResult": result }))
            }
            _ => fault(404, "E0000007", "Not found: Resource not found"),
        }
    }

    fn users(&self, query: &str) -> Reply {
        let address = format!("https://okta.example/?{query}");
        let url = reqwest::Url::parse(&address).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let (Some(asked), [_, (limit, most)]) = (filtered(&pairs), pairs.as_slice()) else {
            return fault(400, "E0000031", "Invalid search criteria.");
        };
        assert_eq!((limit.as_str(), most.as_str()), ("limit", "2"));
        let (field, name) = asked;
        let is_known = self.login.as_ref().is_none_or(|login| *login == name);
        let user = |id: &str, name: &str, status: &str| {
            // What the user is not asked about by is something else.
            let mut profile = json!({ "login": "login@else.example", "email": "e@else.example" });
            profile[field] = name.into();
            json!({ "id": id, "status": status, "profile": profile, "_links": {} })
        };
        let found = match self.play {
            Play::Nobody => vec![],
            _ if !is_known => vec![],
            Play::Another => vec![user(USER, &format!("{name}.au"), "ACTIVE")],
            Play::Lock => vec![user(USER, &name, "SUSPENDED")],
            Play::Many => vec![user("00u2", &name, "ACTIVE"), user(USER, &name, "ACTIVE")],
            _ => vec![user(USER, &name, "ACTIVE")],
        };
        Reply::json(200, &Value::Array(found))
    }
}

/// Reads a filter that asks for one value of one field.
fn filtered(pairs: &[(String, String)]) -> Option<(&'static str, String)> {
    let (_, filter) = pairs.first().filter(|(name, _)| name == "filter")?;
    let (field, value) = filter.split_once(" eq ")?;
    let field = match field {
        "profile.email" => "email",
        "profile.login" => "login",
        _ => return None,
    };
    Some((field, serde_json::from_str(value).ok()?))
}

fn factor_of(kind: &str, status: &str) -> Value {
    json!({
        "id": FACTOR, "factorType": kind, "provider": "OKTA", "vendorName": "OKTA",
        "status": status, "profile": { "deviceType": "SmartPhone_IPhone", "name": "Gibson" },
    })
}

fn fault(status: u16, code: &str, summary: &str) -> Reply {
    let body = json!({
        "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oaeHfmOAx1iRLa0H",
        "errorCauses": [],
    });
    Reply::json(status, &body)
}
