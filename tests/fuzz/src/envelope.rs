//! Envelopes.

use std::sync::LazyLock;

use keyward_crypto::envelope::{
    DataKey, HEAD_LEN, Header, Layout, Opener, Parsed, Suite, from_text, open_record, to_text,
};
use keyward_crypto::{Error, SecretBytes};

use crate::text::text;

/// Nobody has sealed with these, so that nothing opens.
static KEYS: LazyLock<[DataKey; 2]> = LazyLock::new(|| {
    [Suite::Record, Suite::Stream].map(|suite| {
        let bytes = SecretBytes::new(vec![0x5a; 32]);
        DataKey::new(suite, &bytes).unwrap()
    })
});

/// A container, or its text: a header that is read is written alike, and what is no more than a
/// beginning asks for more than is there.
pub(crate) fn envelope(data: &[u8]) {
    if let Some(container) = text(data).and_then(|text| from_text(text).ok()) {
        assert_eq!(from_text(&to_text(&container)), Ok(container.clone()));
        return envelope(&container);
    }
    let (header, len) = match Header::parse(data) {
        Ok(Parsed::Whole(header, len)) => (header, len),
        Ok(Parsed::Needs(needed)) => {
            assert!(needed > data.len());
            assert_eq!(Header::split(data), Err(Error::Truncated));
            return;
        }
        Err(error) => return assert!(matches!(error, Error::Invalid(_))),
    };
    assert_eq!(header.encode(), data[..len]);
    let body = &data[len..];
    assert_eq!(Header::split(data), Ok((header.clone(), body)));

    // As if the header were of our key, so that the bodies are read.
    for key in &*KEYS {
        assert_eq!(
            open_record(key, &header, None, body),
            Err(Error::Decryption)
        );
        let wrapped_key = header.wrapped_key();
        let ours = Header::new(key.suite(), header.key(), *key.commitment(), wrapped_key).unwrap();
        assert_eq!(open_record(key, &ours, None, body), Err(Error::Decryption));
        let Some((head, rest)) = body.split_first_chunk::<HEAD_LEN>() else {
            continue;
        };
        if let Ok(mut opener) = Opener::new(key, &ours, None, head) {
            assert!(opener.open_last(rest).is_err());
        }
    }
    if let Ok(layout) = Layout::of_body(body.len() as u64) {
        let segments = layout.covering(0..u64::MAX).count();
        assert!(segments == layout.segments() as usize || layout.plaintext_len() == 0);
    }
}
