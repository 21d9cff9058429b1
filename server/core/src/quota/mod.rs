//! Rate limits: how many requests a client address may send, asked before anything is read or
//! decided.
//!
//! Of the limits that cover a path the most special one counts: the path itself, then the longest
//! prefix that ends in `*`, then the mount, then the limit without a path. What a client used is
//! kept in memory, for so many clients at most: those that were seen longest ago are forgotten
//! first. The addresses of one IPv6 network of 64 bits are one client, since one client has them all.
//!
//! Below the store's view: `config`, and `rate-limit/NAME`.

mod limits;
mod window;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use keyward_api::sys::{QuotaConfig, RateLimit};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use self::{
    limits::{Limit, Limits},
    window::{Taken, Window},
};
use crate::{Error, Remote, Timestamp, barrier::Change, mounts::Mounts, view::View};

/// How many clients are remembered.
const CLIENTS: usize = 1 << 16;

const CONFIG: &str = "config";
const FOLDER: &str = "rate-limit/";

/// What no quota holds for unless an operator says otherwise: how a server is watched and unsealed.
const EXEMPT: [&str; 7] = [
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
];

/// What rate limits say of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rationed {
    /// The request is refused, and may be tried again after so many seconds.
    pub retry_after: Option<u64>,
    /// What the answer tells of the limit, where answers shall.
    pub told: Option<Told>,
    /// Whether a refusal is on the audit record.
    pub audited: bool,
}

/// How much of a limit is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many requests an interval has.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: u64,
    /// After how many seconds there are as many again.
    pub reset: u64,
}

/// The limits, and what clients used of them.
pub(crate) struct Quotas {
    view: View,
    limits: ArcSwap<Limits>,
    config: ArcSwap<QuotaConfig>,
    /// By the id of a limit and the address of a client.
    windows: Cache<(u64, u128), Arc<Mutex<Window>>>,
    /// One change at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
}

