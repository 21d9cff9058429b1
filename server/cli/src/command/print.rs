//! `keyward print`.

use clap::Subcommand;

use crate::{error::Outcome, session::Session};

/// Print what the command line works with
#[derive(Debug, Subcommand)]
pub(crate) enum Print {
    /// Print the token that commands use
    Token,
}

impl Print {
    pub(crate) fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Token => {
                // EXPOSE: the user asked for it.
                let token = session.http.token().map(|token| token.expose().clone());
                Ok(session.io.say(&token.unwrap_or_default())?)
            }
        }
    }
}
