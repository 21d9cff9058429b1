//! `sys/tools/`: random bytes and hashes without a mount.

use keyward_api::{
    sys::{SystemHash, SystemRandom},
    transit::{Hashed, RandomBytes},
};

use super::Sys;
use crate::{Error, Response, engine::Context, tools};

/// Makes random bytes.
pub(super) async fn random(
    _: Context<Sys>,
    request: SystemRandom,
) -> Result<Response<RandomBytes>, Error> {
    tools::random(&request.0)
}

/// Hashes.
pub(super) async fn hash(_: Context<Sys>, request: SystemHash) -> Result<Response<Hashed>, Error> {
    tools::hash(&request.0)
}
