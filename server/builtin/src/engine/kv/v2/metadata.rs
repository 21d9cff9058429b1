//! `metadata/`: what is known of secrets, their settings and labels.

use std::collections::BTreeMap;

use keyward_api::kv::{
    CustomMetadata, DeleteMetadata, DetailedKeys, Keys, List, ListDetailed, Metadata,
    PatchMetadata, ReadMetadata, Scan, ScanDetailed, VersionSummary, WriteMetadata,
};
use keyward_core::{
    Error, Response,
    engine::{Context, page},
};
use serde_json::{Map, Value};

use super::{
    Kv, at_root,
    config::{self, Asked},
    record::{self, Record, Settings, Update},
    versions,
};

/// Names the secrets below a folder.
pub(super) async fn list(cx: Context<Kv>, request: List) -> Result<Response<Keys>, Error> {
    let limit = page(request.limit);
    let view = cx.view().below("metadata/");
    record::list(&view, &request.path, request.after.as_deref(), limit).await
}

/// Names all secrets below a folder, however deep.
pub(super) async fn scan(cx: Context<Kv>, request: Scan) -> Result<Response<Keys>, Error> {
    let limit = page(request.limit);
    let view = cx.view().below("metadata/");
    record::scan(&view, &request.path, request.after.as_deref(), limit).await
}

/// Names the secrets below a folder, with what is known of each.
pub(super) async fn list_detailed(
    cx: Context<Kv>,
    request: ListDetailed,
) -> Result<Response<DetailedKeys>, Error> {
    let limit = page(request.limit);
    let folder = record::as_folder(&request.path);
    let view = cx.view().below("metadata/");
    let keys = view.list(&folder, request.after.as_deref(), limit).await?;
    detailed(&cx, &folder, keys).await
}

/// Names all secrets below a folder, however deep, with what is known of each.
pub(super) async fn scan_detailed(
    cx: Context<Kv>,
    request: ScanDetailed,
) -> Result<Response<DetailedKeys>, Error> {
    let limit = page(request.limit);
    let folder = record::as_folder(&request.path);
    let view = cx.view().below("metadata/");
    let keys = view.scan(&folder, request.after.as_deref(), limit).await?;
    detailed(&cx, &folder, keys).await
}

/// Looks up what names stand for; one that was removed meanwhile is left out.
async fn detailed(
    cx: &Context<Kv>,
    folder: &str,
    names: Vec<String>,
) -> Result<Response<DetailedKeys>, Error> {
    let mut keys = Vec::with_capacity(names.len());
    let mut key_info = BTreeMap::new();
    for name in names {
        let known = if name.ends_with('/') {
            Some(Value::Object(Map::new()))
        } else {
            let record = record::read(cx.view(), &format!("{folder}{name}")).await?;
            let known = record.map(|record| serde_json::to_value(describe(&record)));
            known.transpose().map_err(Error::internal)?
        };
        if let Some(known) = known {
            key_info.insert(name.clone(), known);
            keys.push(name);
        }
    }
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(DetailedKeys { key_info, keys }))
}

/// Reads what is known of a secret.
pub(super) async fn read(
    cx: Context<Kv>,
    request: ReadMetadata,
) -> Result<Response<Metadata>, Error> {
    if request.path.is_empty() {
        return Ok(at_root());
    }
    let record = record::read(cx.view(), &request.path)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(Response::data(describe(&record)))
}

/// Changes settings and replaces labels; makes the secret if there is none and anything is given.
pub(super) async fn write(cx: Context<Kv>, request: WriteMetadata) -> Result<Response<()>, Error> {
    let WriteMetadata {
        path,
        max_versions,
        cas_required,
        delete_version_after,
        custom_metadata,
        metadata_cas,
        metadata_cas_required,
    } = request;
    if path.is_empty() {
        return Ok(at_root());
    }
    if let Some(labels) = &custom_metadata {
        check_labels(labels)?;
    }
    check_delay(delete_version_after)?;
    let asked = Asked {
        max_versions,
        cas_required,
        delete_version_after,
        metadata_cas_required,
    };
    if asked == Asked::default() && custom_metadata.is_none() {
        return Ok(Response::empty());
    }
    let mount = config::load(cx.view()).await?;
    let now = cx.now();
    record::update(cx.view(), &path, |record| {
        check_version(record.as_ref(), &mount, metadata_cas)?;
        let mut record = record.unwrap_or_else(|| Record::new(now));
        asked.apply(&mut record.settings)?;
        if let Some(labels) = &custom_metadata {
            record.custom_metadata = some(labels.clone());
        }
        record.updated = now;
        record.metadata_version += 1;
        Ok(Some(Update::record(record)))
    })
    .await?;
    Ok(done(&asked, &mount))
}

/// Changes settings and single labels of a secret that is there.
pub(super) async fn patch(cx: Context<Kv>, request: PatchMetadata) -> Result<Response<()>, Error> {
    let PatchMetadata {
        path,
        max_versions,
        cas_required,
        delete_version_after,
        custom_metadata,
        metadata_cas,
        metadata_cas_required,
    } = request;
    check_delay(delete_version_after)?;
    let asked = Asked {
        max_versions,
        cas_required,
        delete_version_after,
        metadata_cas_required,
    };
    if asked == Asked::default() && custom_metadata.is_none() {
        return Ok(Response::empty());
    }
    let mount = config::load(cx.view()).await?;
    let now = cx.now();
    record::update(cx.view(), &path, |record| {
        let mut record = record.ok_or_else(Error::not_found)?;
        check_version(Some(&record), &mount, metadata_cas)?;
        asked.apply(&mut record.settings)?;
        if let Some(changes) = &custom_metadata {
            let labels = merged(record.custom_metadata.take(), changes.as_ref());
            check_labels(&labels)?;
            record.custom_metadata = some(labels);
        }
        record.updated = now;
        record.metadata_version += 1;
        Ok(Some(Update::record(record)))
    })
    .await?;
    Ok(done(&asked, &mount))
}

