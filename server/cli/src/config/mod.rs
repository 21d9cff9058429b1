//! The server's configuration file, HCL or JSON, with Vault's names for its stanzas.
//!
//! ```text
//! storage "sled" { path = "/var/lib/keyward" }
//! listener "tcp" {
//!   address       = "127.0.0.1:8200"
//!   tls_cert_file = "/etc/keyward/cert.pem"
//!   tls_key_file  = "/etc/keyward/key.pem"
//! }
//! cluster_name = "production"
//! log_level    = "info"
//! ```
//! `seal "NAME" { … }` names a seal that opens by itself; without it people unseal. It may stand in
//! several files: of a setting or a storage the last counts, listeners and seals are all there.
//!
//! **Invariant:** a key that is not enforced is refused or warned of by name and line, never
//! ignored; every default of the server stands here.

mod elsewhere;
mod listener;
mod lockout;
mod log;
mod seal;
pub(crate) mod shown;
mod sources;
mod telemetry;
mod tls;
mod value;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, anyhow, bail};
use keyward_api::proof::Address;
use keyward_builtin::storage;
use keyward_core::{
    LockoutConfig, OptionalEndpoints, Telemetry, TtlLimits,
    hcl::{self, Body, Entry},
};
use keyward_http::Rules;
use serde_json::{Map, Value};
use tracing::Level;

use self::value::{duration, duration_or_none, flag, plain, refuse, text, texts, unknown};
pub(crate) use listener::{ListenerConfig, Place};
pub(crate) use log::LogConfig;
pub(crate) use seal::SealConfigs;
pub(crate) use sources::Source;

use crate::Environment;

/// Where a server listens unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8200";

/// What a server is told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) storage: StorageConfig,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) seals: SealConfigs,
    /// Where clients reach the server; empty if nobody said.
    pub(crate) api_addr: String,
    /// Where they reach it too, under other names.
    pub(crate) client_addresses: Vec<Address>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) log: LogConfig,
    /// Where the number of the process is written.
    pub(crate) pid_file: Option<PathBuf>,
    /// All of it, as operators may see it.
    pub(crate) shown: Map<String, Value>,
    pub(crate) telemetry: Telemetry,
    pub(crate) lockouts: LockoutConfig,
    /// How long leases and tokens last at mounts that are not tuned.
    pub(crate) lease_ttls: TtlLimits,
    /// What of the API there is only if it is asked for.
    pub(crate) endpoints: OptionalEndpoints,
    /// Whether every answer names this machine.
    pub(crate) names_host: bool,
    /// What stands there that has no effect, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Which store, and its settings.
#[derive(Debug)]
pub(crate) struct StorageConfig {
    pub(crate) name: String,
    pub(crate) settings: storage::Settings,
}

impl Config {
    /// Reads the files of a configuration; the environment says more of its seals.
    pub(crate) fn read(sources: &[Source], environment: &Environment) -> Result<Self> {
        let parse = |source: &Source| source.naming(hcl::parse(&source.text).map_err(in_line));
        let bodies = sources.iter().map(parse).collect::<Result<Vec<_>>>()?;
        let files = || sources.iter().zip(&bodies);
        let mut config = Self::of(storage_of(files())?);
        let mut rules = Rules::default();
        for (source, body) in files() {
            source.naming(config.take(body, source, &mut rules))?;
        }
        if config.lease_ttls.default > config.lease_ttls.max {
            bail!(
                "default_lease_ttl ({}s) cannot be larger than max_lease_ttl ({}s)",
                config.lease_ttls.default.as_secs(),
                config.lease_ttls.max.as_secs()
            );
        }
        config.seals.complete(environment)?;
        // Last, since what all listeners share may stand in a later file.
        for (source, body) in files() {
            source.naming(config.listen(body, source, &rules))?;
        }
        if config.listeners.is_empty() {
            bail!("the configuration has no listener \"tcp\" {{ … }} stanza");
        }
        config.shown = shown::of(&bodies, &config);
        Ok(config)
    }

    /// Says of a storage what a server does that is told nothing else.
    pub(crate) fn of(storage: StorageConfig) -> Self {
        Self {
            storage,
            listeners: Vec::new(),
            seals: SealConfigs::default(),
            api_addr: String::new(),
            client_addresses: Vec::new(),
            cluster_name: None,
            log: LogConfig::default(),
            pid_file: None,
            shown: Map::new(),
            telemetry: Telemetry::default(),
            lockouts: LockoutConfig::default(),
            lease_ttls: TtlLimits::USUAL,
            endpoints: OptionalEndpoints::default(),
            names_host: false,
            warnings: Vec::new(),
        }
    }

