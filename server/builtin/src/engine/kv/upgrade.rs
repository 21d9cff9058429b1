//! From version 1 to version 2: every value becomes the first version of a secret.
//!
//! A path of version 1 may look like a key of version 2 (`metadata/x`). So all values are first
//! moved to where neither version has keys, and from there to where version 2 looks:
//!
//! ```text
//! PATH  →  ../v/PATH  →  metadata/PATH and versions/ID/1
//! ../moved               the first move is over; it stays, since nobody knows when the mount's
//!                        table says that the second is
//! ```
//!
//! No path has a segment of dots, so that nothing of version 1 can lie there.
//!
//! **Invariant:** each commit takes some values from one place and puts them into the other. What
//! an end in the middle leaves is told apart by its place, and a second run goes on from there.

use keyward_core::{Change, Error, Timestamp, View};
use keyward_crypto::SecretBytes;

use super::record::{Record, Settings};

const STAGE: &str = "../";
const VALUES: &str = "../v/";
const MOVED: &str = "../moved";

/// What one commit moves, at most.
const PAGE: usize = 64;
const PAGE_BYTES: usize = 1 << 20;

/// Makes a mount of version 1 one of version 2.
///
/// # Errors
/// [`Error::Invalid`], with nothing changed, if a path is too long for version 2; else the store
/// failed, and to call it again goes on.
pub(super) async fn upgrade(view: View, now: Timestamp) -> Result<(), Error> {
    if view.get(MOVED).await?.is_none() {
        check_paths(&view).await?;
        each(&view, &view, |path, value| {
            Ok(vec![
                Change::delete(path),
                Change::put(format!("{VALUES}{path}"), value),
            ])
        })
        .await?;
        view.put(MOVED, SecretBytes::new(Vec::new())).await?;
    }
    let values = view.below(VALUES);
    each(&values, &view, |path, value| {
        let mut changes = first_version(path, value, now)?;
        changes.push(Change::delete(format!("{VALUES}{path}")));
        Ok(changes)
    })
    .await
}

/// Refuses paths that are too long with what version 2 puts before them.
async fn check_paths(view: &View) -> Result<(), Error> {
    each(view, view, |path, _| {
        if view.has_room_for(&metadata_key(path)) {
            return Ok(Vec::new());
        }
        Err(Error::Invalid(format!(
            "cannot upgrade: the path {path:?} is too long for version 2"
        )))
    })
    .await
}

fn metadata_key(path: &str) -> String {
    format!("metadata/{path}")
}

/// Writes a value as the first version of a secret.
fn first_version(path: &str, value: SecretBytes, now: Timestamp) -> Result<Vec<Change>, Error> {
    let mut record = Record::new(now);
    let (number, _) = record.add_version(&Settings::default(), now);
    record.oldest = number;
    Ok(vec![
        Change::put(record.data_key(number), value),
        Change::put_as(metadata_key(path), &record)?,
    ])
}

/// Commits to `view` what `moved` makes of each value in `from`, some values at a time.
async fn each(
    from: &View,
    view: &View,
    moved: impl Fn(&str, SecretBytes) -> Result<Vec<Change>, Error>,
) -> Result<(), Error> {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        if folder == STAGE {
            continue;
        }
        let mut after = None;
        loop {
            let names = from.list(&folder, after.as_deref(), Some(PAGE)).await?;
            let Some(last) = names.last().cloned() else {
                break;
            };
            let (mut changes, mut bytes) = (Vec::new(), 0);
            for name in names {
                let path = format!("{folder}{name}");
                if path.ends_with('/') {
                    folders.push(path);
                    continue;
                }
                let Some(entry) = from.get(&path).await? else {
                    continue;
                };
                // EXPOSE: only to know how much is moved at once.
                bytes += entry.value.expose().len();
                changes.extend(moved(&path, entry.value)?);
                if bytes > PAGE_BYTES {
                    view.commit(std::mem::take(&mut changes)).await?;
                    bytes = 0;
                }
            }
            if !changes.is_empty() {
                view.commit(changes).await?;
            }
            after = Some(last);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
