"""Drives a Vault-compatible server through hvac, as an application would."""

import base64
import contextlib

import hvac
from hvac import exceptions

from checks import ADDRESS, TOKEN, check, equal


def true(value):
    """Insists on a value that is not empty."""
    if not value:
        raise AssertionError(f"{value!r}")


@contextlib.contextmanager
def refused(kind, text=""):
    """Insists that its block is refused, and how."""
    try:
        yield
    except kind as error:
        if text not in str(error):
            raise AssertionError(f"{text!r} is not in {error!s}") from error
    else:
        raise AssertionError(f"not refused with {kind.__name__}")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def sys_backend(client):
    with check("sys: health and seal status"):
        health = client.sys.read_health_status(method="GET")
        equal(health["initialized"], True)
        equal(health["sealed"], False)
        equal(client.sys.is_initialized(), True)
        equal(client.sys.is_sealed(), False)
        status = client.sys.read_seal_status()
        equal((status["sealed"], status["initialized"], status["progress"]), (False, True, 0))
        equal(client.sys.read_health_status(method="HEAD").status_code, 200)
    with check("sys: leader"):
        equal(client.sys.read_leader_status()["ha_enabled"], False)
    with check("sys: enable, list, tune and disable mounts"):
        client.sys.enable_secrets_engine("kv", path="hvac-mount", description="for a while")
        mounts = client.sys.list_mounted_secrets_engines()
        equal(mounts["data"]["hvac-mount/"]["description"], "for a while")
        equal(mounts["data"]["hvac-mount/"]["type"], "kv")
        client.sys.tune_mount_configuration("hvac-mount", default_lease_ttl="1h", max_lease_ttl="2h")
        tuned = client.sys.read_mount_configuration("hvac-mount")["data"]
        equal((tuned["default_lease_ttl"], tuned["max_lease_ttl"]), (3600, 7200))
        client.sys.disable_secrets_engine("hvac-mount")
        true("hvac-mount/" not in client.sys.list_mounted_secrets_engines()["data"])
    with check("sys: a mount in use is refused"):
        client.sys.enable_secrets_engine("kv", path="hvac-twice")
        with refused(exceptions.InvalidRequest, "path is already in use at hvac-twice/"):
            client.sys.enable_secrets_engine("kv", path="hvac-twice")
        client.sys.disable_secrets_engine("hvac-twice")
    with check("sys: auth methods"):
        equal(client.sys.list_auth_methods()["data"]["token/"]["type"], "token")
    with check("sys: capabilities"):
        capabilities = client.sys.get_capabilities(paths=["sys/mounts"])
        equal(capabilities["sys/mounts"], ["root"])


def policies(client):
    rules = 'path "hvac-kv1/allowed" {\n  capabilities = ["read", "list"]\n}\n'
    with check("policies: write, read, list"):
        client.sys.create_or_update_policy("hvac-reader", rules)
        equal(client.sys.read_policy("hvac-reader")["data"]["rules"], rules)
        true("hvac-reader" in client.sys.list_policies()["data"]["policies"])
        client.sys.create_or_update_acl_policy("hvac-acl", rules)
        equal(client.sys.read_acl_policy("hvac-acl")["data"]["policy"], rules)
        true("hvac-acl" in client.sys.list_acl_policies()["data"]["keys"])
    with check("policies: a limited token is held to its policy"):
        client.sys.enable_secrets_engine("kv", path="hvac-kv1", options={"version": "1"})
        client.secrets.kv.v1.create_or_update_secret("allowed", {"a": "b"}, mount_point="hvac-kv1")
        client.secrets.kv.v1.create_or_update_secret("denied", {"a": "b"}, mount_point="hvac-kv1")
        token = client.auth.token.create(policies=["hvac-reader"], ttl="1h")
        limited = hvac.Client(url=ADDRESS, token=token["auth"]["client_token"])
        read = limited.secrets.kv.v1.read_secret("allowed", mount_point="hvac-kv1")
        equal(read["data"], {"a": "b"})
        with refused(exceptions.Forbidden, "permission denied"):
            limited.secrets.kv.v1.read_secret("denied", mount_point="hvac-kv1")
        with refused(exceptions.Forbidden, "permission denied"):
            limited.secrets.kv.v1.create_or_update_secret(
                "allowed", {"a": "c"}, mount_point="hvac-kv1"
            )
        with refused(exceptions.Forbidden, "permission denied"):
            limited.sys.list_policies()
        own = limited.sys.get_capabilities(["hvac-kv1/allowed", "hvac-kv1/denied"])
        equal(own["hvac-kv1/allowed"], ["list", "read"])
        equal(own["hvac-kv1/denied"], ["deny"])
        limited.auth.token.revoke_self()
        client.sys.disable_secrets_engine("hvac-kv1")
    with check("policies: delete"):
        client.sys.delete_policy("hvac-reader")
        client.sys.delete_acl_policy("hvac-acl")
        true("hvac-reader" not in client.sys.list_policies()["data"]["policies"])
        with refused(exceptions.InvalidPath):
            client.sys.read_policy("hvac-reader")


