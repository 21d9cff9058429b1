//! Envelopes as they are, as they were, and as they must not be.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::{SecretBytes, encoding};

const WRAPPED: &str = "vault:v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn data_key(suite: Suite) -> DataKey {
    DataKey::new(suite, &SecretBytes::new((0..32).collect())).unwrap()
}

fn header(key: &DataKey) -> Header {
    Header::new(key.suite(), "transit/records", *key.commitment(), WRAPPED).unwrap()
}

fn context(members: &[(&str, &str)]) -> Context {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    members.iter().map(owned).collect()
}

/// Seals a body of any length.
fn seal_stream(key: &DataKey, context: Option<&Context>, plaintext: &[u8]) -> Vec<u8> {
    let mut sealer = Sealer::new(key, &header(key), context, &[9; 39]).unwrap();
    let mut body = sealer.head().to_vec();
    let mut rest = plaintext;
    while rest.len() > sealer.capacity() {
        let (segment, after) = rest.split_at(sealer.capacity());
        body.extend(sealer.seal(segment).unwrap());
        rest = after;
    }
    body.extend(sealer.seal_last(rest).unwrap());
    assert_eq!(sealer.capacity(), 0);
    assert!(sealer.seal_last(b"more").is_err());
    body
}

/// Opens a body of any length, in order.
fn open_stream(
    key: &DataKey,
    header: &Header,
    context: Option<&Context>,
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    let (head, mut rest) = body.split_first_chunk().ok_or(Error::Truncated)?;
    let mut opener = Opener::new(key, header, context, head)?;
    let mut plaintext = Vec::new();
    while rest.len() > opener.segment_len() {
        let (segment, after) = rest.split_at(opener.segment_len());
        plaintext.extend_from_slice(opener.open(segment)?.expose());
        rest = after;
    }
    plaintext.extend_from_slice(opener.open_last(rest)?.expose());
    Ok(plaintext)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frozen {
    suite: String,
    key: String,
    context: Option<Context>,
    data_key: String,
    wrapped_key: String,
    plaintext: String,
    container: String,
    text: Option<String>,
}

fn hex(text: &str) -> Vec<u8> {
    let bytes = encoding::decode_hex(text).unwrap();
    bytes.expose().clone()
}

/// What either client ever sealed opens for ever.
#[test]
fn frozen_containers_open() {
    let files = [
        include_str!("../../../../tests/vectors/envelope/rust.json"),
        include_str!("../../../../bindings/js/test/vectors/kwe1.json"),
    ];
    for file in files {
        let vectors: Vec<Frozen> = serde_json::from_str(file).unwrap();
        assert!(vectors.len() >= 5);
        for vector in vectors {
            let container = hex(&vector.container);
            let (header, body) = Header::split(&container).unwrap();
            assert_eq!(header.key(), vector.key);
            assert_eq!(header.wrapped_key(), vector.wrapped_key);
            assert_eq!(header.encode(), container[..container.len() - body.len()]);
            let key = SecretBytes::new(hex(&vector.data_key));
            let key = DataKey::new(header.suite(), &key).unwrap();
            let context = vector.context.as_ref();
            let opened = match vector.suite.as_str() {
                "record" => open_record(&key, &header, context, body)
                    .map(|plaintext| plaintext.expose().clone()),
                _ => open_stream(&key, &header, context, body),
            };
            assert_eq!(opened, Ok(vector.plaintext.into_bytes()));
            if let Some(text) = vector.text {
                assert_eq!(to_text(&container), text);
                assert_eq!(from_text(&text), Ok(container));
            }
        }
    }
}

/// RFC 8785 section 3.2.3, with values of strings.
#[test]
fn a_context_is_canonical() {
    let unsorted = context(&[
        ("\u{20ac}", "Euro Sign"),
        ("\r", "Carriage Return"),
        ("\u{fb33}", "Hebrew Letter Dalet With Dagesh"),
        ("1", "One"),
        ("\u{1f600}", "Emoji: Grinning Face"),
        ("\u{80}", "Control"),
        ("\u{f6}", "Latin Small Letter O With Diaeresis"),
    ]);
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
        \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical(&unsorted), expected);
    let escaped = context(&[("a\"\\/\u{8}\t\n\u{c}\r\u{1f}\u{7f}", "")]);
    assert_eq!(
        canonical(&escaped),
        "{\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u001f\u{7f}\":\"\"}"
    );
    assert_eq!(canonical(&Context::new()), "{}");
}

