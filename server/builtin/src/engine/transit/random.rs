//! Random bytes and hashes, for which no key is needed.

use keyward_api::transit::{Hash, Hashed, MakeRandom, RandomBytes};
use keyward_core::{Error, Response, engine::Context, tools};

use super::Transit;

pub(super) async fn generate(
    _: Context<Transit>,
    request: MakeRandom,
) -> Result<Response<RandomBytes>, Error> {
    tools::random(&request)
}

pub(super) async fn hash(_: Context<Transit>, request: Hash) -> Result<Response<Hashed>, Error> {
    tools::hash(&request)
}
