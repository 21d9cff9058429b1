//! The living mount table: entries, their engines, and the longest prefix.

mod remount;
mod upgrade;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use keyward_crypto::random;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, Timestamp,
    barrier::{Barrier, Change},
    cubbyhole,
    engine::{Backing, Class, EngineKind, Mounted},
    identity::{self, Identities},
    json,
    lease::{self, Leases},
    metrics::{Metrics, RouteMetrics},
    mount::{MountConfig, MountEntry, TtlLimits},
    policy::{Spellings, fold},
    storage::Expect,
    sys::{self, OptionalEndpoints},
    token::{TokenStore, TokenType},
    view::View,
};

const TABLE: &str = "mounts";

/// One mounted engine.
pub(crate) struct Mount {
    pub(crate) entry: Arc<MountEntry>,
    pub(crate) class: Class,
    pub(crate) view: View,
    pub(crate) mounted: Arc<Mounted>,
    /// What it is closed for: its data is being made over for its version.
    pub(crate) pending: Option<upgrade::Pending>,
    farewell: upgrade::Farewell,
    pub(crate) metrics: RouteMetrics,
    /// What holds where it is not tuned.
    system_ttls: TtlLimits,
}

/// The table as a snapshot: readers never wait, writers replace it.
pub(crate) struct Mounts {
    barrier: Arc<Barrier>,
    view: View,
    kinds: &'static [EngineKind],
    table: ArcSwap<BTreeMap<String, Arc<Mount>>>,
    /// One change of the table at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
    migrations: remount::Migrations,
    metrics: Arc<Metrics>,
    system_ttls: TtlLimits,
}

/// What is stored: the mounts that operators made.
#[derive(Default, Deserialize, Serialize)]
struct Stored {
    mounts: Vec<StoredMount>,
}

#[derive(Deserialize, Serialize)]
struct StoredMount {
    auth: bool,
    /// Its data is being made over for its version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    upgrading: bool,
    #[serde(flatten)]
    entry: MountEntry,
}

/// What an operator asks to be mounted.
pub(crate) struct NewMount {
    pub(crate) class: Class,
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) config: MountConfig,
    pub(crate) options: Option<BTreeMap<String, String>>,
    pub(crate) local: bool,
    pub(crate) seal_wrap: bool,
}

impl Mount {
    /// Returns the path below `/v1/`, with its slash.
    pub(crate) fn full_path(&self) -> String {
        full_path(self.class, &self.entry.path)
    }

    /// Returns by which other paths rules count for what a path below it leads to. Whether some rules
    /// have capital letters tells `has_capitals`.
    pub(crate) fn spellings(&self, path: &str, has_capitals: bool) -> Spellings {
        if path.len() < above(self.class).len() + self.entry.path.len() {
            // Its own path without the slash: rules for all that is below it count.
            return Spellings {
                known_as: Some(format!("{path}/")),
                folded: None,
            };
        }
        let is_plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
        if !has_capitals && path.bytes().all(is_plain) && !path.ends_with('/') {
            return Spellings::default();
        }
        let Some(rest) = path.strip_prefix(&*self.full_path()) else {
            return Spellings::default();
        };
        let (any_case, any_slash) = self.mounted.routes.same_in(rest);
        let named = match any_slash {
            true => path.strip_suffix('/').unwrap_or(path),
            false => path,
        };
        // The literals of a template are in lower case; the path of a mount stays as it is.
        let (mount, rest) = named.split_at(path.len() - rest.len());
        let known = match any_case {
            true => format!("{mount}{}", rest.to_lowercase()),
            false => named.to_owned(),
        };
        Spellings {
            known_as: (known != path).then_some(known),
            folded: (any_case && has_capitals).then(|| fold(named)),
        }
    }

    /// Tells whether its tokens are given for who logs in, not for another token.
    pub(crate) fn gives_logins(&self) -> bool {
        self.class == Class::Auth && !is_builtin(&self.entry.kind)
    }

    /// Returns how long its leases and tokens last.
    pub(crate) fn limits(&self) -> TtlLimits {
        self.entry.config.limits(self.system_ttls)
    }
}

