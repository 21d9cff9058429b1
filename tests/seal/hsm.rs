//! A server whose seal is a hardware module, over SoftHSM (Debian: softhsm2), the module that is a
//! program.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use tempfile::TempDir;

use super::auto::House;
use crate::support::{Installation, Store};

/// Where distributions put the module; `SOFTHSM2_LIB` names another place.
const PLACES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// A module of its own for one test, with one token.
struct Hsm {
    folder: TempDir,
}

impl Hsm {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let hsm = Self { folder };
        for name in ["tokens", "drawer"] {
            fs::create_dir(hsm.path(name)).unwrap();
        }
        let tokens = hsm.path("tokens");
        let text = format!("directories.tokendir = {}\n", tokens.display());
        fs::write(hsm.configuration(), text).unwrap();
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "main"])
            .args(["--so-pin", "1234", "--pin", "4321"])
            .env("SOFTHSM2_CONF", hsm.configuration())
            .output()
            .expect("SoftHSM is missing: install softhsm2");
        assert!(made.status.success(), "{made:?}");
        hsm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> PathBuf {
        self.path("softhsm2.conf")
    }

    /// Returns the stanza of a seal with its token.
    fn seal(&self) -> String {
        let named = env::var_os("SOFTHSM2_LIB").map(PathBuf::from);
        let places = PLACES.map(PathBuf::from);
        let found = named.into_iter().chain(places).find(|path| path.is_file());
        let library = found.expect("SoftHSM is missing: install softhsm2");
        format!(
            "seal \"pkcs11\" {{\n  lib          = {library:?}\n  token_label  = \"main\"\n  \
             pin          = \"4321\"\n  key_label    = \"unseal\"\n  generate_key = \"true\"\n}}\n"
        )
    }

    /// A server that finds this module.
    fn house(&self, seal: &str) -> House {
        let mut installation = Installation::new(Store::Sled);
        installation.tell("SOFTHSM2_CONF", self.configuration());
        House::of(installation, seal)
    }

    fn unplug(&self) {
        moved(&self.path("tokens"), &self.path("drawer"));
    }

    fn plug_in(&self) {
        moved(&self.path("drawer"), &self.path("tokens"));
    }
}

/// Moves what is in a folder to another one.
fn moved(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_key_in_a_module_opens_the_server_at_each_start() {
    let hsm = Hsm::new();
    let mut house = hsm.house(&hsm.seal());
    let status = house.status().await;
    assert_eq!(
        (&status["type"], &status["recovery_seal"]),
        (&json!("pkcs11"), &json!(true))
    );
    let (shares, root) = house.initialise().await;
    assert_eq!(shares.len(), 3);
    house.installation.wait_until_active().await;
    let client = house.installation.client(&root);
    let mount = json!({ "type": "kv" });
    client.post("sys/mounts/notes", mount).await.expect(204);
    let note = json!({ "text": "kept" });
    client.post("notes/one", note).await.expect(204);
    // The key is there now: none is made.
    let seal = hsm.seal().replace("  generate_key = \"true\"\n", "");
    house.restart(&seal);
    house.installation.wait_until_active().await;
    let kept = client.get("notes/one").await.expect(200);
    assert_eq!(kept.at("/data/text"), "kept");
}

#[tokio::test]
async fn without_its_token_a_server_stays_sealed_and_says_why() {
    let hsm = Hsm::new();
    let mut house = hsm.house(&hsm.seal());
    let (shares, root) = house.initialise().await;
    hsm.unplug();
    house.restart(&hsm.seal());
    house.server.wait_for("has no token main");
    house.nobody().get("sys/health").await.expect(503);
    house
        .installation
        .client(&root)
        .get("sys/mounts")
        .await
        .refused(503, "Vault is sealed");
    // Recovery keys open nothing without it.
    let give = async |share: &String| {
        let body = json!({ "key": share });
        house.nobody().post("sys/unseal", body).await
    };
    give(&shares[0]).await.expect(200);
    give(&shares[1])
        .await
        .refused(503, "the seal cannot be used now");
    house.nobody().get("sys/health").await.expect(503);
    // It is looked for every few seconds.
    hsm.plug_in();
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn a_wrong_pin_leaves_a_server_sealed() {
    let hsm = Hsm::new();
    let mut house = hsm.house(&hsm.seal());
    house.initialise().await;
    house.restart(&hsm.seal().replace("4321", "0000"));
    house.server.wait_for("PIN");
    house.nobody().get("sys/health").await.expect(503);
    house.restart(&hsm.seal());
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn a_store_moves_from_people_to_a_module_and_back() {
    let hsm = Hsm::new();
    let mut house = hsm.house("");
    let keys = house.installation.initialise(3, 2).await;
    house.installation.unseal(&keys).await;
    house.restart(&hsm.seal());
    let status = house.status().await;
    assert_eq!(
        (&status["sealed"], &status["migration"]),
        (&json!(true), &json!(true))
    );
    house.migrate(&keys.shares[..2]).await;
    house.restart(&hsm.seal());
    house.installation.wait_until_active().await;
    let disabled = hsm.seal().replace("{\n", "{\n  disabled = \"true\"\n");
    house.restart(&disabled);
    house.migrate(&keys.shares[1..]).await;
    house.restart("");
    house.installation.unseal(&keys).await;
    let client = house.installation.client(&keys.root_token);
    client.get("sys/mounts").await.expect(200);
}
