//! What differs from run to run, under one name.

/// Replaces times, ids, tokens and ciphertexts by their names.
pub(crate) fn shown(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || "+-./:=_".contains(character) {
            word.push(character);
        } else {
            told.push_str(&named(&std::mem::take(&mut word)));
            told.push(character);
        }
    }
    told + &named(&word)
}

fn named(word: &str) -> String {
    if let Some(end) = word.strip_suffix('.') {
        return named(end) + ".";
    }
    if let Some((head, tail)) = word.split_once("vault:v") {
        let (version, _) = tail.split_once(':').unwrap();
        return format!("{head}vault:v{version}:<base64>");
    }
    if let Some(name) = name_of(word) {
        return name.to_owned();
    }
    if let Some((head, lease)) = word.rsplit_once("/h")
        && name_of(lease.trim_end_matches(':')) == Some("<hex>")
    {
        let colon = if lease.ends_with(':') { ":" } else { "" };
        return format!("{head}/<lease>{colon}");
    }
    if let Some((head, tail)) = word.rsplit_once(['-', '_', ':'])
        && let Some(name) = name_of_tail(tail)
    {
        let separator = &word[head.len()..=head.len()];
        return format!("{head}{separator}{name}");
    }
    word.replace(env!("CARGO_PKG_VERSION"), "<version>")
}

/// Returns what a whole word is.
fn name_of(word: &str) -> Option<&'static str> {
    let all = |allowed: fn(u8) -> bool| word.bytes().all(allowed);
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_hexdigit() { 'x' } else { c })
        .collect();
    if shape == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" {
        return Some("<uuid>");
    }
    if shape.starts_with("xxxx-xx-xxTxx:xx:xx") && word.ends_with('Z') {
        return Some("<time>");
    }
    // What is left of an hour, a few seconds after it began.
    if word.len() == 6 && word.starts_with("59m5") && word.ends_with('s') {
        return Some("<nearly 1h>");
    }
    match word.len() {
        28 if word.starts_with("hvs.") => Some("<token>"),
        100.. if word.starts_with("hvb.") => Some("<batch token>"),
        24 if all(|byte| byte.is_ascii_alphanumeric()) => Some("<accessor>"),
        44 if all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) => {
            Some("<base64>")
        }
        64 | 66 if all(|byte| byte.is_ascii_hexdigit()) => Some("<hex>"),
        _ => name_of_tail(word),
    }
}

/// Returns what a word, or its end, is.
fn name_of_tail(tail: &str) -> Option<&'static str> {
    let digits = tail.bytes().all(|byte| byte.is_ascii_digit());
    let hex = tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    match tail.len() {
        10 if digits && tail.starts_with(['1', '2']) => Some("<seconds>"),
        8 if hex && tail != "00000000" => Some("<id>"),
        _ => None,
    }
}