impl Mounts {
    /// Loads the table and builds every engine.
    pub(crate) async fn open(
        barrier: Arc<Barrier>,
        view: View,
        kinds: &'static [EngineKind],
        builtin: Builtin,
        metrics: &Arc<Metrics>,
        system_ttls: TtlLimits,
    ) -> Result<Self, Error> {
        let stored = view.get_as::<Stored>(TABLE).await?;
        let mut table = BTreeMap::new();
        for (class, path, kind, mounted) in builtin {
            let entry = Arc::new(builtin_entry(path, kind));
            let view = mount_view(&barrier, &entry);
            let mount = Mount {
                entry,
                class,
                view,
                mounted: Arc::new(mounted),
                pending: None,
                farewell: upgrade::Farewell::default(),
                metrics: RouteMetrics::new(metrics, full_path(class, path)),
                system_ttls,
            };
            table.insert(full_path(class, path), Arc::new(mount));
        }
        let mounts = Self {
            barrier,
            view,
            kinds,
            table: ArcSwap::from_pointee(BTreeMap::new()),
            changing: tokio::sync::Mutex::default(),
            migrations: remount::Migrations::default(),
            metrics: Arc::clone(metrics),
            system_ttls,
        };
        for StoredMount {
            auth,
            upgrading,
            entry,
        } in stored.map(|(stored, _)| stored.mounts).unwrap_or_default()
        {
            let class = if auth { Class::Auth } else { Class::Secret };
            let mut mount = mounts.build(class, Arc::new(entry))?;
            if upgrading {
                mount.pending = mounts.resumed(&mount)?;
            }
            table.insert(full_path(class, &mount.entry.path), Arc::new(mount));
        }
        mounts.table.store(Arc::new(table));
        Ok(mounts)
    }

