//! `sys/experiments`.

use keyward_api::sys::{Experiments, ReadExperiments};

use super::Sys;
use crate::{Error, Response, engine::Context};

/// Lists what can be tried: all that is here is finished.
pub(super) async fn read(
    _: Context<Sys>,
    _: ReadExperiments,
) -> Result<Response<Experiments>, Error> {
    Ok(Response::data(Experiments::default()))
}
