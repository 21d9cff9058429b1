// Drives a Vault-compatible server through node-vault, as an application would.

import assert from "node:assert/strict";

import vault from "node-vault";

import { address as endpoint, check, root as rootToken } from "./checks.mjs";

const root = vault({ endpoint, token: rootToken });
const b64 = (text) => Buffer.from(text).toString("base64");

/** A client with another token. */
const as = (token) => vault({ endpoint, token });
/** Creates a token with `own`. In a client of its own: the one that creates or renews takes over. */
const create = (own, options) => as(own).tokenCreate(options);

/** Insists that a request is refused with a status, and a text in its errors. */
async function refused(request, status, text = "") {
  await assert.rejects(request, (error) => {
    assert.equal(error.response?.statusCode, status, error.stack);
    assert.ok(error.message.includes(text), `${text} is not in ${error.message}`);
    return true;
  });
}

await check("sys: health, init and seal status, leader", async () => {
  const health = await root.health();
  assert.deepEqual([health.initialized, health.sealed], [true, false]);
  assert.deepEqual(await root.initialized(), { initialized: true });
  const status = await root.status();
  assert.deepEqual([status.sealed, status.progress], [false, 0]);
  assert.equal((await root.leader()).ha_enabled, false);
});

await check("sys: mounts", async () => {
  await root.mount({ mount_point: "node-mount", type: "kv", description: "for a while" });
  const mounts = await root.mounts();
  assert.equal(mounts["node-mount/"].type, "kv");
  assert.equal(mounts.data["node-mount/"].description, "for a while");
  await root.write("sys/mounts/node-mount/tune", { max_lease_ttl: "2h", default_lease_ttl: "1h" });
  const tuned = await root.read("sys/mounts/node-mount/tune");
  assert.deepEqual([tuned.data.default_lease_ttl, tuned.data.max_lease_ttl], [3600, 7200]);
  await refused(
    root.mount({ mount_point: "node-mount", type: "kv" }),
    400,
    "path is already in use at node-mount/",
  );
  await root.unmount({ mount_point: "node-mount" });
  assert.equal((await root.mounts())["node-mount/"], undefined);
  assert.equal((await root.auths())["token/"].type, "token");
});

await check("sys: capabilities", async () => {
  const own = await root.write("sys/capabilities-self", { paths: ["a", "b"] });
  assert.deepEqual(own.data, { a: ["root"], b: ["root"] });
});

await check("policies: write, read, list, delete; a limited token is held to its own", async () => {
  const policy = 'path "node-kv/allowed" { capabilities = ["read"] }';
  await root.addPolicy({ name: "node-reader", policy });
  assert.equal((await root.getPolicy({ name: "node-reader" })).rules, policy);
  assert.ok((await root.policies()).policies.includes("node-reader"));
  await root.mount({ mount_point: "node-kv", type: "kv" });
  await root.write("node-kv/allowed", { a: "b" });
  await root.write("node-kv/denied", { a: "b" });
  const made = await create(rootToken, { policies: ["node-reader"], ttl: "1h" });
  const limited = as(made.auth.client_token);
  assert.deepEqual((await limited.read("node-kv/allowed")).data, { a: "b" });
  await refused(limited.read("node-kv/denied"), 403, "permission denied");
  await refused(limited.write("node-kv/allowed", { a: "c" }), 403, "permission denied");
  await refused(limited.delete("node-kv/allowed"), 403, "permission denied");
  await refused(limited.mounts(), 403, "permission denied");
  await root.removePolicy({ name: "node-reader" });
  await refused(root.getPolicy({ name: "node-reader" }), 404);
  await refused(limited.read("node-kv/allowed"), 403, "permission denied");
  await root.unmount({ mount_point: "node-kv" });
});

await check("tokens: create, look up, renew, revoke", async () => {
  const made = await create(rootToken, { policies: ["default"], ttl: "1h", meta: { room: "1" } });
  const { client_token: token, accessor } = made.auth;
  assert.equal(made.auth.lease_duration, 3600);
  assert.deepEqual((await root.tokenLookup({ token })).data.meta, { room: "1" });
  assert.equal((await root.tokenLookupAccessor({ accessor })).data.id, "");
  const own = as(token);
  assert.equal((await own.tokenLookupSelf()).data.accessor, accessor);
  assert.equal((await own.tokenRenewSelf({ increment: "30m" })).auth.lease_duration, 1800);
  const renewed = await as(rootToken).tokenRenew({ token, increment: "20m" });
  assert.equal(renewed.auth.lease_duration, 1200);
  assert.ok((await root.tokenAccessors()).data.keys.includes(accessor));
  await root.tokenRevokeAccessor({ accessor });
  await refused(own.tokenLookupSelf(), 403, "permission denied");
  await refused(root.tokenLookup({ token }), 403, "bad token");
});

