//! `keyward unwrap`.

use clap::Args;
use keyward_api::{Sensitive, sys};
use keyward_crypto::SecretString;

use super::Field;
use crate::{answer::Answer, error::Outcome, session::Session};

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
        let token = self.token.map(SecretString::new);
        let token = if session.http.token().is_some() {
            token
        } else {
            session.http.set_token(token);
            None
        };
        match open(session, "unwrapping", token).await? {
            Some(answer) => session.show(answer, self.field.name()),
            None => session.success("There was nothing inside."),
        }
    }
}

/// Opens a wrapped answer; without a wrapping token that of the session is taken for it. None is an
/// answer without a body.
pub(super) async fn open(
    session: &mut Session<'_, '_>,
    doing: &str,
    token: Option<SecretString>,
) -> Outcome<Option<Answer>> {
    // What was inside is wanted, and not another token for it.
    session.http.wrap_ttl = None;
    let request = sys::Unwrap {
        token: token.map(Sensitive::from),
    };
    session.send_to(doing, "sys", &request).await
}