def tokens(client):
    with check("tokens: create, look up, renew"):
        made = client.auth.token.create(
            policies=["default"], ttl="1h", meta={"room": "1"}, display_name="hvac"
        )["auth"]
        equal(made["lease_duration"], 3600)
        equal(made["policies"], ["default"])
        equal(made["renewable"], True)
        looked = client.auth.token.lookup(made["client_token"])["data"]
        equal(looked["meta"], {"room": "1"})
        equal(looked["display_name"], "token-hvac")
        by_accessor = client.auth.token.lookup_accessor(made["accessor"])["data"]
        equal(by_accessor["id"], "")
        mine = hvac.Client(url=ADDRESS, token=made["client_token"])
        equal(mine.is_authenticated(), True)
        equal(mine.auth.token.lookup_self()["data"]["accessor"], made["accessor"])
        equal(mine.auth.token.renew_self(increment="30m")["auth"]["lease_duration"], 1800)
        renewed = client.auth.token.renew(made["client_token"], increment="20m")
        equal(renewed["auth"]["lease_duration"], 1200)
        client.auth.token.renew_accessor(made["accessor"])
        true(made["accessor"] in client.auth.token.list_accessors()["data"]["keys"])
    with check("tokens: revoke"):
        client.auth.token.revoke_accessor(made["accessor"])
        equal(mine.is_authenticated(), False)
        with refused(exceptions.Forbidden, "bad token"):
            client.auth.token.lookup(made["client_token"])
    with check("tokens: children die with their parent, orphans do not"):
        parent = client.auth.token.create(policies=["root"])["auth"]["client_token"]
        family = hvac.Client(url=ADDRESS, token=parent)
        child = family.auth.token.create(ttl="1h")["auth"]["client_token"]
        orphan = family.auth.token.create_orphan(ttl="1h")["auth"]["client_token"]
        client.auth.token.revoke(parent)
        equal(hvac.Client(url=ADDRESS, token=child).is_authenticated(), False)
        equal(hvac.Client(url=ADDRESS, token=orphan).is_authenticated(), True)
        client.auth.token.revoke_and_orphan_children(orphan)
    with check("tokens: uses run out"):
        once = client.auth.token.create(num_uses=1, policies=["default"])["auth"]["client_token"]
        limited = hvac.Client(url=ADDRESS, token=once)
        equal(limited.auth.token.lookup_self()["data"]["policies"], ["default"])
        with refused(exceptions.Forbidden):
            limited.auth.token.lookup_self()


