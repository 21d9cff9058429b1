//! Ten thousand spellings of one path: what clients, proxies and attackers write in its place.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::support::Chance;

/// How many spellings there are.
pub(super) const SIZE: usize = 10_000;

/// What may stand in the place of a slash.
const SLASHES: &[&[u8]] = &[
    b"//",
    b"///",
    b"/./",
    b"/././",
    b"/x/../",
    b"/../x/../",
    b"/%2e/",
    b"/x/%2e%2e/",
    b"/x/.%2e/",
    b"/x/%2e./",
    b"/%252e/",
    b"/..;/",
    b"/;/",
    b"/;a=b/",
    b";a=b/",
    b"/%00/",
    b"/%20/",
    b"/\xc2\xad/",
    b"%2f",
    b"%2F",
    b"%252f",
    b"%252F",
    b"%25252f",
    b"%%32%66",
    b"%u002f",
    b"%u2215",
    b"\\",
    b"%5c",
    b"%5C",
    b"/\\",
    b"\\/",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"%c0%af",
    b"%C0%AF",
    b"%e0%80%af",
    b"%f0%80%80%af",
    b"%c1%9c",
    "\u{ff0f}".as_bytes(),
    b"%ef%bc%8f",
    "\u{2215}".as_bytes(),
    b"%e2%88%95",
    "\u{2044}".as_bytes(),
    "\u{29f8}".as_bytes(),
    "\u{ff3c}".as_bytes(),
    b"\x2f\x00",
    b"/\t",
    b"/\x7f",
];

/// What may stand behind the path.
const ENDS: &[&[u8]] = &[
    b"/",
    b"//",
    b"/.",
    b"/..",
    b"/./",
    b"/%2e",
    b"/%2e%2e",
    b"/../denied",
    b"/x/..",
    b"/x/../",
    b"/denied",
    b".",
    b"..",
    b"...",
    b"%2e",
    b"%20",
    b"%20%20",
    b" ",
    b"+",
    b"%09",
    b"\t",
    b"%0a",
    b"%0d",
    b"%0d%0a",
    b"%0d%0aX-Vault-Token:%20root",
    b"\n",
    b"\r",
    b"%00",
    b"\x00",
    b"%00.json",
    b"%2500",
    b";",
    b";a=b",
    b"%3b",
    b";jsessionid=1",
    b"?",
    b"?x",
    b"?list=false",
    b"?version=1",
    b"?/../",
    b"%3f",
    b"%3Fx=1",
    b"#",
    b"#x",
    b"%23",
    b"\\",
    b"%5c",
    b"\\..",
    b"~",
    b"~1",
    b"*",
    b"%2a",
    b"%2b",
    b"::$DATA",
    b":",
    b",",
    b"&",
    b"&x",
    b"=",
    b"|",
    b"\"",
    b"'",
    b"<",
    b">",
    b"`",
    b"^",
    b"{}",
    b"[]",
    b"%",
    b"%2",
    b"%zz",
    b"%2g",
    b"%%",
    b"%25",
    b"%7f",
    b"\x7f",
    b"%80",
    b"%ff",
    b"\xff",
    b"%fe%ff",
    b"%ed%a0%80",
    b"%c2%85",
    b"%c2%a0",
    b"%e2%80%8b",
    b"%e2%80%8d",
    b"%e2%80%ae",
    b"%ef%bb%bf",
    b"%cc%81",
    b"%e2%80%a8",
    b"%e3%80%80",
    b"%c2%ad",
    b"%ee%80%80",
    b"%f3%a0%81%81",
    b"%ef%bf%be",
    b"%cd%b8",
    b"%e2%81%a6",
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{e0041}".as_bytes(),
    b"%f4%90%80%80",
    b".json",
    b".bak",
    b"/data",
    b"/metadata",
    b"%2fdata",
    b"/*",
    b"/+",
];

/// What may stand before the path.
const BEGINNINGS: &[&[u8]] = &[
    b"/",
    b"//",
    b"./",
    b"../",
    b"x/../",
    b"%2e/",
    b"%2e%2e/",
    b".%2e/",
    b"..;/",
    b";/",
    b"%2f",
    b"%2F",
    b"\\",
    b"%5c",
    b"v1/",
    b"../v1/",
    b"/v1/",
    b"%76%31/",
    b" ",
    b"%20",
    b"%00",
    b"%0a",
    b"sys/../",
    b"x/..%2f",
    b"x%2f..%2f",
    b"*/../",
    b"%ef%bb%bf",
    b"\xef\xbb\xbf",
    b"%25",
];