    /// Takes what a file says, but for its storage and its listeners.
    fn take(&mut self, body: &Body, source: &Source, rules: &mut Rules) -> Result<()> {
        self.seals.take(body)?;
        lockout::take(&mut self.lockouts, body)?;
        for entry in &body.entries {
            match entry.key.as_str() {
                // Read elsewhere, whole.
                "storage" | "listener" | "seal" | "user_lockout" => {}
                "api_addr" => self.api_addr = text(entry)?,
                "client_addresses" => self.client_addresses = addresses(entry)?,
                "cluster_name" => self.cluster_name = Some(text(entry)?),
                "default_lease_ttl" => self.lease_ttls.default = lease_ttl(entry)?,
                "default_max_request_duration" => {
                    rules.limits.max_request_duration = duration(entry)?;
                }
                "enable_response_header_hostname" => self.names_host = flag(entry)?,
                "log_requests_level" => rules.log_requests = level(entry)?,
                "max_lease_ttl" => self.lease_ttls.max = lease_ttl(entry)?,
                "pid_file" => {
                    let file = Some(text(entry)?).filter(|file| !file.is_empty());
                    self.pid_file = file.map(PathBuf::from);
                }
                "raw_storage_endpoint" => self.endpoints.raw_storage = flag(entry)?,
                "telemetry" => self.telemetry = telemetry::read(entry)?,
                "unsafe_allow_api_audit_creation" if flag(entry)? => {}
                "unsafe_allow_api_audit_creation" => {
                    return Err(refuse(
                        entry,
                        "must be true: audit devices are enabled over the API",
                    ));
                }
                _ if self.log.take(entry)? => {}
                other => match elsewhere::take(entry)? {
                    None => return Err(unknown("stanza or setting", other, entry.position)),
                    Some(told) => self.warn(entry, source, told),
                },
            }
        }
        Ok(())
    }

    /// Takes the listeners of a file.
    fn listen(&mut self, body: &Body, source: &Source, rules: &Rules) -> Result<()> {
        for block in body.labelled("listener").map_err(in_line)? {
            self.listeners.push(ListenerConfig::read(block, rules)?);
            if let Some(entry) = block.body.find("cluster_address") {
                let told = "has no effect: there is one node, and so no cluster to listen for";
                self.warn(entry, source, Some(told.to_owned()));
            }
        }
        Ok(())
    }

    fn warn(&mut self, entry: &Entry, source: &Source, told: Option<String>) {
        let place = source.place(entry.position.line);
        let warning = told.map(|told| format!("\"{}\" {place} {told}", entry.key));
        self.warnings.extend(warning);
    }
}

/// Reads how long a lease lasts; 0 is as long as if nothing was said.
fn lease_ttl(entry: &Entry) -> Result<Duration> {
    let ttl = duration_or_none(entry)?;
    Ok(ttl.unwrap_or(TtlLimits::USUAL.max))
}

/// Reads at which level requests are logged that were answered; none if they are not.
fn level(entry: &Entry) -> Result<Option<Level>> {
    Ok(Some(match &*text(entry)?.trim().to_ascii_lowercase() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "warn" => Level::WARN,
        "error" => Level::ERROR,
        "" | "off" => return Ok(None),
        _ => {
            let problem = "must be trace, debug, info, warn, error or off";
            return Err(refuse(entry, problem));
        }
    }))
}

/// Finds the storage: that of the last file with one counts.
fn storage_of<'a>(files: impl Iterator<Item = (&'a Source, &'a Body)>) -> Result<StorageConfig> {
    let mut found = None;
    for (source, body) in files {
        found = source.naming(storage_in(body))?.or(found);
    }
    found.ok_or_else(|| {
        anyhow!("the configuration needs one storage \"sled\" {{ … }} stanza, and has none")
    })
}

/// Says where a file cannot be understood, in the words of the other refusals.
fn in_line(error: hcl::Error) -> anyhow::Error {
    anyhow!("line {}: {}", error.position.line, error.message)
}

/// Reads the addresses that clients sign requests for, beside those that the server knows itself.
fn addresses(entry: &Entry) -> Result<Vec<Address>> {
    /// Each costs a verification where a signature is none.
    const MOST: usize = 16;
    let texts = texts(entry)?;
    if texts.len() > MOST {
        return Err(refuse(entry, format!("has more than {MOST} addresses")));
    }
    let addresses = texts.iter().map(|text| Address::parse(text));
    addresses
        .collect::<Result<_, _>>()
        .map_err(|error| refuse(entry, format!("has an item that is none: {error}")))
}

