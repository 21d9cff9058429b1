//! Clients that nobody here wrote, and the peer whose answers ours must match.
//!
//! Each suite runs twice: against our server, and against the real peer, which shows that what it
//! asks for is what Vault's clients get elsewhere. A suite prints one line a check and ends at the
//! first that fails, with its name.

mod bao_cli;
mod differential;
mod exchange;
mod init;
mod schemathesis;
mod script;
mod travel;
mod vaultrs;
