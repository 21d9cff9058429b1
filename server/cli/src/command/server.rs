//! `keyward server`.

use anyhow::Context as _;

use crate::{Io, serve};

/// Runs a server on a runtime with a thread for every processor.
pub(super) fn run(options: serve::Options, io: &mut Io<'_>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .context("cannot start the runtime")?
        .block_on(serve::run(options, io))
}
