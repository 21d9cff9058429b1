//! A named key: the one that signs, the next one, and those whose tokens may still be about.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_crypto::{Derivation, KeyForm, Keyring, Material};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Algorithm, KEYS, PRIVATE};
use crate::{Error, Timestamp, barrier::Change, view::View};

/// A key with a name.
#[derive(Clone)]
pub(in super::super) struct NamedKey {
    pub(in super::super) settings: Settings,
    /// When the next key takes over.
    pub(super) rotates: Timestamp,
    /// The one that signs and the one after it; none until the first is needed.
    pub(super) pair: Option<Pair>,
    /// Those that signed before.
    pub(super) retired: Vec<(Arc<Half>, Timestamp)>,
}

/// The key that signs, and the one that will.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) current: Arc<Half>,
    pub(super) next: Arc<Half>,
}

/// One key: whole while it signs or will sign, its public half alone after.
pub(super) struct Half {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) keyring: Keyring,
}

/// What a key is told. Durations are whole seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(in super::super) struct Settings {
    pub(in super::super) algorithm: Algorithm,
    pub(in super::super) rotation_period: u64,
    pub(in super::super) verification_ttl: u64,
    pub(in super::super) allowed_client_ids: Vec<String>,
}

/// What a request says of a key; what it does not say stays.
#[derive(Debug, Default)]
pub(in super::super) struct KeyChange {
    pub(in super::super) algorithm: Option<String>,
    pub(in super::super) rotation_period: Option<u64>,
    pub(in super::super) verification_ttl: Option<u64>,
    pub(in super::super) allowed_client_ids: Option<Vec<String>>,
}

/// The stored form, without private keys.
#[derive(Deserialize, Serialize)]
struct Stored {
    #[serde(flatten)]
    settings: Settings,
    rotates: Timestamp,
    current: Option<String>,
    next: Option<String>,
    retired: Vec<Retired>,
}

#[derive(Deserialize, Serialize)]
struct Retired {
    kid: String,
    algorithm: Algorithm,
    /// In PEM (RFC 7468 section 13).
    public_key: String,
    until: Timestamp,
}

/// A day.
const DAY: u64 = 24 * 3600;

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            rotation_period: DAY,
            verification_ttl: DAY,
            allowed_client_ids: Vec::new(),
        }
    }
}

impl KeyChange {
    /// Lays the change over a key, or over what a new one has. Its keys stay as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the whole makes no sense; the texts are Vault's.
    pub(super) fn apply(self, old: Option<&NamedKey>, now: Timestamp) -> Result<NamedKey, Error> {
        let mut key = old.cloned().unwrap_or_else(NamedKey::new);
        let settings = &mut key.settings;
        if let Some(seconds) = self.rotation_period {
            settings.rotation_period = seconds;
        }
        if let Some(seconds) = self.verification_ttl {
            settings.verification_ttl = seconds;
        }
        if let Some(ids) = self.allowed_client_ids {
            settings.allowed_client_ids = ids;
        }
        if let Some(name) = self.algorithm {
            settings.algorithm = Algorithm::parse(&name)?;
        }
        if settings.rotation_period < 60 {
            return Err(Error::invalid(
                "rotation_period must be at least one minute",
            ));
        }
        if settings.verification_ttl > settings.rotation_period.saturating_mul(10) {
            return Err(Error::invalid(
                "verification_ttl cannot be longer than 10x rotation_period",
            ));
        }
        let period = Duration::from_secs(settings.rotation_period);
        key.rotates = key.rotates.min(now.plus(period));
        Ok(key)
    }
}

impl NamedKey {
    fn new() -> Self {
        Self {
            settings: Settings::default(),
            rotates: Timestamp::from_unix_nanos(u64::MAX),
            pair: None,
            retired: Vec::new(),
        }
    }

    /// Makes the key that is there from the start and signs for everybody.
    pub(super) fn default_key() -> Self {
        let mut key = Self::new();
        key.settings.allowed_client_ids = vec!["*".to_owned()];
        key
    }

    /// Tells whether there are keys behind the name.
    pub(super) const fn is_made(&self) -> bool {
        self.pair.is_some()
    }

    /// Tells whether it may sign for the role or the client of this id.
    pub(in super::super) fn allows(&self, client_id: &str) -> bool {
        let mut allowed = self.settings.allowed_client_ids.iter();
        allowed.any(|allowed| allowed == "*" || allowed == client_id)
    }

