// JOSE by an implementation that nobody here wrote: verifies, with the key set that the server
// shows to everybody, the compact signatures that it makes.

import assert from "node:assert/strict";

import { compactVerify, createLocalJWKSet, createRemoteJWKSet, jwtVerify } from "jose";

import { address, call, check } from "./checks.mjs";

const b64 = (text) => Buffer.from(text).toString("base64");

await call("POST", "sys/mounts/jose", { type: "transit" });

/** Reads a key set without a token. */
async function keySet(key) {
  const response = await fetch(`${address}/v1/jose/keys/${key}/jwks`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/jwk-set+json");
  assert.equal(response.headers.get("cache-control"), "public, max-age=60");
  return response.json();
}

/** Signs as a JWS or JWT. */
async function sign(key, input, more) {
  const body = { input: b64(input), marshaling_algorithm: "jws-compact", ...more };
  return (await call("POST", `jose/sign/${key}`, body)).data.signature;
}

for (const [type, alg] of [
  ["ed25519", "EdDSA"],
  ["ecdsa-p256", "ES256"],
  ["ecdsa-p384", "ES384"],
  ["ecdsa-p521", "ES512"],
  ["rsa-2048", "PS256"],
]) {

  await check(`${type}: a JWT of each version verifies with the key set`, async () => {
    await call("POST", `jose/keys/${type}`, { type });
    const before = await sign(type, '{"sub":"a"}', { jws_header: { typ: "JWT" } });
    await call("POST", `jose/keys/${type}/rotate`);
    const after = await sign(type, '{"sub":"b"}', { jws_header: { typ: "JWT" } });
    const keys = createLocalJWKSet(await keySet(type));
    for (const [signed, version, sub] of [
      [before, 1, "a"],
      [after, 2, "b"],
    ]) {
      const { payload, protectedHeader } = await jwtVerify(signed, keys);
      assert.deepEqual(payload, { sub });
      assert.deepEqual(protectedHeader, { alg, kid: `${type}:v${version}`, typ: "JWT" });
    }
  });

  await check(`${type}: any payload verifies, and a changed one does not`, async () => {
    const keys = createLocalJWKSet(await keySet(type));
    for (const payload of ["", "hello", "x".repeat(10_000)]) {
      const signature = await sign(type, payload);
      const verified = await compactVerify(signature, keys);
      assert.equal(Buffer.from(verified.payload).toString(), payload);
      const [header, , proof] = signature.split(".");
      const forged = [header, Buffer.from("other").toString("base64url"), proof].join(".");
      await assert.rejects(compactVerify(forged, keys), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    }
  });
}

await check("rsa-2048: every algorithm that the caller can choose verifies", async () => {
  const keys = createLocalJWKSet(await keySet("rsa-2048"));
  for (const [signature_algorithm, prefix] of [
    ["pss", "PS"],
    ["pkcs1v15", "RS"],
  ]) {
    for (const bits of ["256", "384", "512"]) {
      const signed = await sign("rsa-2048", '{"sub":"a"}', {
        signature_algorithm,
        hash_algorithm: `sha2-${bits}`,
      });
      const { protectedHeader } = await jwtVerify(signed, keys);
      assert.equal(protectedHeader.alg, prefix + bits);
    }
  }
});

await check("a key set behind a URL verifies, before a rotation and after", async () => {
  await call("POST", "jose/keys/remote", { type: "ecdsa-p256" });
  // The library asks again for a key it does not know, but no oftener than it is told.
  const url = new URL(`${address}/v1/jose/keys/remote/jwks`);
  const keys = createRemoteJWKSet(url, { cooldownDuration: 0 });
  const before = await sign("remote", '{"sub":"a"}');
  assert.equal((await jwtVerify(before, keys)).payload.sub, "a");

  await call("POST", "jose/keys/remote/rotate");
  const after = await sign("remote", '{"sub":"b"}');
  assert.equal((await jwtVerify(after, keys)).protectedHeader.kid, "remote:v2");
  assert.equal((await jwtVerify(before, keys)).protectedHeader.kid, "remote:v1");

  await call("POST", "jose/keys/remote/config", { min_decryption_version: 2 });
  const fresh = createRemoteJWKSet(url);
  assert.equal((await jwtVerify(after, fresh)).payload.sub, "b");
  await assert.rejects(jwtVerify(before, fresh), { code: "ERR_JWKS_NO_MATCHING_KEY" });
});

await check("names that show nothing are all answered alike", async () => {
  await call("POST", "jose/keys/secret", {});
  for (const name of ["secret", "none"]) {
    const response = await fetch(`${address}/v1/jose/keys/${name}/jwks`);
    assert.equal(response.status, 404);
    assert.deepEqual(await response.json(), { errors: [] });
  }
});
