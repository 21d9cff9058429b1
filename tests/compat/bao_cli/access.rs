//! Policies, tokens, and what depends on them.

use std::fs;

use super::Shell;

pub(super) fn policies_and_tokens(shell: &Shell<'_>) {
    let rules = "path \"cli-p/allowed\" {\n  capabilities = [\"read\"]\n}\n";
    fs::write(shell.home.path().join("reader.hcl"), rules).unwrap();
    shell.is(
        "policy write cli-reader reader.hcl",
        "Success! Uploaded policy: cli-reader\n",
    );
    shell.is("policy read cli-reader", rules);
    shell.says("policy list", "cli-reader\n");
    shell.says("secrets enable -path=cli-p kv", "Success!");
    shell.says("kv put cli-p/allowed k=v", "Success!");
    shell.says("kv put cli-p/denied k=v", "Success!");

    let made = shell.json("token create -policy=cli-reader -ttl=1h -format=json");
    assert_eq!(
        made["auth"]["policies"],
        serde_json::json!(["cli-reader", "default"])
    );
    assert_eq!(made["auth"]["lease_duration"], 3600);
    let token = made["auth"]["client_token"].as_str().unwrap();
    let accessor = made["auth"]["accessor"].as_str().unwrap();
    let limited = shell.with(token);
    limited.is("kv get -field=k cli-p/allowed", "v");
    limited.fails("kv get cli-p/denied", 2, "Code: 403. Errors:");
    limited.fails("kv put cli-p/allowed k=w", 2, "* permission denied");
    limited.is("token capabilities cli-p/allowed", "read\n");
    limited.is("token capabilities cli-p/denied", "deny\n");
    let looked = limited.json("token lookup -format=json");
    assert_eq!(looked["data"]["accessor"], accessor);
    let renewed = limited.json("token renew -increment=30m -format=json");
    assert_eq!(renewed["auth"]["lease_duration"], 1800);
    let by_accessor = shell.json(&format!("token lookup -format=json -accessor {accessor}"));
    assert_eq!(by_accessor["data"]["id"], "");
    shell.is(
        &format!("token revoke {token}"),
        "Success! Revoked token (if it existed)\n",
    );
    limited.fails("token lookup", 2, "* permission denied");
    shell.fails("token renew", 2, "* lease is not renewable");
    shell.says(
        &format!("login -no-store token={}", shell.token),
        "policies             [\"root\"]",
    );
    shell.is(
        "policy delete cli-reader",
        "Success! Deleted policy: cli-reader\n",
    );
    shell.fails("policy read cli-reader", 2, "No policy named: cli-reader");
    shell.says("secrets disable cli-p", "Success!");
}

pub(super) fn machines(shell: &Shell<'_>) {
    shell.says("auth enable -path=cli-m approle", "Success!");
    let wrote = "Success! Data written to: auth/cli-m/";
    let role = "auth/cli-m/role/r";
    shell.says(
        &format!(
            "write {role} role_id=cli-role token_policies=default token_ttl=1h secret_id_num_uses=1"
        ),
        wrote,
    );
    shell.is(&format!("read -field=role_id {role}/role-id"), "cli-role");
    shell.says(&format!("write {role}/token-ttl token_ttl=20m"), wrote);
    shell.is(&format!("read -field=token_ttl {role}/token-ttl"), "1200");
    let secret_id = shell.field(&format!("write -force -field=secret_id {role}/secret-id"));
    let accessors = shell.json(&format!("list -format=json {role}/secret-id"));
    assert_eq!(accessors.as_array().map(Vec::len), Some(1));
    let log_in =
        format!("write -format=json auth/cli-m/login role_id=cli-role secret_id={secret_id}");
    let made = shell.json(&log_in);
    assert_eq!(made["auth"]["lease_duration"], 1200);
    assert_eq!(made["auth"]["metadata"]["role_name"], "r");
    let holder = shell.with(made["auth"]["client_token"].as_str().unwrap());
    let own = holder.json("token lookup -format=json");
    assert_eq!(own["data"]["display_name"], "cli-m");
    shell.fails(&log_in, 2, "* invalid role or secret ID");
    shell.says(&format!("delete {role}/token-ttl"), "Success!");
    shell.field("write -force auth/cli-m/tidy/secret-id");
    shell.says("auth disable cli-m", "Success!");
    holder.fails("token lookup", 2, "* permission denied");
}

pub(super) fn formats_of_policies(shell: &Shell<'_>) {
    fs::write(
        shell.home.path().join("loose.hcl"),
        "path \"a\" { capabilities=[\"read\"] }",
    )
    .unwrap();
    shell.is(
        "policy fmt loose.hcl",
        "Success! Formatted policy: loose.hcl\n",
    );
    shell.says("policy write cli-fmt loose.hcl", "Success!");
    let read = shell.json("policy read -format=json cli-fmt");
    assert_eq!(
        read["policy"],
        fs::read_to_string(shell.home.path().join("loose.hcl")).unwrap()
    );
    let listed = shell.json("policy list -format=json");
    assert!(
        listed.as_array().unwrap().contains(&"cli-fmt".into()),
        "{listed}"
    );
    fs::write(shell.home.path().join("bad.hcl"), "path \"x\" {").unwrap();
    shell.fails(
        "policy write cli-bad bad.hcl",
        2,
        "* failed to parse policy: At 1:1",
    );
    shell.says("policy delete cli-fmt", "Success!");
    shell.says("policy delete nosuch", "Success!");
}

