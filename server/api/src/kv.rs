//! `kv`: secrets under paths, version 1 (one value each) and version 2 (versions and metadata).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_with::skip_serializing_none;

use crate::{SensitiveJson, coerce, endpoint};

/// Free-form labels of a secret.
pub type CustomMetadata = BTreeMap<String, String>;

/// What lists and scans answer.
#[derive(Debug, Deserialize, Serialize)]
pub struct Keys {
    /// For a list the names one level below, folders with a slash at the end; for a scan the paths of
    /// all secrets below.
    pub keys: Vec<String>,
}

/// Reads a setting as [`coerce::int`] does; null gives it back to the mount, as in Vault.
fn int_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(coerce::int(deserializer)?.or(Some(0)))
}

/// Reads a setting as [`coerce::flag`] does; null turns it off, as in Vault.
fn flag_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(coerce::flag(deserializer)?.or(Some(false)))
}

/// Reads labels as [`coerce::map`] does; null is none at all.
fn labels_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<CustomMetadata>, D::Error> {
    Ok(coerce::map(deserializer)?.or_else(|| Some(CustomMetadata::new())))
}

/// Tells what is null from what is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Defines a request that is nothing but a path.
macro_rules! path_only {
    ($name:ident { $capture:ident }, $doc:literal,
     $operation:ident $path:literal as $format:literal => $reply:ty) => {
        #[doc = $doc]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            /// The path of the secret, or of a folder.
            #[serde(skip_serializing)]
            pub $capture: String,
        }
        endpoint!($name { $capture } => $reply: $operation $path as $format);
    };
}

/// Defines a request for names below a folder, page by page.
macro_rules! paged {
    ($name:ident { $capture:ident }, $doc:literal,
     $operation:ident $path:literal as $format:literal => $reply:ty) => {
        #[doc = $doc]
        #[skip_serializing_none]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            /// The path of the folder.
            #[serde(skip_serializing)]
            pub $capture: String,
            /// Only names after this one.
            #[serde(deserialize_with = "coerce::text")]
            pub after: Option<String>,
            /// At most so many names; without limit if none, 0 or less.
            #[serde(deserialize_with = "coerce::int")]
            pub limit: Option<i64>,
        }
        endpoint!($name { $capture } => $reply: $operation $path as $format);
    };
}

/// Version 1: one value under each path.
pub mod v1 {
    use super::{
        Deserialize, Keys, SensitiveJson, Serialize, coerce, endpoint, skip_serializing_none,
    };

    path_only!(Read { path }, "`GET :path`: reads a secret.",
        Read "{path*}" as "{path}" => SensitiveJson);
    path_only!(Delete { path }, "`DELETE :path`: removes a secret.",
        Delete "{path*}" as "{path}" => ());
    path_only!(List { path }, "`LIST :path`: names the secrets below a folder.",
        List "{path*}" as "{path}" => Keys);

    paged!(Scan { path }, "`SCAN :path`: names all secrets below a folder, however deep, in byte order of \
        their paths.",
        Scan "{path*}" as "{path}" => Keys);

    /// `POST :path`: writes a secret; the whole body is its data.
    #[derive(Debug, Default, Deserialize, Serialize)]
    #[serde(default)]
    pub struct Write {
        /// The path of the secret.
        #[serde(skip_serializing)]
        pub path: String,
    }
    endpoint!(Write { path } => (): Update "{path*}" as "{path}"; free_form);
}

/// `GET config`: reads the settings of the mount.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadConfig {}
endpoint!(ReadConfig {} => Config: Read "config");

/// `POST config`: changes settings of the mount.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteConfig {
    /// How many versions are kept of each secret; 0 is 10.
    #[serde(deserialize_with = "int_or_zero")]
    pub max_versions: Option<i64>,
    /// Whether every write must say which version it replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub cas_required: Option<bool>,
    /// After how long a version is deleted by itself; 0 leaves it to each secret, and below zero no
    /// version is, whatever its secret says.
    #[serde(deserialize_with = "coerce::seconds")]
    pub delete_version_after: Option<i64>,
    /// Whether every change of metadata must say which version of it that replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub metadata_cas_required: Option<bool>,
}
endpoint!(WriteConfig {} => (): Update "config");

/// What `GET config` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Config {
    /// How many versions are kept of each secret; 0 is 10.
    pub max_versions: u32,
    /// Whether every write must say which version it replaces.
    pub cas_required: bool,
    /// After how long a version is deleted by itself, as `1h0m0s`; `0s` leaves it to each secret, and
    /// with `-1s` none is.
    pub delete_version_after: String,
    /// Whether every change of metadata must say which version of it that replaces.
    #[serde(default)]
    pub metadata_cas_required: bool,
}

/// `GET data/:path`: reads a version of a secret.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadData {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// The version; none or 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub version: Option<i64>,
}
endpoint!(ReadData { path } => Data: Read "data/{path*}" as "data/{path}");

