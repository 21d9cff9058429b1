//! Engines with operations of their own.

use super::Shell;

pub(super) fn transit(shell: &Shell<'_>) {
    shell.says("secrets enable -path=cli-t transit", "engine at: cli-t/");
    for kind in ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"] {
        shell.says(&format!("write cli-t/keys/{kind} type={kind}"), kind);
        let sealed = shell.field(&format!(
            "write -field=ciphertext cli-t/encrypt/{kind} plaintext=aGVsbG8="
        ));
        shell.is(
            &format!("write -field=plaintext cli-t/decrypt/{kind} ciphertext={sealed}"),
            "aGVsbG8=",
        );
        shell.says(
            &format!("write -f cli-t/keys/{kind}/rotate"),
            "latest_version            2",
        );
        let newer = shell.field(&format!(
            "write -field=ciphertext cli-t/rewrap/{kind} ciphertext={sealed}"
        ));
        assert!(newer.starts_with("vault:v2:"), "{newer}");
    }
    shell.says("write cli-t/keys/signer type=ed25519", "ed25519");
    let signature = shell.field("write -field=signature cli-t/sign/signer input=aGVsbG8=");
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=aGVsbG8= signature={signature}"),
        "true",
    );
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=b3RoZXI= signature={signature}"),
        "false",
    );
    let hmac = shell.field("write -field=hmac cli-t/hmac/signer input=aGVsbG8=");
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=aGVsbG8= hmac={hmac}"),
        "true",
    );
    let data_key = shell.json("write -f -format=json cli-t/datakey/plaintext/aes256-gcm96");
    assert!(data_key["data"]["plaintext"].is_string(), "{data_key}");
    shell.says(
        "list cli-t/keys",
        "Keys\n----\naes128-gcm96\naes256-gcm96\n",
    );
    shell.is("read -field=type cli-t/keys/signer", "ed25519");
    shell.fails(
        "write cli-t/decrypt/aes256-gcm96 ciphertext=hello",
        2,
        "Code: 400. Errors:\n\n* invalid ciphertext: no prefix",
    );
    shell.fails(
        "delete cli-t/keys/signer",
        2,
        "deletion is not allowed for this key",
    );
    shell.says(
        "write cli-t/keys/signer/config deletion_allowed=true",
        "deletion_allowed",
    );
    shell.is(
        "delete cli-t/keys/signer",
        "Success! Data deleted (if it existed) at: cli-t/keys/signer\n",
    );
    shell.fails(
        "read cli-t/keys/signer",
        2,
        "No value found at cli-t/keys/signer",
    );
    shell.says("secrets disable cli-t", "Success!");
}

pub(super) fn identity(shell: &Shell<'_>) {
    let made = shell
        .json("write -format=json identity/entity name=ann policies=default metadata=team=red");
    let id = made["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        shell
            .field("read -field=id identity/entity/name/ann")
            .trim(),
        id
    );
    let read = shell.json(&format!("read -format=json identity/entity/id/{id}"));
    assert_eq!(read["data"]["metadata"]["team"], "red");
    shell.says("list identity/entity/name", "ann");
    let group = format!("write -format=json identity/group name=crew member_entity_ids={id}");
    let group = shell.json(&group)["data"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let read = shell.json(&format!("read -format=json identity/group/id/{group}"));
    assert_eq!(read["data"]["member_entity_ids"][0], id.as_str());
    shell.says(
        "write identity/oidc/key/cli algorithm=EdDSA allowed_client_ids=*",
        "Success! Data written to: identity/oidc/key/cli",
    );
    shell.says("write identity/oidc/role/cli key=cli ttl=1h", "Success!");
    shell.says("read identity/oidc/key/cli", "EdDSA");
    shell.says(
        &format!("delete identity/entity/id/{id}"),
        "Success! Data deleted (if it existed) at: identity/entity/id",
    );
    shell.fails(
        &format!("read identity/entity/id/{id}"),
        2,
        "No value found at identity/entity/id",
    );
}
