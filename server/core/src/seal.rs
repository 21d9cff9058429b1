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

use keyward_crypto::{
    Derivation, Keyring, SecretBytes, encoding, key_type, key_wrap, random, shamir,
};
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

    /// Checks that a share has the length that shares of this split have.
    ///
    /// # Errors
    /// It has another; the texts are Vault's.
    pub(crate) fn check_share(self, share: &SecretBytes) -> Result<(), Error> {
        // A share ends in the point where it was taken; the only one is the key itself.
        let wanted = if self.shares == 1 { 32 } else { 33 };
        // EXPOSE: only the length is looked at.
        match share.expose().len() {
            length if length < wanted => Err(Error::Invalid(format!(
                "key is shorter than minimum {wanted} bytes"
            ))),
            length if length > wanted => Err(Error::Invalid(format!(
                "key is longer than maximum {wanted} bytes"
            ))),
            _ => Ok(()),
        }
    }
}

/// Reads a share from its text, hexadecimal or base64.
///
/// # Errors
/// It is neither, or not as long as a share; the text is Vault's.
pub fn parse_share(text: &str) -> Result<SecretBytes, Error> {
    // A share has 33 bytes; the only share of a key that is not split has 32.
    // EXPOSE: only the length is looked at.
    let is_share = |share: &SecretBytes| matches!(share.expose().len(), 32 | 33);
    let share = unhex(text).filter(is_share);
    share
        .or_else(|| encoding::decode(text).ok().filter(is_share))
        .ok_or_else(|| Error::invalid("'key' must be a valid hex or base64 string"))
}

fn unhex(text: &str) -> Option<SecretBytes> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect();
    bytes.map(SecretBytes::new)
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
    let unseal_key = generate_key();
    let root_key = generate_key();
    let aes = key_type("aes256-gcm96").ok_or_else(|| Error::internal("no AES-256-GCM"))?;
    let keyring = Keyring::generate(aes, Derivation::None, now.into())?;
    let shares = split(&unseal_key, config)?;
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

/// Makes an unseal key, or a root key.
pub(crate) fn generate_key() -> SecretBytes {
    random::generate_bytes(32)
}

/// Splits an unseal key into the shares that the operators keep.
pub(crate) fn split(
    unseal_key: &SecretBytes,
    config: SealConfig,
) -> Result<Vec<SecretBytes>, Error> {
    match config.shares {
        1 => Ok(vec![unseal_key.duplicate()]),
        // EXPOSE: split into the shares.
        shares => Ok(shamir::split(
            unseal_key.expose(),
            shares,
            config.threshold,
        )?),
    }
}

/// Brings back what was split; none if these are no shares of one split. Whether it is the key is
/// told by its use alone.
pub(crate) fn combine(config: SealConfig, shares: &[SecretBytes]) -> Option<SecretBytes> {
    match (config.shares, shares) {
        (1, [share]) => Some(share.duplicate()),
        _ => shamir::combine(shares).ok(),
    }
}

/// Unwraps the root key; none if the shares do not make the unseal key.
pub(crate) async fn root_key(
    storage: &dyn Storage,
    config: SealConfig,
    shares: &[SecretBytes],
) -> Result<Option<SecretBytes>, Error> {
    let wrapped = storage.get(ROOT_KEY).await?.ok_or_else(missing)?;
    let unseal_key = combine(config, shares);
    Ok(unseal_key.and_then(|key| key_wrap::unwrap(&key, &wrapped.value).ok()))
}

fn missing() -> Error {
    Error::internal("the store is initialized but its keys are missing")
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
    let root_key = root_key(storage, config, shares).await?;
    let root_key = root_key.ok_or_else(|| Error::invalid("unseal failed, invalid key"))?;
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

/// Puts a new unseal key and a new root key in the place of the old ones.
///
/// All of it is one commit: at every moment either the old shares open the store or the new ones
/// do, and never neither. The expected revision makes it fail where another node was first.
pub(crate) async fn rekey(
    storage: &dyn Storage,
    config: SealConfig,
    unseal_key: &SecretBytes,
    keyring: &Keyring,
    expected: Revision,
) -> Result<(SecretBytes, Revision), Error> {
    let root_key = generate_key();
    let json = serde_json::to_vec(&config).map_err(Error::internal)?;
    let keyring = key_wrap::wrap(&root_key, &keyring.encode())?;
    let batch = Batch::new()
        .put(CONFIG, json)
        .put(ROOT_KEY, key_wrap::wrap(unseal_key, &root_key)?)
        .put_if(KEYRING, keyring, Expect::At(expected));
    let revision = storage.commit(batch).await?;
    Ok((root_key, revision))
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