    /// Returns the keys that tokens may be verified with at `now`.
    pub(super) fn public(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Half>> {
        let pair = self.pair.iter();
        let living = pair.flat_map(|pair| [&pair.current, &pair.next]);
        let retired = self.retired.iter().filter(move |(_, until)| now < *until);
        living.chain(retired.map(|(half, _)| half))
    }

    /// Loads a key; none if there is none of this name.
    pub(super) async fn load(view: &View, name: &str) -> Result<Option<Self>, Error> {
        let Some((stored, _)) = view.get_as::<Stored>(&format!("{KEYS}{name}")).await? else {
            return Ok(None);
        };
        let algorithm = stored.settings.algorithm;
        let pair = match (stored.current, stored.next) {
            (Some(current), Some(next)) => Some(Pair {
                current: Half::load(view, current, algorithm).await?,
                next: Half::load(view, next, algorithm).await?,
            }),
            _ => None,
        };
        let retired = stored.retired.into_iter().map(Retired::read);
        Ok(Some(Self {
            settings: stored.settings,
            rotates: stored.rotates,
            pair,
            retired: retired.collect::<Result<_, _>>()?,
        }))
    }

    /// Returns what writes the key.
    pub(super) fn changes(&self, name: &str) -> Result<Vec<Change>, Error> {
        let kid = |half: &Arc<Half>| half.kid.clone();
        let retired = self.retired.iter();
        let stored = Stored {
            settings: self.settings.clone(),
            rotates: self.rotates,
            current: self.pair.as_ref().map(|pair| kid(&pair.current)),
            next: self.pair.as_ref().map(|pair| kid(&pair.next)),
            retired: retired
                .map(|(half, until)| Retired::of(half, *until))
                .collect::<Result<_, _>>()?,
        };
        let mut changes = vec![Change::put_as(format!("{KEYS}{name}"), &stored)?];
        for half in self.whole() {
            let key = format!("{PRIVATE}{}", half.kid);
            changes.push(Change::put(key, half.keyring.encode()));
        }
        Ok(changes)
    }

    /// Returns what removes the key.
    pub(super) fn removal(&self, name: &str) -> Vec<Change> {
        let mut changes = vec![Change::delete(format!("{KEYS}{name}"))];
        changes.extend(
            self.whole()
                .map(|half| Change::delete(format!("{PRIVATE}{}", half.kid))),
        );
        changes
    }

    /// Returns what removes the private keys that its successor has not.
    pub(super) fn left_behind(&self, successor: &Self) -> Vec<Change> {
        let left = self
            .whole()
            .filter(|half| successor.whole().all(|kept| kept.kid != half.kid));
        left.map(|half| Change::delete(format!("{PRIVATE}{}", half.kid)))
            .collect()
    }

    fn whole(&self) -> impl Iterator<Item = &Arc<Half>> {
        let pair = self.pair.iter();
        pair.flat_map(|pair| [&pair.current, &pair.next])
    }
}

impl Half {
    /// Generates a key, off the threads that serve requests: to find an RSA key may take a second.
    pub(super) async fn generate(algorithm: Algorithm, now: Timestamp) -> Result<Arc<Self>, Error> {
        let (key_type, _) = algorithm.signing()?;
        let work = move || Keyring::generate(key_type, Derivation::None, now.into());
        let keyring = tokio::task::spawn_blocking(work).await;
        Ok(Arc::new(Self {
            kid: Uuid::new_v4().to_string(),
            algorithm,
            keyring: keyring.map_err(|_| Error::panicked())??,
        }))
    }

    async fn load(view: &View, kid: String, algorithm: Algorithm) -> Result<Arc<Self>, Error> {
        let entry = view.get(&format!("{PRIVATE}{kid}")).await?;
        let entry = entry.ok_or_else(|| Error::internal(format!("the key {kid} is gone")))?;
        // EXPOSE: read into a keyring, which keeps its material wrapped.
        let keyring = Keyring::decode(entry.value.expose())?;
        Ok(Arc::new(Self {
            kid,
            algorithm,
            keyring,
        }))
    }

    /// Returns the same key without its private half.
    pub(super) fn without_private(&self) -> Result<Arc<Self>, Error> {
        let public_key = self.keyring.export_public(1, KeyForm::Pem)?;
        let retired = Retired {
            kid: self.kid.clone(),
            algorithm: self.algorithm,
            public_key,
            until: Timestamp::default(),
        };
        Ok(retired.read()?.0)
    }

    /// Returns the public half as a JSON Web Key (RFC 7517 section 4).
    pub(super) fn jwk(&self) -> Option<BTreeMap<String, String>> {
        let members = self.keyring.jwk(1)?.into_iter();
        let members = members.map(|(name, value)| (name.to_owned(), value));
        let own = [
            ("alg", self.algorithm.name()),
            ("kid", &self.kid),
            ("use", "sig"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(members.chain(own).collect())
    }
}

impl Retired {
    fn of(half: &Half, until: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            kid: half.kid.clone(),
            algorithm: half.algorithm,
            public_key: half.keyring.export_public(1, KeyForm::Pem)?,
            until,
        })
    }

    fn read(self) -> Result<(Arc<Half>, Timestamp), Error> {
        let (key_type, _) = self.algorithm.signing()?;
        let public = key_type
            .public()
            .ok_or_else(|| Error::internal("a signing key has no public half"))?;
        let material = Material::Public(public.parse(&self.public_key)?);
        let created = Timestamp::default().into();
        let half = Half {
            kid: self.kid,
            algorithm: self.algorithm,
            keyring: Keyring::import(key_type, Derivation::None, material, created)?,
        };
        Ok((Arc::new(half), self.until))
    }
}
