//! A disk that is full, read-only or does not sync, under a running server: nothing is acknowledged
//! that is not kept, nothing that was acknowledged is lost, and the server is well again by itself
//! when the disk is.

mod fault;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use self::fault::{Fault, Kind};
use crate::support::{Answer, Client, Installation, Keys, Process, Store};

/// How long a store may take until it notices that its disk is well again.
const MENDED_WITHIN: Duration = Duration::from_secs(30);

const KINDS: [Kind; 3] = [Kind::Full, Kind::ReadOnly, Kind::Unsynced];

/// A refusal of Vault's form that tells the caller nothing of the disk.
fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 500, "{}", answer.text);
    let errors = answer.at("/errors").as_array().unwrap();
    assert!(!errors.is_empty() && answer.json["data"].is_null());
    for word in ["os error", "/", "No space", "Read-only", "Input/output"] {
        assert!(!answer.text.contains(word), "{}", answer.text);
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

/// A server, and what it acknowledged.
struct Book {
    installation: Installation,
    keys: Keys,
    root: Client,
    acknowledged: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    sequence: u64,
}

impl Book {
    async fn open(store: Store) -> (Self, Process) {
        let installation = Installation::new(store);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        root.post("sys/mounts/kv", json!({ "type": "kv" }))
            .await
            .expect(204);
        root.post("sys/mounts/transit", json!({ "type": "transit" }))
            .await
            .expect(204);
        root.post("transit/keys/k", json!({})).await.expect(200);
        let book = Self {
            installation,
            keys,
            root,
            acknowledged: BTreeMap::new(),
            refused: BTreeMap::new(),
            sequence: 0,
        };
        (book, server)
    }

    /// Writes something new, over something old or not, and books what the answer says.
    async fn write(&mut self) -> Answer {
        self.sequence += 1;
        let path = format!("kv/{}", self.sequence % 7);
        let answer = self.root.post(&path, json!({ "n": self.sequence })).await;
        match answer.status {
            204 => {
                self.acknowledged.insert(path.clone(), self.sequence);
                self.refused.remove(&path)
            }
            _ => self.refused.insert(path, self.sequence),
        };
        answer
    }

    /// Compares the book with what is there; a write without an acknowledgement may have arrived.
    async fn check(&self) {
        for (path, value) in &self.acknowledged {
            let read = self.root.get(path).await.expect(200);
            let read = read.at("/data/n").as_u64();
            let possible = [Some(*value), self.refused.get(path).copied()];
            assert!(
                read.is_some() && possible.contains(&read),
                "{path}: {read:?}, not {possible:?}"
            );
        }
    }

    /// Writes until a write is taken. What was refused before then has never been.
    async fn write_until_taken(&mut self) {
        let deadline = Instant::now() + MENDED_WITHIN;
        loop {
            let answer = self.write().await;
            if answer.status == 204 {
                break;
            }
            is_refused(&answer);
            assert!(Instant::now() < deadline, "the store is not mended");
        }
        self.refused.clear();
    }

    /// What a monitor is told.
    async fn is_writable(&self) -> bool {
        let shown = self.root.get("sys/metrics?format=prometheus").await;
        let shown = shown.expect(200).text;
        let mut lines = shown.lines();
        let line = lines.find_map(|line| line.strip_prefix("vault_barrier_writable "));
        line.unwrap() == "1"
    }

    /// Encrypts something, and returns the ciphertext.
    async fn encrypt(&self) -> String {
        let plaintext = json!({ "plaintext": "aGVsbG8=" });
        let answer = self.root.post("transit/encrypt/k", plaintext).await;
        answer.expect(200).text_at("/data/ciphertext").to_owned()
    }

    async fn start(&self) -> Process {
        let server = self.installation.start();
        self.installation.unseal(&self.keys).await;
        server
    }
}

/// A fault of the disk below the store: writes are refused, and who only reads notices nothing.
async fn meet(book: &mut Book, kind: Kind, server: &Process) {
    let fault = Fault::begin(kind, server, &files_below(&book.installation.path("data")));
    for _ in 0..4 {
        is_refused(&book.write().await);
    }
    for (path, value) in &book.acknowledged {
        let read = book.root.get(path).await.expect(200);
        assert_eq!(read.at("/data/n"), *value, "{path}");
    }
    assert!(!book.is_writable().await);
    // The count of a key's encryptions is put down for many of them ahead.
    book.encrypt().await;
    fault.end();
}

async fn a_store_meets(store: Store, kind: Kind) {
    let (mut book, mut server) = Book::open(store).await;
    for _ in 0..12 {
        book.write().await.expect(204);
    }
    let ciphertext = book.encrypt().await;
    for _ in 0..2 {
        meet(&mut book, kind, &server).await;
        book.write_until_taken().await;
        server.wait_for("the store takes writes again");
        assert!(book.is_writable().await);
        book.check().await;
        for _ in 0..12 {
            book.write().await.expect(204);
        }
        book.check().await;
        book.encrypt().await;
    }
    server.kill();
    let server = book.start().await;
    book.check().await;
    book.encrypt().await;

    // Nor is anything lost if nobody waits until it is well by itself.
    meet(&mut book, kind, &server).await;
    server.terminate();
    let mut server = book.start().await;
    book.check().await;
    let ciphertext = json!({ "ciphertext": ciphertext });
    let opened = book.root.post("transit/decrypt/k", ciphertext).await;
    assert_eq!(opened.expect(200).at("/data/plaintext"), "aGVsbG8=");
    book.refused.clear();
    for _ in 0..12 {
        book.write().await.expect(204);
    }
    server.kill();
    let _server = book.start().await;
    book.check().await;
}

#[tokio::test]
async fn sled_loses_nothing_to_a_faulty_disk_and_is_well_by_itself() {
    for kind in KINDS {
        println!("{kind:?}");
        a_store_meets(Store::Sled, kind).await;
    }
}

#[tokio::test]
async fn redb_loses_nothing_to_a_faulty_disk_and_is_well_by_itself() {
    for kind in KINDS {
        println!("{kind:?}");
        a_store_meets(Store::Redb, kind).await;
    }
}

async fn an_audit_file_meets(kind: Kind) {
    let (mut book, server) = Book::open(Store::Sled).await;
    let log = book.installation.path("audit.log");
    let options = json!({ "file_path": log, "durable": "true" });
    let device = json!({ "type": "file", "options": options });
    book.root.post("sys/audit/file", device).await.expect(204);
    for _ in 0..5 {
        book.write().await.expect(204);
    }
    let before = fs::read_to_string(&log).unwrap();
    let fault = Fault::begin(kind, &server, std::slice::from_ref(&log));
    for _ in 0..3 {
        is_refused(&book.write().await);
        // What is not on record is neither done nor shown.
        let secret = book.root.get("kv/1").await;
        is_refused(&secret);
    }
    let health = book.root.with_token("").get("sys/health").await;
    assert_eq!(health.status, 200, "it must answer when audit cannot");
    fault.end();

    book.refused.clear();
    book.check().await;
    for _ in 0..5 {
        book.write().await.expect(204);
    }
    book.check().await;
    let after = fs::read_to_string(&log).unwrap();
    assert!(after.starts_with(&before), "lines that were kept are gone");
    let verified = book
        .installation
        .run(&["audit", "verify", log.to_str().unwrap()]);
    assert!(verified.status.success(), "{verified:?}");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn an_audit_file_on_a_faulty_disk_stops_requests_and_is_well_by_itself() {
    for kind in KINDS {
        println!("{kind:?}");
        an_audit_file_meets(kind).await;
    }
}
