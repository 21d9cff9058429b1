//! Which request headers the log shows, and how: `sys/config/auditing/request-headers`.
//!
//! The face asks for their names on every request and hands on those headers alone.

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyward_api::sys::{AuditedHeader, AuditedHeaders};
use tokio::sync::Mutex;

use crate::{Error, view::View};

const KEY: &str = "headers";

/// Shown in clear until an operator says otherwise: they tell requests apart, and hold no secret.
const DEFAULTS: [&str; 2] = ["correlation-id", "x-correlation-id"];

/// The table of the headers.
pub(crate) struct HeaderStore {
    view: View,
    headers: ArcSwap<AuditedHeaders>,
    /// One change at a time; it awaits storage in between.
    changing: Mutex<()>,
}

impl HeaderStore {
    pub(super) async fn open(view: View) -> Result<Self, Error> {
        let stored = view.get_as::<AuditedHeaders>(KEY).await?;
        let headers = stored.map(|(headers, _)| headers).unwrap_or_else(|| {
            let clear = AuditedHeader { hmac: false };
            AuditedHeaders {
                headers: DEFAULTS.map(|name| (name.to_owned(), clear)).into(),
            }
        });
        Ok(Self {
            view,
            headers: ArcSwap::from_pointee(headers),
            changing: Mutex::default(),
        })
    }

    pub(crate) fn current(&self) -> Arc<AuditedHeaders> {
        self.headers.load_full()
    }

    /// Shows a header, or shows it otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no header can have the name.
    pub(crate) async fn add(
        &self,
        name: &str,
        header: AuditedHeader,
        request: &View,
    ) -> Result<(), Error> {
        if !is_header_name(name) {
            return Err(Error::Invalid(format!(
                "{name:?} is not the name of a header"
            )));
        }
        let _changing = self.changing.lock().await;
        let mut headers = AuditedHeaders::clone(&self.headers.load());
        headers.headers.insert(name.to_ascii_lowercase(), header);
        self.replace(headers, request).await
    }

    /// Shows a header no more; its absence is no error.
    pub(crate) async fn remove(&self, name: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut headers = AuditedHeaders::clone(&self.headers.load());
        match headers.headers.remove(&name.to_ascii_lowercase()) {
            None => Ok(()),
            Some(_) => self.replace(headers, request).await,
        }
    }

    async fn replace(&self, headers: AuditedHeaders, request: &View) -> Result<(), Error> {
        request.on_record().await?;
        self.view.put_as(KEY, &headers).await?;
        self.headers.store(Arc::new(headers));
        Ok(())
    }
}

/// Tells whether a header can have the name (RFC 9110 section 5.6.2).
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}