/// Other letters for one of ASCII: the same code in too many bytes, full width, other cases.
fn letters(byte: u8) -> Vec<Vec<u8>> {
    let wide = char::from_u32(0xfee0 + u32::from(byte))
        .unwrap()
        .to_string();
    let wide_encoded: String = wide.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let texts = [
        format!("%{byte:02x}"),
        format!("%{byte:02X}"),
        format!("%25{byte:02x}"),
        format!("%2525{byte:02x}"),
        format!("%%{:02x}%{:02x}", b'0' + (byte >> 4), b'0' + (byte & 7)),
        format!("%u00{byte:02x}"),
        format!("\\u00{byte:02x}"),
        format!("&#{byte};"),
        format!("%c{}%{:02x}", byte >> 6, 0x80 | byte & 0x3f),
        format!("%e0%8{}%{:02x}", byte >> 6, 0x80 | byte & 0x3f),
        char::from(byte).to_ascii_uppercase().to_string(),
        format!("%{:02x}", byte.to_ascii_uppercase()),
        wide,
        wide_encoded,
        format!("{}\u{301}", char::from(byte)),
        format!("{}%cc%81", char::from(byte)),
        format!("{}\u{200b}", char::from(byte)),
        format!("%00{}", char::from(byte)),
        format!("{}%08{}", 'x', char::from(byte)),
        String::new(),
    ];
    let mut letters: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    letters.push(vec![0xc0 | byte >> 6, 0x80 | byte & 0x3f]);
    letters.push(vec![0xe0, 0x80 | byte >> 6, 0x80 | byte & 0x3f]);
    letters.push(vec![byte | 0x80]);
    letters.push(vec![byte, 0]);
    letters
}

/// All that differs from `path` by one change, by kind: letters, slashes, ends, beginnings.
fn once(path: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = Vec::new();
    for (at, &byte) in path.iter().enumerate() {
        let others = match byte {
            b'/' => SLASHES.iter().map(|slash| slash.to_vec()).collect(),
            b'a'..=b'z' => letters(byte),
            _ => Vec::new(),
        };
        spellings.extend(
            others
                .iter()
                .map(|o| [&path[..at], o, &path[at + 1..]].concat()),
        );
    }
    spellings.extend(ENDS.iter().map(|end| [path, end].concat()));
    spellings.extend(
        BEGINNINGS
            .iter()
            .map(|beginning| [beginning, path].concat()),
    );
    spellings
}

/// The spellings of `path`, which is of small letters: all with one change, every letter encoded,
/// and as many with two or three changes as it takes.
pub(super) fn spellings(path: &str, chance: &mut Chance) -> BTreeSet<Vec<u8>> {
    let path = path.as_bytes();
    let once_changed = once(path);
    let encode = |keep: &dyn Fn(u8) -> bool| {
        let bytes = path.iter().flat_map(|&byte| match keep(byte) {
            true => vec![byte],
            false => format!("%{byte:02x}").into_bytes(),
        });
        bytes.collect::<Vec<u8>>()
    };
    let mut all = BTreeSet::from([
        path.to_vec(),
        path.to_ascii_uppercase(),
        encode(&|byte| byte == b'/'),
        encode(&|_| false),
    ]);
    all.extend(once_changed.iter().cloned());
    while all.len() < SIZE {
        let mut changed = chance.pick(&once_changed).clone();
        for _ in 0..1 + chance.below(2) {
            changed = chance.pick(&once(&changed)).clone();
        }
        all.insert(changed);
    }
    all
}

/// What cannot be seen, and is no space of ASCII.
static UNSEEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[^\p{L}\p{M}\p{N}\p{P}\p{S} ]").unwrap());

/// What a spelling means, decided by the rules in words: the percent signs are resolved once, and
/// then there is nothing left to repair.
pub(super) enum Meaning {
    /// It is no path and must be refused.
    Refused,
    /// This path, byte for byte.
    Path(String),
}

/// Reads a spelling as the server must.
pub(super) fn meaning(spelling: &[u8]) -> Meaning {
    let end = spelling
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(spelling.len());
    let mut rest = &spelling[..end];
    let mut decoded = Vec::new();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let digits = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()) {
            None | Some(b'/') => return Meaning::Refused,
            Some(byte) => decoded.push(byte),
        }
        rest = &rest[2..];
    }
    let Ok(text) = String::from_utf8(decoded) else {
        return Meaning::Refused;
    };
    let inner = text.strip_suffix('/').unwrap_or(&text);
    let odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    if UNSEEN.is_match(&text) || inner.split('/').any(odd) {
        return Meaning::Refused;
    }
    Meaning::Path(text)
}
