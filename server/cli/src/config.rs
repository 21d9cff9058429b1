//! The server's configuration file, HCL or JSON, with Vault's names for its stanzas.
//!
//! ```text
//! storage "sled" { path = "/var/lib/keyward" }
//! listener "tcp" {
//!   address     = "127.0.0.1:8200"
//!   tls_disable = true
//! }
//! cluster_name = "production"
//! log_level    = "info"
//! ```
//!
//! **Invariant:** a key that is not enforced is refused by name and line, never ignored; every
//! default of the server stands here.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, anyhow, bail};
use keyward_builtin::storage;
use keyward_core::hcl::{self, Block, Body, Entry, Position, Value};
use keyward_http::{Limits, ListenerLimits};

/// Where a server listens unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8200";

/// What a server is told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) storage: StorageConfig,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) log_level: Option<String>,
    pub(crate) log_format: Option<String>,
}

/// Which store, and its settings.
#[derive(Debug)]
pub(crate) struct StorageConfig {
    pub(crate) name: String,
    pub(crate) settings: storage::Settings,
}

/// Where to listen, and within what bounds.
#[derive(Clone, Debug)]
pub(crate) struct ListenerConfig {
    pub(crate) address: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) connections: ListenerLimits,
}

impl ListenerConfig {
    /// Listens on an address with the default bounds.
    pub(crate) fn plain(address: &str) -> Result<Self> {
        let address = address
            .parse()
            .with_context(|| format!("{address:?} is not an address such as 127.0.0.1:8200"))?;
        Ok(Self {
            address,
            limits: Limits::default(),
            connections: ListenerLimits::default(),
        })
    }
}

impl Config {
    /// Reads the text of a configuration file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let body = hcl::parse(text).map_err(in_line)?;
        let mut config = Self {
            storage: one_storage(&body)?,
            listeners: Vec::new(),
            cluster_name: None,
            log_level: None,
            log_format: None,
        };
        for entry in &body.entries {
            match entry.key.as_str() {
                // Read above and below, whole.
                "storage" | "listener" => {}
                "cluster_name" => config.cluster_name = Some(text_of(entry)?),
                "log_level" => config.log_level = Some(text_of(entry)?),
                "log_format" => config.log_format = Some(text_of(entry)?),
                // Told by Vault's files; nothing is locked into memory and there is one node.
                "disable_mlock" | "ui" => drop(flag_of(entry)?),
                "api_addr" | "cluster_addr" => drop(text_of(entry)?),
                unknown => bail!(refuse("stanza or setting", unknown, entry.position)),
            }
        }
        for block in body.labelled("listener").map_err(in_line)? {
            config.listeners.push(listener(block)?);
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

fn one_storage(body: &Body) -> Result<StorageConfig> {
    let blocks = body.labelled("storage").map_err(in_line)?;
    let [block] = blocks[..] else {
        bail!(
            "the configuration needs one storage \"sled\" {{ … }} stanza, and has {}",
            blocks.len()
        );
    };
    if storage::storage(block.label).is_none() {
        bail!(refuse("storage backend", block.label, block.position));
    }
    let settings = block.body.entries.iter();
    let settings = settings.map(|entry| Ok((entry.key.clone(), setting(entry)?)));
    Ok(StorageConfig {
        name: block.label.to_owned(),
        settings: settings.collect::<Result<_>>()?,
    })
}

fn listener(block: Block<'_>) -> Result<ListenerConfig> {
    if block.label != "tcp" {
        bail!(refuse("listener type", block.label, block.position));
    }
    let mut listener = ListenerConfig::plain(DEFAULT_ADDRESS)?;
    let mut is_plain = false;
    for entry in &block.body.entries {
        match entry.key.as_str() {
            "address" => listener.address = ListenerConfig::plain(&text_of(entry)?)?.address,
            "tls_disable" => is_plain = flag_of(entry)?,
            "cluster_address" => drop(text_of(entry)?),
            "max_request_size" => {
                let size = setting(entry)?;
                listener.limits.max_request_size = size.parse().with_context(|| {
                    format!(
                        "max_request_size at line {} is no number",
                        entry.position.line
                    )
                })?;
            }
            unknown => bail!(refuse(
                "setting of listener \"tcp\"",
                unknown,
                entry.position
            )),
        }
    }
    if !is_plain {
        bail!(
            "the listener at line {} would need TLS, which this version does not serve: set \
             tls_disable = true and let a proxy on this machine terminate TLS",
            block.position.line
        );
    }
    Ok(listener)
}

fn refuse(what: &str, name: &str, position: Position) -> String {
    format!("unknown {what} \"{name}\" at line {}", position.line)
}

fn text_of(entry: &Entry) -> Result<String> {
    match entry.value.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => bail!(
            "\"{}\" at line {} must be a string",
            entry.key,
            entry.position.line
        ),
    }
}

fn flag_of(entry: &Entry) -> Result<bool> {
    match &entry.value {
        Value::Bool(flag) => Ok(*flag),
        Value::Integer(number) => Ok(*number != 0),
        Value::Text(text) if matches!(text.as_str(), "true" | "1") => Ok(true),
        Value::Text(text) if matches!(text.as_str(), "false" | "0") => Ok(false),
        _ => bail!(
            "\"{}\" at line {} must be true or false",
            entry.key,
            entry.position.line
        ),
    }
}

/// Returns a setting as text, whether it was written as a string, a number or a boolean.
fn setting(entry: &Entry) -> Result<String> {
    match &entry.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => bail!(
            "\"{}\" at line {} must be a plain value",
            entry.key,
            entry.position.line
        ),
    }
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

    #[test]
    fn vaults_stanzas_are_read() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.storage.name, "sled");
        assert_eq!(config.storage.settings["path"], "/tmp/x");
        assert_eq!(config.listeners[0].address.port(), 1234);
        assert_eq!(config.cluster_name.as_deref(), Some("c"));
    }

    #[test]
    fn json_says_the_same() {
        let json = r#"{"storage":{"sled":{"path":"/tmp/x"}},
            "listener":[{"tcp":{"address":"127.0.0.1:1234","tls_disable":true}}]}"#;
        let config = Config::parse(json).unwrap();
        assert_eq!(config.storage.settings["path"], "/tmp/x");
        assert_eq!(config.listeners[0].address.port(), 1234);
    }

    #[test]
    fn what_is_unknown_is_named_with_its_line() {
        let refused = |text: &str| Config::parse(text).unwrap_err().to_string();
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
    fn a_listener_without_tls_must_say_so() {
        let text = "storage \"sled\" { path = \"x\" }\nlistener \"tcp\" { }";
        assert!(
            Config::parse(text)
                .unwrap_err()
                .to_string()
                .contains("line 2 would need TLS")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([a-z_ ={}\"\n0-9.:]{0,8}|storage|listener|tcp|sled){0,12}") {
            let _ = Config::parse(&text);
        }
    }
}