/// What `GET data/:path` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Data {
    /// The data; null where the version is deleted or destroyed.
    pub data: Option<SensitiveJson>,
    /// What is known of the version.
    pub metadata: VersionMetadata,
}

/// What is known of one version, with the labels of its secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct VersionMetadata {
    /// When it was written, RFC 3339.
    pub created_time: String,
    /// The labels of the secret.
    pub custom_metadata: Option<CustomMetadata>,
    /// When it was or will be deleted, RFC 3339; empty is never.
    pub deletion_time: String,
    /// Whether its data is gone for good.
    pub destroyed: bool,
    /// Its number.
    pub version: u32,
}

/// The `options` of a write.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOptions {
    /// The version that is the latest now; 0 is none, and so are null and an empty text.
    #[serde(deserialize_with = "given")]
    pub cas: Option<serde_json::Value>,
}

/// `POST data/:path`: writes a new version of a secret.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteData {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// The data, an object.
    pub data: Option<SensitiveJson>,
    /// What the write expects.
    pub options: Option<WriteOptions>,
}
endpoint!(WriteData { path } => VersionMetadata: Update "data/{path*}" as "data/{path}");

/// `PATCH data/:path`: writes a new version that is the latest one changed by a merge patch
/// (RFC 7396).
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PatchData {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// The merge patch, an object.
    pub data: Option<SensitiveJson>,
    /// What the write expects.
    pub options: Option<WriteOptions>,
}
endpoint!(PatchData { path } => VersionMetadata: Patch "data/{path*}" as "data/{path}");

path_only!(DeleteData { path }, "`DELETE data/:path`: deletes the latest version; it can be undeleted.",
    Delete "data/{path*}" as "data/{path}" => ());

/// Defines a request about some versions of a secret.
macro_rules! versions_of {
    ($name:ident { $capture:ident }, $doc:literal, $path:literal as $format:literal) => {
        #[doc = $doc]
        #[skip_serializing_none]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            /// The path of the secret.
            #[serde(skip_serializing)]
            pub $capture: String,
            /// The versions.
            #[serde(deserialize_with = "coerce::list")]
            pub versions: Option<Vec<String>>,
        }
        endpoint!($name { $capture } => (): Update $path as $format);
    };
}

versions_of!(DeleteVersions { path }, "`POST delete/:path`: deletes versions; they can be undeleted.",
    "delete/{path*}" as "delete/{path}");
versions_of!(Undelete { path }, "`POST undelete/:path`: brings deleted versions back.",
    "undelete/{path*}" as "undelete/{path}");
versions_of!(Destroy { path }, "`POST destroy/:path`: removes the data of versions for good.",
    "destroy/{path*}" as "destroy/{path}");

paged!(List { path }, "`LIST metadata/:path`: names the secrets below a folder, in byte order.",
    List "metadata/{path*}" as "metadata/{path}" => Keys);
paged!(Scan { path }, "`SCAN metadata/:path`: names all secrets below a folder, however deep, in byte \
    order of their paths.",
    Scan "metadata/{path*}" as "metadata/{path}" => Keys);
paged!(ListDetailed { path }, "`LIST detailed-metadata/:path`: lists secrets, as [`List`] does, with what \
    is known of each.",
    List "detailed-metadata/{path*}" as "detailed-metadata/{path}" => DetailedKeys);
paged!(ScanDetailed { path }, "`SCAN detailed-metadata/:path`: names secrets, as [`Scan`] does, with what \
    is known of each.",
    Scan "detailed-metadata/{path*}" as "detailed-metadata/{path}" => DetailedKeys);

/// Names with what is known of each.
#[derive(Debug, Deserialize, Serialize)]
pub struct DetailedKeys {
    /// What is known of each secret; of a folder nothing, which is an empty object.
    pub key_info: BTreeMap<String, serde_json::Value>,
    /// The names.
    pub keys: Vec<String>,
}

path_only!(ReadMetadata { path }, "`GET metadata/:path`: reads what is known of a secret.",
    Read "metadata/{path*}" as "metadata/{path}" => Metadata);
path_only!(DeleteMetadata { path }, "`DELETE metadata/:path`: removes a secret with all its versions.",
    Delete "metadata/{path*}" as "metadata/{path}" => ());

/// What `GET metadata/:path` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Metadata {
    /// Whether every write must say which version it replaces.
    pub cas_required: bool,
    /// When the secret was made, RFC 3339.
    pub created_time: String,
    /// Counts the changes of the metadata; 0 while there was none.
    #[serde(default)]
    pub current_metadata_version: u32,
    /// The number of the latest version; 0 if there is none.
    pub current_version: u32,
    /// The labels.
    pub custom_metadata: Option<CustomMetadata>,
    /// After how long a version is deleted by itself, as `1h0m0s`; `0s` is as the mount says.
    pub delete_version_after: String,
    /// How many versions are kept; 0 is as the mount says.
    pub max_versions: u32,
    /// Whether every change of metadata must say which version of it that replaces.
    #[serde(default)]
    pub metadata_cas_required: bool,
    /// The number of the oldest version that is kept; 0 while none was dropped.
    pub oldest_version: u32,
    /// When a version was last written or the metadata changed, RFC 3339.
    pub updated_time: String,
    /// The versions by number.
    pub versions: BTreeMap<u32, VersionSummary>,
}