def userpass(client):
    names = client.auth.userpass
    nobody = hvac.Client(url=ADDRESS)
    at = {"mount_point": "hvac-people"}
    client.sys.enable_auth_method("userpass", path="hvac-people")
    with check("userpass: make, list, read and remove users"):
        names.create_or_update_user("ann", password="first", policies="hvac-orders", **at)
        names.create_or_update_user("bob", password="bob", token_ttl="1h", **at)
        equal(names.list_user(**at)["data"]["keys"], ["ann", "bob"])
        equal(names.read_user("ann", **at)["data"]["token_policies"], ["hvac-orders"])
        equal(names.read_user("bob", **at)["data"]["token_ttl"], 3600)
        names.delete_user("bob", **at)
        with refused(exceptions.InvalidPath):
            names.read_user("bob", **at)
    with check("userpass: a login makes the client one of the user"):
        made = nobody.auth.userpass.login("ann", "first", **at)["auth"]
        equal(made["policies"], ["default", "hvac-orders"])
        equal(made["metadata"], {"username": "ann"})
        equal(nobody.is_authenticated(), True)
        own = nobody.auth.token.lookup_self()["data"]
        equal((own["display_name"], own["path"]), ("hvac-people-ann", "auth/hvac-people/login/ann"))
        nobody.logout(revoke_token=True)
        equal(nobody.is_authenticated(), False)
    with check("userpass: the password is another"):
        names.update_password_on_user("ann", "second", **at)
        with refused(exceptions.InvalidRequest, "invalid username or password"):
            nobody.auth.userpass.login("ann", "first", use_token=False, **at)
        nobody.auth.userpass.login("ann", "second", use_token=False, **at)
    with check("userpass: who fails five times is locked out until an operator says otherwise"):
        for _ in range(5):
            with refused(exceptions.InvalidRequest, "invalid username or password"):
                nobody.auth.userpass.login("ann", "wrong", use_token=False, **at)
        with refused(exceptions.Forbidden, "permission denied"):
            nobody.auth.userpass.login("ann", "second", use_token=False, **at)
        accessor = client.sys.list_auth_methods()["data"]["hvac-people/"]["accessor"]
        locked = client.read(f"sys/locked-users?mount_accessor={accessor}")["data"]
        mine = {"mount_accessor": accessor, "counts": 1, "alias_identifiers": ["ann"]}
        equal([each["mount_accessors"] for each in locked["by_namespace"]], [[mine]])
        client.write(f"sys/locked-users/{accessor}/unlock/ann")
        equal(client.read(f"sys/locked-users?mount_accessor={accessor}")["data"]["total"], 0)
        nobody.auth.userpass.login("ann", "second", use_token=False, **at)
    client.sys.disable_auth_method("hvac-people")


def approle(client):
    roles = client.auth.approle
    nobody = hvac.Client(url=ADDRESS)
    at = {"mount_point": "hvac-machines"}
    client.sys.enable_auth_method("approle", path="hvac-machines")
    with check("approle: make, list, read and remove roles"):
        roles.create_or_update_approle("r", token_policies=["hvac-orders"], token_ttl="1h", **at)
        roles.create_or_update_approle("other", secret_id_num_uses=3, **at)
        equal(roles.list_roles(**at)["data"]["keys"], ["other", "r"])
        equal(roles.read_role("other", **at)["data"]["secret_id_num_uses"], 3)
        roles.delete_role("other", **at)
        with refused(exceptions.InvalidPath):
            roles.read_role("other", **at)
    with check("approle: the id of a role"):
        roles.update_role_id("r", "hvac-role", **at)
        equal(roles.read_role_id("r", **at)["data"]["role_id"], "hvac-role")
    with check("approle: a login makes the client one of the role"):
        made = roles.generate_secret_id("r", metadata={"a": "b"}, cidr_list=["127.0.0.0/8"], **at)
        secret_id = made["data"]["secret_id"]
        auth = nobody.auth.approle.login("hvac-role", secret_id, **at)["auth"]
        equal(auth["policies"], ["default", "hvac-orders"])
        equal(auth["metadata"], {"a": "b", "role_name": "r"})
        equal(nobody.is_authenticated(), True)
        own = nobody.auth.token.lookup_self()["data"]
        equal((own["display_name"], own["path"]), ("hvac-machines", "auth/hvac-machines/login"))
        nobody.logout(revoke_token=True)
    with check("approle: secret ids are looked up and ended, with and without them"):
        accessor = made["data"]["secret_id_accessor"]
        equal(roles.list_secret_id_accessors("r", **at)["data"]["keys"], [accessor])
        known = roles.read_secret_id("r", secret_id, **at)["data"]
        equal((known["secret_id_accessor"], known["cidr_list"]), (accessor, ["127.0.0.0/8"]))
        equal(roles.read_secret_id_accessor("r", accessor, **at)["data"], known)
        roles.create_custom_secret_id("r", "a secret id of ours", **at)
        nobody.auth.approle.login("hvac-role", "a secret id of ours", use_token=False, **at)
        roles.destroy_secret_id("r", "a secret id of ours", **at)
        roles.destroy_secret_id_accessor("r", accessor, **at)
        for ended in (secret_id, "a secret id of ours"):
            with refused(exceptions.InvalidRequest, "invalid role or secret ID"):
                nobody.auth.approle.login("hvac-role", ended, use_token=False, **at)
        with refused(exceptions.InvalidPath):
            roles.list_secret_id_accessors("r", **at)
    with check("approle: a secret id is handed over wrapped"):
        wrapped = roles.generate_secret_id("r", wrap_ttl="5m", **at)["wrap_info"]["token"]
        opened = client.sys.unwrap(wrapped)["data"]["secret_id"]
        nobody.auth.approle.login("hvac-role", opened, use_token=False, **at)
    client.sys.disable_auth_method("hvac-machines")


