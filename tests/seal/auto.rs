//! Servers that unseal by themselves, and stores that move from one seal to another.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Client, Installation, Peer, Process, Store};

const STATIC: &str = "seal \"static\" {\n  current_key_id = \"one\"\n  \
                      current_key    = \"0123456789abcdef0123456789abcdef\"\n}\n";
const ROTATED: &str = "seal \"static\" {\n  current_key_id = \"two\"\n  \
                       current_key    = \"another key, of 32 bytes as well\"\n  \
                       previous_key_id = \"one\"\n  \
                       previous_key    = \"0123456789abcdef0123456789abcdef\"\n}\n";

/// A server whose seal the tests change.
pub(super) struct House {
    pub(super) installation: Installation,
    pub(super) server: Process,
    plain: String,
}

impl House {
    fn new(seal: &str) -> Self {
        Self::of(Installation::new(Store::Sled), seal)
    }

    /// Starts the server of an installation.
    pub(super) fn of(installation: Installation, seal: &str) -> Self {
        let plain = fs::read_to_string(installation.config()).unwrap();
        fs::write(installation.config(), format!("{plain}{seal}")).unwrap();
        Self {
            server: installation.start(),
            installation,
            plain,
        }
    }

    /// Kills the server and starts it with another seal.
    pub(super) fn restart(&mut self, seal: &str) {
        self.server.kill();
        fs::write(self.installation.config(), format!("{}{seal}", self.plain)).unwrap();
        self.server = self.installation.start();
    }

    pub(super) fn nobody(&self) -> Client {
        self.installation.client("")
    }

    pub(super) async fn status(&self) -> Value {
        self.nobody().get("sys/seal-status").await.expect(200).json
    }

    pub(super) async fn initialise(&self) -> (Vec<String>, String) {
        let split = json!({ "recovery_shares": 3, "recovery_threshold": 2 });
        let made = self.nobody().post("sys/init", split).await.expect(200);
        assert_eq!(made.at("/keys"), &json!([]));
        let shares = made.at("/recovery_keys_base64").as_array().unwrap();
        let shares = shares
            .iter()
            .map(|share| share.as_str().unwrap().to_owned());
        (shares.collect(), made.text_at("/root_token").to_owned())
    }

    pub(super) async fn migrate(&self, shares: &[String]) {
        for share in shares {
            let body = json!({ "key": share, "migrate": true });
            self.nobody().post("sys/unseal", body).await.expect(200);
        }
        let status = self.status().await;
        assert_eq!(
            (&status["sealed"], &status["migration"]),
            (&json!(false), &json!(false))
        );
    }
}