    /// Finds the mount with the longest prefix of `path`, and the rest of the path.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<(Arc<Mount>, &'p str)> {
        let table = self.table.load();
        path.rmatch_indices('/').find_map(|(slash, _)| {
            let mount = table.get(&path[..=slash])?;
            Some((Arc::clone(mount), &path[slash + 1..]))
        })
    }

    /// The same, where `path` may be that of a mount without its slash: then nothing is left of it.
    pub(crate) fn lead<'p>(&self, path: &'p str) -> Option<(Arc<Mount>, &'p str)> {
        self.find(path).or_else(|| {
            let mount = self.table.load().get(&format!("{path}/")).cloned();
            Some((mount?, ""))
        })
    }

    /// Returns by which other paths rules count for what a path leads to; see
    /// [`Mount::spellings`].
    pub(crate) fn spellings(&self, path: &str, has_capitals: bool) -> Spellings {
        let found = self.lead(path);
        found.map_or_else(Spellings::default, |(mount, _)| {
            mount.spellings(path, has_capitals)
        })
    }

    /// Returns the mount at exactly this path, which ends in a slash.
    pub(crate) fn at(&self, class: Class, path: &str) -> Option<Arc<Mount>> {
        self.table.load().get(&full_path(class, path)).cloned()
    }

    /// Tells whether a mount is still where it was, though it may be tuned anew.
    pub(crate) fn has(&self, mount: &Mount) -> bool {
        let table = self.table.load();
        let there = table.get(&mount.full_path());
        there.is_some_and(|there| there.entry.uuid == mount.entry.uuid)
    }

    /// Returns what can be mounted.
    pub(crate) fn kinds(&self) -> &'static [EngineKind] {
        self.kinds
    }

    /// Returns all mounts, in the order of their paths.
    pub(crate) fn all(&self) -> Vec<Arc<Mount>> {
        self.table.load().values().cloned().collect()
    }

    /// Mounts an engine; durable when it returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the path is taken or the type unknown; the texts are Vault's.
    pub(crate) async fn enable(&self, new: NewMount, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let NewMount {
            class,
            path,
            kind,
            description,
            config,
            mut options,
            local,
            seal_wrap,
        } = new;
        let kind = self.resolve(class, kind, &mut options);
        let full = full_path(class, &path);
        self.check_free(class, &full)?;
        let uuid = Uuid::new_v4().to_string();
        let suffix = random::generate_nonce::<4>()
            .map(|byte| format!("{byte:02x}"))
            .concat();
        let prefix = if class == Class::Auth { "auth_" } else { "" };
        let accessor = format!("{prefix}{kind}_{suffix}");
        let entry = MountEntry {
            path,
            kind,
            uuid,
            accessor,
            description,
            config,
            options,
            local,
            seal_wrap,
        };
        let mount = Arc::new(self.build(class, Arc::new(entry))?);
        check_lockout(&mount)?;
        let mut table = (**self.table.load()).clone();
        table.insert(full.clone(), Arc::clone(&mount));
        self.store(&table, request).await?;
        self.table.store(Arc::new(table));
        tracing::info!(
            mount = full,
            kind = mount.entry.kind,
            "an engine is mounted"
        );
        Ok(())
    }

    /// Unmounts an engine and removes its data; its absence is no error.
    ///
    /// Its leases are revoked first, while no request reaches it any more, and so are the tokens that
    /// an auth method gave.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be unmounted, or its engine cannot take back now what it
    /// leased, and [`Error::Busy`] while requests that were on their way make more: it answers
    /// again.
    pub(crate) async fn disable(
        &self,
        class: Class,
        path: &str,
        tokens: &TokenStore,
        leases: &Leases,
        now: Timestamp,
        request: &View,
    ) -> Result<Option<Arc<Mount>>, Error> {
        let _changing = self.changing.lock().await;
        let full = full_path(class, path);
        let mut table = (**self.table.load()).clone();
        let mount = table.remove(&full);
        let builtin = mount.as_ref().is_some_and(|it| is_builtin(&it.entry.kind));
        if builtin || (class == Class::Secret && is_reserved(&full)) {
            return Err(Error::Invalid(format!("cannot unmount \"{path}\"")));
        }
        let Some(mount) = mount else {
            return Ok(None);
        };
        request.on_record().await?;
        let before = self.table.swap(Arc::new(table.clone()));
        let ended = async {
            let ended = lease::end_mount(leases, &mount, now).await;
            ended.map_err(|error| {
                if matches!(error, Error::Busy(_)) {
                    return error;
                }
                tracing::warn!(mount = full, cause = ?error, "leases keep a mount from being unmounted");
                Error::Invalid(format!(
                    "cannot unmount {full:?}: some of its leases cannot be revoked now; see \
                     sys/leases/revoke-force"
                ))
            })?;
            if class == Class::Auth {
                tokens.revoke_prefix(&full, now).await?;
            }
            self.store(&table, request).await
        };
        if let Err(error) = ended.await {
            self.table.store(before);
            return Err(error);
        }
        mount.metrics.forget();
        mount.view.clear().await?;
        tracing::info!(mount = full, "an engine is unmounted");
        Ok(Some(mount))
    }

    /// Replaces what can be tuned of a mount. With a new version of its engine, its data is made
    /// over before this returns.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such mount, [`Error::Invalid`] if it cannot be what is
    /// asked. When the store fails while data is made over, the mount stays closed until
    /// [`finish_upgrades`](Self::finish_upgrades) has done the rest.
    pub(crate) async fn tune(
        &self,
        class: Class,
        path: &str,
        request: &View,
        now: Timestamp,
        change: impl FnOnce(&mut MountEntry),
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let full = full_path(class, path);
        let mut table = (**self.table.load()).clone();
        let Some(mount) = table.get(&full) else {
            return Err(Error::not_found());
        };
        let mut entry = (*mount.entry).clone();
        change(&mut entry);
        let entry = Arc::new(entry);
        let tuned = if is_builtin(&entry.kind) {
            Mount {
                entry,
                class,
                view: mount.view.clone(),
                mounted: Arc::clone(&mount.mounted),
                pending: None,
                farewell: upgrade::Farewell::default(),
                metrics: RouteMetrics::new(&self.metrics, full.clone()),
                system_ttls: self.system_ttls,
            }
        } else {
            let pending = self.upgrade_of(mount, &entry)?;
            Mount {
                pending,
                ..self.build(class, entry)?
            }
        };
        check_lockout(&tuned)?;
        table.insert(full.clone(), Arc::new(tuned));
        self.store(&table, request).await?;
        self.table.store(Arc::new(table));
        tracing::info!(mount = full, "a mount is tuned");
        self.finish_upgrade(&full, now).await
    }

    fn kind(&self, class: Class, name: &str) -> Result<&'static EngineKind, Error> {
        let mut kinds = self.kinds.iter();
        let kind = kinds.find(|kind| kind.name == name && kind.class == class);
        kind.ok_or_else(|| Error::Invalid(format!("plugin not found in the catalog: {name}")))
    }

    fn build(&self, class: Class, entry: Arc<MountEntry>) -> Result<Mount, Error> {
        let kind = self.kind(class, &entry.kind)?;
        let view = mount_view(&self.barrier, &entry);
        let mounted = (kind.build)(Backing {
            entry: Arc::clone(&entry),
            view: view.clone(),
        })?;
        let metrics = RouteMetrics::new(&self.metrics, full_path(class, &entry.path));
        Ok(Mount {
            entry,
            class,
            view,
            mounted: Arc::new(mounted),
            pending: None,
            farewell: upgrade::Farewell::default(),
            metrics,
            system_ttls: self.system_ttls,
        })
    }

    /// Replaces an alias by the type it means, with its options.
    fn resolve(
        &self,
        class: Class,
        kind: String,
        options: &mut Option<BTreeMap<String, String>>,
    ) -> String {
        let kinds = self.kinds.iter().filter(|known| known.class == class);
        for known in kinds {
            if let Some((_, implied)) = known.aliases.iter().find(|(alias, _)| *alias == kind) {
                let implied = implied
                    .iter()
                    .map(|&(key, value)| (key.to_owned(), value.to_owned()));
                options.get_or_insert_default().extend(implied);
                return known.name.to_owned();
            }
        }
        kind
    }

    fn check_free(&self, class: Class, full: &str) -> Result<(), Error> {
        if class == Class::Secret && is_reserved(full) {
            return Err(Error::Invalid(format!("cannot mount \"{full}\"")));
        }
        let table = self.table.load();
        match table
            .keys()
            .find(|taken| full.starts_with(*taken) || taken.starts_with(full))
        {
            Some(taken) => {
                let taken = match class {
                    Class::Auth => taken.strip_prefix("auth/").unwrap_or(taken),
                    Class::Secret => taken,
                };
                Err(Error::Invalid(format!("path is already in use at {taken}")))
            }
            None => Ok(()),
        }
    }

    async fn store(
        &self,
        table: &BTreeMap<String, Arc<Mount>>,
        request: &View,
    ) -> Result<(), Error> {
        let mounts = table
            .values()
            .filter(|mount| !is_builtin(&mount.entry.kind));
        let stored = Stored {
            mounts: mounts
                .map(|mount| StoredMount {
                    auth: mount.class == Class::Auth,
                    upgrading: mount.pending.is_some(),
                    entry: (*mount.entry).clone(),
                })
                .collect(),
        };
        request.on_record().await?;
        let before = self.view.get(TABLE).await?;
        let expect = before.map_or(Expect::Absent, |entry| Expect::At(entry.revision));
        let change = Change::put(TABLE, json::to_secret(&stored)?).expecting(expect);
        self.view.commit(vec![change]).await.map(drop)
    }
}