fn storage_in(body: &Body) -> Result<Option<StorageConfig>> {
    let blocks = body.labelled("storage").map_err(in_line)?;
    let block = match blocks[..] {
        [] => return Ok(None),
        [block] => block,
        [_, second, ..] => bail!(
            "the storage {:?} at line {} is one too many",
            second.label,
            second.position.line
        ),
    };
    if storage::storage(block.label).is_none() {
        return Err(unknown("storage backend", block.label, block.position));
    }
    let settings = block.body.entries.iter();
    let settings = settings.map(|entry| Ok((entry.key.clone(), plain(entry)?)));
    Ok(Some(StorageConfig {
        name: block.label.to_owned(),
        settings: settings.collect::<Result<_>>()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        storage "sled" { path = "/tmp/x" }
        listener "tcp" { address = "127.0.0.1:1234" tls_disable = 1 }
        disable_mlock = true
        cluster_name = "c"
    "#;

    fn parse(text: &str) -> Result<Config> {
        Config::read(&[Source::unnamed(text)], &Environment::default())
    }

    fn port(config: &Config) -> u16 {
        let Place::Tcp(address, None) = &config.listeners[0].place else {
            panic!("it listens without TLS: {config:?}");
        };
        address.port()
    }

    #[test]
    fn vaults_stanzas_are_read() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.storage.name, "sled");
        assert_eq!(config.storage.settings["path"], "/tmp/x");
        assert_eq!(port(&config), 1234);
        assert_eq!(config.cluster_name.as_deref(), Some("c"));
    }

    #[test]
    fn what_is_shown_holds_no_setting_of_the_storage_nor_of_a_seal() {
        let key = "5ea1".repeat(16);
        let seal = format!("seal \"static\" {{ current_key_id = \"k1\" current_key = \"{key}\" }}");
        let seal = seal.replace(" current", "\ncurrent").replace(" }", "\n}");
        let shown = parse(&format!("{GOOD}\n{seal}")).unwrap().shown;
        assert_eq!(shown["storage"], serde_json::json!({ "type": "sled" }));
        assert_eq!(shown["cluster_name"], "c");
        let listener = &shown["listeners"][0];
        assert_eq!(listener["type"], "tcp");
        assert_eq!(listener["config"]["address"], "127.0.0.1:1234");
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("/tmp/x"), "{text}");
        let seals = serde_json::json!([{ "type": "static", "disabled": false }]);
        assert_eq!(shown["seals"], seals);
        assert!(!text.contains("5ea1"), "{text}");
    }

    #[test]
    fn addresses_of_clients_are_read() {
        let addresses =
            r#"client_addresses = ["https://Vault.example.com:443/", "http://[::1]:8200"]"#;
        let config = parse(&format!("{GOOD}\n{addresses}")).unwrap();
        let read: Vec<_> = config
            .client_addresses
            .iter()
            .map(Address::as_str)
            .collect();
        assert_eq!(read, ["https://vault.example.com", "http://[::1]:8200"]);
        let refused = |setting: &str| {
            parse(&format!("{GOOD}\n{setting}"))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("client_addresses = [\"vault.example.com\"]"),
            "\"client_addresses\" at line 7 has an item that is none: \"vault.example.com\" is not \
             an address like https://vault.example.com:8200"
        );
        let many = "\"https://x\", ".repeat(17);
        let many = refused(&format!("client_addresses = [{many}]"));
        assert_eq!(
            many,
            "\"client_addresses\" at line 7 has more than 16 addresses"
        );
        assert!(refused("client_addresses = 1").contains("must be a list of strings"));
    }

    #[test]
    fn json_says_the_same() {
        let json = r#"{"storage":{"sled":{"path":"/tmp/x"}},
            "listener":[{"tcp":{"address":"127.0.0.1:1234","tls_disable":true}}]}"#;
        let config = parse(json).unwrap();
        assert_eq!(config.storage.settings["path"], "/tmp/x");
        assert_eq!(port(&config), 1234);
    }

    #[test]
    fn what_is_unknown_is_named_with_its_line() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(
            refused(&format!("{GOOD}\nnosuch \"x\" {{ }}")),
            "unknown stanza or setting \"nosuch\" at line 7"
        );
        assert_eq!(
            refused("storage \"consul\" { }\n"),
            "unknown storage backend \"consul\" at line 1"
        );
        assert!(refused("storage \"sled\" { path = \"x\" }").contains("no listener"));
        assert!(refused("storage \"sled\" {\n").starts_with("line 2: "));
        assert!(refused("\nstorage \"sled\" \"x\" \"y\" = 1").starts_with("line 2: "));
        assert!(refused("\nlistener = 1\nstorage \"sled\" { }").starts_with("line 2: "));
    }

    #[test]
    fn of_several_files_the_last_counts_and_listeners_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "1.hcl",
                "storage \"sled\" { path = \"/tmp/x\" }\nmax_lease_ttl = \"20h\"\nui = false\n\
                 default_lease_ttl = \"9h\"\ncluster_name = \"one\"\n\
                 user_lockout \"all\" { lockout_threshold = 3 }\n\
                 listener \"tcp\" {\n address = \"127.0.0.1:1\"\n tls_disable = 1\n}\n",
            ),
            (
                "2.json",
                r#"{"storage": {"redb": {"path": "/tmp/y"}}, "max_lease_ttl": "10h", "ui": true,
                "default_lease_ttl": 7200, "user_lockout": {"all": {"lockout_threshold": 4}},
                "default_max_request_duration": "7s",
                "listener": {"tcp": {"address": "127.0.0.1:2", "tls_disable": true}}}"#,
            ),
        ];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let read = || {
            let sources = Source::read_all(&[folder.path().to_owned()])?;
            Config::read(&sources, &Environment::default())
        };
        let config = read().unwrap();
        assert_eq!(config.storage.name, "redb");
        assert_eq!(config.lease_ttls.default.as_secs(), 7200);
        assert_eq!(config.lease_ttls.max.as_secs(), 36_000);
        assert_eq!(config.cluster_name.as_deref(), Some("one"));
        assert_eq!(config.lockouts.terms["all"].threshold, Some(4));
        assert_eq!(config.listeners.len(), 2);
        for listener in &config.listeners {
            let most = listener.rules.limits.max_request_duration;
            assert_eq!(most.as_secs(), 7);
        }
        assert_eq!(config.shown["max_lease_ttl"], 36_000);
        assert_eq!(config.shown["enable_ui"], true);
        assert_eq!(config.shown["listeners"].as_array().unwrap().len(), 2);
        let second = folder.path().join("2.json");
        let told = format!(
            "\"ui\" at line 1 of {} has no effect: there are no pages to be shown",
            second.display()
        );
        assert_eq!(config.warnings, [told]);
        std::fs::write(&second, "{\n\"nosuch\": 1}").unwrap();
        assert_eq!(
            format!("{:#}", read().unwrap_err()),
            format!(
                "in the configuration {}: unknown stanza or setting \"nosuch\" at line 2",
                second.display()
            )
        );
    }

    #[test]
    fn leases_last_as_vaults_files_say() {
        let read = |text: &str| parse(&format!("{GOOD}\n{text}")).map(|it| it.lease_ttls);
        let hours = |default: u64, max: u64| TtlLimits {
            default: Duration::from_secs(default * 3600),
            max: Duration::from_secs(max * 3600),
        };
        for (text, wanted) in [
            ("", hours(768, 768)),
            ("max_lease_ttl = \"1000h\"", hours(768, 1000)),
            ("default_lease_ttl = 3600", hours(1, 768)),
            (
                "default_lease_ttl = 0\nmax_lease_ttl = \"0\"",
                hours(768, 768),
            ),
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
        for (text, refusal) in [
            (
                "max_lease_ttl = \"1h\"",
                "default_lease_ttl (2764800s) cannot be larger than max_lease_ttl (3600s)",
            ),
            (
                "max_lease_ttl = \"-1h\"",
                "\"max_lease_ttl\" at line 7 must be a duration in seconds, such as \"90s\"",
            ),
            (
                "default_lease_ttl = \"soon\"",
                "\"default_lease_ttl\" at line 7 must be a duration in seconds, such as \"90s\"",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), refusal);
        }
    }

    #[test]
    fn what_has_no_effect_is_warned_of_and_what_would_deceive_is_refused() {
        let listener =
            "listener \"tcp\" {\n cluster_address = \"127.0.0.1:8201\"\n tls_disable = 1\n}";
        let warned = parse(&format!("{GOOD}\n{listener}\nlicense_path = \"/x\"")).unwrap();
        assert_eq!(
            warned.warnings,
            [
                "\"license_path\" at line 11 has no effect: no license is needed",
                "\"cluster_address\" at line 8 has no effect: there is one node, and so no cluster to \
                 listen for"
            ]
        );
        assert!(parse(GOOD).unwrap().warnings.is_empty());
        assert!(parse(&format!("{GOOD}\nunsafe_allow_api_audit_creation = true")).is_ok());
        let refused = |setting: &str| {
            parse(&format!("{GOOD}\n{setting}"))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("unsafe_allow_api_audit_creation = false"),
            "\"unsafe_allow_api_audit_creation\" at line 7 must be true: audit devices are enabled \
             over the API"
        );
        assert_eq!(
            refused("log_requests_level = \"loud\""),
            "\"log_requests_level\" at line 7 must be trace, debug, info, warn, error or off"
        );
        assert_eq!(
            refused("storage \"sled\" { }"),
            "the storage \"sled\" at line 7 is one too many"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([a-z_ ={}\"\n0-9.:]{0,8}|storage|listener|tcp|sled){0,12}") {
            let _ = parse(&text);
        }
    }
}
