//! How much structure a JSON body may have, counted before anything is built from it; and how great
//! its numbers may be, since most readers of JSON have no others than those of 64 bits.
//!
//! Whether the text is JSON at all is for the parser to say: this only counts, in one pass.

/// The bounds of one body.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// How deep objects and lists may be nested.
    pub depth: usize,
    /// How many bytes a string may have, as it is written.
    pub string_length: usize,
    /// How many members an object may have.
    pub object_entries: usize,
    /// How many elements a list may have.
    pub array_elements: usize,
}

impl JsonLimits {
    /// The deepest nesting that the parser behind these limits follows.
    pub const DEEPEST: usize = 127;
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self {
            depth: Self::DEEPEST,
            // A whole body, so that whatever fits into one can be encrypted: a string goes into
            // one buffer and costs no more than it is long.
            string_length: 32 << 20,
            object_entries: 10_000,
            array_elements: 10_000,
        }
    }
}

/// An object or list that is not closed yet, and what was counted in it.
enum Open {
    Array(usize),
    Object(usize),
}

impl JsonLimits {
    /// Counts through a text.
    ///
    /// # Errors
    /// The bound that it exceeds, in Vault's words.
    pub(crate) fn check(&self, json: &[u8]) -> Result<(), &'static str> {
        let mut open = Vec::new();
        let mut at = 0;
        while let Some(byte) = json.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' if open.len() == self.depth => {
                    return Err("JSON input exceeds allowed nesting depth");
                }
                b'{' => open.push(Open::Object(0)),
                b'[' => open.push(Open::Array(0)),
                b'}' | b']' => drop(open.pop()),
                b'"' => {
                    let length = string_length(&json[at..]);
                    if length > self.string_length {
                        return Err("JSON string value exceeds allowed length");
                    }
                    at += length + 1;
                }
                // Every member of an object has one colon.
                b':' => {
                    if let Some(Open::Object(entries)) = open.last_mut() {
                        *entries += 1;
                        if *entries > self.object_entries {
                            return Err("JSON object exceeds allowed entry count");
                        }
                    }
                }
                // Behind a comma there is one more element.
                b',' => {
                    if let Some(Open::Array(commas)) = open.last_mut() {
                        *commas += 1;
                        if *commas >= self.array_elements {
                            return Err("JSON array exceeds allowed element count");
                        }
                    }
                }
                b'0'..=b'9' => {
                    let length = number_length(&json[at..]);
                    if is_out_of_range(&json[at - 1..at + length]) {
                        return Err("JSON number exceeds the range of 64-bit floating point");
                    }
                    at += length;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns how many bytes stand before the quote that ends a string.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &text[at..]) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        // What is escaped may be a quote.
        at = (at + 2).min(text.len());
    }
    text.len()
}

/// Returns how many more bytes belong to a number that has begun.
fn number_length(text: &[u8]) -> usize {
    let ends = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    text.iter().position(ends).unwrap_or(text.len())
}

/// Tells whether a number without its sign is greater than any of 64 bits (IEEE 754).
fn is_out_of_range(number: &[u8]) -> bool {
    /// Numbers of so many digits are all within.
    const DIGITS: usize = 308;
    if number.len() <= DIGITS && memchr::memchr2(b'e', b'E', number).is_none() {
        return false;
    }
    let number = std::str::from_utf8(number).ok();
    let number = number.and_then(|number| number.parse::<f64>().ok());
    number.is_some_and(f64::is_infinite)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: JsonLimits = JsonLimits {
        depth: 3,
        string_length: 4,
        object_entries: 2,
        array_elements: 3,
    };

    #[test]
    fn a_body_within_its_bounds_passes() {
        for json in [
            "",
            "null",
            r#"{"a": [[1, 2, 3]], "b": "four"}"#,
            r#"{"a": {"a": {}, "b": []}}"#,
            r#"["[{,:", "\"\\"]"#,
            "[-1.5e+3, 1e308, 1E-999]",
            // Not for this pass to refuse.
            "[1e, 1-]",
            r#"{"a"#,
            "}]",
            "\"\\",
        ] {
            assert_eq!(SMALL.check(json.as_bytes()), Ok(()), "{json}");
        }
    }

    #[test]
    fn each_bound_is_named_when_it_is_exceeded() {
        for (json, why) in [
            (
                r#"{"a": [[[]]]}"#,
                "JSON input exceeds allowed nesting depth",
            ),
            (r#"["fives"]"#, "JSON string value exceeds allowed length"),
            (
                r#"{"fives": 1}"#,
                "JSON string value exceeds allowed length",
            ),
            (r#"["\"\"\""]"#, "JSON string value exceeds allowed length"),
            (
                r#"{"a": 1, "b": 1, "c": 1}"#,
                "JSON object exceeds allowed entry count",
            ),
            (
                r#"[[], 1, "", null]"#,
                "JSON array exceeds allowed element count",
            ),
        ] {
            assert_eq!(SMALL.check(json.as_bytes()), Err(why), "{json}");
        }
    }

    #[test]
    fn a_number_is_within_64_bits_however_it_is_written() {
        let digits = |count| "9".repeat(count);
        for number in ["0e999", "-1.7e308", "1e-400", &digits(308)] {
            assert_eq!(SMALL.check(number.as_bytes()), Ok(()), "{number}");
        }
        for number in ["1e400", "-1.8e308", "[1E+999]", &digits(309)] {
            let refused = SMALL.check(number.as_bytes());
            let why = "JSON number exceeds the range of 64-bit floating point";
            assert_eq!(refused, Err(why), "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(json in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = SMALL.check(&json);
        }

        #[test]
        fn a_string_is_as_long_as_it_is_written(text in ".{0,20}") {
            let json = serde_json::to_string(&text).unwrap();
            let fits = json.len() - 2 <= SMALL.string_length;
            prop_assert_eq!(SMALL.check(json.as_bytes()).is_ok(), fits);
        }
    }
}
