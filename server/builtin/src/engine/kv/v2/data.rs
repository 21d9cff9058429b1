//! `data/` and `subkeys/`: reading and writing versions.

use keyward_api::{
    SensitiveJson,
    kv::{
        Data, DeleteData, PatchData, ReadData, ReadSubkeys, Subkeys, VersionMetadata, WriteData,
        WriteOptions,
    },
};
use keyward_core::{Change, Error, Outcome, Response, Timestamp, View, engine::Context};
use keyward_crypto::SecretBytes;
use serde_json::Value;

use super::{
    Kv, at_root, config,
    record::{self, Record, Settings, Update},
};
use crate::engine::kv::merge;

/// Reads a version; a deleted one is told about, but without its data.
pub(super) async fn read(cx: Context<Kv>, request: ReadData) -> Result<Response<Data>, Error> {
    if request.path.is_empty() {
        return Ok(at_root());
    }
    let version = number(request.version, "version")?;
    let (metadata, data) = load(cx.view(), &request.path, version, cx.now()).await?;
    let outcome = if data.is_some() {
        Outcome::Success
    } else {
        Outcome::NotFound
    };
    Ok(Response::data(Data { data, metadata }).outcome(outcome))
}

/// Tells the names inside a version's data.
pub(super) async fn subkeys(
    cx: Context<Kv>,
    request: ReadSubkeys,
) -> Result<Response<Subkeys>, Error> {
    let version = number(request.version, "version")?;
    let depth = usize::try_from(number(request.depth, "depth")?).unwrap_or(usize::MAX);
    let (metadata, data) = load(cx.view(), &request.path, version, cx.now()).await?;
    let outcome = if data.is_some() {
        Outcome::Success
    } else {
        Outcome::NotFound
    };
    // EXPOSE: only the names are taken.
    let subkeys = data.map(|data| merge::names(data.expose(), depth));
    Ok(Response::data(Subkeys { subkeys, metadata }).outcome(outcome))
}

/// Writes a new version.
pub(super) async fn write(
    cx: Context<Kv>,
    request: WriteData,
) -> Result<Response<VersionMetadata>, Error> {
    if request.path.is_empty() {
        return Ok(at_root());
    }
    let data = object(request.data)?;
    let cas = cas(request.options.as_ref())?;
    let mount = config::load(cx.view()).await?;
    let now = cx.now();
    let written = record::update(cx.view(), &request.path, |record| {
        let mut record = record.unwrap_or_else(|| Record::new(now));
        check_cas(&record, &mount, cas)?;
        Ok(Some(add(&mut record, &mount, &data, now)))
    });
    respond(written.await?)
}

/// Writes a new version that is the latest changed by a merge patch.
pub(super) async fn patch(
    cx: Context<Kv>,
    request: PatchData,
) -> Result<Response<VersionMetadata>, Error> {
    let patch = object(request.data)?;
    let cas = cas(request.options.as_ref())?;
    let mount = config::load(cx.view()).await?;
    let now = cx.now();
    loop {
        let (metadata, data) = load(cx.view(), &request.path, 0, now).await?;
        let latest = metadata.version;
        let Some(data) = data else {
            let record = record::read(cx.view(), &request.path).await?;
            if let Some(record) = record {
                check_cas(&record, &mount, cas)?;
            }
            return Ok(Response::data(metadata).outcome(Outcome::NotFound));
        };
        let merged = merge::merge(&data, &patch)?;
        let written = record::update(cx.view(), &request.path, |record| {
            let mut record = record.ok_or_else(Error::not_found)?;
            check_cas(&record, &mount, cas)?;
            // The patch was made for this version; a newer one is patched anew.
            let same = record.current == latest;
            Ok(same.then(|| add(&mut record, &mount, &merged, now)))
        });
        if let Some(written) = written.await? {
            return respond(Some(written));
        }
    }
}