def kv_version_1(client):
    client.sys.enable_secrets_engine("kv", path="hvac-v1", options={"version": "1"})
    kv = client.secrets.kv.v1
    with check("kv 1: put, get, list, delete"):
        kv.create_or_update_secret("folder/a", {"number": 5, "text": "t"}, mount_point="hvac-v1")
        read = kv.read_secret("folder/a", mount_point="hvac-v1")
        equal(read["data"], {"number": 5, "text": "t"})
        equal(read["lease_duration"], 2764800)
        equal(kv.list_secrets("", mount_point="hvac-v1")["data"]["keys"], ["folder/"])
        equal(kv.list_secrets("folder", mount_point="hvac-v1")["data"]["keys"], ["a"])
        kv.delete_secret("folder/a", mount_point="hvac-v1")
        with refused(exceptions.InvalidPath):
            kv.read_secret("folder/a", mount_point="hvac-v1")
        with refused(exceptions.InvalidPath):
            kv.list_secrets("", mount_point="hvac-v1")
    client.sys.disable_secrets_engine("hvac-v1")


def kv_version_2(client):
    client.sys.enable_secrets_engine("kv", path="hvac-v2", options={"version": "2"})
    kv = client.secrets.kv.v2
    at = {"mount_point": "hvac-v2"}
    with check("kv 2: put and get versions"):
        first = kv.create_or_update_secret("a", {"n": 1}, **at)
        equal(first["data"]["version"], 1)
        equal(kv.create_or_update_secret("a", {"n": 2}, **at)["data"]["version"], 2)
        latest = kv.read_secret_version("a", raise_on_deleted_version=True, **at)
        equal(latest["data"]["data"], {"n": 2})
        older = kv.read_secret_version("a", version=1, raise_on_deleted_version=True, **at)
        equal(older["data"]["data"], {"n": 1})
        equal(older["data"]["metadata"]["version"], 1)
    with check("kv 2: check-and-set"):
        equal(kv.create_or_update_secret("a", {"n": 3}, cas=2, **at)["data"]["version"], 3)
        with refused(exceptions.InvalidRequest, "check-and-set parameter did not match"):
            kv.create_or_update_secret("a", {"n": 4}, cas=2, **at)
        with refused(exceptions.InvalidRequest, "check-and-set parameter did not match"):
            kv.create_or_update_secret("a", {"n": 4}, cas=0, **at)
    with check("kv 2: patch"):
        equal(kv.patch("a", {"m": 1}, **at)["data"]["version"], 4)
        patched = kv.read_secret_version("a", raise_on_deleted_version=True, **at)
        equal(patched["data"]["data"], {"n": 3, "m": 1})
    with check("kv 2: delete, undelete, destroy"):
        kv.delete_latest_version_of_secret("a", **at)
        with refused(exceptions.InvalidPath):
            kv.read_secret_version("a", raise_on_deleted_version=True, **at)
        deleted = kv.read_secret_version("a", raise_on_deleted_version=False, **at)
        equal(deleted["data"]["data"], None)
        true(deleted["data"]["metadata"]["deletion_time"])
        kv.undelete_secret_versions("a", [4], **at)
        kv.read_secret_version("a", raise_on_deleted_version=True, **at)
        kv.delete_secret_versions("a", [1, 2], **at)
        kv.destroy_secret_versions("a", [1], **at)
        versions = kv.read_secret_metadata("a", **at)["data"]["versions"]
        equal([versions[n]["destroyed"] for n in "1234"], [True, False, False, False])
        true(versions["2"]["deletion_time"])
    with check("kv 2: metadata"):
        kv.update_metadata(
            "a", max_versions=2, cas_required=True, custom_metadata={"owner": "me"}, **at
        )
        metadata = kv.read_secret_metadata("a", **at)["data"]
        equal((metadata["max_versions"], metadata["cas_required"]), (2, True))
        equal(metadata["custom_metadata"], {"owner": "me"})
        equal(metadata["current_version"], 4)
        with refused(exceptions.InvalidRequest, "check-and-set parameter required for this call"):
            kv.create_or_update_secret("a", {"n": 5}, **at)
    with check("kv 2: list"):
        kv.create_or_update_secret("folder/b", {"n": 1}, **at)
        equal(kv.list_secrets("", **at)["data"]["keys"], ["a", "folder/"])
        equal(kv.list_secrets("folder", **at)["data"]["keys"], ["b"])
    with check("kv 2: the mount's config"):
        kv.configure(max_versions=7, cas_required=False, delete_version_after="1h", **at)
        config = kv.read_configuration(**at)["data"]
        equal((config["max_versions"], config["delete_version_after"]), (7, "1h0m0s"))
    with check("kv 2: delete all"):
        kv.delete_metadata_and_all_versions("a", **at)
        with refused(exceptions.InvalidPath):
            kv.read_secret_metadata("a", **at)
    client.sys.disable_secrets_engine("hvac-v2")


