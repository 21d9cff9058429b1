//! The body of a stream, as Google's library reads and writes it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use keyward_crypto::envelope::{DataKey, HEAD_LEN, Header, Opener, Sealer, Suite};
use keyward_crypto::{SecretBytes, encoding};

use crate::support::{project_root, python};

const KEY: [u8; 32] = [0x3c; 32];

/// Lets `tink` encrypt or decrypt with the data key and these associated data.
fn tink(direction: &str, associated_data: &[u8], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(python())
        .arg(project_root().join("bindings/js/test/tink_peer.py"))
        .args([direction, &encoding::encode_hex(&KEY)])
        .arg(encoding::encode_hex(associated_data))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn header() -> (DataKey, Header) {
    let key = DataKey::new(Suite::Stream, &SecretBytes::from(&KEY[..])).unwrap();
    let wrapped = "vault:v1:AAAA";
    let header = Header::new(Suite::Stream, "transit/files", *key.commitment(), wrapped).unwrap();
    (key, header)
}

#[test]
fn tink_opens_what_is_sealed_and_seals_what_is_opened() {
    let (key, header) = header();
    let bound = header.bound();
    for len in [0, 1, 1_048_520, 1_048_521, 3_000_000] {
        let plaintext: Vec<u8> = (0..len).map(|at: u32| (at / 11) as u8).collect();
        let mut sealer = Sealer::new(&key, &header, None, &[8; 39]).unwrap();
        let mut body = sealer.head().to_vec();
        let mut rest = &plaintext[..];
        while rest.len() > sealer.capacity() {
            let (segment, after) = rest.split_at(sealer.capacity());
            body.extend(sealer.seal(segment).unwrap());
            rest = after;
        }
        body.extend(sealer.seal_last(rest).unwrap());
        assert!(tink("decrypt", &bound, &body) == plaintext, "{len}");

        let body = tink("encrypt", &bound, &plaintext);
        let (head, mut rest) = body.split_first_chunk::<HEAD_LEN>().unwrap();
        let mut opener = Opener::new(&key, &header, None, head).unwrap();
        let mut opened = Vec::new();
        while rest.len() > opener.segment_len() {
            let (segment, after) = rest.split_at(opener.segment_len());
            opened.extend_from_slice(opener.open(segment).unwrap().expose());
            rest = after;
        }
        opened.extend_from_slice(opener.open_last(rest).unwrap().expose());
        assert!(opened == plaintext, "{len}");
    }
}

#[test]
fn tink_refuses_what_was_changed_or_cut_off() {
    let (key, header) = header();
    let mut sealer = Sealer::new(&key, &header, None, &[8; 39]).unwrap();
    let first = vec![1; sealer.capacity()];
    let whole = [
        sealer.head().to_vec(),
        sealer.seal(&first).unwrap(),
        sealer.seal_last(b"the end").unwrap(),
    ];
    let bound = header.bound();
    let mut changed = whole.concat();
    changed[1_000] ^= 1;
    for body in [changed, whole[..2].concat()] {
        assert_eq!(tink("decrypt", &bound, &body), b"refused");
    }
}
