//! The bytes inside a batch token, before they are sealed.
//!
//! ```text
//! form          1 byte, 1; 2 of a token that is bound to a key; 3 of one with caveats
//! created       number, seconds since 1970
//! ttl           number, seconds
//! parent        number 0, or 1 and DIGEST 32 ‖ when it was made, nanoseconds u64 BE
//! policies      list of texts
//! display_name  text
//! path          text
//! role          text
//! entity_id     text
//! meta          number 0, or 1 and a list of texts: names and values in turn
//! bound_cidrs   list of texts
//! client_key    text, a JSON Web Key; of form 2, and of form 3, where it may be empty
//! caveats       text, a JSON list; of form 3 alone
//!
//! number        LEB128: seven bits a byte from the lowest on, the highest bit says that more follow
//! text          its length as a number ‖ UTF-8
//! list          how many as a number ‖ each
//! ```

use std::{str::FromStr, time::Duration};

use keyward_crypto::SecretBytes;

use super::super::{Caveats, Digest, TokenKind, record::Record};
use crate::Timestamp;

const FORM: u8 = 1;
const BOUND_FORM: u8 = 2;
const CONFINED_FORM: u8 = 3;

/// What a batch token says.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    /// What would be stored of a service token.
    pub(super) record: Record,
    /// When the parent was made, if there is one: an id that an operator chose can be given away
    /// once more, and that token is no parent of this one.
    pub(super) parent_created: Option<Timestamp>,
}

impl Claims {
    /// Writes the bytes.
    pub(super) fn encode(&self) -> SecretBytes {
        let Self {
            record,
            parent_created,
        } = self;
        let mut out = Vec::with_capacity(256);
        let client_key = record.client_key.as_ref();
        let is_confined = !record.caveats.is_empty();
        out.push(match client_key {
            _ if is_confined => CONFINED_FORM,
            Some(_) => BOUND_FORM,
            None => FORM,
        });
        put_number(&mut out, record.created.unix_seconds());
        put_number(&mut out, record.ttl);
        match record.parent.zip(*parent_created) {
            None => put_number(&mut out, 0),
            Some((parent, created)) => {
                put_number(&mut out, 1);
                out.extend_from_slice(parent.as_bytes());
                out.extend_from_slice(&created.unix_nanos().to_be_bytes());
            }
        }
        put_list(&mut out, record.policies.iter());
        for text in [
            &record.display_name,
            &record.path,
            &record.role,
            &record.entity_id,
        ] {
            put_text(&mut out, text);
        }
        match &record.meta {
            None => put_number(&mut out, 0),
            Some(meta) => {
                put_number(&mut out, 1);
                let texts: Vec<_> = meta
                    .iter()
                    .flat_map(|(name, value)| [name, value])
                    .collect();
                put_list(&mut out, texts.into_iter());
            }
        }
        let cidrs: Vec<_> = record.bound_cidrs.iter().map(ToString::to_string).collect();
        put_list(&mut out, cidrs.iter());
        // What is written as JSON is made of texts, and cannot fail; an empty text reads as nothing
        // that a token could be made of.
        match client_key {
            Some(key) => put_text(&mut out, &serde_json::to_string(key).unwrap_or_default()),
            None if is_confined => put_text(&mut out, ""),
            None => {}
        }
        if is_confined {
            let caveats = serde_json::to_string(&record.caveats);
            put_text(&mut out, &caveats.unwrap_or_default());
        }
        SecretBytes::new(out)
    }

    /// Reads what [`encode`](Self::encode) wrote; none for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let [form @ (FORM | BOUND_FORM | CONFINED_FORM)] = input.take()? else {
            return None;
        };
        let created = Duration::from_secs(input.number()?);
        let created = Timestamp::default().plus(created);
        let ttl = input.number()?;
        let (parent, parent_created) = match input.number()? {
            0 => (None, None),
            1 => {
                let parent = Digest::from_bytes(input.take()?);
                let created = u64::from_be_bytes(input.take()?);
                (Some(parent), Some(Timestamp::from_unix_nanos(created)))
            }
            _ => return None,
        };
        let policies = input.list()?;
        let display_name = input.text()?;
        let path = input.text()?;
        let role = input.text()?;
        let entity_id = input.text()?;
        let meta = match input.number()? {
            0 => None,
            1 => {
                let texts: Vec<String> = input.list()?;
                let (pairs, []) = texts.as_chunks() else {
                    return None;
                };
                Some(
                    pairs
                        .iter()
                        .cloned()
                        .map(|[name, value]| (name, value))
                        .collect(),
                )
            }
            _ => return None,
        };
        let bound_cidrs = input.list()?;
        let key = match form {
            FORM => None,
            _ => Some(input.text()?).filter(|key| form == BOUND_FORM || !key.is_empty()),
        };
        let client_key = match key {
            None => None,
            Some(key) => Some(serde_json::from_str(&key).ok()?),
        };
        let caveats = match form {
            CONFINED_FORM => serde_json::from_str(&input.text()?).ok()?,
            _ => Caveats::default(),
        };
        input.0.is_empty().then_some(Self {
            record: Record {
                accessor: String::new(),
                policies,
                meta,
                display_name,
                path,
                role,
                kind: TokenKind::Batch,
                parent,
                created,
                creation_ttl: ttl,
                ttl,
                expires: Some(created.plus(Duration::from_secs(ttl))),
                renewed: None,
                explicit_max_ttl: 0,
                period: 0,
                renewable: false,
                num_uses: 0,
                entity_id,
                bound_cidrs,
                client_key,
                caveats,
                leaseless: false,
            },
            parent_created,
        })
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_list<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t String>) {
    put_number(out, texts.len() as u64);
    for text in texts {
        put_text(out, text);
    }
}

