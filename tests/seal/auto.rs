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
struct House {
    installation: Installation,
    server: Process,
    plain: String,
}

impl House {
    fn new(seal: &str) -> Self {
        let installation = Installation::new(Store::Sled);
        let plain = fs::read_to_string(installation.config()).unwrap();
        fs::write(installation.config(), format!("{plain}{seal}")).unwrap();
        Self {
            server: installation.start(),
            installation,
            plain,
        }
    }

    /// Kills the server and starts it with another seal.
    fn restart(&mut self, seal: &str) {
        self.server.kill();
        fs::write(self.installation.config(), format!("{}{seal}", self.plain)).unwrap();
        self.server = self.installation.start();
    }

    fn nobody(&self) -> Client {
        self.installation.client("")
    }

    async fn status(&self) -> Value {
        self.nobody().get("sys/seal-status").await.expect(200).json
    }

    async fn initialise(&self) -> (Vec<String>, String) {
        let split = json!({ "recovery_shares": 3, "recovery_threshold": 2 });
        let made = self.nobody().post("sys/init", split).await.expect(200);
        assert_eq!(made.at("/keys"), &json!([]));
        let shares = made.at("/recovery_keys_base64").as_array().unwrap();
        let shares = shares
            .iter()
            .map(|share| share.as_str().unwrap().to_owned());
        (shares.collect(), made.text_at("/root_token").to_owned())
    }

    async fn migrate(&self, shares: &[String]) {
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
    let unseal_keys = json!({ "secret_shares": 1, "secret_threshold": 1 });
    client
        .post("sys/rekey/init", unseal_keys)
        .await
        .refused(400, "the seal opens by itself");
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

    house.restart(&STATIC.replace("{\n", "{\n  disabled = \"true\"\n"));
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

/// Initialises a server, starts it anew, and moves it to a seal of another type and back.
async fn opens_by(seal: &str) {
    let mut house = House::new(seal);
    let (shares, root) = house.initialise().await;
    house.restart(seal);
    house.installation.wait_until_active().await;
    let client = house.installation.client(&root);
    client.get("sys/mounts").await.expect(200);
    assert_eq!(house.status().await["type"], "transit");
    let disabled = seal.replace("{\n", "{\n  disabled = \"true\"\n");
    house.restart(&format!("{disabled}{STATIC}"));
    assert_eq!(house.status().await["sealed"], true);
    house.migrate(&shares[..2]).await;
    house.restart(STATIC);
    house.installation.wait_until_active().await;
    assert_eq!(house.status().await["type"], "static");
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
