//! Which pages of other origins may call; the HTTP floor asks on every cross-origin request.
//!
//! They are those of `sys/config/cors` and those that a token role is bound to: who makes a role for
//! a page has said that the page may call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arc_swap::ArcSwap;
use keyward_api::sys::Cors;
use tokio::sync::Mutex;

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

/// Which pages may call, as it is now.
#[derive(Debug, Default)]
pub struct Origins {
    configured: Cors,
    of_roles: BTreeSet<String>,
}

/// What the origin of a request means for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOrigin {
    /// A page of this origin may call; the answer says so.
    Allowed,
    /// A page of another origin, while an operator listed those that may call.
    Refused,
    /// A page of another origin, from which the browser keeps the answer.
    Unmarked,
}

impl Origins {
    fn new(configured: Cors, of_roles: &BTreeMap<String, Vec<String>>) -> Self {
        Self {
            configured,
            of_roles: of_roles.values().flatten().cloned().collect(),
        }
    }

    /// Judges an origin as a browser writes it.
    #[must_use]
    pub fn judge(&self, origin: &str) -> PageOrigin {
        let Cors {
            enabled,
            allowed_origins,
            ..
        } = &self.configured;
        let listed = |allowed: &String| allowed == "*" || allowed == origin;
        if self.of_roles.contains(origin) || (*enabled && allowed_origins.iter().any(listed)) {
            PageOrigin::Allowed
        } else if *enabled {
            PageOrigin::Refused
        } else {
            PageOrigin::Unmarked
        }
    }

    /// Tells whether any page may call, so that answers differ by origin.
    #[must_use]
    pub fn are_any(&self) -> bool {
        self.configured.enabled || !self.of_roles.is_empty()
    }

    /// Returns the request headers that a page may send.
    pub fn allowed_headers(&self) -> impl Iterator<Item = &str> {
        let standard = if self.configured.enabled {
            &[][..]
        } else {
            STANDARD_HEADERS
        };
        let configured = self.configured.allowed_headers.iter();
        standard
            .iter()
            .copied()
            .chain(configured.map(String::as_str))
    }
}

/// The settings of `sys/config/cors`, and the origins of token roles.
pub(crate) struct CorsStore {
    view: View,
    current: ArcSwap<Origins>,
    /// The origins of each role that has some. Held while either is changed, which is rare.
    of_roles: Mutex<BTreeMap<String, Vec<String>>>,
}

impl CorsStore {
    /// Opens the settings; `of_roles` is what each token role is bound to.
    pub(crate) async fn open(
        view: View,
        of_roles: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, Error> {
        let cors = view.get_as::<Cors>(KEY).await?;
        let configured = cors.map(|(cors, _)| cors).unwrap_or_default();
        let current = Origins::new(configured, &of_roles);
        Ok(Self {
            view,
            current: ArcSwap::from_pointee(current),
            of_roles: Mutex::new(of_roles),
        })
    }

    pub(crate) fn current(&self) -> Arc<Origins> {
        self.current.load_full()
    }

    /// Returns what an operator configured.
    pub(crate) fn configured(&self) -> Cors {
        self.current.load().configured.clone()
    }

    /// Takes note of a token role that was changed: `read` gives its origins as they are now.
    pub(crate) async fn note_role(
        &self,
        name: &str,
        read: impl Future<Output = Result<Vec<String>, Error>>,
    ) -> Result<(), Error> {
        let mut of_roles = self.of_roles.lock().await;
        let origins = read.await?;
        let before = if origins.is_empty() {
            of_roles.remove(name)
        } else {
            of_roles.insert(name.to_owned(), origins)
        };
        if before.as_ref() != of_roles.get(name) {
            let current = Origins::new(self.configured(), &of_roles);
            self.current.store(Arc::new(current));
        }
        Ok(())
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
        let of_roles = self.of_roles.lock().await;
        self.view.put_as(KEY, &cors).await?;
        self.current.store(Arc::new(Origins::new(cors, &of_roles)));
        Ok(())
    }
}
