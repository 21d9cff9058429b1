//! The seal: how the key of the barrier lies in storage while nobody may read it.
//!
//! ```text
//! unseal key (split by Shamir among people)     or  a seal that opens by itself
//!   └ wraps core/root-key, AES-256-KWP (RFC 5649)     └ wraps core/root-key, bound to that name
//!       └ root key wraps core/keyring, AES-256-KWP
//!           └ keyring of terms seals everything else
//! ```
//!
//! These entries, and `core/seal-config`, are the only ones that the barrier does not seal. Where
//! the seal opens by itself, people hold the shares of a recovery key: it opens nothing, and proves
//! who may generate a root token or migrate. It lies in `core/recovery-key`, sealed by the keyring
//! with that name as associated data.
//!
//! **Invariant:** whatever changes which seal or which shares open the store is one commit.

mod auto;
#[cfg(test)]
pub(crate) mod testing;

use keyward_crypto::{
    Derivation, Keyring, SecretBytes, encoding, key_type, key_wrap, random, shamir,
};
use serde::{Deserialize, Serialize};

pub use auto::{AutoSeal, SealError, Seals, Unwrapped};
pub(crate) use auto::{Lock, Standing};

use crate::{
    Error, Timestamp,
    storage::{Batch, Expect, Revision, Storage},
};

const CONFIG: &str = "core/seal-config";
const ROOT_KEY: &str = "core/root-key";
const KEYRING: &str = "core/keyring";
const RECOVERY_KEY: &str = "core/recovery-key";

/// Where all of them lie, and nothing else.
const FOLDER: &str = "core/";

/// The type of the seal that people open.
pub(crate) const SHAMIR: &str = "shamir";

/// What is stored of a seal.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct StoredSeal {
    /// Its type; an older store, whose seal is Shamir's, does not tell.
    #[serde(rename = "type", default = "shamir")]
    pub(crate) kind: String,
    /// How the unseal key, or else the recovery key, is split.
    #[serde(flatten)]
    pub(crate) split: SealConfig,
}

fn shamir() -> String {
    SHAMIR.to_owned()
}

/// How the unseal key, or else the recovery key, is split.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SealConfig {
    /// Into how many shares, 1 to 255; 0 where there is no key to split.
    pub shares: u8,
    /// How many of them bring it back, 1 to `shares`; 0 where there are none.
    pub threshold: u8,
}

impl SealConfig {
    /// There are no shares: a seal that opens by itself needs no recovery key.
    pub const NONE: Self = Self {
        shares: 0,
        threshold: 0,
    };

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
        if self == Self::NONE {
            return Err(Error::invalid("there is no key that is split into shares"));
        }
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
    let share = encoding::decode_hex(text).filter(is_share);
    share
        .or_else(|| encoding::decode(text).ok().filter(is_share))
        .ok_or_else(|| Error::invalid("'key' must be a valid hex or base64 string"))
}

/// The keys of a store that was just initialized.
pub(crate) struct Initialized {
    /// The shares of the unseal key or of the recovery key, shown once.
    pub(crate) shares: Vec<SecretBytes>,
    /// What opens everything now.
    pub(crate) opened: Opened,
}

/// An opened seal.
pub(crate) struct Opened {
    /// The unseal key, where people have its shares: it wraps a root key that is made anew.
    pub(crate) unseal_key: Option<SecretBytes>,
    /// The root key, which wraps the keyring when a term is added.
    pub(crate) root_key: SecretBytes,
    /// The terms of the barrier.
    pub(crate) keyring: Keyring,
    /// The revision of the stored keyring.
    pub(crate) revision: Revision,
}

/// Tells whether a key of the store is one of those that the seal keeps for itself.
pub(crate) fn keeps(key: &str) -> bool {
    key.starts_with(FOLDER)
}

