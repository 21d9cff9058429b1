// Identity tokens by a JOSE implementation that nobody here wrote: it finds the keys as any relying
// party would, by the discovery document of the issuer, and verifies what the server signed.

import assert from "node:assert/strict";

import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from "jose";

import { address, call, check } from "./checks.mjs";

const policy = 'path "identity/oidc/token/*" { capabilities = ["read"] }';
await call("PUT", "sys/policies/acl/signed", { policy });
await call("POST", "auth/token/roles/named", { allowed_entity_aliases: "*" });
const made = await call("POST", "auth/token/create/named", {
  entity_alias: "ann",
  policies: ["signed"],
});
const { client_token: holder, entity_id: entity } = made.auth;
await call("POST", `identity/entity/id/${entity}`, {
  name: "ann",
  metadata: { team: 'r"ed' },
});
await call("POST", "identity/group", { name: "crew", member_entity_ids: [entity] });

/** Reads an identity token. */
const token = async (role) =>
  (await call("GET", `identity/oidc/token/${role}`, undefined, holder)).data.token;

const discovery = await call(
  "GET",
  "identity/oidc/.well-known/openid-configuration",
  undefined,
  "",
);

/** Verifies as a relying party that has just started. */
const verify = (jwt, audience) =>
  jwtVerify(jwt, createRemoteJWKSet(new URL(discovery.jwks_uri)), {
    issuer: discovery.issuer,
    audience,
  });

await check("the discovery document leads to the keys", async () => {
  assert.equal(discovery.issuer, `${address}/v1/identity/oidc`);
  assert.equal(discovery.jwks_uri, `${discovery.issuer}/.well-known/keys`);
  const keys = await fetch(discovery.jwks_uri);
  assert.equal(keys.headers.get("content-type"), "application/json");
});

for (const algorithm of discovery.id_token_signing_alg_values_supported) {
  await check(`a token by ${algorithm} is verified`, async () => {
    await call("POST", `identity/oidc/key/${algorithm}`, {
      algorithm,
      allowed_client_ids: ["*"],
    });
    await call("POST", `identity/oidc/role/${algorithm}`, {
      key: algorithm,
      ttl: "10m",
      client_id: `for-${algorithm}`,
      template:
        '{"team": {{identity.entity.metadata.team}}, "groups": {{identity.entity.groups.names}}}',
    });
    const jwt = await token(algorithm);
    const { payload, protectedHeader } = await verify(jwt, `for-${algorithm}`);
    assert.equal(protectedHeader.alg, algorithm);
    assert.equal(payload.sub, entity);
    assert.equal(payload.team, 'r"ed');
    assert.deepEqual(payload.groups, ["crew"]);
    assert.equal(payload.exp - payload.iat, 600);
    await assert.rejects(verify(jwt, "another"), errors.JWTClaimValidationFailed);
    const [header, claims, signature] = jwt.split(".");
    const other = Buffer.from(
      JSON.stringify({ ...payload, sub: "somebody else" }),
    ).toString("base64url");
    await assert.rejects(
      verify(`${header}.${other}.${signature}`, `for-${algorithm}`),
      errors.JWSSignatureVerificationFailed,
    );
    assert.ok(claims);
  });
}

await check("the next key is in a key set that was read before it signs", async () => {
  const before = createRemoteJWKSet(new URL(discovery.jwks_uri), { cooldownDuration: 1e9 });
  const options = { issuer: discovery.issuer, audience: "for-ES256" };
  const old = await token("ES256");
  await jwtVerify(old, before, options);
  await call("POST", "identity/oidc/key/ES256/rotate", {});
  const fresh = await token("ES256");
  assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid);
  await jwtVerify(fresh, before, options);
  await verify(old, "for-ES256");
});

await check("a key of another algorithm signs at once", async () => {
  const old = await token("EdDSA");
  await call("POST", "identity/oidc/key/EdDSA", { algorithm: "ES384" });
  await call("POST", "identity/oidc/key/EdDSA/rotate", {});
  const fresh = await token("EdDSA");
  assert.equal(decodeProtectedHeader(fresh).alg, "ES384");
  await verify(old, "for-EdDSA");
  await verify(fresh, "for-EdDSA");
});

await check("who has no entity gets no token", async () => {
  await assert.rejects(call("GET", "identity/oidc/token/RS256"), /no entity associated/);
});
