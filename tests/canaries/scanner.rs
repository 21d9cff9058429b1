//! Finds secrets in text, in every form in which they could have got there.

use std::collections::HashMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

use crate::support::Chance;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The shortest piece of a secret that is looked for.
const SHORTEST: usize = 10;
/// How much of each form stands in the table by which it is found.
const START: usize = 8;

/// Knows secrets, and how each looks.
#[derive(Default)]
pub(super) struct Scanner {
    needles: Vec<Needle>,
    /// The needles that begin with these bytes: there are thousands, and megabytes of text.
    starts: HashMap<[u8; START], Vec<usize>>,
    /// Whether a needle begins with these three bytes; empty while there are no needles.
    openings: Vec<bool>,
    secrets: usize,
}

/// The place of three bytes among all that there are.
fn opening(text: &[u8]) -> usize {
    (usize::from(text[0]) << 16) | (usize::from(text[1]) << 8) | usize::from(text[2])
}

struct Needle {
    secret: String,
    form: &'static str,
    text: Vec<u8>,
}

impl Scanner {
    /// Makes up a secret of 28 letters and digits, which stands nowhere by chance.
    pub(super) fn secret(&mut self, name: &str, chance: &mut Chance) -> String {
        let text: String = (0..28)
            .map(|_| char::from(*chance.pick(ALPHABET)))
            .collect();
        self.learn(name, &text);
        text
    }

    /// Looks for a secret from now on that the server made.
    pub(super) fn learn(&mut self, name: &str, secret: &str) {
        self.secrets += 1;
        self.openings.resize(1 << 24, false);
        for (form, text) in forms(secret.as_bytes()) {
            self.openings[opening(&text)] = true;
            let start = *text.first_chunk().unwrap();
            self.starts
                .entry(start)
                .or_default()
                .push(self.needles.len());
            self.needles.push(Needle {
                secret: name.to_owned(),
                form,
                text,
            });
        }
    }

    /// How many secrets it knows.
    pub(super) fn secrets(&self) -> usize {
        self.secrets
    }

    /// Names every secret that stands in `text`, with its form.
    pub(super) fn scan(&self, text: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for at in 0..text.len().saturating_sub(START - 1) {
            let rest = &text[at..];
            if !self.openings.get(opening(rest)).is_some_and(|&opens| opens) {
                continue;
            }
            let start: &[u8; START] = rest.first_chunk().unwrap();
            let needles = self.starts.get(start).into_iter().flatten();
            let needles = needles.map(|&index| &self.needles[index]);
            let here = needles.filter(|needle| rest.starts_with(&needle.text));
            found.extend(here.map(|needle| format!("{} ({})", needle.secret, needle.form)));
        }
        found
    }
}

/// How a secret looks, raw, in halves and encoded; base64 at each of the three places where it may
/// begin within a group, without the characters that it shares with its neighbours.
pub(super) fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let percent = |upper: bool| -> Vec<u8> {
        let encoded = secret.iter().map(|byte| match upper {
            true => format!("%{byte:02X}"),
            false => format!("%{byte:02x}"),
        });
        encoded.collect::<String>().into_bytes()
    };
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = secret.iter().map(|byte| format!("\\u{byte:04x}")).collect();
    let (first, second) = secret.split_at(secret.len() / 2);
    let mut forms = vec![
        ("raw", secret.to_vec()),
        ("in small letters", secret.to_ascii_lowercase()),
        ("in capitals", secret.to_ascii_uppercase()),
        ("backwards", secret.iter().rev().copied().collect()),
        ("the first half", first.to_vec()),
        ("the second half", second.to_vec()),
        ("hexadecimal", hex.clone().into_bytes()),
        ("hexadecimal", hex.to_uppercase().into_bytes()),
        ("percent-encoded", percent(false)),
        ("percent-encoded", percent(true)),
        ("JSON-escaped", escaped.into_bytes()),
        ("as a list of numbers", format!("{secret:?}").into_bytes()),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before][..], secret].concat();
        let from = (before * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        forms.push(("base64", STANDARD.encode(&padded)[from..to].into()));
        forms.push(("base64url", URL_SAFE.encode(&padded)[from..to].into()));
    }
    forms.retain(|(_, text)| text.len() >= SHORTEST);
    forms
}

#[test]
fn a_planted_secret_is_found_in_every_form() {
    let mut chance = Chance::new();
    let mut scanner = Scanner::default();
    let secret = scanner.secret("planted", &mut chance);
    let other = Scanner::default().secret("another", &mut chance);
    assert_eq!(scanner.scan(other.as_bytes()), Vec::<String>::new());
    for (form, text) in forms(secret.as_bytes()) {
        let around = [b"{\"error\":\"", &text[..], b"\"}"].concat();
        let found = scanner.scan(&around);
        assert!(
            found.iter().any(|found| found.contains(form)),
            "{form}: {found:?}"
        );
    }
    for before in ["", "x", "xy"] {
        let text = STANDARD.encode(format!("{before}{secret}and more"));
        assert!(!scanner.scan(text.as_bytes()).is_empty(), "{before}");
    }
    let part = format!("token {}... is bad", &secret[..secret.len() / 2]);
    assert!(!scanner.scan(part.as_bytes()).is_empty());
}
