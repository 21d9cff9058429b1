//! The server, and what is mounted in it.

use super::Shell;
use crate::support::Process;

pub(super) fn status_and_mounts(shell: &Shell<'_>) {
    let status = shell.json("status -format=json");
    assert_eq!(status["sealed"], false);
    assert_eq!(status["initialized"], true);
    shell.says(
        "secrets enable -path=cli -description=mine kv",
        "Success! Enabled the kv secrets engine at: cli/",
    );
    shell.fails(
        "secrets enable -path=cli kv",
        2,
        "* path is already in use at cli/",
    );
    let mounts = shell.json("secrets list -format=json");
    assert_eq!(mounts["cli/"]["description"], "mine");
    shell.says(
        "secrets tune -default-lease-ttl=1h cli",
        "Success! Tuned the secrets engine at: cli/",
    );
    let tuned = shell.json("read -format=json sys/mounts/cli/tune");
    assert_eq!(tuned["data"]["default_lease_ttl"], 3600);
    shell.says(
        "secrets disable cli",
        "Success! Disabled the secrets engine (if it existed) at: cli/",
    );
    let auths = shell.json("auth list -format=json");
    assert_eq!(auths["token/"]["type"], "token");
}

pub(super) fn secrets_engines(shell: &Shell<'_>) {
    shell.says(
        "secrets enable -path=cli-s -description=mine -default-lease-ttl=1h -max-lease-ttl=2h kv",
        "Success! Enabled the kv secrets engine at: cli-s/",
    );
    shell.says("secrets list", "cli-s/");
    shell.says("secrets list -detailed", "cli-s/");
    let listed = &shell.json("secrets list -format=json")["cli-s/"];
    assert_eq!(
        (&listed["type"], &listed["config"]["max_lease_ttl"]),
        (&"kv".into(), &7200.into())
    );
    shell.says(
        "secrets tune -description=other -max-lease-ttl=3h -listing-visibility=unauth \
         -audit-non-hmac-request-keys=a -passthrough-request-headers=X-A cli-s/",
        "Success! Tuned the secrets engine at: cli-s/",
    );
    let tuned = shell.json("read -format=json sys/mounts/cli-s/tune");
    assert_eq!(
        (
            &tuned["data"]["description"],
            &tuned["data"]["max_lease_ttl"],
            &tuned["data"]["passthrough_request_headers"][0],
        ),
        (&"other".into(), &10800.into(), &"X-A".into())
    );
    shell.says("kv put cli-s/a k=v", "Success!");
    shell.says("kv enable-versioning cli-s", "Success! Tuned");
    shell.says("secrets disable cli-s", "Success!");
    shell.fails(
        "secrets enable nosuch",
        2,
        "* plugin not found in the catalog",
    );
    shell.fails("secrets tune nosuch", 2, "Code: 400. Errors:");
}

pub(super) fn auth_methods(shell: &Shell<'_>) {
    shell.says("auth list", "token/");
    shell.says("auth list -detailed", "token/");
    shell.says(
        "auth tune -description=tokens token/",
        "Success! Tuned the auth method at: token/",
    );
    let listed = shell.json("auth list -format=json");
    assert_eq!(listed["token/"]["description"], "tokens");
    shell.fails("auth enable nosuch", 2, "* plugin not found in the catalog");
    shell.says("auth disable nosuch", "Success! Disabled the auth method");
    shell.fails(
        "auth move nosuch other",
        2,
        "* no matching mount at \"nosuch/\"",
    );
}

pub(super) fn plugins(shell: &Shell<'_>) {
    shell.says("plugin list", "transit");
    shell.says("plugin list secret", "kv");
    shell.says("plugin info secret kv", "supported");
    shell.fails(
        "plugin info secret nosuch",
        2,
        "Error reading plugin named nosuch",
    );
    shell.is("plugin reload -plugin=kv", "Success! Reloaded plugin: kv\n");
    shell.is(
        "plugin reload -mounts=secret/",
        "Success! Reloaded mounts: [secret/]\n",
    );
    shell.fails(
        "plugin reload -plugin=nosuch",
        2,
        "* plugin not found in the catalog: \"nosuch\"",
    );
    shell.fails(
        "plugin reload -mounts=sys/",
        2,
        "singleton plugin cannot be reloaded: \"system\"",
    );
}

pub(super) fn operation(shell: &Shell<'_>) {
    let down = format!("Success! Stepped down: {}\n", shell.address);
    shell.is("operator step-down", &down);
    shell.says("status", "Sealed");
    shell.fails("monitor -log-level=loud", 1, "loud is an unknown log level");
    let nobody = shell.with("nosuch");
    nobody.fails("monitor", 1, "* permission denied");
    let mut log = Process::spawn(shell.command("monitor -log-level=info"));
    log.wait_for_while("INFO", || drop(shell.run("write -f auth/token/tidy")));
}

pub(super) fn path_help(shell: &Shell<'_>) {
    shell.says("path-help sys", "## PATHS");
    shell.says("path-help auth/token", "create-orphan");
    shell.says("path-help sys/mounts/x", "description");
    shell.says("path-help cubbyhole/a", "Request:        a");
    shell.fails("path-help nosuch", 2, "* no handler for route \"nosuch\"");
    shell.fails("path-help sys/nosuch", 2, "* unsupported path");
    shell
        .with("nosuch")
        .fails("path-help sys/mounts", 2, "Code: 403. Errors:");
}
