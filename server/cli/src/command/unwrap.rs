//! `keyward unwrap`.

use clap::Args;
use keyward_crypto::SecretString;

use super::Field;
use crate::{
    error::Outcome,
    json::Json,
    session::{Raw, Session},
};

/// Open a wrapped answer, once
///
/// Any command asks for a wrapped answer with -wrap-ttl. Who is handed the wrapping token opens it
/// here; a token that does not open any more was opened by somebody else, or is too old.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv get -wrap-ttl=5m secret/hello        print a token that opens this answer once
  keyward unwrap hvs.wKp0EmMJ5hQvm4tYyC7b0eXu
  keyward token create -wrap-ttl=5m -field=wrapping_token
  KEYWARD_TOKEN=hvs.wKp0EmMJ5hQvm4tYyC7b0eXu keyward unwrap")]
pub(crate) struct Unwrap {
    /// The wrapping token; the token of the environment if left out.
    token: Option<String>,
    #[command(flatten)]
    field: Field,
}

impl Unwrap {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let mut raw = Raw::new("PUT", "sys/wrapping/unwrap");
        if let Some(token) = self.token {
            if session.http.token().is_some() {
                raw = raw.with(&Json::object([("token", Json::text(&token))]))?;
            } else {
                session.http.set_token(Some(SecretString::new(token)));
            }
        }
        session.http.wrap_ttl = None;
        match session.send("unwrapping", raw).await? {
            Some(answer) => session.show(answer, self.field.name()),
            None => session.success("There was nothing inside."),
        }
    }
}
