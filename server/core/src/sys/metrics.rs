//! `sys/metrics` and `sys/internal/counters`.

use keyward_api::sys::{
    CountEntities, CountRequests, CountTokens, EntityCount, EntityCounters, ReadMetrics,
    TokenCount, TokenCounters, Total,
};
use serde_json::Value;

use super::Sys;
use crate::{
    Error, Response,
    engine::Context,
    metrics::{Format, render},
};

/// Shows what is counted.
pub(super) async fn read(cx: Context<Sys>, request: ReadMetrics) -> Result<Response<Value>, Error> {
    let core = cx.core();
    let format = request.format.as_deref().unwrap_or_default();
    let accept = cx.request().accept.as_deref().unwrap_or_default();
    let format = Format::parse(format, accept, core.telemetry)?;
    let shown = render(&core.metrics, Some(core), format)?;
    Ok(Response::document(shown))
}

/// Counts the stored tokens.
pub(super) async fn count_tokens(
    cx: Context<Sys>,
    _: CountTokens,
) -> Result<Response<TokenCount>, Error> {
    let total = cx.core().tokens.count().await?;
    Ok(Response::data(TokenCount {
        counters: TokenCounters {
            service_tokens: Total { total },
        },
    }))
}

/// Counts the entities.
pub(super) async fn count_entities(
    cx: Context<Sys>,
    _: CountEntities,
) -> Result<Response<EntityCount>, Error> {
    let total = cx.core().identities.store.count();
    Ok(Response::data(EntityCount {
        counters: EntityCounters {
            entities: Total { total },
        },
    }))
}

/// Says that requests are not counted here: [`read`] has them.
pub(super) async fn count_requests(
    _: Context<Sys>,
    _: CountRequests,
) -> Result<Response<()>, Error> {
    let text = "The functionality has been removed on this path";
    Err(Error::NotFound(Some(text.to_owned())))
}
