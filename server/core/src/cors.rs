//! Which pages of other origins may call; the HTTP floor asks on every cross-origin request.

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyward_api::sys::Cors;

use crate::{Error, view::View};

const KEY: &str = "cors";

/// Request headers that a page may always send once its origin may call.
const STANDARD_HEADERS: &[&str] = &[
    "Content-Type",
    "X-Requested-With",
    "X-Vault-AWS-IAM-Server-ID",
    "X-Vault-MFA",
    "X-Vault-Namespace",
    "X-Vault-No-Request-Forwarding",
    "X-Vault-Policy-Override",
    "X-Vault-Request",
    "X-Vault-Token",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "Authorization",
];

/// The settings of `sys/config/cors`.
pub(crate) struct CorsStore {
    view: View,
    cors: ArcSwap<Cors>,
}

impl CorsStore {
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let cors = view
            .get_as::<Cors>(KEY)
            .await?
            .map(|(cors, _)| cors)
            .unwrap_or_default();
        Ok(Self {
            view,
            cors: ArcSwap::from_pointee(cors),
        })
    }

    pub(crate) fn current(&self) -> Arc<Cors> {
        self.cors.load_full()
    }

    /// Lets pages of `origins` call, with `headers` beyond the standard ones.
    pub(crate) async fn enable(
        &self,
        origins: Vec<String>,
        headers: Vec<String>,
        request: &View,
    ) -> Result<(), Error> {
        if origins.is_empty() {
            return Err(Error::invalid(
                "at least one origin or the wildcard must be provided",
            ));
        }
        if origins.len() > 1 && origins.iter().any(|origin| origin == "*") {
            return Err(Error::invalid(
                "to allow all origins the '*' must be the only value for allowed_origins",
            ));
        }
        let mut allowed_headers: Vec<String> = STANDARD_HEADERS
            .iter()
            .map(|&header| header.to_owned())
            .collect();
        allowed_headers.extend(headers);
        self.store(
            Cors {
                enabled: true,
                allowed_origins: origins,
                allowed_headers,
            },
            request,
        )
        .await
    }

    /// Lets no page call.
    pub(crate) async fn disable(&self, request: &View) -> Result<(), Error> {
        self.store(Cors::default(), request).await
    }

    async fn store(&self, cors: Cors, request: &View) -> Result<(), Error> {
        request.on_record().await?;
        self.view.put_as(KEY, &cors).await?;
        self.cors.store(Arc::new(cors));
        Ok(())
    }
}
