//! Where people are sent back to.

use super::OidcClient;

impl OidcClient {
    /// Tells whether people may be sent to a place if this one is registered.
    ///
    /// Places are compared character by character (RFC 9700 section 2.1), but for the port of a
    /// loopback address: a program on somebody's own machine takes whichever is free (RFC 8252
    /// section 7.3).
    #[must_use]
    pub fn redirects(registered: &str, named: &str) -> bool {
        let same_loopback = || {
            let registered = loopback(registered);
            registered.is_some() && registered == loopback(named)
        };
        registered == named || same_loopback()
    }
}

/// Returns host and rest of a place on the loopback interface, without the port; none for another.
fn loopback(place: &str) -> Option<(&str, &str)> {
    let place = place.strip_prefix("http://")?;
    let end = place.find(['/', '?', '#']).unwrap_or(place.len());
    let (authority, rest) = place.split_at(end);
    ["127.0.0.1", "[::1]", "localhost"]
        .into_iter()
        .find(|host| {
            let port = authority.strip_prefix(host);
            port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        })
        .map(|host| (host, rest))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(registered: &str, named: &str) -> bool {
        OidcClient::redirects(registered, named)
    }

    #[test]
    fn a_place_fits_itself_and_no_other() {
        let registered = "https://app.example/cb";
        assert!(fits(registered, registered));
        for other in [
            "https://app.example/cb/",
            "https://app.example/cb?a=b",
            "https://app.example/cb#a",
            "https://app.example:443/cb",
            "https://APP.example/cb",
            "http://app.example/cb",
            "https://app.example.evil.example/cb",
            "",
        ] {
            assert!(!fits(registered, other), "{other}");
        }
    }

    #[test]
    fn the_port_of_a_loopback_address_is_free_and_nothing_else() {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            for registered in ["", ":1", ":8080"] {
                let registered = format!("http://{host}{registered}/cb?a=b");
                for port in ["", ":80", ":65535"] {
                    assert!(fits(&registered, &format!("http://{host}{port}/cb?a=b")));
                }
                for other in [
                    format!("https://{host}:1/cb?a=b"),
                    format!("http://{host}:1/cb"),
                    format!("http://{host}:1/cb?a=c"),
                    format!("http://{host}:65536/cb?a=b"),
                    format!("http://{host}:/cb?a=b"),
                    format!("http://{host}:x/cb?a=b"),
                    format!("http://{host}:+80/cb?a=b"),
                    format!("http://u@{host}:1/cb?a=b"),
                    format!("http://{host}.example:1/cb?a=b"),
                    format!("http://{host}:1@evil.example/cb?a=b"),
                    "http://127.0.0.2:1/cb?a=b".to_owned(),
                ] {
                    assert!(!fits(&registered, &other), "{registered} {other}");
                }
            }
        }
        assert!(!fits("http://127.0.0.1/cb", "http://localhost/cb"));
        assert!(!fits("http://app.example/cb", "http://app.example:1/cb"));
    }
}
