// HTTP message signatures (RFC 9421) by an implementation that nobody here wrote: signs requests of
// a bound token, and verifies what the server answers to them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import { createSignature, verifySignature, webcrypto } from "http-message-sig";

import { address, call as root, check, root as token } from "./checks.mjs";

const LOOKUP = { method: "GET", path: "auth/token/lookup-self?a=b%20c" };
const ENCRYPT = {
  method: "POST",
  path: "transit/encrypt/k",
  body: '{"plaintext":"c2VjcmV0"}',
};
const MISSING = { method: "GET", path: "nowhere/at/all" };

/** What a signed answer covers. */
const COVERED = [
  "@status",
  "content-digest",
  { name: "@method", parameters: { req: true } },
  { name: "@target-uri", parameters: { req: true } },
  { name: "signature", parameters: { req: true, key: "pop" } },
];

/** The keys that sign, by the name of their algorithm. The library has no provider for P-256. */
const KINDS = {
  ed25519: {
    generate: "Ed25519",
    signer: (key) => webcrypto.signer(key),
  },
  "ecdsa-p256-sha256": {
    generate: { name: "ECDSA", namedCurve: "P-256" },
    signer: (key) => ({
      algorithm: "ecdsa-p256-sha256",
      sign: async (data) =>
        new Uint8Array(
          await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, data),
        ),
    }),
  },
};

/** Makes a key and a token that is bound to it; gives what signs requests with both. */
async function bind(algorithm) {
  const { generate, signer } = KINDS[algorithm];
  const pair = await crypto.subtle.generateKey(generate, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const { auth } = await root("POST", "auth/token/create", { client_key: { kty, crv, x, y } });
  const bound = auth.client_token;
  const { data } = await root("POST", "auth/token/lookup", { token: bound });
  return async ({ method, path, body }) => {
    const fields = [{ name: "x-vault-token", value: bound }];
    const components = ["@method", "@target-uri", "x-vault-token"];
    if (body !== undefined) {
      const digest = createHash("sha256").update(body).digest("base64");
      fields.push({ name: "content-digest", value: `sha-256=:${digest}:` });
      components.push("content-digest");
    }
    const message = { kind: "request", method, targetUri: `${address}/v1/${path}`, fields };
    const created = Math.floor(Date.now() / 1000);
    const { signature, signatureInput } = await createSignature(message, {
      label: "pop",
      components,
      parameters: {
        created,
        expires: created + 60,
        nonce: randomBytes(16).toString("base64url"),
        keyid: data.cnf.jkt,
        alg: algorithm,
        tag: "keyward-pop",
      },
      signer: signer(pair.privateKey),
    });
    fields.push({ name: "signature-input", value: signatureInput });
    fields.push({ name: "signature", value: signature });
    return { message, body };
  };
}

/** Sends a request; gives it with its answer, whose body is read. */
async function send({ message, body }) {
  const response = await fetch(message.targetUri, {
    method: message.method,
    headers: Object.fromEntries(message.fields.map(({ name, value }) => [name, value])),
    body,
  });
  return {
    request: message,
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

/** Verifies an answer with the library; a digest of the body is not its business. */
async function verify({ request, status, headers, body }) {
  const digest = createHash("sha256").update(body).digest("base64");
  assert.equal(headers.get("content-digest"), `sha-256=:${digest}:`);
  const fields = [...headers].map(([name, value]) => ({ name, value }));
  const message = { kind: "response", status, fields, request };
  return verifySignature(message, {
    policy: {
      algorithms: ["ed25519"],
      requiredComponents: COVERED,
      requiredParameters: ["created", "keyid", "alg", "tag"],
      maxAge: 60,
    },
    resolveVerifier: ({ parameters }) => webcrypto.verifier(serverKeys.get(parameters.keyid)),
  });
}

await root("POST", "sys/mounts/transit", { type: "transit" });
await root("POST", "transit/keys/k");
const serverKeys = new Map();
for (const key of (await root("GET", "sys/response-keys")).keys) {
  const imported = await crypto.subtle.importKey("jwk", key, "Ed25519", true, ["verify"]);
  serverKeys.set(key.kid, imported);
}

for (const algorithm of Object.keys(KINDS)) {
  const sign = await bind(algorithm);
  await check(`${algorithm}: the server takes what the library signs, and its answers hold`, async () => {
    for (const [ask, status] of [[LOOKUP, 200], [ENCRYPT, 200], [MISSING, 404]]) {
      const answer = await send(await sign(ask));
      assert.equal(answer.status, status, `${ask.path}: ${answer.body}`);
      const { parameters } = await verify(answer);
      assert.equal(parameters.tag, "keyward-response");
    }
  });
  await check(`${algorithm}: the server takes nothing that was changed on its way`, async () => {
    const signed = await sign(ENCRYPT);
    const changes = [
      { ...signed, body: ENCRYPT.body.replace("V0", "V1") },
      { ...signed, message: { ...signed.message, method: "PUT" } },
      { ...signed, message: { ...signed.message, targetUri: `${signed.message.targetUri}?a=b` } },
    ];
    for (const changed of changes) {
      const { status, headers, body } = await send(changed);
      assert.equal(status, 401, `${body}`);
      assert.equal(headers.get("www-authenticate"), "Signature");
      assert.match(`${body}`, /proof rejected: /);
    }
    assert.equal((await send(signed)).status, 200);
    assert.equal((await send(signed)).status, 401);
  });
  await check(`${algorithm}: the library takes no answer that was changed on its way`, async () => {
    const answer = await send(await sign(ENCRYPT));
    const other = await send(await sign(ENCRYPT));
    await verify(answer);
    const changed = Buffer.from(answer.body);
    changed[0] ^= 1;
    for (const change of [
      { body: changed },
      { body: other.body },
      { headers: other.headers, body: other.body },
      { request: other.request },
      { status: 201 },
    ]) {
      await assert.rejects(verify({ ...answer, ...change }), JSON.stringify(Object.keys(change)));
    }
  });
}