#[test]
fn a_header_that_is_none_is_refused() {
    let key = data_key(Suite::Record);
    let whole = header(&key).encode();
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    for (bytes, why) in [
        (b"K#".to_vec(), "it does not begin with KWE1"),
        (changed(3, b'2'), "it does not begin with KWE1"),
        (changed(4, 2), "suite 2 is unknown"),
        (changed(7, 0xff), "its key reference is not UTF-8"),
        (changed(7, b'/'), "its key reference is not mount/name"),
        (
            changed(7 + 15 + 32 + 2, b'V'),
            "its wrapped key is not vault:vN:…",
        ),
        (
            changed(7 + 15 + 32 + 9, b'0'),
            "its wrapped key is not vault:vN:…",
        ),
        (
            changed(whole.len() - 1, b'*'),
            "its wrapped key is not Base64",
        ),
    ] {
        let error = Header::parse(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("this is no KWE1 container: {why}")
        );
    }
    for (reference, wrapped_key) in [
        ("records", WRAPPED),
        ("/records", WRAPPED),
        ("transit//records", WRAPPED),
        ("transit/records", "vault:v1:"),
        ("transit/records", "vault:v01:AAAA"),
        ("transit/records", "vault:v1:AA=\n="),
        ("transit/records", "vault:v1:AB=="),
    ] {
        let made = Header::new(Suite::Record, reference, [0; 32], wrapped_key);
        assert!(
            matches!(made, Err(Error::Invalid(_))),
            "{reference} {wrapped_key}"
        );
    }
}

#[test]
fn another_data_key_is_caught_by_the_commitment() {
    let key = data_key(Suite::Record);
    let sealed = seal_record(&key, &header(&key), None, &[1; 24], b"text").unwrap();
    let (header, body) = Header::split(&sealed).unwrap();
    let other = DataKey::new(Suite::Record, &SecretBytes::new(vec![7; 32])).unwrap();
    assert_eq!(
        open_record(&other, &header, None, body),
        Err(Error::Decryption)
    );
    // Nor does the same key serve another suite.
    let stream = data_key(Suite::Stream);
    assert_eq!(
        open_record(&stream, &header, None, body),
        Err(Error::Decryption)
    );
}

#[test]
fn a_rewrapped_header_leaves_the_body_as_it_is() {
    let key = data_key(Suite::Record);
    let sealed = seal_record(&key, &header(&key), None, &[1; 24], b"text").unwrap();
    let (header, body) = Header::split(&sealed).unwrap();
    let newer = header.rewrapped("vault:v2:AAAA").unwrap();
    assert_eq!(newer.bound(), header.bound());
    let opened = open_record(&key, &newer, None, body);
    assert_eq!(opened, Ok(SecretBytes::from(&b"text"[..])));
}

#[test]
fn a_stream_that_was_cut_off_is_told_from_one_that_was_changed() {
    let key = data_key(Suite::Stream);
    let plaintext = vec![5; 2 * SEGMENT_LEN];
    let body = seal_stream(&key, None, &plaintext);
    let header = header(&key);
    let open = |body: &[u8]| open_stream(&key, &header, None, body);
    assert_eq!(open(&body), Ok(plaintext));
    for len in [
        0,
        HEAD_LEN - 1,
        HEAD_LEN,
        HEAD_LEN + 15,
        SEGMENT_LEN,
        2 * SEGMENT_LEN,
    ] {
        assert_eq!(open(&body[..len]), Err(Error::Truncated), "{len}");
    }
    assert_eq!(open(&body[..SEGMENT_LEN + 100]), Err(Error::Decryption));
    let mut swapped = body.clone();
    swapped[HEAD_LEN..HEAD_LEN + SEGMENT_LEN].copy_from_slice(&body[SEGMENT_LEN..2 * SEGMENT_LEN]);
    assert_eq!(open(&swapped), Err(Error::Decryption));
    let doubled = [&body[..], &body[2 * SEGMENT_LEN..]].concat();
    assert_eq!(open(&doubled), Err(Error::Decryption));
}

#[test]
fn a_context_of_a_stream_has_a_limit() {
    let key = data_key(Suite::Stream);
    let header = header(&key);
    let room = 1024 - header.bound().len() - "{\"a\":\"\"}".len();
    let long = |len: usize| context(&[("a", &"x".repeat(len))]);
    assert!(Sealer::new(&key, &header, Some(&long(room)), &[0; 39]).is_ok());
    assert!(Sealer::new(&key, &header, Some(&long(room + 1)), &[0; 39]).is_err());
}

