//! What files of a configuration are taken for, and what is refused.

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
    let addresses = r#"client_addresses = ["https://Vault.example.com:443/", "http://[::1]:8200"]"#;
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
fn files_of_a_development_server_add_to_what_it_is_without_them() {
    let base = || Config {
        listeners: vec![ListenerConfig::tcp(DEFAULT_ADDRESS, None).unwrap()],
        shown: shown::document(
            "sled",
            vec![shown::listener("tcp", Map::new())],
            &SealConfigs::default(),
        ),
        ..parse(GOOD).unwrap()
    };
    let read = |text: &str| base().under(&[Source::unnamed(text)], &Environment::default());
    let added = "listener \"tcp\" {\n address = \"127.0.0.1:1\"\n tls_disable = 1\n}\n\
                 default_lease_ttl = \"2h\"";
    let config = read(added).unwrap();
    assert_eq!(port(&config), 8200);
    assert_eq!(config.listeners.len(), 2);
    assert_eq!(config.shown["listeners"].as_array().unwrap().len(), 2);
    assert_eq!(config.lease_ttls.default.as_secs(), 7200);
    assert_eq!(config.storage.settings["path"], "/tmp/x");
    let other = read("storage \"redb\" { path = \"/tmp/y\" }").unwrap();
    assert_eq!(other.storage.name, "redb");
    assert_eq!(other.shown["storage"]["type"], "redb");
    assert_eq!(other.listeners.len(), 1);
    let refused = read("nosuch = 1").unwrap_err().to_string();
    assert!(refused.contains("nosuch"), "{refused}");
    let none = base().under(&[], &Environment::default()).unwrap();
    assert_eq!(none.listeners.len(), 1);
}

#[test]
fn the_environment_says_where_clients_reach_the_server_before_the_files_do() {
    let read = |variables: &[(&str, &str)]| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = variables.iter().map(owned).collect();
        let text = format!("{GOOD}\napi_addr = \"http://file:1\"");
        let config = Config::read(&[Source::unnamed(&text)], &environment).unwrap();
        assert_eq!(config.shown["api_addr"], config.api_addr.as_str());
        config.api_addr
    };
    let vault = ("VAULT_API_ADDR", "http://vault:1");
    assert_eq!(read(&[]), "http://file:1");
    assert_eq!(read(&[("KEYWARD_API_ADDR", "")]), "http://file:1");
    assert_eq!(read(&[vault]), "http://vault:1");
    let ours = ("KEYWARD_API_ADDR", "http://ours:1");
    assert_eq!(read(&[vault, ours]), "http://ours:1");
    assert!(!parse(GOOD).unwrap().shown.contains_key("api_addr"));
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
    let listener = "listener \"tcp\" {\n cluster_address = \"127.0.0.1:8201\"\n tls_disable = 1\n}";
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
