//! What a server that is started does with its config file and its data directory, and what it says
//! when it will not start.

use std::fs;

use serde_json::json;

use crate::support::{Installation, Store};

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
