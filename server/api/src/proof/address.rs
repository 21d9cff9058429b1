//! Where a server is reached.

use std::fmt;

/// An address that clients reach a server at, as their URLs begin: `https://vault.example.com`.
///
/// Scheme and host are in lower case, and the port is left out where it is that of the scheme, as
/// every URL library writes them (RFC 9110 section 4.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(String);

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address like https://vault.example.com:8200")]
pub struct InvalidAddress(String);

impl Address {
    /// Reads an address: a scheme, a host, and maybe a port and a path.
    ///
    /// # Errors
    /// [`InvalidAddress`] when it is none, or has a user, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        Self::read(text).ok_or_else(|| InvalidAddress(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        let odd = |byte: u8| !byte.is_ascii_graphic() || b"\"#<>?@\\^`{|}".contains(&byte);
        if rest.bytes().any(odd) {
            return None;
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // A colon inside the brackets of an IPv6 address begins no port.
        let host_end = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[host_end..].find(':') {
            None => (authority, ""),
            Some(at) => {
                let (host, port) = authority.split_at(host_end + at);
                (host, &port[1..])
            }
        };
        let is_port = port.is_empty() || port.parse::<u16>().is_ok_and(|it| it.to_string() == port);
        if host.is_empty() || !is_port {
            return None;
        }
        let mut address = format!("{scheme}://{}", host.to_ascii_lowercase());
        if !port.is_empty() && port != default_port {
            address.push(':');
            address.push_str(port);
        }
        address.push_str(path.trim_end_matches('/'));
        Some(Self(address))
    }

    /// The text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether it has no path, so that it is the origin of pages (RFC 6454 section 6.2).
    #[must_use]
    pub fn is_origin(&self) -> bool {
        self.0
            .split_once("://")
            .is_some_and(|(_, rest)| !rest.contains('/'))
    }

    /// Tells whether it is the host and port of a `Host` header.
    pub(super) fn is_at(&self, host: &str) -> bool {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        authority.eq_ignore_ascii_case(host)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_in_one_way() {
        for (text, address) in [
            ("https://vault.example.com", "https://vault.example.com"),
            (
                "HTTPS://Vault.Example.com:443/",
                "https://vault.example.com",
            ),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1:443", "http://127.0.0.1:443"),
            ("https://[::1]:8200", "https://[::1]:8200"),
            ("https://[::1]:443", "https://[::1]"),
            ("https://example.com/Vault/", "https://example.com/Vault"),
        ] {
            assert_eq!(Address::parse(text).unwrap().as_str(), address);
        }
        for text in [
            "",
            "vault.example.com",
            "ftp://x",
            "https://",
            "https://:8200",
            "https://x:",
            "https://x:y",
            "https://x:0443",
            "https://x:70000",
            "https://u@x",
            "https://x?y",
            "https://x#y",
            "https://x y",
            "https://\u{e4}",
        ] {
            // A colon with nothing after it names the port of the scheme.
            assert_eq!(Address::parse(text).is_ok(), text == "https://x:", "{text}");
        }
    }
}