/// Answers a change, and warns of what the mount overrules.
fn done(asked: &Asked, mount: &Settings) -> Response<()> {
    let mut response = Response::empty();
    if mount.cas_required && asked.cas_required == Some(false) {
        response = response.warn(
            "\"cas_required\" set to false, but is mandated by backend config. This value will be \
             ignored.",
        );
    }
    response
}

/// Removes a secret with all its versions.
pub(super) async fn delete(
    cx: Context<Kv>,
    request: DeleteMetadata,
) -> Result<Response<()>, Error> {
    if request.path.is_empty() {
        return Ok(at_root());
    }
    record::update(cx.view(), &request.path, |record| {
        let changes = record.as_ref().map(versions::remove_all);
        Ok(changes.map(|changes| Update {
            record: None,
            changes,
            result: (),
        }))
    })
    .await?;
    Ok(Response::empty())
}

/// Tells what is known of a secret.
fn describe(record: &Record) -> Metadata {
    let versions = record.versions.iter().map(|(&number, version)| {
        let summary = VersionSummary {
            created_time: version.created.to_string(),
            deletion_time: version
                .deleted
                .map_or_else(String::new, |time| time.to_string()),
            destroyed: version.destroyed,
        };
        (number, summary)
    });
    Metadata {
        cas_required: record.settings.cas_required,
        created_time: record.created.to_string(),
        current_metadata_version: record.metadata_version,
        current_version: record.current,
        custom_metadata: record.custom_metadata.clone(),
        delete_version_after: record.settings.delete_version_after(),
        max_versions: record.settings.max_versions,
        metadata_cas_required: record.settings.metadata_cas_required,
        oldest_version: record.oldest,
        updated_time: record.updated.to_string(),
        versions: versions.collect(),
    }
}

/// Changes labels as a merge patch does (RFC 7396): null in the place of all changes removes all.
fn merged(
    labels: Option<CustomMetadata>,
    changes: Option<&BTreeMap<String, Option<String>>>,
) -> CustomMetadata {
    let Some(changes) = changes else {
        return CustomMetadata::new();
    };
    let mut labels = labels.unwrap_or_default();
    for (name, value) in changes {
        match value {
            Some(value) => drop(labels.insert(name.clone(), value.clone())),
            None => drop(labels.remove(name)),
        }
    }
    labels
}

/// Returns labels as they are kept: none where there are no more, which Vault shows as null.
fn some(labels: CustomMetadata) -> Option<CustomMetadata> {
    (!labels.is_empty()).then_some(labels)
}

/// Refuses a change that says it replaces another version of the metadata than there is, or must say
/// and does not.
fn check_version(record: Option<&Record>, mount: &Settings, cas: Option<i64>) -> Result<(), Error> {
    let required = mount.metadata_cas_required
        || record.is_some_and(|record| record.settings.metadata_cas_required);
    match (cas, record) {
        (None, _) if required => Err(Error::invalid(
            "metadata check-and-set parameter required for this call",
        )),
        (None, _) | (Some(0), None) => Ok(()),
        (Some(_), None) => Err(Error::invalid(
            "metadata_cas must be 0 when creating new metadata",
        )),
        (Some(cas), Some(record)) if cas == i64::from(record.metadata_version) => Ok(()),
        (Some(_), Some(_)) => Err(Error::invalid(
            "metadata check-and-set parameter does not match the current version",
        )),
    }
}

/// Refuses what only a mount can be given: a time below zero.
fn check_delay(seconds: Option<i64>) -> Result<(), Error> {
    match seconds {
        Some(seconds @ ..0) => Err(Error::Invalid(format!(
            "error converting input for field \"delete_version_after\": cannot provide negative \
             value '{seconds}'"
        ))),
        _ => Ok(()),
    }
}

/// Checks Vault's bounds of labels.
fn check_labels(labels: &CustomMetadata) -> Result<(), Error> {
    const MOST: usize = 64;
    const LONGEST_NAME: usize = 128;
    const LONGEST_VALUE: usize = 512;
    let failed = |why: String| {
        Err(Error::Invalid(format!(
            "custom_metadata validation failed: {why}"
        )))
    };
    if labels.len() > MOST {
        return failed(format!(
            "payload must contain at most {MOST} keys, provided {}",
            labels.len()
        ));
    }
    for (name, value) in labels {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return failed(format!(
                "length of key \"{name}\" is {} but must be 0 < len(key) <= {LONGEST_NAME}",
                name.len()
            ));
        }
        if value.is_empty() || value.len() > LONGEST_VALUE {
            return failed(format!(
                "length of value for key \"{name}\" is {} but must be 0 < len(value) <= \
                 {LONGEST_VALUE}",
                value.len()
            ));
        }
        if name.chars().chain(value.chars()).any(char::is_control) {
            return failed(format!(
                "key \"{name}\" or its value contains unprintable characters"
            ));
        }
    }
    Ok(())
}
