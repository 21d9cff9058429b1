//! What every area stands on: servers as child processes, and plain HTTP to them.

mod certificates;
mod chance;
pub(crate) mod duo;
mod gpg;
mod http;
pub(crate) mod https;
mod installation;
pub(crate) mod okta;
mod opened;
mod peer;
pub(crate) mod pingid;
mod process;
mod raw;
mod server;
mod target;

pub(crate) use certificates::Authority;
pub(crate) use chance::Chance;
pub(crate) use gpg::Gpg;
pub(crate) use http::{Answer, Client};
pub(crate) use installation::{Installation, Keys, Store};
pub(crate) use opened::Opened;
pub(crate) use peer::{Peer, bao, isolated, project_root, python};
pub(crate) use process::{Process, free_address};
pub(crate) use raw::{Conversation, exchange};
pub(crate) use server::KEYWARD;
pub(crate) use target::Target;