impl Quotas {
    /// Reads the limits.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let config = view.get_as::<QuotaConfig>(CONFIG).await?;
        let config = config.map(|(config, _)| config).unwrap_or(QuotaConfig {
            absolute_rate_limit_exempt_paths: Vec::new(),
            enable_rate_limit_audit_logging: false,
            enable_rate_limit_response_headers: false,
            rate_limit_exempt_paths: EXEMPT.map(str::to_owned).into(),
        });
        let mut limits = Limits::default();
        for name in view.list(FOLDER, None, None).await? {
            if let Some((limit, _)) = view.get_as::<RateLimit>(&format!("{FOLDER}{name}")).await? {
                limits.put(limit);
            }
        }
        Ok(Self {
            view,
            limits: ArcSwap::from_pointee(limits),
            config: ArcSwap::from_pointee(config),
            windows: Cache::new(CLIENTS),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Counts one request to a path below `/v1/`, and returns the name of the limit that refuses it
    /// if one does.
    pub(crate) fn take(
        &self,
        path: &str,
        remote: &Remote,
        mounts: &Mounts,
        now: impl FnOnce() -> Timestamp,
    ) -> (Rationed, Option<Arc<Limit>>) {
        let limits = self.limits.load();
        if limits.is_empty() {
            return Default::default();
        }
        let config = self.config.load();
        let exempt = &config.rate_limit_exempt_paths;
        let absolute = &config.absolute_rate_limit_exempt_paths;
        if exempt.iter().chain(absolute).any(|it| covers(it, path)) {
            return Default::default();
        }
        let Some(limit) = limits.of(path, mounts) else {
            return Default::default();
        };
        let now = now();
        let window = self
            .windows
            .get_or_insert_with(&(limit.id, client(remote)), || {
                Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Window::begin(now))))
            });
        let Ok(window) = window;
        let taken = window.lock().take(limit.bounds, now);
        let told = |remaining, reset| {
            config.enable_rate_limit_response_headers.then(|| Told {
                limit: limit.bounds.requests,
                remaining,
                reset: whole(reset),
            })
        };
        let audited = config.enable_rate_limit_audit_logging;
        let (retry_after, told) = match taken {
            Taken::Within { remaining, reset } => (None, told(remaining, reset)),
            Taken::Over { retry, reset } => (Some(whole(retry)), told(0, reset)),
            Taken::Blocked { retry } => (Some(whole(retry)), None),
        };
        let rationed = Rationed {
            retry_after,
            told,
            audited,
        };
        (rationed, retry_after.map(|_| Arc::clone(limit)))
    }

    /// Returns what holds for all limits.
    pub(crate) fn config(&self) -> Arc<QuotaConfig> {
        self.config.load_full()
    }

    /// Sets what holds for all limits.
    ///
    /// # Errors
    /// The store failed, or the request cannot be put on record.
    pub(crate) async fn configure(
        &self,
        change: impl FnOnce(&mut QuotaConfig),
        request: &View,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut config = QuotaConfig::clone(&self.config.load());
        change(&mut config);
        request.on_record().await?;
        self.view.put_as(CONFIG, &config).await?;
        self.config.store(Arc::new(config));
        Ok(())
    }

    /// Returns a limit.
    pub(crate) fn limit(&self, name: &str) -> Option<RateLimit> {
        let limits = self.limits.load();
        limits.named(name).map(|limit| limit.stored.clone())
    }

    /// Lists the names of the limits.
    pub(crate) fn names(&self) -> Vec<String> {
        self.limits.load().names()
    }

    pub(crate) fn count(&self) -> usize {
        self.limits.load().names().len()
    }

    /// Makes a limit, or makes it another one; clients begin anew.
    ///
    /// # Errors
    /// [`Error::Invalid`] if another limit has its path; else the store failed.
    pub(crate) async fn put(&self, limit: RateLimit, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut limits = Limits::clone(&self.limits.load());
        if let Some(other) = limits.with_path(&limit.path)
            && other.stored.name != limit.name
        {
            return Err(Error::Invalid(format!(
                "quota rule with similar properties exists under the name {:?}",
                other.stored.name
            )));
        }
        let key = format!("{FOLDER}{}", limit.name);
        request.on_record().await?;
        self.view.put_as(&key, &limit).await?;
        limits.put(limit);
        self.limits.store(Arc::new(limits));
        Ok(())
    }

    /// Removes a limit; its absence is no error.
    ///
    /// # Errors
    /// The store failed, or the request cannot be put on record.
    pub(crate) async fn remove(&self, name: &str, request: &View) -> Result<(), Error> {
        let named = |limit: &RateLimit| limit.name == name;
        self.change(|limit| (!named(&limit)).then_some(limit), request)
            .await
    }

    /// Removes the limits of a mount that is gone, whose path ends in a slash.
    ///
    /// # Errors
    /// The store failed, or the request cannot be put on record.
    pub(crate) async fn unmounted(&self, mount: &str, request: &View) -> Result<(), Error> {
        let below = |limit: &RateLimit| limit.path.starts_with(mount);
        self.change(|limit| (!below(&limit)).then_some(limit), request)
            .await
    }

    /// Lets the limits of a mount follow it to another path.
    ///
    /// # Errors
    /// The store failed, or the request cannot be put on record.
    pub(crate) async fn moved(&self, from: &str, to: &str, request: &View) -> Result<(), Error> {
        let follow = |mut limit: RateLimit| {
            if let Some(rest) = limit.path.strip_prefix(from) {
                limit.path = format!("{to}{rest}");
            }
            Some(limit)
        };
        self.change(follow, request).await
    }

    /// Replaces each limit by what `change` makes of it, in one commit.
    async fn change(
        &self,
        change: impl Fn(RateLimit) -> Option<RateLimit>,
        request: &View,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let before = self.limits.load_full();
        let mut limits = Limits::clone(&before);
        let mut changes = Vec::new();
        for limit in before.all() {
            let old = &limit.stored;
            let key = format!("{FOLDER}{}", old.name);
            match change(old.clone()) {
                Some(new) if new.path == old.path => {}
                Some(new) => {
                    changes.push(Change::put_as(key, &new)?);
                    limits.put(new);
                }
                None => {
                    changes.push(Change::delete(key));
                    limits.remove(&old.name);
                }
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        request.on_record().await?;
        self.view.commit(changes).await?;
        self.limits.store(Arc::new(limits));
        Ok(())
    }
}

/// Tells whether a path of the configuration, which may end in `*`, covers a path.
fn covers(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path.trim_end_matches('/') == pattern.trim_end_matches('/'),
    }
}

/// Returns the client behind an address; what has none, a Unix socket, is one client.
fn client(remote: &Remote) -> u128 {
    match remote.address.parse() {
        Ok(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Ok(IpAddr::V6(address)) => Ipv6Addr::to_bits(address) & !u128::from(u64::MAX),
        Err(_) => 0,
    }
}

/// Returns whole seconds, never too few.
fn whole(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
