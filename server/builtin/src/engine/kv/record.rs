//! How version 2 lies in storage.
//!
//! ```text
//! config              the settings of the mount
//! metadata/PATH       Record: settings, labels and versions of one secret
//! versions/ID/N       the data of version N of the secret with this id
//! ```
//!
//! Data is filed under a random id, so that keys stay short, and a secret that is made anew under
//! an old path cannot meet data of the old one.

use std::collections::BTreeMap;

use keyward_api::{
    coerce,
    kv::{CustomMetadata, Keys, VersionMetadata},
};
use keyward_core::{Change, Error, Expect, Response, Timestamp, View};
use serde::{Deserialize, Serialize};

/// How many versions are kept where nobody says.
const USUAL_VERSIONS: u32 = 10;

/// The settings of a mount.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) max_versions: u32,
    pub(super) cas_required: bool,
    /// Seconds; 0 is not set. A mount may have a time below zero: then none of its secrets' own
    /// times counts either.
    pub(super) delete_version_after: i64,
    pub(super) metadata_cas_required: bool,
}

impl Settings {
    /// Writes when a version is deleted, as replies show it; any time below zero as `-1s`.
    pub(super) fn delete_version_after(&self) -> String {
        u64::try_from(self.delete_version_after)
            .map_or_else(|_| "-1s".to_owned(), coerce::format_seconds)
    }
}

/// One secret without its data.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) settings: Settings,
    pub(super) custom_metadata: Option<CustomMetadata>,
    /// Counts the changes of settings and labels.
    #[serde(default)]
    pub(super) metadata_version: u32,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// The latest version; 0 before the first.
    pub(super) current: u32,
    /// The oldest version that is kept; 0 while there were never as many as are kept.
    pub(super) oldest: u32,
    pub(super) versions: BTreeMap<u32, Version>,
}

/// One version without its data.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Version {
    pub(super) created: Timestamp,
    /// When it was or will be deleted.
    pub(super) deleted: Option<Timestamp>,
    pub(super) destroyed: bool,
}

impl Version {
    /// Tells whether its data must not be shown.
    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.destroyed || self.deleted.is_some_and(|deleted| deleted <= now)
    }
}

impl Record {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            settings: Settings::default(),
            custom_metadata: None,
            metadata_version: 0,
            created: now,
            updated: now,
            current: 0,
            oldest: 0,
            versions: BTreeMap::new(),
        }
    }

    /// Adds a version and drops those beyond what is kept; returns its number and the storage keys
    /// of what is dropped.
    pub(super) fn add_version(&mut self, mount: &Settings, now: Timestamp) -> (u32, Vec<String>) {
        let deleted = self
            .life(mount)
            .map(|life| now.plus(std::time::Duration::from_secs(life)));
        self.current += 1;
        self.updated = now;
        self.versions.insert(
            self.current,
            Version {
                created: now,
                deleted,
                destroyed: false,
            },
        );
        let kept = match self.settings.max_versions.max(mount.max_versions) {
            0 => USUAL_VERSIONS,
            kept => kept,
        };
        if self.versions.len() < kept as usize {
            return (self.current, Vec::new());
        }
        let oldest = self.current - kept + 1;
        let keep = self.versions.split_off(&oldest);
        let dropped = std::mem::replace(&mut self.versions, keep);
        self.oldest = oldest;
        (
            self.current,
            dropped
                .into_keys()
                .map(|version| self.data_key(version))
                .collect(),
        )
    }

    /// After how many seconds a version that is written now is deleted: the shorter of the two times
    /// that are set.
    fn life(&self, mount: &Settings) -> Option<u64> {
        if mount.delete_version_after < 0 {
            return None;
        }
        let own = self.settings.delete_version_after;
        let set = [own, mount.delete_version_after].into_iter();
        set.filter_map(|seconds| u64::try_from(seconds).ok())
            .filter(|&seconds| seconds > 0)
            .min()
    }

    /// Finds a version; 0 is the latest.
    pub(super) fn version(&self, number: u32) -> Option<(u32, &Version)> {
        let number = if number == 0 { self.current } else { number };
        self.versions.get(&number).map(|version| (number, version))
    }

    /// Returns what is known of a version, as replies show it.
    pub(super) fn describe(&self, number: u32, version: &Version) -> VersionMetadata {
        VersionMetadata {
            created_time: version.created.to_string(),
            custom_metadata: self.custom_metadata.clone(),
            deletion_time: version
                .deleted
                .map_or_else(String::new, |time| time.to_string()),
            destroyed: version.destroyed,
            version: number,
        }
    }

    /// Returns where the data of a version lies.
    pub(super) fn data_key(&self, version: u32) -> String {
        format!("versions/{}/{version}", self.id)
    }
}

