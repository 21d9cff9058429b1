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
//! `seal "NAME" { … }` names a seal that opens by itself; without it people unseal.
//!
//! **Invariant:** a key that is not enforced is refused by name and line, never ignored; every
//! default of the server stands here.

mod listener;
mod lockout;
mod seal;
pub(crate) mod shown;
mod telemetry;
mod tls;
mod value;

use anyhow::{Result, anyhow, bail};
use keyward_api::proof::Address;
use keyward_builtin::storage;
use keyward_core::{
    LockoutConfig, Telemetry,
    hcl::{self, Body, Entry},
};
use keyward_http::Rules;
use serde_json::{Map, Value};

use self::value::{duration, flag, plain, refuse, text, texts, unknown};
pub(crate) use listener::{ListenerConfig, Place};
pub(crate) use seal::SealConfigs;

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
    pub(crate) log_level: Option<String>,
    pub(crate) log_format: Option<String>,
    /// All of it, as operators may see it.
    pub(crate) shown: Map<String, Value>,
    pub(crate) telemetry: Telemetry,
    pub(crate) lockouts: LockoutConfig,
}

/// Which store, and its settings.
#[derive(Debug)]
pub(crate) struct StorageConfig {
    pub(crate) name: String,
    pub(crate) settings: storage::Settings,
}

impl Config {
    /// Reads the text of a configuration file; the environment says more of its seals.
    pub(crate) fn parse(source: &str, environment: &Environment) -> Result<Self> {
        let body = hcl::parse(source).map_err(in_line)?;
        let storage = one_storage(&body)?;
        let seals = SealConfigs::read(&body, environment)?;
        let mut config = Self {
            shown: shown::of(&body, &storage.name, &seals),
            storage,
            listeners: Vec::new(),
            seals,
            api_addr: String::new(),
            client_addresses: Vec::new(),
            cluster_name: None,
            log_level: None,
            log_format: None,
            telemetry: Telemetry::default(),
            lockouts: lockout::read(&body)?,
        };
        let mut rules = Rules::default();
        for entry in &body.entries {
            match entry.key.as_str() {
                // Read above and below, whole.
                "storage" | "listener" | "seal" | "user_lockout" => {}
                "cluster_name" => config.cluster_name = Some(text(entry)?),
                "log_level" => config.log_level = Some(text(entry)?),
                "telemetry" => config.telemetry = telemetry::read(entry)?,
                "log_format" => config.log_format = Some(text(entry)?),
                // Told by Vault's files; nothing is locked into memory and there is one node.
                "disable_mlock" | "ui" => drop(flag(entry)?),
                "cluster_addr" => drop(text(entry)?),
                "api_addr" => config.api_addr = text(entry)?,
                "client_addresses" => config.client_addresses = addresses(entry)?,
                "default_max_request_duration" => {
                    rules.limits.max_request_duration = duration(entry)?;
                }
                other => return Err(unknown("stanza or setting", other, entry.position)),
            }
        }
        for block in body.labelled("listener").map_err(in_line)? {
            config.listeners.push(ListenerConfig::read(block, &rules)?);
        }
        if config.listeners.is_empty() {
            bail!("the configuration has no listener \"tcp\" {{ … }} stanza");
        }
        Ok(config)
    }
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

fn one_storage(body: &Body) -> Result<StorageConfig> {
    let blocks = body.labelled("storage").map_err(in_line)?;
    let [block] = blocks[..] else {
        bail!(
            "the configuration needs one storage \"sled\" {{ … }} stanza, and has {}",
            blocks.len()
        );
    };
    if storage::storage(block.label).is_none() {
        return Err(unknown("storage backend", block.label, block.position));
    }
    let settings = block.body.entries.iter();
    let settings = settings.map(|entry| Ok((entry.key.clone(), plain(entry)?)));
    Ok(StorageConfig {
        name: block.label.to_owned(),
        settings: settings.collect::<Result<_>>()?,
    })
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
        Config::parse(text, &Environment::default())
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

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([a-z_ ={}\"\n0-9.:]{0,8}|storage|listener|tcp|sled){0,12}") {
            let _ = parse(&text);
        }
    }
}