pub(super) fn tokens_of_every_kind(shell: &Shell<'_>) {
    shell.is("print token", &format!("{}\n", shell.token));
    let made = shell.json(
        "token create -policy=default -ttl=1h -display-name=me -metadata=a=b -use-limit=3 \
         -format=json",
    );
    let token = made["auth"]["client_token"].as_str().unwrap();
    let looked = shell.json(&format!("token lookup -format=json {token}"));
    assert_eq!(
        (
            &looked["data"]["display_name"],
            &looked["data"]["num_uses"],
            &looked["data"]["meta"]["a"]
        ),
        (&"token-me".into(), &3.into(), &"b".into())
    );
    shell.says(&format!("token revoke {token}"), "Success!");
    shell.says(
        "token create -type=batch -ttl=1h -policy=default",
        "token_renewable      false",
    );
    let lasting = shell.json("token create -orphan -period=1h -policy=default -format=json");
    let lasting = lasting["auth"]["client_token"].as_str().unwrap();
    shell.says(&format!("token renew {lasting}"), "token_duration       1h");
    shell.says(&format!("token capabilities {lasting} sys/mounts"), "deny");
    shell.says("token capabilities sys/mounts", "root");
    let parent = shell.json("token create -format=json");
    let parent = shell.with(parent["auth"]["client_token"].as_str().unwrap());
    let child = parent.json("token create -format=json");
    let child = parent.with(child["auth"]["client_token"].as_str().unwrap());
    shell.says(
        &format!("token revoke -mode=orphan {}", parent.token),
        "Success!",
    );
    child.says("token lookup", "orphan              true");
    child.says("token revoke -self", "Success!");
    child.fails("token lookup", 2, "* permission denied");
    shell.fails("token create -role=nosuch", 2, "Code: 400. Errors:");
    shell.fails("token lookup nosuch", 2, "Code: 403. Errors:");
}

pub(super) fn leases(shell: &Shell<'_>) {
    let made = shell.json("token create -policy=default -ttl=1h -format=json");
    let token = shell.with(made["auth"]["client_token"].as_str().unwrap());
    let ids = shell.json("list -format=json sys/leases/lookup/auth/token/create");
    let id = ids.as_array().unwrap()[0].as_str().unwrap();
    let lease = format!("auth/token/create/{id}");
    shell.says(&format!("lease lookup {lease}"), &lease);
    shell.fails(
        "lease lookup auth/token/create/nosuch",
        2,
        "* invalid lease",
    );
    shell.fails(
        "lease renew auth/token/create/nosuch",
        2,
        "* lease not found",
    );
    shell.says(
        "lease revoke auth/token/create/nosuch",
        "All revocation operations queued successfully!",
    );
    token.says("token lookup", "default");
    let renewed = token.json("token renew -increment=2h -format=json");
    assert_eq!(renewed["auth"]["lease_duration"], 7200);
    let looked = token.json("token lookup -format=json");
    let ttl = looked["data"]["ttl"].as_u64().unwrap();
    assert!((7140..=7200).contains(&ttl), "it lasts as long: {ttl}");
    shell.says(
        "lease revoke -sync -prefix auth/token/nosuch",
        "Success! Revoked any leases with prefix: auth/token/nosuch",
    );
    shell.says(&format!("token revoke {}", token.token), "Success!");
}

pub(super) fn any_path(shell: &Shell<'_>) {
    shell.is(
        "write cubbyhole/a b=c n=5",
        "Success! Data written to: cubbyhole/a\n",
    );
    shell.is("read -field=b cubbyhole/a", "c");
    shell.says("read -format=yaml cubbyhole/a", "data:\n  b: c\n");
    let read = shell.json("read -format=json cubbyhole/a");
    assert_eq!(read["data"]["b"], "c");
    shell.is("list cubbyhole", "Keys\n----\na\n");
    shell.says("delete cubbyhole/a", "Success!");
    shell.fails("read cubbyhole/a", 2, "No value found at cubbyhole/a");
    shell.says("write -f sys/tools/random/4 format=hex", "random_bytes");
    shell.says("write sys/capabilities-self path=cubbyhole/a", "[root]");
    shell.says("read sys/internal/counters/tokens", "service_tokens");
    shell.says("read sys/internal/counters/entities", "entities");
    shell.says("operator members", "true");
    shell.says("version-history", "Installation Time");
}

pub(super) fn wrapping(shell: &Shell<'_>) {
    let wrapped = shell.json("write -wrap-ttl=5m -format=json sys/wrapping/wrap k=v");
    let token = wrapped["wrap_info"]["token"].as_str().unwrap();
    shell.is(&format!("unwrap -field=k {token}"), "v");
    shell.fails(
        &format!("unwrap {token}"),
        2,
        "* wrapping token is not valid or does not exist",
    );
    shell.says(
        "token create -wrap-ttl=5m -policy=default",
        "wrapping_token:",
    );
}
