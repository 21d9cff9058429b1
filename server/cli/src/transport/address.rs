//! Where a server is: `https://host:port`, `http://host:port` or `unix:///path`.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use reqwest::{ClientBuilder, Url};

/// The address of a server.
#[derive(Debug)]
pub(super) struct Address {
    /// What requests are put below.
    pub(super) url: Url,
    /// The Unix socket that leads there.
    socket: Option<PathBuf>,
}

impl Address {
    /// Reads what the user wrote.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') {
                bail!("{text:?} is no address of a server: the path of a socket begins with /");
            }
            return Ok(Self {
                // Whatever stands here goes into the Host header and into messages.
                url: Url::parse("http://localhost")?,
                socket: Some(path.into()),
            });
        }
        let parsed = text.parse::<Url>().ok();
        let mut url = parsed.with_context(|| {
            format!("{text:?} is no address of a server: write it as https://127.0.0.1:8200")
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            bail!(
                "{text:?} is no address of a server: it must begin with http://, https:// or unix://"
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            // It would stand in every message about an error.
            bail!("the address of a server holds no user name and no password");
        }
        url.set_path("");
        Ok(Self { url, socket: None })
    }

    /// Returns the Unix socket that leads to the server, if that is how.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Writes for curl that requests to `name` go to the server's own address.
    pub(super) fn connect_to(&self, name: &str) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        let host = self.url.host_str().unwrap_or_default();
        format!("{name}:{port}:{host}:{port}")
    }

    /// Makes a client that reaches the server, and what its requests are put below: with another
    /// name for the server, that name at the server's own address.
    pub(super) fn connect(
        &self,
        builder: ClientBuilder,
        server_name: Option<&str>,
    ) -> Result<(ClientBuilder, Url)> {
        if let Some(socket) = &self.socket {
            return Ok((builder.unix_socket(socket.as_path()), self.url.clone()));
        }
        let builder = if is_local(&self.url) {
            builder.no_proxy()
        } else {
            builder
        };
        let Some(name) = server_name else {
            return Ok((builder, self.url.clone()));
        };
        let mut url = self.url.clone();
        if url.set_host(Some(name)).is_err() {
            bail!("{name:?} is no name of a server");
        }
        // A proxy would look the other name up by itself.
        let builder = builder.no_proxy();
        Ok((builder.resolve_to_addrs(name, &self.resolve()?), url))
    }

    /// Looks the server up.
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let port = self.url.port_or_known_default().unwrap_or_default();
        let found = (host, port).to_socket_addrs();
        let found = found.with_context(|| format!("cannot look up {host}"))?;
        Ok(found.collect())
    }
}

fn is_local(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_over_tls_or_not_or_to_a_socket() {
        for (text, url) in [
            (
                "https://vault.example:8200/ui",
                "https://vault.example:8200/",
            ),
            ("http://127.0.0.1:8200", "http://127.0.0.1:8200/"),
            ("unix:///run/keyward.sock", "http://localhost/"),
        ] {
            assert_eq!(Address::parse(text).unwrap().url.as_str(), url);
        }
        for text in [
            "",
            "127.0.0.1:8200",
            "ftp://x",
            "unix://run/x",
            "https://a:b@c",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_name_for_the_server_stands_in_requests() {
        let address = Address::parse("https://127.0.0.1:8200").unwrap();
        let connect = |name| address.connect(ClientBuilder::new(), name);
        let (_, url) = connect(Some("vault.example")).unwrap();
        assert_eq!(url.as_str(), "https://vault.example:8200/");
        assert!(connect(Some("no name")).is_err());
        assert_eq!(connect(None).unwrap().1, address.url);
    }

    #[test]
    fn a_server_on_this_machine_is_known() {
        for (address, local) in [
            ("http://127.0.0.1:8200", true),
            ("http://127.8.0.1", true),
            ("https://[::1]:8200", true),
            ("http://localhost", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1:8200", false),
        ] {
            assert_eq!(is_local(&address.parse().unwrap()), local, "{address}");
        }
    }
}