/// What is left to be read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.take()?;
            let bits = u64::from(byte & 0x7f);
            // No bit is shifted out of the number.
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn list<T: FromStr>(&mut self) -> Option<Vec<T>> {
        let count = self.number()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.text()?.parse().ok()?);
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use keyward_api::{auth::Caveat, proof::SigningKey};
    use keyward_crypto::proof::ProofAlgorithm;
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn claims()(
            created in 0..u64::from(u32::MAX), ttl in 0..u64::from(u32::MAX),
            parent: Option<([u8; 32], u64)>,
            policies in prop::collection::vec("[a-z]{0,9}", 0..4),
            display_name in "\\PC{0,9}", path in "[a-z/]{0,20}", role in "[a-z]{0,9}",
            entity_id in "[0-9a-f-]{0,36}",
            meta: Option<std::collections::BTreeMap<String, String>>,
            cidrs in prop::collection::vec((any::<[u8; 4]>(), 0..=32u8), 0..4),
            is_bound: bool,
            is_confined: bool,
        ) -> Claims {
            let created = Timestamp::default().plus(Duration::from_secs(created));
            let cidr = |([a, b, c, d], n): ([u8; 4], u8)| format!("{a}.{b}.{c}.{d}/{n}");
            Claims {
                record: Record {
                    accessor: String::new(),
                    policies,
                    meta,
                    display_name,
                    path,
                    role,
                    kind: TokenKind::Batch,
                    parent: parent.map(|(digest, _)| Digest::from_bytes(digest)),
                    created,
                    creation_ttl: ttl,
                    ttl,
                    expires: Some(created.plus(Duration::from_secs(ttl))),
                    renewed: None,
                    explicit_max_ttl: 0,
                    period: 0,
                    renewable: false,
                    num_uses: 0,
                    entity_id,
                    bound_cidrs: cidrs.into_iter().map(|it| cidr(it).parse().unwrap()).collect(),
                    client_key: is_bound.then(|| {
                        let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
                        key.public().clone()
                    }),
                    caveats: confined(is_confined),
                    leaseless: false,
                },
                parent_created: parent.map(|(_, created)| Timestamp::from_unix_nanos(created)),
            }
        }
    }

    fn confined(is_confined: bool) -> Caveats {
        let mut caveats = Caveats::default();
        if is_confined {
            caveats.add(&Caveat {
                allowed_keys: vec!["transit/a".to_owned()],
                ..Caveat::default()
            });
        }
        caveats
    }

    proptest! {
        #[test]
        fn claims_read_back_and_nothing_shorter_or_longer_does(claims in claims()) {
            let bytes = claims.encode();
            let bytes = bytes.expose();
            let read = Claims::decode(bytes).unwrap();
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", claims));
            for end in 0..bytes.len() {
                prop_assert!(Claims::decode(&bytes[..end]).is_none());
            }
            prop_assert!(Claims::decode(&[&bytes[..], &[0]].concat()).is_none());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Claims::decode(&bytes);
            let _ = Claims::decode(&[&[FORM], &bytes[..]].concat());
            let _ = Claims::decode(&[&[BOUND_FORM], &bytes[..]].concat());
            let _ = Claims::decode(&[&[CONFINED_FORM], &bytes[..]].concat());
        }

        #[test]
        fn a_number_reads_back(number: u64) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            let mut input = Input(&out);
            prop_assert_eq!(input.number(), Some(number));
            prop_assert!(input.0.is_empty());
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_none() {
        assert_eq!(Input(&[0xff; 10]).number(), None);
        let mut most = [0xff; 10];
        most[9] = 1;
        assert_eq!(Input(&most).number(), Some(u64::MAX));
        most[9] = 2;
        assert_eq!(Input(&most).number(), None);
    }
}
