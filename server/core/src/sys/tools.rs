//! `sys/tools/`: random bytes and hashes without a mount.

use keyward_api::{
    Base64,
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

/// Hashes; no input is an empty one here, as in Vault.
pub(super) async fn hash(
    _: Context<Sys>,
    SystemHash(mut request): SystemHash,
) -> Result<Response<Hashed>, Error> {
    request.input.get_or_insert_with(|| Base64::from(&[][..]));
    tools::hash(&request)
}
