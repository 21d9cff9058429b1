//! What `keyward auth` and `keyward secrets` share: settings, moves and lists of mounts.

use std::collections::BTreeMap;

use clap::Args;
use keyward_api::sys::{EnableMount, MountConfigInput, MountOutput, Remount, Tune};

use super::logical::trimmed;
use crate::{
    arguments::Format,
    data,
    error::{Error, Outcome},
    json::Json,
    output,
    session::Session,
};

/// The two classes of what is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Auth,
    Secret,
}

impl Class {
    /// Returns what people call one.
    fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth method",
            Self::Secret => "secrets engine",
        }
    }

    /// Returns the path of a mount as paths below `sys/mounts` and `sys/remount` name it, without a
    /// slash at its end.
    fn full_path(self, path: &str) -> String {
        let path = self.own_path(path);
        match self {
            Self::Auth => format!("auth/{path}"),
            Self::Secret => path.to_owned(),
        }
    }

    /// Returns the path of a mount among those of its class, without slashes around: of an auth
    /// method what stands behind `auth/`, whether it was typed with that or not.
    pub(super) fn own_path(self, path: &str) -> &str {
        let path = trimmed(path);
        match self {
            Self::Auth => path.strip_prefix("auth/").unwrap_or(path),
            Self::Secret => path,
        }
    }
}

/// Where a mount is and where it shall be.
#[derive(Args, Debug)]
pub(crate) struct Move {
    /// Where it is mounted.
    source: String,
    /// Where it shall be mounted.
    destination: String,
}

impl Move {
    /// Moves a mount.
    pub(super) async fn run(self, session: &mut Session<'_, '_>, class: Class) -> Outcome {
        let full = |path: &str| format!("{}/", class.full_path(path));
        let (from, to) = (full(&self.source), full(&self.destination));
        let request = Remount {
            from: Some(from.clone()),
            to: Some(to.clone()),
        };
        let kind = class.name();
        let doing = format!("moving {kind} {from} to {to}");
        let reply = session.call(&doing, "sys", &request).await?;
        let id = reply.data.map(|moved| moved.migration_id);
        let id = id.ok_or_else(|| Error::server("the server's answer is empty"))?;
        session.success(&format!(
            "Finished moving {kind} {from} to {to}, with migration ID {id}"
        ))
    }
}

/// What can be set when a mount is made, and later.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// What to write about it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How long leases and tokens last where nothing else is asked.
    #[arg(long, value_name = "DURATION")]
    default_lease_ttl: Option<String>,
    /// How long leases and tokens may last at most.
    #[arg(long, value_name = "DURATION")]
    max_lease_ttl: Option<String>,
    /// `unauth` shows it to callers without a token.
    #[arg(long, value_name = "unauth|hidden")]
    listing_visibility: Option<String>,
    /// The version, where there are several: 1 or 2 of kv.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u8>,
    /// An option of the mount; several by repeating.
    #[arg(long, value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// A parameter that the audit log shows as it is; several by repeating.
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_request_keys: Vec<String>,
    /// An answer's field that the audit log shows as it is; several by repeating.
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_response_keys: Vec<String>,
    /// A request header that the mount gets to see; several by repeating.
    #[arg(long, value_name = "NAME")]
    passthrough_request_headers: Vec<String>,
    /// An answer's header that the mount may set; several by repeating.
    #[arg(long, value_name = "NAME")]
    allowed_response_headers: Vec<String>,
}

impl Settings {
    /// Makes the request for a new mount, at its type if no path is given.
    pub(super) fn enable(
        self,
        class: Class,
        kind: &str,
        path: Option<&str>,
    ) -> Outcome<EnableMount> {
        let options = self.options()?;
        Ok(EnableMount {
            path: class.own_path(path.unwrap_or(kind)).to_owned(),
            kind: Some(kind.to_owned()),
            description: self.description,
            config: Some(MountConfigInput {
                default_lease_ttl: self.default_lease_ttl,
                max_lease_ttl: self.max_lease_ttl,
                listing_visibility: self.listing_visibility,
                audit_non_hmac_request_keys: given(self.audit_non_hmac_request_keys),
                audit_non_hmac_response_keys: given(self.audit_non_hmac_response_keys),
                passthrough_request_headers: given(self.passthrough_request_headers),
                allowed_response_headers: given(self.allowed_response_headers),
                ..MountConfigInput::default()
            }),
            options,
            ..EnableMount::default()
        })
    }

    /// Makes the request that changes a mount.
    pub(super) fn tune(self, class: Class, path: &str) -> Outcome<Tune> {
        let options = self.options()?;
        Ok(Tune {
            path: class.full_path(path),
            description: self.description,
            options,
            default_lease_ttl: self.default_lease_ttl,
            max_lease_ttl: self.max_lease_ttl,
            listing_visibility: self.listing_visibility,
            audit_non_hmac_request_keys: given(self.audit_non_hmac_request_keys),
            audit_non_hmac_response_keys: given(self.audit_non_hmac_response_keys),
            passthrough_request_headers: given(self.passthrough_request_headers),
            allowed_response_headers: given(self.allowed_response_headers),
            ..Tune::default()
        })
    }

