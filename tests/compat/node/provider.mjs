// Logging in with the OpenID provider by a relying party's library that nobody here wrote: it finds
// the provider by its discovery document, sends somebody there, takes the code for tokens, verifies
// the identity token with the provider's key set, and asks for the claims.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import * as oidc from "openid-client";

import { address, call, check } from "./checks.mjs";

const base = "identity/oidc";
const issuer = new URL(`${address}/v1/${base}/provider/default`);
const place = "https://app.example/cb";

const policy = `path "${base}/provider/+/authorize" { capabilities = ["read", "update"] }`;
await call("PUT", "sys/policies/acl/consents", { policy });
await call("POST", "auth/token/roles/named", { allowed_entity_aliases: "*" });
const made = await call("POST", "auth/token/create/named", {
  entity_alias: "ann",
  policies: ["consents"],
});
const { client_token: holder, entity_id: entity } = made.auth;
await call("POST", `identity/entity/id/${entity}`, { name: "ann", metadata: { team: 'r"ed' } });
await call("POST", `${base}/scope/who`, {
  template: '{"username": {{identity.entity.name}}, "team": {{identity.entity.metadata.team}}}',
});
await call("POST", `${base}/provider/default`, { scopes_supported: ["who"] });

/** Registers a client and returns what the library makes of it and the discovery document. */
async function party(name, authenticate, settings = {}, algorithm = "RS256") {
  await call("POST", `${base}/client/${name}`, {
    redirect_uris: [place, "http://127.0.0.1/cb"],
    assignments: ["allow_all"],
    ...settings,
  });
  const { data } = await call("GET", `${base}/client/${name}`);
  const config = await oidc.discovery(
    issuer,
    data.client_id,
    { id_token_signed_response_alg: algorithm },
    authenticate(data.client_secret),
    { execute: [oidc.allowInsecureRequests] },
  );
  // Else the library would trust what came over TLS without looking at the signature.
  oidc.enableNonRepudiationChecks(config);
  return config;
}

/** Does what the page does that people are sent to: asks for the code with their token. */
async function consent(url, method = "GET") {
  const path = `${base}/provider/default/authorize`;
  const { code, state } =
    method === "GET"
      ? await call("GET", `${path}${url.search}`, undefined, holder)
      : await call("POST", path, Object.fromEntries(url.searchParams), holder);
  const back = new URL(url.searchParams.get("redirect_uri"));
  back.searchParams.set("code", code);
  if (state) back.searchParams.set("state", state);
  return back;
}

/** Sends somebody away; returns where they come back to, and what must be expected then. */
async function leave(config, { method, redirect_uri = place, ...more } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: "openid who",
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    ...more,
  });
  return [await consent(url, method), { pkceCodeVerifier, expectedState, expectedNonce }];
}

/** Goes the whole way and looks at what came of it. */
async function logIn(config, asked = {}, expected = {}) {
  const [back, checks] = await leave(config, asked);
  const tokens = await oidc.authorizationCodeGrant(config, back, { ...checks, ...expected });
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer.href);
  assert.equal(claims.sub, entity);
  assert.equal(claims.aud, config.clientMetadata().client_id);
  assert.equal(claims.username, "ann");
  assert.equal(claims.team, 'r"ed');
  const info = await oidc.fetchUserInfo(config, tokens.access_token, entity);
  assert.deepEqual(info, { sub: entity, username: "ann", team: 'r"ed' });
  return tokens;
}

const web = await party("web", oidc.ClientSecretBasic);

await check("the discovery document names the endpoints", () => {
  const { token_endpoint, userinfo_endpoint, jwks_uri } = web.serverMetadata();
  assert.deepEqual(
    [token_endpoint, userinfo_endpoint, jwks_uri],
    ["token", "userinfo", ".well-known/keys"].map((name) => `${issuer}/${name}`),
  );
});

await check("a client that sends its secret in a header logs somebody in", () => logIn(web));

await check("and so does one whose page posts the consent", () => logIn(web, { method: "POST" }));

await check("a client that posts its secret logs somebody in", async () => {
  await logIn(await party("posting", oidc.ClientSecretPost));
});

await check("a public client logs somebody in, at whichever port is free", async () => {
  const spa = await party("spa", oidc.None, { client_type: "public" });
  await logIn(spa, { redirect_uri: "http://127.0.0.1:43210/cb" });
});

for (const [algorithm, hash] of [
  ["RS256", "sha256"],
  ["RS384", "sha384"],
  ["RS512", "sha512"],
  ["ES256", "sha256"],
  ["ES384", "sha384"],
  ["ES512", "sha512"],
  ["EdDSA", "sha512"],
]) {
  await check(`an identity token by ${algorithm} is verified`, async () => {
    await call("POST", `${base}/key/${algorithm}`, { algorithm, allowed_client_ids: ["*"] });
    const settings = { key: algorithm };
    const config = await party(`by-${algorithm}`, oidc.ClientSecretBasic, settings, algorithm);
    const tokens = await logIn(config);
    const digest = createHash(hash).update(tokens.access_token).digest();
    const half = digest.subarray(0, digest.length / 2).toString("base64url");
    assert.equal(tokens.claims().at_hash, half);
  });
}

await check("who asks for it is told when somebody logged in", async () => {
  const tokens = await logIn(web, { max_age: "3600" }, { maxAge: 3600 });
  assert.ok(Math.abs(tokens.claims().auth_time - Date.now() / 1000) < 120);
});

await check("a key that was rotated signs, and is found", async () => {
  await call("POST", `${base}/key/default/rotate`, {});
  await logIn(web);
});

await check("a code is good once", async () => {
  const [back, checks] = await leave(web);
  await oidc.authorizationCodeGrant(web, back, checks);
  await assert.rejects(oidc.authorizationCodeGrant(web, back, checks), {
    name: "ResponseBodyError",
    error: "invalid_grant",
    status: 400,
  });
});

await check("a code is good only for who asked for it", async () => {
  const [back, checks] = await leave(web);
  const stolen = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  await assert.rejects(oidc.authorizationCodeGrant(web, back, stolen), { error: "invalid_grant" });
});

await check("who does not know the secret is told so in the library's words", async () => {
  const { client_id } = web.clientMetadata();
  const wrong = oidc.ClientSecretBasic("hvo_secret_wrong");
  const other = new oidc.Configuration(web.serverMetadata(), client_id, {}, wrong);
  oidc.allowInsecureRequests(other);
  const [back, checks] = await leave(web);
  await assert.rejects(
    oidc.authorizationCodeGrant(other, back, checks),
    ({ name, status, cause }) =>
      name === "WWWAuthenticateChallengeError" && status === 401 && cause[0].scheme === "basic",
  );
});

await check("an access token ends with its client, and nothing else is one", async () => {
  const config = await party("going", oidc.ClientSecretBasic);
  const { access_token } = await logIn(config);
  const path = `${address}/v1/auth/token/lookup-self`;
  const denied = await fetch(path, { headers: { Authorization: `Bearer ${access_token}` } });
  assert.equal(denied.status, 403);
  await call("DELETE", `${base}/client/going`);
  await assert.rejects(oidc.fetchUserInfo(config, access_token, entity), ({ cause }) => cause.status === 403);
  await assert.rejects(
    oidc.fetchUserInfo(config, holder, entity),
    ({ status, cause }) => status === 401 && cause[0].parameters.error === "invalid_token",
  );
});