await check("tokens: children die with their parent, orphans do not", async () => {
  const parent = (await create(rootToken, { policies: ["root"] })).auth.client_token;
  const child = (await create(parent, { ttl: "1h" })).auth.client_token;
  const orphan = (await as(parent).tokenCreateOrphan({ ttl: "1h" })).auth.client_token;
  await root.tokenRevoke({ token: parent });
  await refused(as(child).tokenLookupSelf(), 403);
  assert.equal((await as(orphan).tokenLookupSelf()).data.orphan, true);
  await as(orphan).tokenRevokeSelf();
  await refused(as(orphan).tokenLookupSelf(), 403);
});

await check("tokens: uses run out; nonsense is no token", async () => {
  const once = await create(rootToken, { policies: ["default"], num_uses: 1 });
  const limited = as(once.auth.client_token);
  await limited.tokenLookupSelf();
  await refused(limited.tokenLookupSelf(), 403, "permission denied");
  await refused(as("nonsense").tokenLookupSelf(), 403, "permission denied");
});

await check("kv 1: put, get, list, delete", async () => {
  await root.mount({ mount_point: "node-v1", type: "kv", options: { version: "1" } });
  await root.write("node-v1/folder/a", { number: 5, text: "t" });
  const read = await root.read("node-v1/folder/a");
  assert.deepEqual(read.data, { number: 5, text: "t" });
  assert.equal(read.lease_duration, 2764800);
  assert.deepEqual((await root.list("node-v1")).data.keys, ["folder/"]);
  assert.deepEqual((await root.list("node-v1/folder")).data.keys, ["a"]);
  await root.delete("node-v1/folder/a");
  await refused(root.read("node-v1/folder/a"), 404);
  await refused(root.list("node-v1"), 404);
  await root.unmount({ mount_point: "node-v1" });
});

await check("kv 2: versions, check-and-set, patch", async () => {
  await root.mount({ mount_point: "node-v2", type: "kv", options: { version: "2" } });
  assert.equal((await root.write("node-v2/data/a", { data: { n: 1 } })).data.version, 1);
  assert.equal((await root.write("node-v2/data/a", { data: { n: 2 } })).data.version, 2);
  assert.deepEqual((await root.read("node-v2/data/a")).data.data, { n: 2 });
  assert.deepEqual((await root.read("node-v2/data/a?version=1")).data.data, { n: 1 });
  await root.write("node-v2/data/a", { data: { n: 3 }, options: { cas: 2 } });
  await refused(
    root.write("node-v2/data/a", { data: { n: 4 }, options: { cas: 2 } }),
    400,
    "check-and-set parameter did not match the current version",
  );
  await root.update("node-v2/data/a", { data: { m: 1 } });
  assert.deepEqual((await root.read("node-v2/data/a")).data.data, { n: 3, m: 1 });
});

await check("kv 2: delete, undelete, destroy", async () => {
  await root.delete("node-v2/data/a");
  await refused(root.read("node-v2/data/a"), 404);
  await root.write("node-v2/undelete/a", { versions: [4] });
  await root.read("node-v2/data/a");
  await root.write("node-v2/delete/a", { versions: [1] });
  await refused(root.read("node-v2/data/a?version=1"), 404);
  await root.destroySecretVersions({ mount_point: "node-v2", path: "a", versions: [2] });
  const { versions } = (await root.read("node-v2/metadata/a")).data;
  assert.deepEqual(Object.keys(versions), ["1", "2", "3", "4"]);
  assert.ok(versions["1"].deletion_time);
  assert.equal(versions["2"].destroyed, true);
});

await check("kv 2: metadata and list", async () => {
  await root.write("node-v2/metadata/a", { max_versions: 2, custom_metadata: { owner: "me" } });
  const { data } = await root.read("node-v2/metadata/a");
  assert.deepEqual([data.max_versions, data.custom_metadata], [2, { owner: "me" }]);
  await root.write("node-v2/data/folder/b", { data: {} });
  assert.deepEqual((await root.list("node-v2/metadata")).data.keys, ["a", "folder/"]);
  await root.delete("node-v2/metadata/a");
  await refused(root.read("node-v2/metadata/a"), 404);
  await root.unmount({ mount_point: "node-v2" });
});

// The client's own transit commands know the default path alone.
await root.mount({ mount_point: "transit", type: "transit" });

await check("transit: create, read, list", async () => {
  for (const type of ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "ed25519"]) {
    await root.transitCreateKey({ name: type, type });
    const { data } = await root.transitReadKey({ name: type });
    assert.deepEqual([data.type, data.latest_version], [type, 1]);
  }
  const { data } = await root.transitListKeys();
  assert.deepEqual(data.keys, ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "ed25519"]);
  await refused(root.transitReadKey({ name: "nothing" }), 404);
});

