//! `sys/version-history`: which versions of the server worked on this data.

use keyward_api::sys::{InstalledVersion, ListVersions, Versions};

use super::Sys;
use crate::{Error, Response, Timestamp, engine::Context, view::View};

const KEY: &str = "versions";

/// Writes down that a version is unsealed on this data, the first time that it is.
///
/// # Errors
/// The store failed.
pub(crate) async fn note(view: &View, version: &str, now: Timestamp) -> Result<(), Error> {
    let stored = view.get_as::<Versions>(KEY).await?;
    let mut versions = stored.map(|(versions, _)| versions).unwrap_or_default();
    if versions.key_info.contains_key(version) {
        return Ok(());
    }
    let installed = InstalledVersion {
        build_date: String::new(),
        previous_version: versions.keys.last().cloned(),
        timestamp_installed: now.to_string(),
    };
    versions.keys.push(version.to_owned());
    versions.key_info.insert(version.to_owned(), installed);
    view.put_as(KEY, &versions).await
}

/// Lists the versions.
pub(super) async fn list(cx: Context<Sys>, _: ListVersions) -> Result<Response<Versions>, Error> {
    let stored = cx.core().system.get_as::<Versions>(KEY).await?;
    let (versions, _) = stored.ok_or_else(Error::not_found)?;
    Ok(Response::data(versions))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyward_crypto::{Derivation, Keyring, key_type};

    use super::*;
    use crate::{barrier::Barrier, storage::Memory};

    #[tokio::test]
    async fn each_version_is_written_down_once_behind_the_one_before_it() {
        let aes = key_type("aes256-gcm96").unwrap();
        let keyring = Keyring::generate(aes, Derivation::None, Timestamp::default().into());
        let barrier = Barrier::new(Arc::new(Memory::new()), keyring.unwrap());
        let view = View::new(Arc::new(barrier), "sys/");
        for (second, version) in [(1, "1.0"), (2, "1.0"), (3, "1.1"), (4, "1.0")] {
            let now = Timestamp::from_unix_nanos(second * 1_000_000_000);
            note(&view, version, now).await.unwrap();
        }
        let (versions, _) = view.get_as::<Versions>(KEY).await.unwrap().unwrap();
        assert_eq!(versions.keys, ["1.0", "1.1"]);
        let (first, next) = (&versions.key_info["1.0"], &versions.key_info["1.1"]);
        assert_eq!(first.previous_version, None);
        assert_eq!(first.timestamp_installed, "1970-01-01T00:00:01Z");
        assert_eq!(next.previous_version.as_deref(), Some("1.0"));
    }
}
