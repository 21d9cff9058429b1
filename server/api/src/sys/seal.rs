//! Initialization, the seal and the barrier's key.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `PUT sys/init`: makes the keys of a new server, which has no audit log yet.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Initialize {
    /// Into how many shares the unseal key is split.
    #[serde(deserialize_with = "coerce::int")]
    pub secret_shares: Option<i64>,
    /// How many shares bring it back.
    #[serde(deserialize_with = "coerce::int")]
    pub secret_threshold: Option<i64>,
    /// Into how many shares the recovery key is split, where the seal opens by itself; 0 for none.
    #[serde(deserialize_with = "coerce::int")]
    pub recovery_shares: Option<i64>,
    /// How many shares bring it back.
    #[serde(deserialize_with = "coerce::int")]
    pub recovery_threshold: Option<i64>,
    /// The OpenPGP keys that the shares of the unseal key are encrypted to, one a share: each as
    /// `gpg --export` writes it, in base64. An empty one is a bad key, not none.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub pgp_keys: Option<Vec<String>>,
    /// The same for the shares of the recovery key.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub recovery_pgp_keys: Option<Vec<String>>,
    /// The OpenPGP key that the root token is encrypted to.
    #[serde(deserialize_with = "coerce::text")]
    pub root_token_pgp_key: Option<String>,
}
endpoint!(Initialize {} => Initialized: Update "init", access Public; document);

/// What `PUT sys/init` answers, once.
#[derive(Debug, Deserialize, Serialize)]
pub struct Initialized {
    /// The shares of the unseal key in hexadecimal; none where the seal opens by itself. Where there
    /// are OpenPGP keys, each is a message of the hexadecimal text of a share.
    pub keys: Vec<Sensitive>,
    /// The same shares in base64.
    pub keys_base64: Vec<Sensitive>,
    /// The shares of the recovery key in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_keys: Vec<Sensitive>,
    /// The same shares in base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_keys_base64: Vec<Sensitive>,
    /// The first root token; in base64 a message of it, where there is an OpenPGP key for it.
    pub root_token: Sensitive,
}

/// `GET sys/init`: tells whether the keys were made.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadInitStatus {}
endpoint!(ReadInitStatus {} => InitStatus: Read "init", access Public; document);

/// What `GET sys/init` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct InitStatus {
    /// Whether the keys were made.
    pub initialized: bool,
}

/// `PUT sys/unseal`: gives one share, of the unseal key or the recovery key. It leaves no audit
/// entry while the log is sealed as well.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Unseal {
    /// The share, in hexadecimal or base64.
    pub key: Option<Sensitive>,
    /// Forgets the shares given so far.
    #[serde(deserialize_with = "coerce::flag")]
    pub reset: Option<bool>,
    /// Whether the share is given to move the store to another seal.
    #[serde(deserialize_with = "coerce::flag")]
    pub migrate: Option<bool>,
}
endpoint!(Unseal {} => SealStatus: Update "unseal", access Public; document);

/// `GET sys/seal-status`: tells whether the server is sealed, and how far unsealing is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadSealStatus {}
endpoint!(ReadSealStatus {} => SealStatus: Read "seal-status", access Public; document);

/// What `GET sys/seal-status` and `PUT sys/unseal` answer, without an envelope.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct SealStatus {
    /// The type of seal: `shamir`, or one that opens by itself.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the keys were made.
    pub initialized: bool,
    /// Whether it is sealed.
    pub sealed: bool,
    /// How many shares bring the unseal key, or else the recovery key, back.
    pub t: u8,
    /// How many shares of it there are.
    pub n: u8,
    /// How many shares were given so far.
    pub progress: usize,
    /// The id of the running attempt; empty without one.
    pub nonce: String,
    /// The version of the server.
    pub version: String,
    /// When it was built; kept for clients that show it.
    pub build_date: String,
    /// Whether the store waits to be moved from one seal to another.
    pub migration: bool,
    /// The name of the cluster; only while unsealed.
    pub cluster_name: Option<String>,
    /// The id of the cluster; only while unsealed.
    pub cluster_id: Option<String>,
    /// Whether the seal opens by itself, and people hold shares of a recovery key.
    pub recovery_seal: bool,
    /// How the recovery key is kept: `shamir`; only with a recovery key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub recovery_seal_type: String,
    /// The storage backend.
    pub storage_type: String,
}

/// `GET sys/leader`: tells which node leads; there is one.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLeader {}
endpoint!(ReadLeader {} => Leader: Read "leader", access Public; document);

/// What `GET sys/leader` answers, without an envelope.
#[derive(Debug, Deserialize, Serialize)]
pub struct Leader {
    /// Whether there are several nodes.
    pub ha_enabled: bool,
    /// Whether this node leads.
    pub is_self: bool,
    /// Where the leader answers.
    pub leader_address: String,
    /// Where the leader answers to other nodes.
    pub leader_cluster_address: String,
    /// Always false.
    pub performance_standby: bool,
}

/// `PUT sys/seal`: forgets every key, once this call is answered.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Seal {}
endpoint!(Seal {} => (): Update "seal", access Sudo);

/// `PUT sys/step-down`: has another node lead; where there is none, as here, it does nothing.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct StepDown {}
endpoint!(StepDown {} => (): Update "step-down", access Sudo);

/// `PUT sys/rotate`: adds a term to the barrier's keyring.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Rotate {}
endpoint!(Rotate {} => (): Update "rotate", access Sudo);

/// `PUT sys/rotate/keyring`: the newer spelling of [`Rotate`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RotateKeyring {}
endpoint!(RotateKeyring {} => (): Update "rotate/keyring", access Sudo);

/// `GET sys/key-status`: reads the term that seals new entries.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadKeyStatus {}
endpoint!(ReadKeyStatus {} => KeyStatus: Read "key-status");

/// What `GET sys/key-status` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct KeyStatus {
    /// How many entries it sealed; never less than the truth.
    pub encryptions: u64,
    /// When it was made, RFC 3339.
    pub install_time: String,
    /// Its number.
    pub term: u32,
}

/// `GET sys/rotate/config`: tells when the barrier's keyring gets a term by itself.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRotateConfig {}
endpoint!(ReadRotateConfig {} => RotateConfig: Read "rotate/config");

/// `GET sys/rotate/keyring/config`: the newer spelling of [`ReadRotateConfig`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRotateKeyringConfig {}
endpoint!(ReadRotateKeyringConfig {} => RotateConfig: Read "rotate/keyring/config");

/// What `GET sys/rotate/config` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct RotateConfig {
    /// Whether it does so before it must.
    pub enabled: bool,
    /// After what time, as `24h0m0s`; the number 0 for never.
    pub interval: serde_json::Value,
    /// After how many encryptions.
    pub max_operations: i64,
}

/// `POST sys/rotate/config`: says when the barrier's keyring gets a term by itself; what is not
/// given stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteRotateConfig {
    /// Whether it does so before it must.
    #[serde(deserialize_with = "coerce::flag")]
    pub enabled: Option<bool>,
    /// After what time, at least a day; 0 for never.
    #[serde(deserialize_with = "coerce::seconds")]
    pub interval: Option<i64>,
    /// After how many encryptions.
    #[serde(deserialize_with = "coerce::int")]
    pub max_operations: Option<i64>,
}
endpoint!(WriteRotateConfig {} => (): Update "rotate/config");

/// `POST sys/rotate/keyring/config`: the newer spelling of [`WriteRotateConfig`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteRotateKeyringConfig(pub WriteRotateConfig);
endpoint!(WriteRotateKeyringConfig {} => (): Update "rotate/keyring/config");
