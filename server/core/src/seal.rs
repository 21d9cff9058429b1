//! The seal: how the key of the barrier lies in storage while nobody may read it.
//!
//! ```text
//! unseal key (split by Shamir among people)
//!   └ wraps core/root-key          AES-256-KWP (RFC 5649)
//!       └ root key wraps core/keyring   AES-256-KWP
//!           └ keyring of terms seals everything else
//! ```
//!
//! These entries, and `core/seal-config`, are the only ones that the barrier does not seal.

use keyward_crypto::{Derivation, Keyring, SecretBytes, key_type, key_wrap, random, shamir};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Timestamp,
    storage::{Batch, Expect, Revision, Storage},
};

const CONFIG: &str = "core/seal-config";
const ROOT_KEY: &str = "core/root-key";
const KEYRING: &str = "core/keyring";

/// How the unseal key is split.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SealConfig {
    /// Into how many shares, 1 to 255.
    pub shares: u8,
    /// How many of them bring it back, 1 to `shares`.
    pub threshold: u8,
}

impl SealConfig {
    /// Checks a split that a caller asks for.
    ///
    /// # Errors
    /// The numbers cannot be met; the texts are Vault's.
    pub fn parse(shares: i64, threshold: i64) -> Result<Self, Error> {
        let number = |value: i64, name: &str| match value {
            ..=0 => Err(Error::Invalid(format!("{name} must be at least one"))),
            256.. => Err(Error::Invalid(format!("{name} must be less than 256"))),
            _ => Ok(u8::try_from(value).unwrap_or(u8::MAX)),
        };
        let shares = number(shares, "shares")?;
        let threshold = number(threshold, "threshold")?;
        if threshold > shares {
            return Err(Error::invalid("threshold cannot be larger than shares"));
        }
        if shares > 1 && threshold == 1 {
            return Err(Error::invalid(
                "threshold must be greater than one for multiple shares",
            ));
        }
        Ok(Self { shares, threshold })
    }
}

/// The keys of a store that was just initialized.
pub(crate) struct Initialized {
    /// The shares of the unseal key, shown once.
    pub(crate) shares: Vec<SecretBytes>,
    /// What opens everything now.
    pub(crate) opened: Opened,
}

/// An opened seal.
pub(crate) struct Opened {
    /// The root key, which wraps the keyring when a term is added.
    pub(crate) root_key: SecretBytes,
    /// The terms of the barrier.
    pub(crate) keyring: Keyring,
    /// The revision of the stored keyring.
    pub(crate) revision: Revision,
}

/// Reads how the unseal key is split; none before initialization.
pub(crate) async fn config(storage: &dyn Storage) -> Result<Option<SealConfig>, Error> {
    match storage.get(CONFIG).await? {
        Some(stored) => serde_json::from_slice(&stored.value)
            .map(Some)
            .map_err(Error::internal),
        None => Ok(None),
    }
}

/// Makes all keys and stores them wrapped; exactly one of several racing callers succeeds.
pub(crate) async fn initialize(
    storage: &dyn Storage,
    config: SealConfig,
    now: Timestamp,
) -> Result<Initialized, Error> {
    let unseal_key = random::generate_bytes(32);
    let root_key = random::generate_bytes(32);
    let aes = key_type("aes256-gcm96").ok_or_else(|| Error::internal("no AES-256-GCM"))?;
    let keyring = Keyring::generate(aes, Derivation::None, now.into())?;
    let shares = match config.shares {
        1 => vec![unseal_key.duplicate()],
        // EXPOSE: split into the shares that the operators keep.
        shares => shamir::split(unseal_key.expose(), shares, config.threshold)?,
    };
    let json = serde_json::to_vec(&config).map_err(Error::internal)?;
    let batch = Batch::new()
        .put_if(CONFIG, json, Expect::Absent)
        .put_if(
            ROOT_KEY,
            key_wrap::wrap(&unseal_key, &root_key)?,
            Expect::Absent,
        )
        .put_if(
            KEYRING,
            key_wrap::wrap(&root_key, &keyring.encode())?,
            Expect::Absent,
        );
    let revision = storage.commit(batch).await?;
    Ok(Initialized {
        shares,
        opened: Opened {
            root_key,
            keyring,
            revision,
        },
    })
}

/// Opens the seal with enough shares.
///
/// # Errors
/// [`Error::Invalid`] if the shares do not make the unseal key.
pub(crate) async fn open(
    storage: &dyn Storage,
    config: SealConfig,
    shares: &[SecretBytes],
) -> Result<Opened, Error> {
    let wrong = || Error::invalid("unseal failed, invalid key");
    let unseal_key = match (config.shares, shares) {
        (1, [share]) => share.duplicate(),
        _ => shamir::combine(shares).map_err(|_| wrong())?,
    };
    let missing = || Error::internal("the store is initialized but its keys are missing");
    let root_key = storage.get(ROOT_KEY).await?.ok_or_else(missing)?;
    let root_key = key_wrap::unwrap(&unseal_key, &root_key.value).map_err(|_| wrong())?;
    let stored = storage.get(KEYRING).await?.ok_or_else(missing)?;
    let keyring = key_wrap::unwrap(&root_key, &stored.value).map_err(Error::internal)?;
    // EXPOSE: decoded into the keyring, which keeps its keys wrapped in secrets.
    let keyring = Keyring::decode(keyring.expose())?;
    Ok(Opened {
        root_key,
        keyring,
        revision: stored.revision,
    })
}

/// Stores the keyring after a change of its terms, unless another node was first.
pub(crate) async fn store_keyring(
    storage: &dyn Storage,
    root_key: &SecretBytes,
    keyring: &Keyring,
    expected: Revision,
) -> Result<Revision, Error> {
    let wrapped = key_wrap::wrap(root_key, &keyring.encode())?;
    let batch = Batch::new().put_if(KEYRING, wrapped, Expect::At(expected));
    Ok(storage.commit(batch).await?)
}