/// Deletes the latest version; it can be undeleted.
pub(super) async fn delete(cx: Context<Kv>, request: DeleteData) -> Result<Response<()>, Error> {
    if request.path.is_empty() {
        return Ok(at_root());
    }
    let now = cx.now();
    record::update(cx.view(), &request.path, |record| {
        let Some(mut record) = record else {
            return Ok(None);
        };
        let current = record.current;
        let Some(version) = record.versions.get_mut(&current) else {
            return Ok(None);
        };
        if version.is_gone(now) {
            return Ok(None);
        }
        version.deleted = Some(now);
        Ok(Some(Update::record(record)))
    })
    .await?;
    Ok(Response::empty())
}

/// Reads what is known of a version, and its data unless that is gone.
async fn load(
    view: &View,
    path: &str,
    version: u32,
    now: Timestamp,
) -> Result<(VersionMetadata, Option<SensitiveJson>), Error> {
    // A write may drop the version between the two reads; then the record is read anew.
    loop {
        let record = record::read(view, path)
            .await?
            .ok_or_else(Error::not_found)?;
        let (number, version) = record.version(version).ok_or_else(Error::not_found)?;
        let metadata = record.describe(number, version);
        if version.is_gone(now) {
            return Ok((metadata, None));
        }
        if let Some(entry) = view.get(&record.data_key(number)).await? {
            // EXPOSE: this is the secret that the caller reads.
            let text = std::str::from_utf8(entry.value.expose()).map_err(Error::internal)?;
            let data = SensitiveJson::new(text.to_owned()).map_err(Error::internal)?;
            return Ok((metadata, Some(data)));
        }
    }
}

fn add(
    record: &mut Record,
    mount: &Settings,
    data: &SensitiveJson,
    now: Timestamp,
) -> Update<VersionMetadata> {
    let (number, dropped) = record.add_version(mount, now);
    // EXPOSE: on its way into storage, behind the barrier.
    let value = SecretBytes::new(data.expose().as_bytes().to_vec());
    let mut changes: Vec<_> = dropped.into_iter().map(Change::delete).collect();
    changes.push(Change::put(record.data_key(number), value));
    let result = record.describe(number, &record.versions[&number]);
    Update {
        record: Some(record.clone()),
        changes,
        result,
    }
}

fn respond(written: Option<VersionMetadata>) -> Result<Response<VersionMetadata>, Error> {
    written.map(Response::data).ok_or_else(Error::not_found)
}

fn object(data: Option<SensitiveJson>) -> Result<SensitiveJson, Error> {
    let data = data.ok_or_else(|| Error::invalid("no data provided"))?;
    // EXPOSE: only the first character is looked at.
    if merge::is_object(data.expose()) {
        return Ok(data);
    }
    Err(Error::invalid(
        "error converting input for field \"data\": '' expected type 'map[string]interface {}'",
    ))
}

/// Reads which version a write expects to be the latest.
fn cas(options: Option<&WriteOptions>) -> Result<Option<i64>, Error> {
    let number = match options.and_then(|options| options.cas.as_ref()) {
        None => return Ok(None),
        // Whoever gives none of these wants a check all the same.
        Some(Value::Null) => Some(0),
        Some(Value::String(text)) if text.is_empty() => Some(0),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    number
        .map(Some)
        .ok_or_else(|| Error::invalid("error parsing check-and-set parameter"))
}

fn check_cas(record: &Record, mount: &Settings, cas: Option<i64>) -> Result<(), Error> {
    match cas {
        Some(expected) if expected != i64::from(record.current) => Err(Error::invalid(
            "check-and-set parameter did not match the current version",
        )),
        None if record.settings.cas_required || mount.cas_required => Err(Error::invalid(
            "check-and-set parameter required for this call",
        )),
        _ => Ok(()),
    }
}

fn number(given: Option<i64>, name: &str) -> Result<u32, Error> {
    u32::try_from(given.unwrap_or(0))
        .map_err(|_| Error::Invalid(format!("{name} must be a number that is not negative")))
}
