//! Each setting of a listener, and each refusal.

use std::time::Duration;

use keyward_core::hcl;

use super::*;

/// Reads a listener whose entries begin in line 2.
fn read(kind: &str, entries: &str) -> Result<ListenerConfig> {
    let body = hcl::parse(&format!("listener {kind:?} {{\n{entries}\n}}")).unwrap();
    let block = body.labelled("listener").unwrap()[0];
    ListenerConfig::read(block, &Rules::default())
}

fn tcp(entries: &str) -> Result<ListenerConfig> {
    read("tcp", &format!("{entries}\ntls_disable = true"))
}

fn refused(kind: &str, entries: &str) -> String {
    read(kind, entries).unwrap_err().to_string()
}

#[test]
fn every_bound_can_be_set() {
    let config = tcp("
        address = \"0.0.0.0:1\"
        cluster_address = \"0.0.0.0:2\"
        max_request_size = 100
        max_request_duration = \"7s\"
        max_token_header_size = \"200\"
        max_json_depth = 3
        max_json_string_value_length = 4
        max_json_object_entry_count = 5
        max_json_array_element_count = 6
        http_read_header_timeout = \"1s\"
        http_read_timeout = \"2s\"
        http_write_timeout = \"3s\"
        http_idle_timeout = \"1m\"")
    .unwrap();
    let (limits, listener) = (config.rules.limits, config.limits);
    assert_eq!(limits.max_request_size, 100);
    assert_eq!(limits.max_request_duration, Duration::from_secs(7));
    assert_eq!(limits.max_token_size, 200);
    let json = limits.json;
    let counts = (
        json.depth,
        json.string_length,
        json.object_entries,
        json.array_elements,
    );
    assert_eq!(counts, (3, 4, 5, 6));
    assert_eq!(listener.header_timeout, Duration::from_secs(1));
    assert_eq!(limits.read_timeout, Duration::from_secs(2));
    assert_eq!(listener.write_timeout, Some(Duration::from_secs(3)));
    assert_eq!(listener.idle_timeout, Duration::from_secs(60));
}

#[test]
fn an_address_may_be_a_name_or_a_port_alone() {
    for (given, read) in [
        ("127.0.0.1:8200", "127.0.0.1:8200"),
        ("[::1]:8200", "[::1]:8200"),
        (":8200", "0.0.0.0:8200"),
    ] {
        let config = tcp(&format!("address = \"{given}\"")).unwrap();
        let Place::Tcp(address, None) = config.place else {
            panic!("{given} is for TCP");
        };
        assert_eq!(address.to_string(), read);
    }
    let config = tcp("address = \"localhost:8200\"").unwrap();
    assert!(matches!(config.place, Place::Tcp(address, None) if address.ip().is_loopback()));
    let unknown = read("tcp", "address = \"a b:1\"").unwrap_err();
    assert_eq!(unknown.chain().count(), 2, "{unknown:#}");
    for given in ["127.0.0.1", "8200", ":", "a b:1"] {
        assert_eq!(
            refused("tcp", &format!("address = \"{given}\"")),
            "\"address\" at line 2 must be an address such as \"127.0.0.1:8200\"",
        );
    }
}

#[test]
fn of_the_addresses_of_a_name_one_of_ipv4_comes_first() {
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let chosen = |texts: &[&str]| preferred(addresses(texts)).map(|chosen| chosen.to_string());
    let both = chosen(&["[::1]:1", "127.0.0.1:1", "127.0.0.2:1"]);
    assert_eq!(both.as_deref(), Some("127.0.0.1:1"));
    let newer = chosen(&["[::1]:1", "[::2]:1"]);
    assert_eq!(newer.as_deref(), Some("[::1]:1"));
    assert_eq!(chosen(&[]), None);
}

