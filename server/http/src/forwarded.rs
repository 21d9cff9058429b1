//! Who the client behind a proxy is: `X-Forwarded-For`, believed only from proxies that are named.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Which proxies may say for whom they speak.
#[derive(Clone, Debug)]
pub struct ForwardedFor {
    /// The addresses of the proxies.
    pub authorized: Vec<IpNet>,
    /// How many of the last addresses of the header belong to proxies behind the first.
    pub hop_skips: usize,
    /// What a header from any other address comes to.
    pub unauthorized: Doubt,
    /// What a request without the header comes to.
    pub missing: Doubt,
}

/// What is done with a request whose client is not known for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is taken as one of the address that the connection came from.
    Ignored,
    /// It is answered 400.
    Refused,
}

impl ForwardedFor {
    /// Returns the address that a request came from.
    ///
    /// # Errors
    /// The request is refused, in Vault's words.
    pub(crate) fn client(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<SocketAddr, String> {
        let mut chain = Vec::new();
        for value in headers.get_all("x-forwarded-for") {
            // What is no text is no address, and is refused below if it is the one that counts.
            chain.extend(value.to_str().unwrap_or("?").split(',').map(str::trim));
        }
        if chain.is_empty() {
            return match self.missing {
                Doubt::Ignored => Ok(peer),
                Doubt::Refused => Err(
                    "missing x-forwarded-for header and configured to reject when not present"
                        .to_owned(),
                ),
            };
        }
        if !self.authorized.iter().any(|net| net.contains(&peer.ip())) {
            return match self.unauthorized {
                Doubt::Ignored => Ok(peer),
                Doubt::Refused => Err("client address not authorized for x-forwarded-for and \
                                       configured to reject connection"
                    .to_owned()),
            };
        }
        let Some(&client) = chain.iter().rev().nth(self.hop_skips) else {
            return Err(format!(
                "malformed x-forwarded-for configuration or request, hops to skip ({}) would skip \
                 before earliest chain link (chain length {})",
                self.hop_skips,
                chain.len()
            ));
        };
        let client = address(client)
            .ok_or_else(|| format!("malformed x-forwarded-for header: {client:?} is no address"))?;
        Ok(SocketAddr::new(client, peer.port()))
    }
}

/// Reads an address; some proxies write the port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    bare.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strict(hop_skips: usize) -> ForwardedFor {
        ForwardedFor {
            authorized: vec!["10.0.0.0/8".parse().unwrap()],
            hop_skips,
            unauthorized: Doubt::Refused,
            missing: Doubt::Refused,
        }
    }

    fn client(rules: &ForwardedFor, peer: &str, headers: &[&str]) -> Result<String, String> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("x-forwarded-for", header.parse().unwrap());
        }
        let client = rules.client(peer.parse().unwrap(), &map);
        client.map(|client| client.to_string())
    }

    #[test]
    fn the_last_address_that_is_not_skipped_is_the_client() {
        let chain = ["192.0.2.1, 192.0.2.2", "192.0.2.3"];
        for (skips, wanted) in [(0, "192.0.2.3:7"), (1, "192.0.2.2:7"), (2, "192.0.2.1:7")] {
            assert_eq!(
                client(&strict(skips), "10.1.1.1:7", &chain).unwrap(),
                wanted
            );
        }
        let refused = client(&strict(3), "10.1.1.1:7", &chain).unwrap_err();
        assert!(
            refused.contains("hops to skip (3) would skip before earliest"),
            "{refused}"
        );
    }

    #[test]
    fn a_proxy_may_write_a_port_and_must_write_an_address() {
        for (text, wanted) in [
            ("192.0.2.1:99", "192.0.2.1:7"),
            ("[2001:db8::1]:99", "[2001:db8::1]:7"),
            ("2001:db8::1", "[2001:db8::1]:7"),
        ] {
            assert_eq!(client(&strict(0), "10.1.1.1:7", &[text]).unwrap(), wanted);
        }
        for text in ["unknown", "", "192.0.2.1,", "example.com"] {
            assert!(client(&strict(0), "10.1.1.1:7", &[text]).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_proxy_that_is_named_is_believed() {
        let refused = client(&strict(0), "11.0.0.1:7", &["192.0.2.1"]).unwrap_err();
        assert!(
            refused.starts_with("client address not authorized"),
            "{refused}"
        );
        let refused = client(&strict(0), "10.1.1.1:7", &[]).unwrap_err();
        assert!(
            refused.starts_with("missing x-forwarded-for header"),
            "{refused}"
        );
        let mild = ForwardedFor {
            unauthorized: Doubt::Ignored,
            missing: Doubt::Ignored,
            ..strict(0)
        };
        assert_eq!(
            client(&mild, "11.0.0.1:7", &["192.0.2.1"]).unwrap(),
            "11.0.0.1:7"
        );
        assert_eq!(client(&mild, "10.1.1.1:7", &[]).unwrap(), "10.1.1.1:7");
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(text in "[ -~]{0,40}", skips in 0usize..4) {
            let _ = client(&strict(skips), "10.1.1.1:7", &[&text]);
        }
    }
}
