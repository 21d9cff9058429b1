//! `keyward secrets` and `keyward auth`: what is mounted where.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use keyward_api::sys::{
    DisableMount, EnableMount, ListAuth, ListMounts, MountConfigInput, MountOutput, Remount, Tune,
};

use super::logical::trimmed;
use crate::{
    arguments::Format,
    data,
    error::{Error, Outcome},
    json::Json,
    output,
    session::Session,
};

/// Enable and disable secrets engines
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward secrets enable transit
  keyward secrets enable -path=team -version=2 kv
  keyward secrets move team crew
  keyward secrets list")]
pub(crate) enum Secrets {
    /// Disable a secrets engine and remove all that it holds
    Disable {
        /// Where it is mounted.
        path: String,
    },
    Enable(Box<Enable>),
    List(List),
    /// Move a secrets engine to another path, with all that it holds
    Move(Move),
    Tune(Box<TuneMount>),
}

impl Secrets {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Disable { path } => disable(session, &path).await,
            Self::Enable(command) => command.run(session).await,
            Self::List(command) => {
                let request = ListMounts::default();
                let reply = session.call("listing secrets engines", "sys", &request);
                let mounts = reply.await?.data;
                command.show_secrets(session, mounts.unwrap_or_default())
            }
            Self::Move(command) => command.run(session, "secrets engine", "").await,
            Self::Tune(command) => command.run(session).await,
        }
    }
}

/// See which auth methods there are, and move them
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward auth list
  keyward auth move userpass staff")]
pub(crate) enum Auth {
    List(List),
    /// Move an auth method to another path; tokens that it made are revoked
    Move(Move),
}

impl Auth {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::List(command) => {
                let request = ListAuth::default();
                let reply = session.call("listing enabled authentications", "sys", &request);
                let mounts = reply.await?.data;
                command.show_auth(session, mounts.unwrap_or_default())
            }
            Self::Move(command) => command.run(session, "auth method", "auth/").await,
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
    /// Moves a mount of some kind, whose paths have a prefix on the wire.
    async fn run(self, session: &mut Session<'_, '_>, kind: &str, prefix: &str) -> Outcome {
        let full = |path: &str| {
            let path = trimmed(path);
            format!("{prefix}{}/", path.strip_prefix(prefix).unwrap_or(path))
        };
        let (from, to) = (full(&self.source), full(&self.destination));
        let request = Remount {
            from: Some(from.clone()),
            to: Some(to.clone()),
        };
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
struct MountSettings {
    /// What to write about it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How long leases last where nothing else is asked.
    #[arg(long, value_name = "DURATION")]
    default_lease_ttl: Option<String>,
    /// How long leases may last at most.
    #[arg(long, value_name = "DURATION")]
    max_lease_ttl: Option<String>,
    /// `unauth` shows it to callers without a token.
    #[arg(long, value_name = "unauth|hidden")]
    listing_visibility: Option<String>,
    /// The version of a kv engine: 1 or 2.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u8>,
    /// An option of the engine; several by repeating.
    #[arg(long, value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// A parameter that the audit log shows as it is; several by repeating.
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_request_keys: Vec<String>,
    /// An answer's field that the audit log shows as it is; several by repeating.
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_response_keys: Vec<String>,
    /// A request header that the engine gets to see; several by repeating.
    #[arg(long, value_name = "NAME")]
    passthrough_request_headers: Vec<String>,
    /// An answer's header that the engine may set; several by repeating.
    #[arg(long, value_name = "NAME")]
    allowed_response_headers: Vec<String>,
}

impl MountSettings {
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

/// Enable a secrets engine
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward secrets enable transit
  keyward secrets enable -path=team/keys transit
  keyward secrets enable -version=2 kv")]
pub(crate) struct Enable {
    /// The type of engine, such as transit or kv.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Where to mount it; at its type if not given.
    #[arg(long)]
    path: Option<String>,
    /// Keep it out of replication; on one cluster it changes nothing.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    settings: MountSettings,
}

impl Enable {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            kind,
            path,
            local,
            settings,
        } = self;
        let options = settings.options()?;
        let request = EnableMount {
            path: trimmed(path.as_deref().unwrap_or(&kind)).to_owned(),
            kind: Some(kind.clone()),
            description: settings.description,
            config: Some(MountConfigInput {
                default_lease_ttl: settings.default_lease_ttl,
                max_lease_ttl: settings.max_lease_ttl,
                listing_visibility: settings.listing_visibility,
                audit_non_hmac_request_keys: given(settings.audit_non_hmac_request_keys),
                audit_non_hmac_response_keys: given(settings.audit_non_hmac_response_keys),
                passthrough_request_headers: given(settings.passthrough_request_headers),
                allowed_response_headers: given(settings.allowed_response_headers),
                ..MountConfigInput::default()
            }),
            options,
            local: local.then_some(true),
            ..EnableMount::default()
        };
        session.call("enabling", "sys", &request).await?;
        session.success(&format!(
            "Enabled the {kind} secrets engine at: {}/",
            request.path
        ))
    }
}

async fn disable(session: &mut Session<'_, '_>, path: &str) -> Outcome {
    let request = DisableMount {
        path: trimmed(path).to_owned(),
    };
    let doing = format!("disabling secrets engine at {}/", request.path);
    session.call(&doing, "sys", &request).await?;
    let text = format!(
        "Disabled the secrets engine (if it existed) at: {}/",
        request.path
    );
    session.success(&text)
}

/// Change the settings of a secrets engine
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward secrets tune -default-lease-ttl=1h -description='keys of the shop' transit")]
pub(crate) struct TuneMount {
    /// Where it is mounted.
    path: String,
    #[command(flatten)]
    settings: MountSettings,
}

impl TuneMount {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self { path, settings } = self;
        let options = settings.options()?;
        let request = Tune {
            path: trimmed(&path).to_owned(),
            description: settings.description,
            options,
            default_lease_ttl: settings.default_lease_ttl,
            max_lease_ttl: settings.max_lease_ttl,
            listing_visibility: settings.listing_visibility,
            audit_non_hmac_request_keys: given(settings.audit_non_hmac_request_keys),
            audit_non_hmac_response_keys: given(settings.audit_non_hmac_response_keys),
            passthrough_request_headers: given(settings.passthrough_request_headers),
            allowed_response_headers: given(settings.allowed_response_headers),
            ..Tune::default()
        };
        session
            .call(
                &format!("tuning secrets engine {}/", request.path),
                "sys",
                &request,
            )
            .await?;
        session.success(&format!("Tuned the secrets engine at: {}/", request.path))
    }
}