/// Reads what is stored of the seal; none before initialization.
pub(crate) async fn config(storage: &dyn Storage) -> Result<Option<StoredSeal>, Error> {
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
    lock: &Lock,
    split: SealConfig,
    now: Timestamp,
) -> Result<Initialized, Error> {
    let aes = key_type("aes256-gcm96").ok_or_else(|| Error::internal("no AES-256-GCM"))?;
    let held = generate_key();
    let opened = Opened {
        unseal_key: (!lock.is_auto()).then(|| held.duplicate()),
        root_key: generate_key(),
        keyring: Keyring::generate(aes, Derivation::None, now.into())?,
        revision: Revision::new(0),
    };
    let shares = self::split(&held, split)?;
    let mut batch = Batch::new();
    for (key, value) in entries(lock, split, &held, &opened.root_key, &opened.keyring).await? {
        if let Some(value) = value {
            batch = batch.put_if(key, value, Expect::Absent);
        }
    }
    let revision = storage.commit(batch).await?;
    Ok(Initialized {
        shares,
        opened: Opened { revision, ..opened },
    })
}

/// Returns what the store holds of a seal: a value for each entry, none where it is not there.
///
/// `held` is what people hold the shares of: the unseal key, or the recovery key.
async fn entries(
    lock: &Lock,
    split: SealConfig,
    held: &SecretBytes,
    root_key: &SecretBytes,
    keyring: &Keyring,
) -> Result<[(&'static str, Option<Vec<u8>>); 4], Error> {
    let stored = StoredSeal {
        kind: lock.kind().to_owned(),
        split,
    };
    let (wrapped, recovery) = match lock {
        Lock::Shamir => (key_wrap::wrap(held, root_key)?, None),
        Lock::Auto(seal) => {
            let mut recovery = None;
            if split.shares > 0 {
                let sealed = recovery.insert(Vec::new());
                // EXPOSE: sealed for its place.
                keyring.seal(held.expose(), RECOVERY_KEY.as_bytes(), sealed)?;
            }
            (seal.wrap(root_key, ROOT_KEY).await?, recovery)
        }
    };
    let keyring = key_wrap::wrap(root_key, &keyring.encode())?;
    Ok([
        (
            CONFIG,
            Some(serde_json::to_vec(&stored).map_err(Error::internal)?),
        ),
        (ROOT_KEY, Some(wrapped)),
        (RECOVERY_KEY, recovery),
        (KEYRING, Some(keyring)),
    ])
}

/// Makes an unseal key, a recovery key or a root key.
pub(crate) fn generate_key() -> SecretBytes {
    random::generate_bytes(32)
}

/// Splits an unseal key or a recovery key into the shares that the operators keep.
pub(crate) fn split(key: &SecretBytes, config: SealConfig) -> Result<Vec<SecretBytes>, Error> {
    match config.shares {
        0 => Ok(Vec::new()),
        1 => Ok(vec![key.duplicate()]),
        // EXPOSE: split into the shares.
        shares => Ok(shamir::split(key.expose(), shares, config.threshold)?),
    }
}

/// Brings back what was split; none if these are no shares of one split. Whether it is the key is
/// told by its use alone.
pub(crate) fn combine(config: SealConfig, shares: &[SecretBytes]) -> Option<SecretBytes> {
    match (config.shares, shares) {
        (0, _) => None,
        (1, [share]) => Some(share.duplicate()),
        _ => shamir::combine(shares).ok(),
    }
}

/// Unwraps the root key with the unseal key; none if it is not the one.
pub(crate) async fn root_key(
    storage: &dyn Storage,
    unseal_key: &SecretBytes,
) -> Result<Option<SecretBytes>, Error> {
    let wrapped = storage.get(ROOT_KEY).await?.ok_or_else(missing)?;
    Ok(key_wrap::unwrap(unseal_key, &wrapped.value).ok())
}

/// Unwraps the root key with a seal that opens by itself, and wraps it anew where its key was
/// followed by another.
pub(crate) async fn root_key_by(
    storage: &dyn Storage,
    seal: &dyn AutoSeal,
) -> Result<SecretBytes, Error> {
    let wrapped = storage.get(ROOT_KEY).await?.ok_or_else(missing)?;
    let Unwrapped { key, is_stale } = seal.unwrap(&wrapped.value, ROOT_KEY).await?;
    if is_stale {
        let anew = seal.wrap(&key, ROOT_KEY).await?;
        let expect = Expect::At(wrapped.revision);
        storage
            .commit(Batch::new().put_if(ROOT_KEY, anew, expect))
            .await?;
        tracing::info!(
            seal = seal.name(),
            "the root key was wrapped anew with the present key"
        );
    }
    Ok(key)
}

/// Returns what opens the store, and what it is to be moved to. Of two seals of one type it is
/// found out by trying.
///
/// # Errors
/// Neither of the two opens it: what the wanted one said.
pub(crate) async fn settled(
    storage: &dyn Storage,
    standing: Standing,
) -> Result<(Lock, Option<Lock>), Error> {
    let (disabled, wanted) = match standing {
        Standing::Either { disabled, wanted } => (disabled, wanted),
        Standing::InUse(lock) => return Ok((lock, None)),
        Standing::Migrating { from, to } => return Ok((from, Some(to))),
    };
    let wrapped = storage.get(ROOT_KEY).await?.ok_or_else(missing)?;
    let Err(why) = wanted.unwrap(&wrapped.value, ROOT_KEY).await else {
        return Ok((Lock::Auto(wanted), None));
    };
    // Whatever the reason is: some modules call a wrong key a trouble of theirs.
    match disabled.unwrap(&wrapped.value, ROOT_KEY).await {
        Ok(_) => Ok((Lock::Auto(disabled), Some(Lock::Auto(wanted)))),
        Err(_) => Err(why.into()),
    }
}

/// Reads the recovery key; none where there is none.
pub(crate) async fn recovery_key(
    storage: &dyn Storage,
    keyring: &Keyring,
) -> Result<Option<SecretBytes>, Error> {
    let Some(stored) = storage.get(RECOVERY_KEY).await? else {
        return Ok(None);
    };
    let recovery_key = keyring.open(&stored.value, RECOVERY_KEY.as_bytes());
    recovery_key
        .map(Some)
        .map_err(|_| Error::internal("the recovery key does not open: it was tampered with"))
}

/// Tells whether a key is the recovery key.
pub(crate) async fn is_recovery_key(
    storage: &dyn Storage,
    keyring: &Keyring,
    key: &SecretBytes,
) -> Result<bool, Error> {
    let recovery_key = recovery_key(storage, keyring).await?;
    Ok(recovery_key.as_ref() == Some(key))
}

fn missing() -> Error {
    Error::internal("the store is initialized but its keys are missing")
}

/// Opens the keyring with the root key.
pub(crate) async fn open(storage: &dyn Storage, root_key: SecretBytes) -> Result<Opened, Error> {
    let stored = storage.get(KEYRING).await?.ok_or_else(missing)?;
    let keyring = key_wrap::unwrap(&root_key, &stored.value).map_err(Error::internal)?;
    // EXPOSE: decoded into the keyring, which keeps its keys wrapped in secrets.
    let keyring = Keyring::decode(keyring.expose())?;
    Ok(Opened {
        unseal_key: None,
        root_key,
        keyring,
        revision: stored.revision,
    })
}

/// Puts other keys, or another seal, in the place of the present ones, with a new root key.
///
/// `held` is what people hold the shares of: the unseal key, or the recovery key. All of it is one
/// commit: at every moment either the old ones open the store or the new ones do, and never
/// neither. The expected revision makes it fail where another node was first.
pub(crate) async fn replace(
    storage: &dyn Storage,
    lock: &Lock,
    split: SealConfig,
    held: &SecretBytes,
    keyring: &Keyring,
    expected: Revision,
) -> Result<(SecretBytes, Revision), Error> {
    let root_key = generate_key();
    let mut batch = Batch::new();
    for (key, value) in entries(lock, split, held, &root_key, keyring).await? {
        batch = match value {
            Some(value) if key == KEYRING => batch.put_if(key, value, Expect::At(expected)),
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        };
    }
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