/// Refuses to tune lockouts where nobody is locked out: it would only look safe.
fn check_lockout(mount: &Mount) -> Result<(), Error> {
    let MountEntry { config, kind, .. } = &*mount.entry;
    if config.user_lockout_config.is_some() && !mount.mounted.routes.have_logins() {
        return Err(Error::Invalid(format!(
            "tuning of user lockout configuration for auth type {kind:?} not allowed"
        )));
    }
    Ok(())
}

/// Returns the path below `/v1/`.
fn full_path(class: Class, path: &str) -> String {
    format!("{}{path}", above(class))
}

/// Returns what stands before the path of a mount.
const fn above(class: Class) -> &'static str {
    match class {
        Class::Auth => "auth/",
        Class::Secret => "",
    }
}

fn mount_view(barrier: &Arc<Barrier>, entry: &MountEntry) -> View {
    View::new(Arc::clone(barrier), &format!("logical/{}/", entry.uuid))
}

/// The mounts that are always there: class, path, type and engine of each.
pub(crate) type Builtin = [(Class, &'static str, &'static str, Mounted); 4];

/// Builds the engines of the mounts that are always there.
pub(crate) fn builtin(
    tokens: &Arc<TokenStore>,
    identities: &Arc<Identities>,
    endpoints: OptionalEndpoints,
) -> Builtin {
    let identity = identity::mount(Arc::clone(identities));
    let token = crate::token::mount(Arc::clone(tokens));
    [
        (Class::Secret, "cubbyhole/", "cubbyhole", cubbyhole::mount()),
        (Class::Secret, "identity/", "identity", identity),
        (Class::Secret, "sys/", "system", sys::mount(endpoints)),
        (Class::Auth, "token/", "token", token),
    ]
}

/// The mounts that are always there, and stand in no table.
fn builtin_entry(path: &str, kind: &str) -> MountEntry {
    let (accessor, description) = match kind {
        "cubbyhole" => ("cubbyhole_00000000", "per-token private secret storage"),
        "identity" => ("identity_00000000", "identity store"),
        "token" => ("auth_token_00000000", "token based credentials"),
        _ => (
            "system_00000000",
            "system endpoints used for control, policy and debugging",
        ),
    };
    MountEntry {
        path: path.to_owned(),
        kind: kind.to_owned(),
        uuid: kind.to_owned(),
        accessor: accessor.to_owned(),
        description: description.to_owned(),
        config: MountConfig {
            token_type: (kind == "token").then(TokenType::default),
            ..MountConfig::default()
        },
        options: None,
        local: kind == "cubbyhole",
        seal_wrap: kind == "system",
    }
}

/// Tells whether a secrets engine cannot be at a path, since the server's own things are there.
fn is_reserved(full: &str) -> bool {
    const RESERVED: &[&str] = &["audit/", "auth/", "cubbyhole/", "identity/", "sys/"];
    RESERVED.iter().any(|reserved| full.starts_with(reserved))
}

/// Tells whether a type is one of the mounts that are always there, and of no other.
pub(crate) fn is_builtin(kind: &str) -> bool {
    matches!(kind, "cubbyhole" | "identity" | "system" | "token")
}