/// List what is mounted
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Show the settings too.
    #[arg(long)]
    detailed: bool,
}

/// Mounts by path.
type Mounts = BTreeMap<String, MountOutput>;

impl List {
    fn show_secrets(&self, session: &mut Session<'_, '_>, mounts: Mounts) -> Outcome {
        const NAMES: [&str; 4] = ["Path", "Type", "Accessor", "Description"];
        self.show(session, mounts, |mounts| {
            let row = |(path, mount): (String, MountOutput)| {
                [path, mount.kind, mount.accessor, mount.description]
            };
            output::table(NAMES, mounts.into_iter().map(row).collect())
        })
    }

    fn show_auth(&self, session: &mut Session<'_, '_>, mounts: Mounts) -> Outcome {
        const NAMES: [&str; 5] = ["Path", "Type", "Accessor", "Description", "Version"];
        self.show(session, mounts, |mounts| {
            let row = |(path, mount): (String, MountOutput)| {
                [
                    path,
                    mount.kind,
                    mount.accessor,
                    mount.description,
                    mount.plugin_version,
                ]
            };
            output::table(NAMES, mounts.into_iter().map(row).collect())
        })
    }

    fn show(
        &self,
        session: &mut Session<'_, '_>,
        mounts: Mounts,
        brief: impl FnOnce(Mounts) -> String,
    ) -> Outcome {
        if session.format != Format::Table {
            let mounts = Json::of(&mounts).map_err(|error| Error::local(error.to_string()))?;
            return session.show_value(&mounts);
        }
        let text = if self.detailed {
            detailed(mounts)
        } else {
            brief(mounts)
        };
        Ok(session.io.print(&text)?)
    }
}

fn detailed(mounts: Mounts) -> String {
    let names = [
        "Path",
        "Plugin",
        "Accessor",
        "Default TTL",
        "Max TTL",
        "Force No Cache",
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
            .map(|(path, mount)| details(path, mount))
            .collect(),
    )
}

fn details(path: String, mount: MountOutput) -> [String; 16] {
    let config = |name: &str| mount.config.get(name);
    let ttl = |name| match config(name).and_then(serde_json::Value::as_u64) {
        _ if matches!(mount.kind.as_str(), "system" | "cubbyhole") => String::new(),
        None | Some(0) => "system".to_owned(),
        Some(seconds) => output::duration(seconds),
    };
    let (default_ttl, max_ttl) = (ttl("default_lease_ttl"), ttl("max_lease_ttl"));
    let no_cache = config("force_no_cache").and_then(serde_json::Value::as_bool);
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
        no_cache.unwrap_or_default().to_string(),
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
