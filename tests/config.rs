//! What a server that is started does with its config file and its data directory, and what it says
//! when it will not start.

use std::fs;

use serde_json::json;

use crate::support::{Client, Installation, Store, free_address};

#[tokio::test]
async fn a_config_in_json_serves_as_one_in_hcl_does() {
    let installation = Installation::new(Store::Sled);
    let config = installation.path("server.json");
    let text = json!({
        "storage": { "sled": { "path": installation.path("data") } },
        "listener": [
            { "tcp": { "address": installation.socket_address().to_string(), "tls_disable": true } }
        ],
        "disable_mlock": true,
        "api_addr": installation.address(),
    });
    fs::write(&config, text.to_string()).unwrap();
    let mut server = installation.launch(&config);
    server
        .wait_until_it_answers(installation.socket_address())
        .unwrap();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    installation
        .client(&keys.root_token)
        .get("sys/mounts")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_folder_and_a_file_are_one_configuration_whose_times_hold() {
    let installation = Installation::new(Store::Sled);
    let folder = installation.path("config.d");
    fs::create_dir(&folder).unwrap();
    fs::rename(installation.config(), folder.join("10-base.hcl")).unwrap();
    let times = r#"{"default_lease_ttl": "2h", "max_lease_ttl": "5h", "cluster_name": "one"}"#;
    fs::write(folder.join("20-times.json"), times).unwrap();
    fs::write(folder.join("30-draft.hcl~"), "what is this = [").unwrap();
    let later = installation.path("later.hcl");
    fs::write(&later, "max_lease_ttl = \"10h\"\ncluster_name = \"two\"\n").unwrap();
    let flags = [&folder, &later].map(|path| format!("-config={}", path.display()));
    let mut server = installation.launch_with(&[&flags[0], &flags[1]]);
    server
        .wait_until_it_answers(installation.socket_address())
        .unwrap();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);

    let shown = root.get("sys/config/state/sanitized").await.expect(200);
    assert_eq!(shown.at("/data/default_lease_ttl"), 7200);
    assert_eq!(shown.at("/data/max_lease_ttl"), 36_000);
    assert_eq!(shown.text_at("/data/cluster_name"), "two");
    let health = root.get("sys/health").await.expect(200);
    assert_eq!(health.text_at("/cluster_name"), "two");

    let mount = json!({ "type": "kv", "config": { "max_lease_ttl": "20h" } });
    root.post("sys/mounts/kv", mount).await.expect(204);
    let tuned = root.get("sys/mounts/kv/tune").await.expect(200);
    assert_eq!(tuned.at("/data/default_lease_ttl"), 7200);
    assert_eq!(tuned.at("/data/max_lease_ttl"), 72_000);
    let listed = root.get("sys/mounts").await.expect(200);
    assert_eq!(listed.at("/data/kv~1/config/default_lease_ttl"), 0);
    root.post("kv/a", json!({ "b": "c" })).await.expect(204);
    let read = root.get("kv/a").await.expect(200);
    assert_eq!(read.at("/lease_duration"), 7200);
    let ask = json!({ "policies": "default" });
    let made = root.post("auth/token/create", ask).await.expect(200);
    assert_eq!(made.at("/auth/lease_duration"), 7200);
    let ask = json!({ "policies": "default", "ttl": "20h" });
    let made = root.post("auth/token/create", ask).await.expect(200);
    assert_eq!(made.at("/auth/lease_duration"), 36_000);
    assert_eq!(
        made.text_at("/warnings/0"),
        "TTL of \"20h\" exceeded the effective max_ttl of \"10h\"; TTL value is capped accordingly"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_pid_and_the_log_are_in_files_that_follow_the_server() {
    let installation = Installation::new(Store::Sled);
    let [pid, log, moved] = ["pid", "keyward.log", "moved.log"].map(|name| installation.path(name));
    let more = format!(
        "pid_file = {pid:?}\nlog_file = {log:?}\nlog_requests_level = \"warn\"\n\
         enable_response_header_hostname = true\nui = true\n"
    );
    let config = fs::read_to_string(installation.config()).unwrap() + &more;
    fs::write(installation.config(), config).unwrap();
    let mut server = installation.start();
    assert_eq!(
        fs::read_to_string(&pid).unwrap(),
        server.id().to_string(),
        "before it answers"
    );
    let health = installation.client("").get("sys/seal-status?a=b").await;
    assert!(health.headers.contains_key("x-vault-hostname"));
    server.wait_for("request_path=\"/v1/sys/seal-status\" status_code=200");

    fs::rename(&log, &moved).unwrap();
    server.hang_up();
    server.wait_for("the log_file is opened anew");
    assert!(server.terminate().success());
    assert!(!pid.exists());
    let before = fs::read_to_string(moved).unwrap();
    assert!(
        before.contains("has no effect: there are no pages to be shown"),
        "{before}"
    );
    let after = fs::read_to_string(log).unwrap();
    assert!(after.contains("the log_file is opened anew"), "{after}");
    let all = before + &after;
    assert!(all.contains("completed_request"), "{all}");
    assert!(!all.contains("a=b"), "{all}");
}

#[tokio::test]
async fn the_level_of_the_log_is_read_anew_and_a_bad_one_changes_nothing() {
    let installation = Installation::new(Store::Sled);
    let base = fs::read_to_string(installation.config()).unwrap();
    let say = |more: &str| fs::write(installation.config(), format!("{base}{more}")).unwrap();
    say("log_level = \"warn\"\n");
    let mut server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let levels = async || {
        let loggers = root.get("sys/loggers").await.expect(200);
        let [core, storage] =
            ["core", "storage"].map(|it| loggers.text_at(&format!("/data/{it}")).to_owned());
        let config = root.get("sys/config/state/sanitized").await.expect(200);
        (core, storage, config.at("/data").get("log_level").cloned())
    };
    let told = |core: &str, storage: &str, level| (core.to_owned(), storage.to_owned(), level);
    let trace = json!({ "level": "trace" });
    root.post("sys/loggers/storage", trace.clone())
        .await
        .expect(204);
    assert_eq!(levels().await, told("warn", "trace", Some(json!("warn"))));

    say("log_level = \"debug\"\n");
    server.hang_up();
    server.wait_for("the log_level is read anew");
    let debug = told("debug", "debug", Some(json!("debug")));
    assert_eq!(levels().await, debug);

    for (bad, why) in [
        ("log_level = \"loud\"\n", "unknown log level \"loud\""),
        (
            "log_level = \"error\"\nnosuch = 1\n",
            "unknown stanza or setting",
        ),
    ] {
        say(bad);
        server.hang_up();
        server.wait_for(why);
        assert_eq!(levels().await, debug);
    }

    // Where no level is written, what was set meanwhile stays.
    root.post("sys/loggers/storage", trace).await.expect(204);
    say("");
    server.hang_up();
    server.wait_for("the log_level is read anew");
    assert_eq!(levels().await, told("info", "trace", None));
    assert!(server.terminate().success());
}

#[tokio::test]
async fn a_configuration_adds_to_a_development_server() {
    let installation = Installation::new(Store::Sled);
    let [mine, other] = [installation.socket_address(), free_address()];
    let added = format!(
        "default_lease_ttl = \"2h\"\ncluster_name = \"mine\"\nplugin_directory = \"/x\"\n\
         listener \"tcp\" {{\n address = \"{other}\"\n tls_disable = true\n}}\n"
    );
    fs::write(installation.config(), added).unwrap();
    let empty = installation.path("config.d");
    fs::create_dir(&empty).unwrap();
    let dev = [
        "-dev",
        "-dev-root-token-id=root",
        "-dev-no-store-token",
        &format!("-dev-listen-address={mine}"),
    ];
    let files = [&installation.config(), &empty].map(|it| format!("-config={}", it.display()));
    let flags = [&dev[..], &[&files[0], &files[1]]].concat();
    let mut server = installation.launch_with(&flags);
    server.wait_until_it_answers(mine).unwrap();
    let root = installation.client("root");
    let ask = json!({ "policies": "default" });
    let made = root.post("auth/token/create", ask).await.expect(200);
    assert_eq!(made.at("/auth/lease_duration"), 7200);
    let shown = root.get("sys/config/state/sanitized").await.expect(200);
    let places =
        ["/data/listeners/0", "/data/listeners/1"].map(|it| format!("{it}/config/address"));
    let places = places.map(|it| shown.text_at(&it).to_owned());
    assert_eq!(places, [mine, other].map(|it| it.to_string()));
    let health = Client::at(&format!("http://{other}"), "root");
    let health = health.get("sys/health").await.expect(200);
    assert_eq!(health.text_at("/cluster_name"), "mine");
    let said = server.end_and_tell();
    let warned = "has no effect: no plugins are run";
    assert!(
        said.contains("it keeps nothing") && said.contains(warned),
        "{said}"
    );
    assert!(
        said.contains(&format!("VAULT_ADDR='http://{mine}'")),
        "{said}"
    );

    // A seal of its own, and a store that stays: it is nobody's for development a second time.
    let data = installation.path("data");
    let kept = format!(
        "storage \"redb\" {{\n path = {data:?}\n}}\nseal \"static\" {{\n current_key_id = \"1\"\n \
         current_key = \"{}\"\n}}\n",
        "5e".repeat(32)
    );
    fs::write(installation.config(), kept).unwrap();
    let flags = [&dev[..], &[&files[0]]].concat();
    let mut server = installation.launch_with(&flags);
    server.wait_until_it_answers(mine).unwrap();
    let root = installation.client("root");
    root.get("secret/config").await.expect(200);
    let said = server.end_and_tell();
    assert!(
        said.contains("Recovery Key: ") && !said.contains("it keeps"),
        "{said}"
    );
    let (status, said) = installation.launch_with(&flags).wait_until_it_ends();
    assert!(!status.success(), "{said}");
    let told = "cannot initialize the development server: Vault is already initialized";
    assert!(said.contains(told), "{said}");
}

#[test]
fn files_that_cannot_be_written_are_named() {
    for setting in ["pid_file", "log_file"] {
        let installation = Installation::new(Store::Sled);
        let file = installation.path("nowhere").join("file");
        let config = fs::read_to_string(installation.config()).unwrap();
        let config = format!("{config}{setting} = {file:?}\n");
        fs::write(installation.config(), config).unwrap();
        let (status, said) = installation
            .launch(&installation.config())
            .wait_until_it_ends();
        assert!(!status.success(), "{said}");
        let told = format!("the {setting} {}", file.display());
        assert!(said.contains(&told), "{said}");
    }
}

#[test]
fn a_default_above_the_maximum_is_refused() {
    let installation = Installation::new(Store::Sled);
    let config = fs::read_to_string(installation.config()).unwrap();
    let config = config + "max_lease_ttl = \"100h\"\n";
    fs::write(installation.config(), config).unwrap();
    let (status, said) = installation
        .launch(&installation.config())
        .wait_until_it_ends();
    assert!(!status.success(), "{said}");
    let told = "default_lease_ttl (2764800s) cannot be larger than max_lease_ttl (360000s)";
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_configuration_is_checked_without_a_server() {
    let installation = Installation::new(Store::Sled);
    let base = fs::read_to_string(installation.config()).unwrap();
    for (more, format, code, said) in [
        ("", "table", 0, "[ success ] Validate Config"),
        ("", "json", 0, "\"status\": \"ok\""),
        (
            "ui = true\n",
            "table",
            2,
            "server.hcl has no effect: there are no pages",
        ),
        (
            "raw_storage_endpoint = true\n",
            "table",
            0,
            "[ success ] Validate Config",
        ),
        (
            "raw_storage_endpoint = \"x\"\n",
            "table",
            1,
            "must be true or false",
        ),
        ("ui = true\n", "json", 2, "\"status\": \"warn\""),
        (
            "max_lease_ttl = \"abc\"\n",
            "table",
            1,
            "[ failure ] Validate Config",
        ),
        ("nosuch = 1\n", "json", 1, "unknown stanza or setting"),
        ("x = [\n", "table", 1, "server.hcl: line "),
    ] {
        fs::write(installation.config(), format!("{base}{more}")).unwrap();
        let config = format!("-config={}", installation.config().display());
        let format = format!("-format={format}");
        let output = installation.run(&["operator", "validate-config", &config, &format]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(said), "{text}");
    }
    let output = installation.run(&["operator", "validate-config"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn an_unknown_stanza_is_named_with_its_line() {
    let line = refused_config(
        |config| format!("{config}colour \"blue\" {{\n}}\n"),
        "colour",
    );
    assert_eq!(line, "colour \"blue\" {");
}

#[test]
fn an_unknown_setting_of_a_stanza_is_named_with_its_line() {
    let put = |config: String| config.replace("tls_disable = true", "tls_disabled = true");
    assert_eq!(
        refused_config(put, "tls_disabled").trim(),
        "tls_disabled = true"
    );
}

#[test]
fn a_config_that_is_no_hcl_is_refused_with_its_line() {
    let cut = |config: String| config.replace("tls_disable = true\n}", "tls_disable = = true\n}");
    assert!(refused_config(cut, "server.hcl").contains("= ="));
}

/// Starts a server with a changed config: it must end by itself, naming the fault and its line.
/// Returns the line it named.
fn refused_config(change: impl Fn(String) -> String, named: &str) -> String {
    let installation = Installation::new(Store::Sled);
    let config = change(fs::read_to_string(installation.config()).unwrap());
    fs::write(installation.config(), &config).unwrap();
    let (status, said) = installation
        .launch(&installation.config())
        .wait_until_it_ends();
    assert!(!status.success(), "{said}");
    assert!(said.contains(named), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(
        !installation.path("data").exists(),
        "a refused config has touched the disk"
    );
    let line = config.lines().enumerate().find(|(index, _)| {
        let number = index + 1;
        said.split("line ").any(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next() == Some(&*number.to_string())
        })
    });
    line.unwrap_or_else(|| panic!("no line is named: {said}"))
        .1
        .to_owned()
}

#[test]
fn a_config_file_that_is_missing_is_named() {
    let installation = Installation::new(Store::Sled);
    let (status, said) = installation
        .launch(&installation.path("none.hcl"))
        .wait_until_it_ends();
    assert!(!status.success(), "{said}");
    assert!(said.contains("none.hcl"), "{said}");
}

#[tokio::test]
async fn a_second_process_on_the_same_sled_directory_is_refused() {
    second_process(Store::Sled).await;
}

#[tokio::test]
async fn a_second_process_on_the_same_redb_directory_is_refused() {
    second_process(Store::Redb).await;
}

async fn second_process(store: Store) {
    let installation = Installation::new(store);
    let _first = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;

    let elsewhere = Installation::new(store);
    let config = fs::read_to_string(installation.config()).unwrap().replace(
        &installation.socket_address().to_string(),
        &elsewhere.socket_address().to_string(),
    );
    let second = installation.path("second.hcl");
    fs::write(&second, config).unwrap();
    let (status, said) = installation.launch(&second).wait_until_it_ends();
    assert!(!status.success(), "{said}");
    let data = installation.path("data");
    assert!(
        said.contains(data.to_str().unwrap()),
        "the directory is not named: {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
    installation
        .client(&keys.root_token)
        .get("sys/mounts")
        .await
        .expect(200);
}