#[test]
fn a_time_that_may_be_nothing_is_told_from_one_that_may_not() {
    let config = tcp("http_idle_timeout = 0\nhttp_write_timeout = 0\nhttp_read_timeout = 9");
    let limits = config.unwrap().limits;
    assert_eq!(limits.idle_timeout, Duration::from_secs(9));
    assert_eq!(limits.write_timeout, None);
    for name in [
        "http_read_timeout",
        "http_read_header_timeout",
        "max_request_duration",
    ] {
        let text = refused("tcp", &format!("{name} = \"0s\""));
        assert!(
            text.contains(&format!("\"{name}\" at line 2 must be more than 0")),
            "{text}"
        );
    }
}

#[test]
fn proxies_are_believed_only_where_they_are_named() {
    assert!(tcp("").unwrap().rules.forwarded.is_none());
    assert!(
        tcp("x_forwarded_for_authorized_addrs = \"\"")
            .unwrap()
            .rules
            .forwarded
            .is_none()
    );
    let named = "x_forwarded_for_authorized_addrs = \"10.0.0.0/8, 192.0.2.1\"";
    let forwarded = tcp(named).unwrap().rules.forwarded.unwrap();
    assert_eq!(forwarded.authorized.len(), 2);
    assert_eq!(forwarded.hop_skips, 0);
    assert_eq!(
        (forwarded.unauthorized, forwarded.missing),
        (Doubt::Refused, Doubt::Refused)
    );
    let mild = tcp("x_forwarded_for_authorized_addrs = [\"10.0.0.0/8\"]
         x_forwarded_for_hop_skips = \"2\"
         x_forwarded_for_reject_not_authorized = \"false\"
         x_forwarded_for_reject_not_present = false");
    let mild = mild.unwrap().rules.forwarded.unwrap();
    assert_eq!(mild.hop_skips, 2);
    assert_eq!(
        (mild.unauthorized, mild.missing),
        (Doubt::Ignored, Doubt::Ignored)
    );
}

#[test]
fn a_unix_socket_has_a_place_an_owner_and_permissions() {
    let config = read(
        "unix",
        "address = \"/run/k.sock\"\nsocket_mode = \"660\"\nsocket_user = \"root\"\nsocket_group = \"7\"
         max_request_size = 100",
    )
    .unwrap();
    let Place::Unix(socket) = config.place else {
        panic!("it is a Unix socket");
    };
    let wanted = UnixSocket {
        path: "/run/k.sock".into(),
        mode: Some(0o660),
        user: Some(0),
        group: Some(7),
    };
    assert_eq!(socket, wanted);
    assert_eq!(config.rules.limits.max_request_size, 100);
}

#[test]
fn what_is_not_enforced_is_refused_by_name_and_line() {
    for (kind, entries, named) in [
        ("quic", "", "unknown listener type \"quic\" at line 1"),
        (
            "tcp",
            "proxy_protocol_behavior = \"use_always\"",
            "\"proxy_protocol_behavior\" at line 2 cannot be had: have the proxy send X-Forwarded-For",
        ),
        (
            "tcp",
            "disable_unauthed_rekey_endpoints = false",
            "\"disable_unauthed_rekey_endpoints\" at line 2 must be true: who rekeys needs a token",
        ),
        (
            "tcp",
            "max_request_json_memory = 1",
            "unknown setting of listener \"tcp\" \"max_request_json_memory\" at line 2",
        ),
        (
            "tcp",
            "socket_mode = \"660\"",
            "unknown setting of listener \"tcp\" \"socket_mode\" at line 2",
        ),
        (
            "tcp",
            "profiling { }",
            "unknown setting of listener \"tcp\" \"profiling\" at line 2",
        ),
        (
            "tcp",
            "address = \"example.com\"",
            "\"address\" at line 2 must be an address",
        ),
        (
            "tcp",
            "max_request_size = -1",
            "\"max_request_size\" at line 2 must be a whole number",
        ),
        (
            "tcp",
            "max_request_size = 0",
            "\"max_request_size\" at line 2 must be more than 0",
        ),
        (
            "tcp",
            "max_request_duration = \"soon\"",
            "\"max_request_duration\" at line 2 must be a duration",
        ),
        (
            "tcp",
            "http_idle_timeout = \"-5s\"",
            "\"http_idle_timeout\" at line 2 must be a duration",
        ),
        (
            "tcp",
            "max_json_depth = 500",
            "\"max_json_depth\" at line 2 must be at most 127",
        ),
        (
            "tcp",
            "x_forwarded_for_authorized_addrs = \"10.0.0.0/40\"",
            "\"x_forwarded_for_authorized_addrs\" at line 2 names \"10.0.0.0/40\"",
        ),
        (
            "tcp",
            "x_forwarded_for_hop_skips = 1\ntls_disable = 1",
            "\"x_forwarded_for_hop_skips\" at line 2 says nothing",
        ),
        (
            "tcp",
            "x_forwarded_for_client_cert_header = \"X\"",
            "unknown setting of listener \"tcp\"",
        ),
        (
            "tcp",
            "custom_response_headers = 1\ntls_disable = 1",
            "\"custom_response_headers\" at line 2 must be a block",
        ),
        (
            "tcp",
            "tls_disable = 1\ncustom_response_headers {\n\"2xx\" = {\n\"X-Vault-A\" = [\"a\"]\n}\n}",
            "\"X-Vault-A\" at line 5 cannot be sent",
        ),
        (
            "tcp",
            "tls_disable = 1\ncustom_response_headers {\n\"all\" = {\n\"X-A\" = [\"a\"]\n}\n}",
            "\"all\" is no status",
        ),
        (
            "unix",
            "",
            "the listener at line 1 needs the address of its socket",
        ),
        (
            "unix",
            "address = \"/s\"\nsocket_mode = \"rw\"",
            "\"socket_mode\" at line 3 must be octal",
        ),
        (
            "unix",
            "address = \"/s\"\nsocket_mode = \"4777\"",
            "\"socket_mode\" at line 3 must be octal",
        ),
        (
            "unix",
            "address = \"/s\"\nsocket_user = \"nobody here\"",
            "\"socket_user\" at line 3 is not in /etc/passwd",
        ),
        (
            "unix",
            "address = \"/s\"\ntls_cert_file = \"c\"",
            "unknown setting of listener \"unix\" \"tls_cert_file\" at line 3",
        ),
        (
            "unix",
            "address = \"/s\"\ntls_disable = false",
            "unknown setting of listener \"unix\" \"tls_disable\" at line 3",
        ),
        (
            "unix",
            "address = \"/s\"\nx_forwarded_for_authorized_addrs = \"10.0.0.0/8\"",
            "unknown setting of listener \"unix\"",
        ),
    ] {
        let text = refused(kind, entries);
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn headers_are_added_by_status_and_keep_their_commas() {
    let config = tcp("custom_response_headers {
        \"default\" = { \"X-A\" = [\"a\", \"b\"] }
        \"404\" = { \"X-A\" = \"one, two\" }
    }");
    let shown = format!("{:?}", config.unwrap().rules.headers);
    assert!(
        shown.contains("a; b") && shown.contains("one, two"),
        "{shown}"
    );
}

#[test]
fn requests_at_work_are_told_to_everybody_only_where_that_is_said() {
    let closed = tcp("").unwrap();
    assert!(!closed.rules.open.in_flight);
    let stanza = |setting: &str| format!("inflight_requests_logging {{ {setting} }}");
    let open = tcp(&stanza("unauthenticated_in_flight_requests_access = true")).unwrap();
    assert!(open.rules.open.in_flight);
    let unknown = refused("tcp", &stanza("colour = true"));
    assert!(
        unknown.contains("colour") && unknown.contains("line 2"),
        "{unknown}"
    );
    let flat = refused("tcp", "inflight_requests_logging = true");
    assert!(flat.contains("must be a block"), "{flat}");
}

#[test]
fn metrics_are_shown_to_everybody_only_where_that_is_said() {
    assert!(!tcp("").unwrap().rules.open.metrics);
    let open = tcp("telemetry { unauthenticated_metrics_access = true }").unwrap();
    assert!(open.rules.open.metrics);
}
