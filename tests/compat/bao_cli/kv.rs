//! Secrets, with versions and without.

use serde_json::Value;

use super::Shell;

pub(super) fn kv_version_2(shell: &Shell<'_>) {
    shell.says("secrets enable -path=cli-v2 kv-v2", "engine at: cli-v2/");
    shell.says(
        "kv put cli-v2/hello myvalue=s3cr3t n=5",
        "cli-v2/data/hello",
    );
    shell.says(
        "kv get cli-v2/hello",
        "===== Data =====\nKey        Value\n---        -----\nmyvalue    s3cr3t\nn          5\n",
    );
    shell.is("kv get -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv put -cas=1 cli-v2/hello myvalue=other",
        "version            2",
    );
    shell.fails(
        "kv put -cas=1 cli-v2/hello myvalue=third",
        2,
        "Code: 400. Errors:\n\n* check-and-set parameter did not match the current version",
    );
    shell.says("kv patch cli-v2/hello more=1", "version            3");
    shell.is("kv get -version=1 -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv rollback -version=1 cli-v2/hello",
        "version            4",
    );
    shell.is("kv list cli-v2", "Keys\n----\nhello\n");
    shell.says(
        "kv delete cli-v2/hello",
        "Success! Data deleted (if it existed) at: cli-v2/data/hello",
    );
    let deleted = shell.json("kv get -format=json cli-v2/hello");
    assert_eq!(deleted["data"]["data"], Value::Null);
    shell.says(
        "kv undelete -versions=4 cli-v2/hello",
        "Success! Data written to: cli-v2/undelete/hello",
    );
    shell.is("kv get -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv destroy -versions=2 cli-v2/hello",
        "Success! Data written to: cli-v2/destroy/hello",
    );
    shell.says(
        "kv metadata put -max-versions=4 -custom-metadata=owner=me cli-v2/hello",
        "Success! Data written to: cli-v2/metadata/hello",
    );
    let metadata = shell.json("kv metadata get -format=json cli-v2/hello");
    assert_eq!(metadata["data"]["versions"]["2"]["destroyed"], true);
    assert_eq!(metadata["data"]["custom_metadata"]["owner"], "me");
    shell.says(
        "kv metadata delete cli-v2/hello",
        "Success! Data deleted (if it existed)",
    );
    shell.fails(
        "kv get cli-v2/hello",
        2,
        "No value found at cli-v2/data/hello",
    );
    shell.says("secrets disable cli-v2", "Success!");
}

pub(super) fn kv_version_1(shell: &Shell<'_>) {
    shell.says(
        "secrets enable -path=cli-v1 -version=1 kv",
        "engine at: cli-v1/",
    );
    shell.is(
        "kv put cli-v1/a k=v",
        "Success! Data written to: cli-v1/a\n",
    );
    shell.is(
        "kv get cli-v1/a",
        "== Data ==\nKey    Value\n---    -----\nk      v\n",
    );
    shell.is("kv list cli-v1", "Keys\n----\na\n");
    shell.is(
        "kv delete cli-v1/a",
        "Success! Data deleted (if it existed) at: cli-v1/a\n",
    );
    shell.fails("kv get cli-v1/a", 2, "No value found at cli-v1/a");
    shell.says("secrets disable cli-v1", "Success!");
}

pub(super) fn patches_and_metadata(shell: &Shell<'_>) {
    shell.says("secrets enable -path=cli-k kv-v2", "Success!");
    shell.says("kv put -mount=cli-k a x=1 y=2", "version            1");
    shell.says("kv get -mount=cli-k a", "= Secret Path =");
    shell.says("kv patch -method=rw cli-k/a z=3", "version            2");
    shell.says(
        "kv patch -method=patch -cas=2 cli-k/a w=4",
        "version            3",
    );
    let read = shell.json("kv get -format=json cli-k/a");
    let wanted = serde_json::json!({ "w": "4", "x": "1", "y": "2", "z": "3" });
    assert_eq!(read["data"]["data"], wanted);
    shell.says("kv delete -versions=1 cli-k/a", "Success!");
    shell.fails(
        "kv get -version=9 cli-k/a",
        2,
        "No value found at cli-k/data/a",
    );
    shell.fails("kv get -field=q cli-k/a", 1, "Field \"q\" not present");
    shell.fails(
        "kv list cli-k/nosuch",
        2,
        "No value found at cli-k/metadata/nosuch",
    );
    assert_eq!(
        shell.json("kv list -format=json cli-k"),
        serde_json::json!(["a"])
    );
    shell.says(
        "kv metadata put -cas-required=true -delete-version-after=1h -custom-metadata=a=b cli-k/a",
        "Success!",
    );
    shell.says(
        "kv metadata patch -custom-metadata=c=d -remove-custom-metadata=a cli-k/a",
        "Success!",
    );
    shell.says("kv metadata get cli-k/a", "map[c:d]");
    shell.fails("kv put cli-k/a x=2", 2, "check-and-set parameter required");
    shell.says("patch cli-k/metadata/a max_versions=3", "Success!");
    shell.says("secrets disable cli-k", "Success!");
}