for (const name of ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"]) {
  await check(`transit: encrypt, decrypt, rotate, rewrap with ${name}`, async () => {
    const { ciphertext } = (await root.encryptData({ name, plaintext: b64("hello") })).data;
    assert.match(ciphertext, /^vault:v1:/);
    assert.equal((await root.decryptData({ name, ciphertext })).data.plaintext, b64("hello"));
    await root.write(`transit/keys/${name}/rotate`, {});
    const rewrapped = (await root.rewrapData({ name, ciphertext })).data.ciphertext;
    assert.match(rewrapped, /^vault:v2:/);
    const back = await root.decryptData({ name, ciphertext: rewrapped });
    assert.equal(back.data.plaintext, b64("hello"));
  });
}

await check("transit: batches", async () => {
  const name = "aes256-gcm96";
  const batch_input = [0, 1, 2].map((n) => ({ plaintext: b64(`${n}`), reference: `${n}` }));
  const made = (await root.encryptData({ name, batch_input })).data.batch_results;
  assert.deepEqual(made.map((item) => item.reference), ["0", "1", "2"]);
  const sealed = made.map(({ ciphertext }) => ({ ciphertext }));
  const back = (await root.decryptData({ name, batch_input: sealed })).data.batch_results;
  assert.deepEqual(back.map((item) => item.plaintext), batch_input.map((it) => it.plaintext));
  const again = (await root.rewrapData({ name, batch_input: sealed })).data.batch_results;
  assert.equal(again.length, 3);
});

await check("transit: config and its minimums", async () => {
  const name = "aes256-gcm96";
  const old = await root.encryptData({ name, plaintext: b64("x"), key_version: 1 });
  await root.write(`transit/keys/${name}/config`, { min_decryption_version: 2 });
  await refused(
    root.decryptData({ name, ciphertext: old.data.ciphertext }),
    400,
    "disallowed by policy (too old)",
  );
  await refused(root.decryptData({ name, ciphertext: "hello" }), 400, "no prefix");
  await refused(
    root.decryptData({ name: "nothing", ciphertext: "vault:v1:AAAA" }),
    400,
    "encryption key not found",
  );
});

await check("transit: derived and convergent keys", async () => {
  const context = b64("context");
  await root.transitCreateKey({ name: "derived", derived: true });
  const { ciphertext } = (
    await root.encryptData({ name: "derived", plaintext: b64("hello"), context })
  ).data;
  const back = await root.decryptData({ name: "derived", ciphertext, context });
  assert.equal(back.data.plaintext, b64("hello"));
  await refused(
    root.encryptData({ name: "derived", plaintext: b64("hello") }),
    400,
    "missing 'context'",
  );
  await root.transitCreateKey({ name: "same", derived: true, convergent_encryption: true });
  const seal = () => root.encryptData({ name: "same", plaintext: b64("hello"), context });
  assert.equal((await seal()).data.ciphertext, (await seal()).data.ciphertext);
});

await check("transit: sign, verify, hmac", async () => {
  const input = b64("hello");
  const { signature } = (await root.write("transit/sign/ed25519", { input })).data;
  const verify = (body) => root.write("transit/verify/ed25519", body);
  assert.equal((await verify({ input, signature })).data.valid, true);
  assert.equal((await verify({ input: b64("other"), signature })).data.valid, false);
  const { hmac } = (await root.write("transit/hmac/ed25519", { input })).data;
  assert.equal((await verify({ input, hmac })).data.valid, true);
  assert.equal((await verify({ input: b64("other"), hmac })).data.valid, false);
  await refused(root.write("transit/sign/aes256-gcm96", { input }), 400, "does not support signing");
});

await check("transit: data keys", async () => {
  const name = "aes256-gcm96";
  const made = (await root.write(`transit/datakey/plaintext/${name}`, {})).data;
  const back = await root.decryptData({ name, ciphertext: made.ciphertext });
  assert.equal(back.data.plaintext, made.plaintext);
  const wrapped = (await root.write(`transit/datakey/wrapped/${name}`, { bits: 512 })).data;
  assert.equal(wrapped.plaintext, undefined);
});

await check("transit: delete only what may be deleted", async () => {
  const name = "aes256-gcm96";
  await refused(
    root.transitDeleteKey({ name }),
    400,
    "deletion is not allowed for this key",
  );
  await root.write(`transit/keys/${name}/config`, { deletion_allowed: true });
  await root.transitDeleteKey({ name });
  await refused(root.transitReadKey({ name }), 404);
});

await root.unmount({ mount_point: "transit" });