proptest! {
    #[test]
    fn records_open_with_the_same_context_alone(
        plaintext: Vec<u8>,
        members: Option<Context>,
        other: Option<Context>,
        at: prop::sample::Index,
    ) {
        let key = data_key(Suite::Record);
        let container =
            seal_record(&key, &header(&key), members.as_ref(), &[3; 24], &plaintext).unwrap();
        let (header, body) = Header::split(&container).unwrap();
        let opened = open_record(&key, &header, members.as_ref(), body);
        prop_assert_eq!(opened, Ok(SecretBytes::new(plaintext)));
        if members != other {
            let opened = open_record(&key, &header, other.as_ref(), body);
            prop_assert_eq!(opened, Err(Error::Decryption));
        }
        let mut changed = body.to_vec();
        changed[at.index(body.len())] ^= 1;
        let opened = open_record(&key, &header, members.as_ref(), &changed);
        prop_assert_eq!(opened, Err(Error::Decryption));
    }

    /// As serde_json writes strings, which is how RFC 8785 does.
    #[test]
    fn strings_are_escaped_as_json_is(name: String, value: String) {
        let expected = serde_json::json!({ name.as_str(): value.as_str() }).to_string();
        prop_assert_eq!(canonical(&context(&[(&name, &value)])), expected);
    }

    #[test]
    fn a_header_asks_for_no_more_than_it_has(cut: prop::sample::Index) {
        let key = data_key(Suite::Stream);
        let whole = header(&key).encode();
        let len = cut.index(whole.len());
        match Header::parse(&whole[..len]) {
            Ok(Parsed::Needs(needed)) => prop_assert!(needed > len && needed <= whole.len()),
            other => prop_assert!(false, "{other:?}"),
        }
        prop_assert_eq!(Header::parse(&whole), Ok(Parsed::Whole(header(&key), whole.len())));
    }

    #[test]
    fn any_bytes_are_a_header_or_none(bytes: Vec<u8>) {
        if let Ok(Parsed::Whole(header, len)) = Header::parse(&bytes) {
            prop_assert_eq!(&header.encode()[..], &bytes[..len]);
        }
    }

    #[test]
    fn layouts_tile_what_is_there(body_len in 56u64..1 << 40, start: u32, len in 0u64..1 << 24) {
        let Ok(layout) = Layout::of_body(body_len) else {
            // Ends inside of a tag.
            prop_assert!(body_len % (SEGMENT_LEN as u64) < 16);
            return Ok(());
        };
        let last = layout.segment(layout.segments() - 1).unwrap();
        prop_assert!(last.is_last);
        prop_assert_eq!(last.body.end, body_len);
        prop_assert_eq!(last.plaintext.end, layout.plaintext_len());
        let start = u64::from(start);
        let mut expected = start;
        for segment in layout.covering(start..start + len) {
            prop_assert!(segment.plaintext.contains(&expected));
            expected = segment.plaintext.end;
        }
        let covered = (start + len).min(layout.plaintext_len());
        prop_assert!(expected >= covered || start >= covered);
        prop_assert_eq!(layout.segment(layout.segments()), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn streams_open_in_order_and_in_ranges(
        len in prop_oneof![
            0usize..300,
            SEGMENT_LEN - 60..SEGMENT_LEN + 10,
            2 * SEGMENT_LEN - 80..2 * SEGMENT_LEN + 10,
            0..3 * SEGMENT_LEN,
        ],
        start: prop::sample::Index,
        range in 0usize..2 * SEGMENT_LEN,
        at: prop::sample::Index,
    ) {
        let key = data_key(Suite::Stream);
        let members = context(&[("tenant", "a")]);
        let plaintext: Vec<u8> = (0..len).map(|index| ((index * 31) >> 3) as u8).collect();
        let body = seal_stream(&key, Some(&members), &plaintext);
        let header = header(&key);
        let opened = open_stream(&key, &header, Some(&members), &body);
        prop_assert_eq!(opened.as_ref(), Ok(&plaintext));
        prop_assert!(open_stream(&key, &header, None, &body).is_err());

        let layout = Layout::of_body(body.len() as u64).unwrap();
        prop_assert_eq!(layout.plaintext_len(), len as u64);
        let head = body.first_chunk().unwrap();
        let opener = Opener::new(&key, &header, Some(&members), head).unwrap();
        let start = start.index(len + 1);
        let mut piece = Vec::new();
        let mut from = None;
        for segment in layout.covering(start as u64..(start + range) as u64) {
            from.get_or_insert(segment.plaintext.start as usize);
            let sealed = &body[segment.body.start as usize..segment.body.end as usize];
            piece.extend_from_slice(opener.open_at(&segment, sealed).unwrap().expose());
        }
        let end = (start + range).min(len);
        if let Some(from) = from {
            prop_assert_eq!(&piece[start - from..end - from], &plaintext[start..end]);
        } else {
            prop_assert_eq!(start, end);
        }

        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1;
        prop_assert!(open_stream(&key, &header, Some(&members), &changed).is_err());
    }
}
