//! `delete/`, `undelete/` and `destroy/`: what becomes of given versions.

use keyward_api::kv::{DeleteVersions, Destroy, Undelete};
use keyward_core::{Change, Error, Response, View, engine::Context};

use super::{
    Kv,
    record::{self, Record, Update, Version},
};

const NO_VERSION: &str = "No version number provided";

/// Deletes versions; they can be undeleted.
pub(super) async fn delete(
    cx: Context<Kv>,
    request: DeleteVersions,
) -> Result<Response<()>, Error> {
    let now = cx.now();
    let versions = numbers(request.versions, NO_VERSION)?;
    each(cx.view(), &request.path, &versions, |version, _| {
        if !version.is_gone(now) {
            version.deleted = Some(now);
        }
    })
    .await
}

/// Brings deleted versions back.
pub(super) async fn undelete(cx: Context<Kv>, request: Undelete) -> Result<Response<()>, Error> {
    let versions = numbers(request.versions, NO_VERSION)?;
    each(cx.view(), &request.path, &versions, |version, _| {
        version.deleted = None
    })
    .await
}

/// Removes the data of versions for good.
pub(super) async fn destroy(cx: Context<Kv>, request: Destroy) -> Result<Response<()>, Error> {
    // Vault writes this one small.
    let versions = numbers(request.versions, "no version number provided")?;
    each(cx.view(), &request.path, &versions, |version, gone| {
        version.destroyed = true;
        *gone = true;
    })
    .await
}

/// Reads the numbers; `none` is said where there are none.
fn numbers(versions: Option<Vec<String>>, none: &'static str) -> Result<Vec<u32>, Error> {
    let versions = versions.filter(|versions| !versions.is_empty());
    let versions = versions.ok_or_else(|| Error::invalid(none))?;
    let versions = versions.iter().map(|version| {
        version
            .parse()
            .map_err(|_| Error::Invalid(format!("{version:?} is not a version number")))
    });
    versions.collect()
}

/// Changes each given version that is there; the change says whether its data goes.
async fn each(
    view: &View,
    path: &str,
    versions: &[u32],
    change: impl Fn(&mut Version, &mut bool),
) -> Result<Response<()>, Error> {
    record::update(view, path, |record| {
        let Some(mut record) = record else {
            return Ok(None);
        };
        let mut changes = Vec::new();
        for &number in versions {
            let key = record.data_key(number);
            let Some(version) = record.versions.get_mut(&number) else {
                continue;
            };
            let mut gone = false;
            change(version, &mut gone);
            if gone {
                changes.push(Change::delete(key));
            }
        }
        Ok(Some(Update {
            record: Some(record),
            changes,
            result: (),
        }))
    })
    .await?;
    Ok(Response::empty())
}

/// Returns deletes of all data of a secret.
pub(super) fn remove_all(record: &Record) -> Vec<Change> {
    record
        .versions
        .keys()
        .map(|&number| Change::delete(record.data_key(number)))
        .collect()
}