/// One version, in what is known of a secret.
#[derive(Debug, Deserialize, Serialize)]
pub struct VersionSummary {
    /// When it was written, RFC 3339.
    pub created_time: String,
    /// When it was or will be deleted, RFC 3339; empty is never.
    pub deletion_time: String,
    /// Whether its data is gone for good.
    pub destroyed: bool,
}

/// `POST metadata/:path`: changes settings and labels of a secret.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteMetadata {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// How many versions are kept; 0 is as the mount says.
    #[serde(deserialize_with = "int_or_zero")]
    pub max_versions: Option<i64>,
    /// Whether every write must say which version it replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub cas_required: Option<bool>,
    /// After how long a version is deleted by itself; 0 is as the mount says.
    #[serde(deserialize_with = "coerce::seconds")]
    pub delete_version_after: Option<i64>,
    /// The labels: at most 64, names of at most 128 bytes, values of at most 512.
    #[serde(deserialize_with = "labels_or_none")]
    pub custom_metadata: Option<CustomMetadata>,
    /// The version of the metadata that this replaces; 0 if there must be none. If left out, any.
    #[serde(deserialize_with = "int_or_zero")]
    pub metadata_cas: Option<i64>,
    /// Whether every change of metadata must say which version of it that replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub metadata_cas_required: Option<bool>,
}
endpoint!(WriteMetadata { path } => (): Update "metadata/{path*}" as "metadata/{path}");

/// `PATCH metadata/:path`: changes settings and labels; a label that is null is removed. As in
/// every request that sets them, a number that is null is 0 and a flag that is null is off; a time
/// that is null stays.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PatchMetadata {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// How many versions are kept; 0 is as the mount says.
    #[serde(deserialize_with = "int_or_zero")]
    pub max_versions: Option<i64>,
    /// Whether every write must say which version it replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub cas_required: Option<bool>,
    /// After how long a version is deleted by itself; 0 is as the mount says.
    #[serde(deserialize_with = "coerce::seconds")]
    pub delete_version_after: Option<i64>,
    /// The labels to set, or to remove where null; null in their place removes all.
    #[serde(deserialize_with = "given")]
    pub custom_metadata: Option<Option<BTreeMap<String, Option<String>>>>,
    /// The version of the metadata that this replaces; 0 if there must be none. If left out, any.
    #[serde(deserialize_with = "int_or_zero")]
    pub metadata_cas: Option<i64>,
    /// Whether every change of metadata must say which version of it that replaces.
    #[serde(deserialize_with = "flag_or_off")]
    pub metadata_cas_required: Option<bool>,
}
endpoint!(PatchMetadata { path } => (): Patch "metadata/{path*}" as "metadata/{path}");

/// `GET subkeys/:path`: lists the names inside a secret's data, without the values.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadSubkeys {
    /// The path of the secret.
    #[serde(skip_serializing)]
    pub path: String,
    /// The version; none or 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub version: Option<i64>,
    /// How many levels are shown; 0 is all.
    #[serde(deserialize_with = "coerce::int")]
    pub depth: Option<i64>,
}
endpoint!(ReadSubkeys { path } => Subkeys: Read "subkeys/{path*}" as "subkeys/{path}");

/// What `GET subkeys/:path` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Subkeys {
    /// The tree of names, with null for every value; null where the version is gone.
    pub subkeys: Option<serde_json::Value>,
    /// What is known of the version.
    pub metadata: VersionMetadata,
}

/// What version 2 answers where a path lacks `data/` or `metadata/`: nothing, with a warning.
pub mod misplaced {
    use super::{Deserialize, Serialize, endpoint};

    path_only!(Delete { path }, "`DELETE :path`: refused; the path lacks `data/`.",
        Delete "{path*}" as "{path}" => ());
    path_only!(List { path }, "`LIST :path`: refused; the path lacks `metadata/`.",
        List "{path*}" as "{path}" => ());
    path_only!(Read { path }, "`GET :path`: refused; the path lacks `data/`.",
        Read "{path*}" as "{path}" => ());

    /// `POST :path`: refused; the path lacks `data/`.
    #[derive(Debug, Default, Deserialize, Serialize)]
    #[serde(default)]
    pub struct Write {
        /// The path.
        #[serde(skip_serializing)]
        pub path: String,
    }
    endpoint!(Write { path } => (): Update "{path*}" as "{path}"; free_form);
}