#[tokio::test]
async fn a_server_with_a_static_key_unseals_by_itself_also_after_the_key_was_rotated() {
    let mut house = House::new(STATIC);
    let status = house.status().await;
    assert_eq!(status["type"], "static");
    assert_eq!(status["recovery_seal"], true);
    assert_eq!(status["recovery_seal_type"], "shamir");
    let refused = json!({ "secret_shares": 5, "secret_threshold": 3 });
    let why = "parameters secret_shares,secret_threshold not applicable to seal type static";
    house
        .nobody()
        .post("sys/init", refused)
        .await
        .refused(400, why);
    let (shares, root) = house.initialise().await;
    assert_eq!(shares.len(), 3);
    house.installation.wait_until_active().await;
    for seal in [
        STATIC,
        ROTATED,
        &ROTATED[..ROTATED.find("  previous").unwrap()],
    ] {
        let seal = format!("{}}}\n", seal.trim_end().trim_end_matches('}'));
        house.restart(&seal);
        house.installation.wait_until_active().await;
        let client = house.installation.client(&root);
        client.get("sys/mounts").await.expect(200);
    }
    let status = house.status().await;
    assert_eq!((&status["n"], &status["t"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn recovery_keys_generate_a_root_token_and_open_what_was_sealed() {
    let house = House::new(STATIC);
    let (shares, root) = house.initialise().await;
    let nobody = house.nobody();
    let attempt = nobody
        .post("sys/generate-root/attempt", json!({}))
        .await
        .expect(200);
    let nonce = attempt.text_at("/nonce");
    assert_eq!(attempt.at("/required"), &json!(2));
    for (share, complete) in shares.iter().zip([false, true]) {
        let body = json!({ "key": share, "nonce": nonce });
        let given = nobody
            .post("sys/generate-root/update", body)
            .await
            .expect(200);
        assert_eq!(given.at("/complete"), &json!(complete));
    }
    let client = house.installation.client(&root);
    client.post("sys/seal", json!({})).await.expect(204);
    nobody.get("sys/health").await.expect(503);
    for share in &shares[1..] {
        nobody
            .post("sys/unseal", json!({ "key": share }))
            .await
            .expect(200);
    }
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn a_quorum_makes_new_recovery_keys_and_the_old_ones_are_over() {
    let mut house = House::new(STATIC);
    let (mut shares, root) = house.initialise().await;
    for area in ["sys/rekey-recovery-key", "sys/rotate/recovery"] {
        let client = house.installation.client(&root);
        let post = async |path: &str, body: Value| {
            let answer = client
                .post(&format!("{area}/{path}"), body)
                .await
                .expect(200);
            // One of the two answers within Vault's envelope.
            answer.json.get("data").unwrap_or(&answer.json).clone()
        };
        let plan = json!({
            "secret_shares": 2, "secret_threshold": 2, "require_verification": true,
        });
        let begun = post("init", plan).await;
        assert_eq!(
            (&begun["started"], &begun["required"]),
            (&json!(true), &json!(2))
        );
        let mut made = Value::Null;
        for share in &shares[..2] {
            let body = json!({ "key": share, "nonce": begun["nonce"] });
            made = post("update", body).await;
        }
        let fresh: Vec<String> = serde_json::from_value(made["keys"].clone()).unwrap();
        let nonce = made["verification_nonce"].clone();
        for share in &fresh {
            made = post("verify", json!({ "key": share, "nonce": nonce })).await;
        }
        assert_eq!(made["complete"], true);
        client.post("sys/seal", json!({})).await.expect(204);
        let give = async |share: &String| {
            let body = json!({ "key": share });
            house.nobody().post("sys/unseal", body).await
        };
        give(&shares[0]).await.expect(200);
        assert_eq!(give(&shares[1]).await.status, 400, "the old ones are over");
        give(&fresh[0]).await.expect(200);
        give(&fresh[1]).await.expect(200);
        house.installation.wait_until_active().await;
        shares = fresh;
        let status = house.status().await;
        assert_eq!((&status["n"], &status["t"]), (&json!(2), &json!(2)));
    }
    house.restart(STATIC);
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn the_root_key_is_made_anew_under_people_and_under_a_seal() {
    let mut house = House::new("");
    let keys = house.installation.initialise(3, 2).await;
    house.installation.unseal(&keys).await;
    let client = house.installation.client(&keys.root_token);
    client.post("sys/rotate/root", json!({})).await.expect(204);
    let first = || json!({ "secret_shares": 1, "secret_threshold": 1 });
    client
        .post("sys/rotate/recovery/init", first())
        .await
        .refused(400, "recovery keys not supported");
    client
        .post("sys/rekey-recovery-key/init", first())
        .await
        .refused(400, "recovery rekeying not supported");
    let limited = json!({ "policies": ["default"] });
    let limited = client.post("auth/token/create", limited).await.expect(200);
    let limited = client.with_token(limited.text_at("/auth/client_token"));
    for path in [
        "sys/rotate/root",
        "sys/rotate/root/init",
        "sys/rekey-recovery-key/init",
    ] {
        let refused = limited.post(path, json!({})).await;
        refused.refused(403, "permission denied");
    }
    house.restart("");
    house.installation.unseal(&keys).await;
    house.restart(STATIC);
    house.migrate(&keys.shares[..2]).await;
    let client = house.installation.client(&keys.root_token);
    client.post("sys/rotate/root", json!({})).await.expect(204);
    let split = json!({ "secret_shares": 5, "secret_threshold": 3 });
    let begun = client.post("sys/rotate/root/init", split).await.expect(200);
    let mut made = Value::Null;
    for share in &keys.shares[1..] {
        let body = json!({ "key": share, "nonce": begun.at("/data/nonce") });
        made = client
            .post("sys/rotate/root/update", body)
            .await
            .expect(200)
            .json;
    }
    assert_eq!(
        (&made["data"]["complete"], &made["data"]["keys"]),
        (&json!(true), &json!([]))
    );
    house.restart(STATIC);
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn the_first_recovery_key_needs_nobody() {
    let house = House::new(STATIC);
    let made = house.nobody().post("sys/init", json!({})).await.expect(200);
    let client = house.installation.client(made.text_at("/root_token"));
    house
        .nobody()
        .post("sys/generate-root/attempt", json!({}))
        .await
        .refused(400, "there are no recovery keys");
    let split = json!({ "secret_shares": 2, "secret_threshold": 2 });
    let made = client
        .post("sys/rotate/recovery/init", split)
        .await
        .expect(200);
    let shares: Vec<String> = serde_json::from_value(made.at("/data/keys").clone()).unwrap();
    client.post("sys/seal", json!({})).await.expect(204);
    for share in &shares {
        let body = json!({ "key": share });
        house.nobody().post("sys/unseal", body).await.expect(200);
    }
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn a_store_moves_from_people_to_a_seal_and_back() {
    let mut house = House::new("");
    let keys = house.installation.initialise(3, 2).await;
    house.installation.unseal(&keys).await;
    house.restart(STATIC);
    let status = house.status().await;
    assert_eq!(
        (&status["sealed"], &status["migration"]),
        (&json!(true), &json!(true))
    );
    let why = "migrate option not provided and seal migration is pending";
    let body = json!({ "key": keys.shares[0] });
    house
        .nobody()
        .post("sys/unseal", body)
        .await
        .refused(400, why);
    house.migrate(&keys.shares[..2]).await;
    house.restart(STATIC);
    house.installation.wait_until_active().await;

    house.restart(&left(STATIC));
    assert_eq!(house.status().await["type"], "shamir");
    house.migrate(&keys.shares[1..]).await;
    house.restart("");
    house.installation.unseal(&keys).await;
    let client = house.installation.client(&keys.root_token);
    client.get("sys/mounts").await.expect(200);
    let body = json!({ "key": keys.shares[0], "migrate": true });
    house.restart("");
    house.nobody().post("sys/unseal", body).await.refused(
        400,
        "can't perform a seal migration, no migration seal found",
    );
}

/// Makes a transit key on another server, and returns the stanza of a seal with it.
async fn transit_seal(address: &str, root: &str) -> String {
    let client = Client::at(address, root);
    let mount = json!({ "type": "transit" });
    client.post("sys/mounts/unsealer", mount).await.expect(204);
    let policy = json!({ "policy": "path \"unsealer/+/main\" { capabilities = [\"update\"] }" });
    client
        .post("sys/policies/acl/unsealer", policy)
        .await
        .expect(204);
    let made = client.post("unsealer/keys/main", json!({})).await.status;
    assert!(matches!(made, 200 | 204), "{made}");
    let token = json!({ "policies": ["unsealer"], "period": "1h", "no_parent": true });
    let token = client.post("auth/token/create", token).await.expect(200);
    format!(
        "seal \"transit\" {{\n  address    = {address:?}\n  mount_path = \"unsealer/\"\n  \
         key_name   = \"main\"\n  token      = {:?}\n}}\n",
        token.text_at("/auth/client_token")
    )
}

/// The stanza of a seal that a store moves away from.
fn left(seal: &str) -> String {
    seal.replace("{\n", "{\n  disabled = \"true\"\n")
}

/// Initialises a server under a transit key, starts it anew, and moves it to a static key and back, then
/// to people and back. What was written stays.
async fn opens_by(seal: &str) {
    let mut house = House::new(seal);
    let (shares, root) = house.initialise().await;
    let client = house.installation.client(&root);
    let mount = json!({ "type": "kv" });
    client.post("sys/mounts/notes", mount).await.expect(204);
    let note = json!({ "text": "kept" });
    client.post("notes/one", note).await.expect(204);
    let stays_under = async |house: &House, kind: &str| {
        house.installation.wait_until_active().await;
        assert_eq!(house.status().await["type"], kind);
        let kept = client.get("notes/one").await.expect(200);
        assert_eq!(kept.at("/data/text"), "kept");
    };
    house.restart(seal);
    stays_under(&house, "transit").await;
    for (from, to, kind) in [(seal, STATIC, "static"), (STATIC, seal, "transit")] {
        house.restart(&format!("{}{to}", left(from)));
        assert_eq!(house.status().await["sealed"], true);
        house.migrate(&shares[..2]).await;
        stays_under(&house, kind).await;
        house.restart(to);
        stays_under(&house, kind).await;
    }

    house.restart(&left(seal));
    house.migrate(&shares[1..]).await;
    house.restart("");
    assert_eq!(house.status().await["sealed"], true);
    for share in &shares[..2] {
        let body = json!({ "key": share });
        house.nobody().post("sys/unseal", body).await.expect(200);
    }
    stays_under(&house, "shamir").await;
    house.restart(seal);
    assert_eq!(house.status().await["sealed"], true);
    house.migrate(&shares[1..]).await;
    house.restart(seal);
    stays_under(&house, "transit").await;
}

#[tokio::test]
async fn a_store_moves_from_one_static_key_to_another() {
    let mut house = House::new(STATIC);
    let (shares, root) = house.initialise().await;
    let client = house.installation.client(&root);
    let mount = json!({ "type": "kv" });
    client.post("sys/mounts/notes", mount).await.expect(204);
    client
        .post("notes/one", json!({ "text": "kept" }))
        .await
        .expect(204);
    let disabled = left(STATIC);
    let other = STATIC.replace("0123456789abcdef", "fedcba9876543210");
    let both = format!("{disabled}{other}");
    house.restart(&both);
    let body = json!({ "key": shares[0] });
    house.nobody().post("sys/unseal", body).await.refused(
        400,
        "migrate option not provided and seal migration is pending",
    );
    let status = house.status().await;
    assert_eq!(
        (&status["sealed"], &status["migration"]),
        (&json!(true), &json!(true))
    );
    house.migrate(&shares[1..]).await;
    // The old stanza may stay for a while, and changes nothing.
    for seal in [&both, &other] {
        house.restart(seal);
        house.installation.wait_until_active().await;
        let kept = client.get("notes/one").await.expect(200);
        assert_eq!(kept.at("/data/text"), "kept");
    }
    house.restart(STATIC);
    house.server.wait_for("is not the one it was");
    assert_eq!(house.status().await["sealed"], true);
}

#[tokio::test]
async fn a_store_moves_from_one_transit_key_to_that_of_another_server() {
    let unsealers = [
        Installation::new(Store::Sled),
        Installation::new(Store::Sled),
    ];
    let _running = [unsealers[0].start(), unsealers[1].start()];
    let mut seals = Vec::new();
    for unsealer in &unsealers {
        let keys = unsealer.initialise(1, 1).await;
        unsealer.unseal(&keys).await;
        seals.push(transit_seal(&unsealer.address(), &keys.root_token).await);
    }
    let mut house = House::new(&seals[0]);
    let (shares, root) = house.initialise().await;
    let disabled = left(&seals[0]);
    house.restart(&format!("{disabled}{}", seals[1]));
    house.migrate(&shares[..2]).await;
    house.restart(&seals[1]);
    house.installation.wait_until_active().await;
    let client = house.installation.client(&root);
    client.get("sys/mounts").await.expect(200);
}

#[tokio::test]
async fn a_later_version_of_the_transit_key_is_taken_up() {
    let peer = Peer::start();
    let seal = transit_seal(&peer.address(), peer.root_token()).await;
    let mut house = House::new(&seal);
    house.initialise().await;
    let unsealer = Client::at(&peer.address(), peer.root_token());
    let rotated = unsealer.post("unsealer/keys/main/rotate", json!({})).await;
    assert!(matches!(rotated.status, 200 | 204));
    house.restart(&seal);
    house.installation.wait_until_active().await;
    // What the first version wrapped would no longer open.
    let body = json!({ "min_decryption_version": 2 });
    let raised = unsealer.post("unsealer/keys/main/config", body).await;
    assert!(matches!(raised.status, 200 | 204));
    house.restart(&seal);
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn a_transit_key_of_the_peer_unseals_a_server() {
    let peer = Peer::start();
    opens_by(&transit_seal(&peer.address(), peer.root_token()).await).await;
}

#[tokio::test]
async fn a_server_whose_unsealer_is_away_waits_for_it() {
    let other = Installation::new(Store::Sled);
    let mut unsealer = other.start();
    let keys = other.initialise(1, 1).await;
    other.unseal(&keys).await;
    let seal = transit_seal(&other.address(), &keys.root_token).await;
    opens_by(&seal).await;

    let mut house = House::new(&seal);
    house.initialise().await;
    unsealer.kill();
    house.server.kill();
    house.server = house.installation.launch(&house.installation.config());
    house.server.wait_for("the seal did not do its part");
    let address = house.installation.socket_address();
    house.server.wait_until_it_answers(address).unwrap();
    let health = house.nobody().get("sys/health").await.expect(503);
    assert_eq!(health.at("/sealed"), &json!(true));
    let _unsealer = other.start();
    other.unseal(&keys).await;
    house.installation.wait_until_active().await;
}

#[tokio::test]
async fn while_the_seal_is_away_keys_are_not_changed_and_that_is_said() {
    let other = Installation::new(Store::Sled);
    let mut unsealer = other.start();
    let keys = other.initialise(1, 1).await;
    other.unseal(&keys).await;
    let seal = transit_seal(&other.address(), &keys.root_token).await;
    let house = House::new(&seal);
    let (shares, root) = house.initialise().await;
    house.installation.wait_until_active().await;
    let client = house.installation.client(&root);
    let post = async |path: &str, body: Value| client.post(&format!("sys/{path}"), body).await;
    let plan = json!({ "secret_shares": 3, "secret_threshold": 2 });
    let begun = post("rotate/recovery/init", plan).await.expect(200);
    let nonce = begun.text_at("/data/nonce");
    let give = async |number: usize| {
        let body = json!({ "key": shares[number], "nonce": nonce });
        post("rotate/recovery/update", body).await
    };
    unsealer.kill();
    let away = "the seal cannot be used now";
    give(0).await.expect(200);
    give(1).await.refused(503, away);
    post("rotate/root", json!({})).await.refused(503, away);
    let status = client.get("sys/rotate/recovery/init").await.expect(200);
    let (started, progress) = (status.at("/data/started"), status.at("/data/progress"));
    assert_eq!((started, progress), (&json!(true), &json!(0)));
    client.get("sys/mounts").await.expect(200);
    let _unsealer = other.start();
    other.unseal(&keys).await;
    give(0).await.expect(200);
    let made = give(1).await.expect(200);
    assert_eq!(made.at("/data/complete"), &json!(true));
}