    fn options(&self) -> Outcome<Option<BTreeMap<String, String>>> {
        let mut options: BTreeMap<_, _> = data::read_texts(&self.options)?.into_iter().collect();
        if let Some(version) = self.version {
            options.insert("version".to_owned(), version.to_string());
        }
        Ok((!options.is_empty()).then_some(options))
    }
}

/// Nothing instead of an empty list, which would clear what is there.
fn given(list: Vec<String>) -> Option<Vec<String>> {
    (!list.is_empty()).then_some(list)
}

/// Changes a mount as asked.
pub(super) async fn tune(
    session: &mut Session<'_, '_>,
    class: Class,
    path: &str,
    request: &Tune,
) -> Outcome {
    let (name, path) = (class.name(), class.own_path(path));
    let doing = format!("tuning {name} {path}/");
    session.call(&doing, "sys", request).await?;
    session.success(&format!("Tuned the {name} at: {path}/"))
}

/// List what is mounted
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Show the settings too.
    #[arg(long)]
    detailed: bool,
}

/// Mounts by path.
pub(super) type Mounts = BTreeMap<String, MountOutput>;

impl List {
    /// Shows all mounts of a class.
    pub(super) fn show(
        &self,
        session: &mut Session<'_, '_>,
        class: Class,
        mounts: Option<Mounts>,
    ) -> Outcome {
        let mounts = mounts.unwrap_or_default();
        if session.format != Format::Table {
            let mounts = Json::of(&mounts).map_err(|error| Error::local(error.to_string()))?;
            return session.show_value(&mounts);
        }
        let text = match (self.detailed, class) {
            (true, class) => detailed(class, mounts),
            (false, Class::Auth) => auth_methods(mounts),
            (false, Class::Secret) => secrets_engines(mounts),
        };
        Ok(session.io.print(&text)?)
    }
}

fn secrets_engines(mounts: Mounts) -> String {
    let row = |(path, mount): (String, MountOutput)| {
        [path, mount.kind, mount.accessor, mount.description]
    };
    output::table(
        ["Path", "Type", "Accessor", "Description"],
        mounts.into_iter().map(row).collect(),
    )
}

fn auth_methods(mounts: Mounts) -> String {
    let row = |(path, mount): (String, MountOutput)| {
        [
            path,
            mount.kind,
            mount.accessor,
            mount.description,
            mount.plugin_version,
        ]
    };
    output::table(
        ["Path", "Type", "Accessor", "Description", "Version"],
        mounts.into_iter().map(row).collect(),
    )
}

fn detailed(class: Class, mounts: Mounts) -> String {
    let names = [
        "Path",
        "Plugin",
        "Accessor",
        "Default TTL",
        "Max TTL",
        match class {
            Class::Auth => "Token Type",
            Class::Secret => "Force No Cache",
        },
        "Replication",
        "Seal Wrap",
        "External Entropy Access",
        "Options",
        "Description",
        "UUID",
        "Version",
        "Running Version",
        "Running SHA256",
        "Deprecation Status",
    ];
    output::table(
        names,
        mounts
            .into_iter()
            .map(|(path, mount)| details(class, path, mount))
            .collect(),
    )
}

fn details(class: Class, path: String, mount: MountOutput) -> [String; 16] {
    let config = |name: &str| mount.config.get(name);
    let ttl = |name| match config(name).and_then(serde_json::Value::as_u64) {
        _ if matches!(mount.kind.as_str(), "system" | "cubbyhole") => String::new(),
        None | Some(0) => "system".to_owned(),
        Some(seconds) => output::duration(seconds),
    };
    let (default_ttl, max_ttl) = (ttl("default_lease_ttl"), ttl("max_lease_ttl"));
    let particular = match class {
        Class::Auth => {
            let token_type = config("token_type").and_then(serde_json::Value::as_str);
            token_type.unwrap_or_default().to_owned()
        }
        Class::Secret => {
            let no_cache = config("force_no_cache").and_then(serde_json::Value::as_bool);
            no_cache.unwrap_or_default().to_string()
        }
    };
    let options = mount.options.unwrap_or_default();
    let options = options
        .into_iter()
        .map(|(name, value)| (name, Json::text(value)));
    [
        path,
        mount.kind,
        mount.accessor,
        default_ttl,
        max_ttl,
        particular,
        if mount.local { "local" } else { "replicated" }.to_owned(),
        mount.seal_wrap.to_string(),
        mount.external_entropy_access.to_string(),
        Json::Object(options.collect()).shown(),
        mount.description,
        mount.uuid,
        mount.plugin_version,
        mount.running_plugin_version,
        mount.running_sha256,
        mount.deprecation_status.unwrap_or_default(),
    ]
}
