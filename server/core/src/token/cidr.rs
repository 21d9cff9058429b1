//! The addresses that a token is bound to.

// Addresses as values, with no socket behind them.
use core::net::IpAddr;
use std::{fmt, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Remote;

/// A block of IP addresses (CIDR, RFC 4632), from which a token may be used.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) is
/// the IPv4 address, in a block and in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundCidr(IpNet);

/// A text that is no block of addresses, in Vault's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "error parsing address \"{0}\": Unable to convert \"{0}\" to an IPv4 or IPv6 address, or a \
     UNIX Socket"
)]
pub struct NoCidr(String);

impl BoundCidr {
    /// Tells whether another block lies in this one as a whole.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Tells whether the address in `text` lies in the block; what is no address lies nowhere.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        text.parse::<IpAddr>()
            .is_ok_and(|address| self.0.contains(&address.to_canonical()))
    }

    /// Tells whether blocks admit who comes from there; none admit everybody.
    pub(crate) fn admit(blocks: &[Self], remote: &Remote) -> bool {
        blocks.is_empty() || blocks.iter().any(|block| block.contains(&remote.address))
    }
}

impl FromStr for BoundCidr {
    type Err = NoCidr;

    /// Reads `a.b.c.d`, `a.b.c.d/n`, and the same of IPv6, which may stand in brackets.
    fn from_str(text: &str) -> Result<Self, NoCidr> {
        let no_cidr = || NoCidr(text.to_owned());
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let block = bare.parse::<IpNet>().map_err(|_| no_cidr())?;
        let IpNet::V6(v6) = block else {
            return Ok(Self(block));
        };
        // A shorter prefix than that of all mapped addresses reaches beyond them.
        match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
            (Some(address), Some(length)) => {
                let block = IpNet::new(address.into(), length).map_err(|_| no_cidr())?;
                Ok(Self(block))
            }
            _ => Ok(Self(block)),
        }
    }
}

/// As Vault shows it: an address as it was given, with the length of its prefix unless that is all
/// of it.
impl fmt::Display for BoundCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl Serialize for BoundCidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BoundCidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_is_shown_as_vault_shows_it() {
        for (text, shown) in [
            ("127.0.0.1/32", "127.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("1.2.3.4/8", "1.2.3.4/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("2001:DB8::1/64", "2001:db8::1/64"),
            ("::/0", "::/0"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::ffff:1.2.3.4/104", "1.2.3.4/8"),
        ] {
            let block: BoundCidr = text.parse().unwrap();
            assert_eq!(block.to_string(), shown);
            assert_eq!(shown.parse(), Ok(block));
        }
    }

    #[test]
    fn what_is_no_block_is_refused_in_vaults_words() {
        for text in [
            "",
            "abc",
            "localhost",
            "1.2.3",
            "01.2.3.4",
            "1.2.3.4/40",
            "1.2.3.4/255.255.0.0",
            "1.2.3.4:80",
            "[::1]:80",
            "::1%eth0",
            "/tmp/x",
            "::1/129",
        ] {
            assert_eq!(
                text.parse::<BoundCidr>().unwrap_err().to_string(),
                format!(
                    "error parsing address \"{text}\": Unable to convert \"{text}\" to an IPv4 or \
                     IPv6 address, or a UNIX Socket"
                )
            );
        }
    }

    #[test]
    fn a_block_holds_its_addresses_and_no_others() {
        for (block, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("10.9.9.9/8", "10.1.2.3", "11.1.2.3"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.0.0.0"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "::a:0:0"),
            ("::1", "::1", "127.0.0.1"),
            ("fe80::/10", "fe80::1", "2001:db8::1"),
            ("0.0.0.0/0", "1.2.3.4", "::1"),
            ("::/0", "2001:db8::1", "not an address"),
            ("0.0.0.0/0", "255.255.255.255", ""),
        ] {
            let bound: BoundCidr = block.parse().unwrap();
            assert!(bound.contains(inside), "{block} {inside}");
            assert!(!bound.contains(outside), "{block} {outside}");
        }
    }

    #[test]
    fn a_block_covers_what_lies_in_it_as_a_whole() {
        let covers = |outer: &str, inner: &str| {
            let outer: BoundCidr = outer.parse().unwrap();
            outer.covers(&inner.parse().unwrap())
        };
        assert!(covers("10.0.0.0/8", "10.1.0.0/16") && covers("10.0.0.0/8", "10.9.9.9/8"));
        assert!(covers("10.0.0.0/8", "::ffff:10.1.2.3") && covers("::/0", "fe80::/10"));
        assert!(!covers("10.0.0.0/8", "10.0.0.0/7") && !covers("10.0.0.0/8", "11.0.0.0/16"));
        assert!(!covers("0.0.0.0/0", "::1") && !covers("::/0", "10.0.0.1"));
    }

    proptest! {
        #[test]
        fn a_block_holds_what_shares_its_prefix(block: u32, address: u32, length in 0..=32u8) {
            let bound: BoundCidr = format!("{}/{length}", core::net::Ipv4Addr::from(block))
                .parse()
                .unwrap();
            let shares = u64::from(block ^ address) >> (32 - length) == 0;
            let address = core::net::Ipv4Addr::from(address);
            prop_assert_eq!(bound.contains(&address.to_string()), shares);
            prop_assert_eq!(bound.contains(&format!("::ffff:{address}")), shares);
            prop_assert_eq!(bound.to_string().parse(), Ok(bound));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9a-f:./\\[\\]]{0,40}") {
            if let Ok(bound) = text.parse::<BoundCidr>() {
                prop_assert_eq!(bound.to_string().parse(), Ok(bound));
            }
            let _ = "::/0".parse::<BoundCidr>().unwrap().contains(&text);
        }
    }
}