def transit(client):
    client.sys.enable_secrets_engine("transit", path="hvac-transit")
    transit = client.secrets.transit
    at = {"mount_point": "hvac-transit"}
    ciphers = ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"]
    with check("transit: create, read, list"):
        # hvac checks the type itself and does not know this one.
        client.write_data("hvac-transit/keys/aes128-gcm96", data={"type": "aes128-gcm96"})
        for kind in [*ciphers[1:], "ed25519"]:
            transit.create_key(kind, key_type=kind, **at)
        for kind in [*ciphers, "ed25519"]:
            read = transit.read_key(kind, **at)["data"]
            equal((read["type"], read["latest_version"]), (kind, 1))
        equal(transit.list_keys(**at)["data"]["keys"], sorted([*ciphers, "ed25519"]))
        with refused(exceptions.InvalidPath):
            transit.read_key("nothing", **at)
    for kind in ciphers:
        with check(f"transit: encrypt, decrypt, rotate, rewrap with {kind}"):
            made = transit.encrypt_data(kind, plaintext=b64("hello"), **at)["data"]
            true(made["ciphertext"].startswith("vault:v1:"))
            old = transit.decrypt_data(kind, ciphertext=made["ciphertext"], **at)
            equal(old["data"]["plaintext"], b64("hello"))
            transit.rotate_key(kind, **at)
            new = transit.rewrap_data(kind, ciphertext=made["ciphertext"], **at)["data"]
            true(new["ciphertext"].startswith("vault:v2:"))
            equal(
                transit.decrypt_data(kind, ciphertext=new["ciphertext"], **at)["data"]["plaintext"],
                b64("hello"),
            )
    with check("transit: batches"):
        batch = [{"plaintext": b64(str(n)), "reference": str(n)} for n in range(5)]
        made = transit.encrypt_data("aes256-gcm96", plaintext="", batch_input=batch, **at)
        results = made["data"]["batch_results"]
        equal([item["reference"] for item in results], list("01234"))
        back = transit.decrypt_data(
            "aes256-gcm96",
            ciphertext="",
            batch_input=[{"ciphertext": item["ciphertext"]} for item in results],
            **at,
        )["data"]["batch_results"]
        equal([item["plaintext"] for item in back], [b64(str(n)) for n in range(5)])
        rewrapped = transit.rewrap_data(
            "aes256-gcm96",
            ciphertext="",
            batch_input=[{"ciphertext": item["ciphertext"]} for item in results],
            **at,
        )["data"]["batch_results"]
        equal(len(rewrapped), 5)
    with check("transit: versions below the minimum are refused"):
        first = transit.encrypt_data("aes256-gcm96", plaintext=b64("x"), key_version=1, **at)
        transit.update_key_configuration("aes256-gcm96", min_decryption_version=2, **at)
        with refused(exceptions.InvalidRequest, "disallowed by policy (too old)"):
            transit.decrypt_data("aes256-gcm96", ciphertext=first["data"]["ciphertext"], **at)
    with check("transit: bad ciphertexts are refused"):
        with refused(exceptions.InvalidRequest, "invalid ciphertext: no prefix"):
            transit.decrypt_data("aes256-gcm96", ciphertext="hello", **at)
        with refused(exceptions.InvalidRequest, "encryption key not found"):
            transit.decrypt_data("nothing", ciphertext="vault:v1:AAAA", **at)
    with check("transit: derived and convergent keys"):
        transit.create_key("derived", derived=True, **at)
        context = b64("context")
        made = transit.encrypt_data("derived", plaintext=b64("hello"), context=context, **at)
        back = transit.decrypt_data(
            "derived", ciphertext=made["data"]["ciphertext"], context=context, **at
        )
        equal(back["data"]["plaintext"], b64("hello"))
        with refused(exceptions.InvalidRequest, "missing 'context'"):
            transit.encrypt_data("derived", plaintext=b64("hello"), **at)
        transit.create_key("convergent", derived=True, convergent_encryption=True, **at)
        twice = [
            transit.encrypt_data("convergent", plaintext=b64("hello"), context=context, **at)
            for _ in range(2)
        ]
        equal(twice[0]["data"]["ciphertext"], twice[1]["data"]["ciphertext"])
    with check("transit: sign and verify"):
        signed = transit.sign_data("ed25519", hash_input=b64("hello"), **at)["data"]["signature"]
        good = transit.verify_signed_data(
            "ed25519", hash_input=b64("hello"), signature=signed, **at
        )
        equal(good["data"]["valid"], True)
        bad = transit.verify_signed_data("ed25519", hash_input=b64("other"), signature=signed, **at)
        equal(bad["data"]["valid"], False)
        with refused(exceptions.InvalidRequest, "does not support signing"):
            transit.sign_data("aes256-gcm96", hash_input=b64("hello"), **at)
    with check("transit: hmac"):
        made = transit.generate_hmac("aes256-gcm96", hash_input=b64("hello"), **at)["data"]["hmac"]
        good = transit.verify_signed_data(
            "aes256-gcm96", hash_input=b64("hello"), hmac=made, **at
        )
        equal(good["data"]["valid"], True)
        long = transit.generate_hmac(
            "aes256-gcm96", hash_input=b64("hello"), algorithm="sha2-512", **at
        )
        true(len(long["data"]["hmac"]) > len(made))
    with check("transit: data keys"):
        open_key = transit.generate_data_key("aes256-gcm96", "plaintext", **at)["data"]
        back = transit.decrypt_data("aes256-gcm96", ciphertext=open_key["ciphertext"], **at)
        equal(back["data"]["plaintext"], open_key["plaintext"])
        wrapped = transit.generate_data_key("aes256-gcm96", "wrapped", bits=512, **at)["data"]
        true("plaintext" not in wrapped)
    with check("transit: delete only what may be deleted"):
        with refused(exceptions.InvalidRequest, "deletion is not allowed for this key"):
            transit.delete_key("aes256-gcm96", **at)
        transit.update_key_configuration("aes256-gcm96", deletion_allowed=True, **at)
        transit.delete_key("aes256-gcm96", **at)
        with refused(exceptions.InvalidPath):
            transit.read_key("aes256-gcm96", **at)
    client.sys.disable_secrets_engine("hvac-transit")


def main():
    client = hvac.Client(url=ADDRESS, token=TOKEN)
    with check("a client with the root token is authenticated, one with a bad token is not"):
        equal(client.is_authenticated(), True)
        equal(hvac.Client(url=ADDRESS, token="nonsense").is_authenticated(), False)
    for area in [sys_backend, policies, tokens, userpass, approle, kv_version_1, kv_version_2, transit]:
        area(client)


if __name__ == "__main__":
    main()
