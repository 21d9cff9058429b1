//! Envelopes, with data keys of a real server.

use std::io::Cursor;

use keyward_client::{Context, EnvelopeLimits, Error};

use super::{client_of_transit, create_key};
use crate::support::Target;

#[tokio::test]
async fn envelopes_work_with_keyward() {
    suite(&Target::keyward()).await;
}

#[tokio::test]
async fn envelopes_work_with_the_peer() {
    suite(&Target::peer()).await;
}

async fn suite(target: &Target) {
    let client = client_of_transit(target).await;
    create_key(&client, "files", "aes256-gcm96").await;
    let context = Context::from([("tenant".to_owned(), "a".to_owned())]);
    let context = Some(&context);
    let limits = EnvelopeLimits::default();
    let envelope = client.envelope("transit", "files", limits).unwrap();

    // Records: one data key for all of them.
    let mut records = Vec::new();
    for row in 0..20u8 {
        records.push(envelope.seal_text(&[row; 100], context).await.unwrap());
    }
    assert_eq!((envelope.stats().misses, envelope.stats().hits), (1, 19));
    for (row, record) in (0..20u8).zip(&records) {
        let opened = envelope.open_text(record, context).await.unwrap();
        assert_eq!(opened.expose(), &[row; 100]);
    }
    assert_eq!(envelope.stats().misses, 2);
    let refused = envelope.open_text(&records[0], None).await.unwrap_err();
    assert!(matches!(refused, Error::Open(_)) && !refused.retryable());

    // Streams: whole, in ranges, cut off.
    let plaintext: Vec<u8> = (0..2_500_000u32).map(|at| (at / 7) as u8).collect();
    let mut sealed = Vec::new();
    let went_in = envelope
        .seal_all(&plaintext[..], &mut sealed, context)
        .await
        .unwrap();
    assert_eq!(went_in, plaintext.len() as u64);
    let mut opened = Vec::new();
    envelope
        .open_all(&sealed[..], &mut opened, context)
        .await
        .unwrap();
    assert!(opened == plaintext);
    for range in [
        0..10,
        1_048_000..1_049_000,
        2_499_990..9_000_000,
        3_000_000..4_000_000,
    ] {
        let piece = envelope
            .open_range(Cursor::new(&sealed), range.clone(), context)
            .await;
        let end = plaintext.len().min(range.end as usize);
        let expected = plaintext.get(range.start as usize..end).unwrap_or_default();
        assert_eq!(piece.unwrap().expose(), expected);
    }
    let cut = &sealed[..sealed.len() - 500_000];
    let refused = envelope.open_all(cut, Vec::new(), context).await;
    assert!(matches!(refused, Err(Error::Open(_))));

    // Rotation: the header alone changes, and whoever forgot all keys opens it.
    client.transit("transit").rotate_key("files").await.unwrap();
    let (header, old_len) = envelope.rewrap_header(&sealed).await.unwrap();
    assert!(header.windows(9).any(|bytes| bytes == b"vault:v2:"));
    let rotated = [&header, &sealed[old_len..]].concat();
    envelope.clear();
    let mut opened = Vec::new();
    envelope
        .open_all(&rotated[..], &mut opened, context)
        .await
        .unwrap();
    assert!(opened == plaintext);

    // Another key's.
    create_key(&client, "other", "aes256-gcm96").await;
    let other = client.envelope("transit", "other", limits).unwrap();
    let refused = other.open_text(&records[0], context).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn records_at_the_same_time_need_one_data_key() {
    let target = Target::keyward();
    let client = client_of_transit(&target).await;
    create_key(&client, "files", "aes256-gcm96").await;
    let envelope = || {
        let limits = EnvelopeLimits::default();
        client.envelope("transit", "files", limits).unwrap()
    };
    let (sealer, opener) = (envelope(), envelope());
    let rows: Vec<[u8; 8]> = (0..64u64).map(u64::to_be_bytes).collect();
    let sealed = rows.iter().map(|row| sealer.seal(row, None));
    let sealed = futures_util::future::try_join_all(sealed).await.unwrap();
    assert_eq!((sealer.stats().misses, sealer.stats().hits), (1, 63));
    let opened = sealed.iter().map(|record| opener.open(record, None));
    let opened = futures_util::future::try_join_all(opened).await.unwrap();
    assert_eq!((opener.stats().misses, opener.stats().hits), (1, 63));
    for (row, opened) in rows.iter().zip(&opened) {
        assert_eq!(opened.expose(), row);
    }
}

#[tokio::test]
async fn a_stream_may_come_in_pieces_of_any_size() {
    let target = Target::keyward();
    let client = client_of_transit(&target).await;
    create_key(&client, "files", "aes256-gcm96").await;
    let envelope = client
        .envelope("transit", "files", EnvelopeLimits::default())
        .unwrap();
    for len in [0, 1, 1_048_520, 1_048_521, 2_097_080, 2_097_081] {
        let plaintext = vec![7; len];
        for piece in [1 << 20, 1_048_520, 99_991] {
            let mut sealer = envelope.stream_sealer(None).await.unwrap();
            let mut sealed = sealer.start().to_vec();
            for piece in plaintext.chunks(piece) {
                sealed.extend(sealer.push(piece).unwrap());
            }
            sealed.extend(sealer.finish().unwrap());
            let (beginning, rest) = sealed.split_at(sealed.len().min(400));
            let mut opener = envelope.stream_opener(beginning, None).await.unwrap();
            let mut opened = Vec::new();
            for piece in rest.chunks(piece) {
                opened.extend_from_slice(opener.push(piece).unwrap().expose());
            }
            opened.extend_from_slice(opener.finish().unwrap().expose());
            assert!(opened == plaintext, "{len} in pieces of {piece}");
        }
    }
}
