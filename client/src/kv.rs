//! Key-value secrets, version 2.

use keyward_api::SensitiveJson;
use keyward_api::kv::{
    Data, DeleteData, DeleteVersions, List, ReadData, VersionMetadata, WriteData, WriteOptions,
};

use crate::{Effect, Error, Keyward, Transport};

/// The key-value engine, version 2, at one mount.
pub struct Kv<'a, T> {
    pub(crate) client: &'a Keyward<T>,
    pub(crate) mount: &'a str,
}

impl<T: Transport> Kv<'_, T> {
    /// Reads a secret: the latest version, or the one given.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; 404 when there is none.
    pub async fn read(&self, path: &str, version: Option<u32>) -> Result<Data, Error> {
        let request = ReadData {
            path: path.to_owned(),
            version: version.map(i64::from),
        };
        self.client
            .data(self.mount, &request, Effect::Computes)
            .await
    }

    /// Writes a version of a secret. With `cas` it must be the next after that version, or with 0
    /// the first.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; 400 when `cas` does not fit.
    pub async fn write(
        &self,
        path: &str,
        data: SensitiveJson,
        cas: Option<u32>,
    ) -> Result<VersionMetadata, Error> {
        let request = WriteData {
            path: path.to_owned(),
            data: Some(data),
            options: cas.map(|cas| WriteOptions {
                cas: Some(cas.into()),
            }),
        };
        self.client
            .data(self.mount, &request, Effect::Changes)
            .await
    }

    /// Deletes versions; they can be brought back.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn delete(&self, path: &str, versions: &[u32]) -> Result<(), Error> {
        let request = DeleteVersions {
            path: path.to_owned(),
            versions: Some(versions.iter().map(u32::to_string).collect()),
        };
        let deleted = self.client.call(self.mount, &request, Effect::Changes);
        deleted.await.map(drop)
    }

    /// Deletes the latest version; it can be brought back.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn delete_latest(&self, path: &str) -> Result<(), Error> {
        let request = DeleteData {
            path: path.to_owned(),
        };
        let deleted = self.client.call(self.mount, &request, Effect::Changes);
        deleted.await.map(drop)
    }

    /// Names what lies below a path; folders end with a slash.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; 404 when there is nothing.
    pub async fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let request = List {
            path: path.to_owned(),
            ..List::default()
        };
        let listed = self.client.data(self.mount, &request, Effect::Computes);
        Ok(listed.await?.keys)
    }
}
