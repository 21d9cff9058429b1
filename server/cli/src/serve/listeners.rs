//! The listeners of a server, from their settings to their end.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow};
use keyward_api::proof::Address;
use keyward_core::Core;
use keyward_http::{Listener, Rules, Tls, router};
use tokio::{sync::watch, task::JoinHandle};

use super::chain;
use crate::config::{ListenerConfig, Place};

/// The certificate of each listener, in their order; none where there is no TLS.
pub(super) struct Certificates(Vec<Option<Arc<Tls>>>);

impl Certificates {
    /// Reads the files of all listeners.
    pub(super) fn open(listeners: &[ListenerConfig]) -> Result<Self> {
        let opened = listeners.iter().map(|listener| match &listener.place {
            Place::Tcp(_, Some(settings)) => {
                Ok(Some(Arc::new(Tls::open(settings.clone()).context("TLS")?)))
            }
            Place::Tcp(_, None) | Place::Unix(_) => Ok(None),
        });
        Ok(Self(opened.collect::<Result<_>>()?))
    }

    /// Reads them anew. What cannot be used is told, and the old one stays.
    pub(super) fn reload(&self) {
        for tls in self.0.iter().flatten() {
            match tls.reload() {
                Ok(()) => tracing::info!("a certificate was read anew"),
                Err(error) => tracing::error!(
                    error = %chain(&error),
                    "a certificate could not be read anew, the old one stays"
                ),
            }
        }
    }
}

/// Listeners that are bound and wait to be served.
pub(super) struct Listeners(Vec<(Listener, Rules)>);

impl Listeners {
    /// Binds all of them, or none.
    pub(super) fn bind(
        listeners: Vec<ListenerConfig>,
        certificates: &Certificates,
    ) -> Result<Self> {
        let bound = listeners.into_iter().zip(&certificates.0).map(|(it, tls)| {
            let bound = match &it.place {
                Place::Tcp(address, _) => Listener::tcp(*address, tls.clone(), it.limits)
                    .with_context(|| format!("cannot listen on {address}")),
                Place::Unix(socket) => Listener::unix(socket, it.limits)
                    .with_context(|| format!("cannot listen on {}", socket.path.display())),
            };
            Ok((bound?, it.rules))
        });
        Ok(Self(bound.collect::<Result<_>>()?))
    }

    /// Returns the addresses that clients use.
    pub(super) fn urls(&self) -> Result<Vec<String>> {
        let urls = self.0.iter().map(|(listener, _)| Ok(listener.url()?));
        urls.collect()
    }

    /// Returns the addresses that requests may be signed for: those at which it is listened, and
    /// the names of this machine for itself where those lead there.
    pub(super) fn addresses(&self) -> Result<Vec<Address>> {
        let mut addresses = Vec::new();
        for url in self.urls()? {
            // A Unix socket has no URL of HTTP.
            let Some((scheme, place)) = url.split_once("://") else {
                continue;
            };
            let Ok(place) = place.parse::<SocketAddr>() else {
                continue;
            };
            let (ip, port) = (place.ip(), place.port());
            let names: &[&str] = match ip {
                IpAddr::V4(ip) if ip.is_unspecified() => &["127.0.0.1", "localhost"],
                IpAddr::V6(ip) if ip.is_unspecified() => &["127.0.0.1", "[::1]", "localhost"],
                ip if ip.is_loopback() => &["localhost"],
                _ => &[],
            };
            let names = names.iter().map(|name| format!("{name}:{port}"));
            let hosts = [place.to_string()].into_iter().chain(names);
            for host in hosts {
                addresses.push(Address::parse(&format!("{scheme}://{host}"))?);
            }
        }
        Ok(addresses)
    }

    /// Serves all of them.
    pub(super) fn serve(self, core: &Arc<Core>) -> Serving {
        let (stop, stopped) = watch::channel(());
        let serving = self.0.into_iter().map(|(listener, rules)| {
            let mut stopped = stopped.clone();
            let router = router(Arc::clone(core), rules);
            tokio::spawn(listener.serve(router, async move {
                // An error means that the sender is gone, which is a stop as well.
                let _ = stopped.changed().await;
            }))
        });
        let serving = serving.collect();
        Serving { serving, stop }
    }
}

/// Listeners that are being served.
pub(super) struct Serving {
    serving: Vec<JoinHandle<()>>,
    stop: watch::Sender<()>,
}

impl Serving {
    /// Accepts nothing more, and waits until what was begun is finished.
    pub(super) async fn finish(self) -> Result<()> {
        self.stop.send_replace(());
        for listener in self.serving {
            // What a panic says is left out: it may quote a secret.
            let ended = listener.await;
            ended.map_err(|_| anyhow!("a listener panicked, the log says where"))?;
        }
        Ok(())
    }
}