/// Returns where the record of a path lies; none for what cannot be the path of a secret.
pub(super) fn record_key(path: &str) -> Option<String> {
    (!path.is_empty() && !path.ends_with('/')).then(|| format!("metadata/{path}"))
}

/// Reads a record.
///
/// # Errors
/// The store failed.
pub(super) async fn read(view: &View, path: &str) -> Result<Option<Record>, Error> {
    let Some(key) = record_key(path) else {
        return Ok(None);
    };
    Ok(view.get_as(&key).await?.map(|(record, _)| record))
}

/// Reads, changes and writes a record together with what `change` adds, unless another request was
/// faster; then it is done again on what that request left. Nothing is locked: on several nodes
/// over one store this holds as well.
///
/// `change` gets the record, if there is one, and returns what the record shall be (none removes
/// it) with further changes and the result; or none to leave all as it is.
///
/// # Errors
/// What `change` returns, or the store failed.
pub(super) async fn update<T>(
    view: &View,
    path: &str,
    mut change: impl FnMut(Option<Record>) -> Result<Option<Update<T>>, Error>,
) -> Result<Option<T>, Error> {
    let Some(key) = record_key(path) else {
        return Err(Error::UnsupportedOperation);
    };
    loop {
        let (record, expect) = match view.get_as::<Record>(&key).await? {
            Some((record, revision)) => (Some(record), Expect::At(revision)),
            None => (None, Expect::Absent),
        };
        let Some(Update {
            record,
            mut changes,
            result,
        }) = change(record)?
        else {
            return Ok(None);
        };
        let write = match record {
            Some(record) => Change::put_as(&*key, &record)?,
            None => Change::delete(&*key),
        };
        changes.push(write.expecting(expect));
        match view.commit(changes).await {
            Ok(_) => return Ok(Some(result)),
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// What [`update`] shall write.
pub(super) struct Update<T> {
    pub(super) record: Option<Record>,
    pub(super) changes: Vec<Change>,
    pub(super) result: T,
}

impl Update<()> {
    /// Writes the record alone.
    pub(super) const fn record(record: Record) -> Self {
        Self {
            record: Some(record),
            changes: Vec::new(),
            result: (),
        }
    }
}

/// Lists the names one level below a folder of `view`.
///
/// # Errors
/// There are none ([`Error::NotFound`]), or the store failed.
pub(super) async fn list(
    view: &View,
    folder: &str,
    after: Option<&str>,
    limit: Option<usize>,
) -> Result<Response<Keys>, Error> {
    keys(view.list(&as_folder(folder), after, limit).await?)
}

/// Lists the paths of all entries below a folder of `view`, however deep.
///
/// # Errors
/// There are none ([`Error::NotFound`]), or the store failed.
pub(super) async fn scan(
    view: &View,
    folder: &str,
    after: Option<&str>,
    limit: Option<usize>,
) -> Result<Response<Keys>, Error> {
    keys(view.scan(&as_folder(folder), after, limit).await?)
}

/// Writes a path as the folder that it names.
pub(super) fn as_folder(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

fn keys(keys: Vec<String>) -> Result<Response<Keys>, Error> {
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(Keys { keys }))
}
