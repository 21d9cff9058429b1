//! Scans: what they find, in which order, and from where they go on.

use keyward_crypto::{Derivation, Keyring, key_type};

use super::*;
use crate::{Timestamp, storage::Memory};

async fn holding(keys: &[&str]) -> View {
    let aes = key_type("aes256-gcm96").unwrap();
    let keyring = Keyring::generate(aes, Derivation::None, Timestamp::default().into());
    let barrier = Barrier::new(Arc::new(Memory::new()), keyring.unwrap());
    let view = View::new(Arc::new(barrier), "view/");
    for key in keys {
        let value = SecretBytes::new(b"x".to_vec());
        view.put(key, value).await.unwrap();
    }
    view
}

const KEYS: [&str; 8] = ["a", "b", "b-c", "b/c", "b/c/d", "b/c/e/f", "b0", "c/d"];

#[tokio::test]
async fn a_scan_finds_all_entries_in_the_order_of_their_bytes() {
    let view = holding(&KEYS).await;
    assert_eq!(view.scan("", None, None).await.unwrap(), KEYS);
    let below = view.scan("b/", None, None).await.unwrap();
    assert_eq!(below, ["c", "c/d", "c/e/f"]);
    for nothing in ["b/c/d/", "none/"] {
        let found = view.scan(nothing, None, None).await.unwrap();
        assert!(found.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn a_scan_goes_on_behind_any_path_whether_it_exists_or_not() {
    let view = holding(&KEYS).await;
    let others = [
        "", "0", "aa", "b.", "b/", "b/a", "b/c/", "b/c/e/", "b/c/e/g", "b/d/e", "z/z",
    ];
    for after in KEYS.into_iter().chain(others) {
        let expected = KEYS.into_iter().filter(|key| *key > after);
        let expected: Vec<_> = expected.collect();
        let found = view.scan("", Some(after), None).await.unwrap();
        assert_eq!(found, expected, "{after:?}");
        let page = view.scan("", Some(after), Some(2)).await.unwrap();
        assert_eq!(page, expected[..expected.len().min(2)], "{after:?}");
    }
}

#[tokio::test]
async fn a_scan_reads_folders_of_many_pages() {
    let keys: Vec<String> = (0..600)
        .flat_map(|n| [format!("k{n:03}"), format!("k{n:03}/x")])
        .collect();
    let view = holding(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(view.scan("", None, None).await.unwrap(), keys);
}
