/** Proof of possession: what two other implementations of RFC 9421 say to it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { verifySignature, webcrypto } from 'http-message-sig';

import { COVERED, answer, descriptor, digest, proof, responseKey } from './proof-support.mjs';
import { python } from './python.mjs';

const { ProofKey, parseResponseKeys, signRequest, verifyResponse } = proof;

const URL_OF = 'https://vault.example:8200/v1/transit/encrypt/my%20key?list=true&x=%C3%BC';
const BODY = new Uint8Array(Buffer.from('{"plaintext":"aGVsbG8="}'));
const PARTS = { method: 'POST', url: URL_OF, token: 'hvs.CAESI', body: BODY };
const BARE = {
  method: 'GET',
  url: 'https://vault.example/v1/auth/token/lookup-self',
  token: 'hvs.x',
};

const primitives = proof.primitives;
const ask = async (job) => JSON.parse(await python('proof_peer.py', [], JSON.stringify(job)));

for (const alg of ['ed25519', 'p256']) {
  test(`${alg}: PyPI's http-message-signatures verifies requests`, async () => {
    const key = await ProofKey.generate({ alg });
    const keys = { [key.thumbprint]: key.publicJwk };
    const verify = (parts, signed, change = {}) => {
      const headers = { ...signed.headers, 'X-Vault-Token': parts.token };
      const { method, url } = parts;
      const body = parts.body && `${Buffer.from(parts.body)}`;
      return ask({ verify: alg, keys, request: { method, url, headers, body, ...change } });
    };
    const signed = await signRequest(key, PARTS);
    assert.deepEqual(await verify(PARTS, signed), {
      covered: [
        '"@method"',
        '"@target-uri"',
        '"x-vault-token"',
        '"content-digest"',
        '"@signature-params"',
      ],
    });
    const bare = await signRequest(key, BARE);
    assert.deepEqual(await verify(BARE, bare), {
      covered: ['"@method"', '"@target-uri"', '"x-vault-token"', '"@signature-params"'],
    });
    for (const change of [
      { method: 'PUT' },
      { url: URL_OF.replace('my', 'your') },
      { url: URL_OF.replace('true', 'false') },
      { url: URL_OF.replace('https', 'http') },
      { headers: { ...signed.headers, 'X-Vault-Token': 'hvs.other' } },
      { body: '{"plaintext":"aGVsbG9="}' },
    ]) {
      assert.ok('refused' in (await verify(PARTS, signed, change)), JSON.stringify(change));
    }
  });
}

test('npm http-message-sig verifies requests', async () => {
  const key = await ProofKey.generate({ alg: 'ed25519' });
  const verifying = await crypto.subtle.importKey('jwk', key.publicJwk, 'Ed25519', false, [
    'verify',
  ]);
  for (const parts of [PARTS, BARE]) {
    const verified = await verifySignature(descriptor(await signRequest(key, parts)), {
      policy: {
        algorithms: ['ed25519'],
        requiredComponents: ['@method', '@target-uri', 'x-vault-token'],
        requiredParameters: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
        maxAge: 60,
      },
      resolveVerifier: () => webcrypto.verifier(verifying),
    });
    const { created, expires, nonce, keyid, tag } = verified.parameters;
    assert.equal(expires - created, 60);
    assert.equal(keyid, key.thumbprint);
    assert.equal(tag, 'keyward-pop');
    assert.equal(Buffer.from(nonce, 'base64url').length, 16);
  }
});

test('each attempt has a nonce of its own, and parameters in the order of the profile', async () => {
  const key = await ProofKey.generate();
  const inputs = new Set();
  for (let attempt = 0; attempt < 5; attempt++) {
    const { headers } = await signRequest(key, PARTS, 1_700_000_000_999);
    const input = headers['Signature-Input'];
    const [nonce] = /(?<=nonce=")[\w-]{22}(?=")/.exec(input);
    assert.equal(
      input,
      'pop=("@method" "@target-uri" "x-vault-token" "content-digest")' +
        `;created=1700000000;expires=1700000060;nonce="${nonce}";keyid="${key.thumbprint}"` +
        ';alg="ed25519";tag="keyward-pop"',
    );
    assert.equal(headers['Content-Digest'], digest(BODY));
    inputs.add(nonce);
  }
  assert.equal(inputs.size, 5);
});

test('an empty body has a digest, and no body has none', async () => {
  const key = await ProofKey.generate();
  const empty = await signRequest(key, { ...PARTS, body: new Uint8Array() });
  assert.equal(empty.headers['Content-Digest'], digest(''));
  assert.equal((await signRequest(key, BARE)).headers['Content-Digest'], undefined);
});

test('a private key cannot be exported', async () => {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  await assert.rejects(crypto.subtle.exportKey('jwk', pair.privateKey));
  const key = await ProofKey.generate();
  assert.deepEqual(Object.keys(key.publicJwk), ['kty', 'crv', 'x']);
  assert.ok(!JSON.stringify(key).includes('"d"'));
  const rsa = { name: 'ECDSA', namedCurve: 'P-384' };
  const other = await crypto.subtle.generateKey(rsa, false, ['sign', 'verify']);
  await assert.rejects(ProofKey.fromPair(other), { code: 'invalid_request' });
});

test('a key cannot be kept where there is no IndexedDB', async () => {
  const refused = ProofKey.generate({ persist: 'indexeddb' });
  await assert.rejects(refused, { code: 'unsupported' });
});

test('a thumbprint is that of RFC 7638 and RFC 8037', async () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
  assert.equal(await proof.thumbprint(jwk), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  await assert.rejects(proof.thumbprint({ kty: 'RSA' }), { code: 'invalid_request' });
});

/** A request that was signed, and the keys its answer is checked with. */
async function asked(parts = PARTS) {
  const key = await responseKey();
  const request = await signRequest(await ProofKey.generate(), parts);
  const keys = parseResponseKeys(key.jwks);
  const check = (response, to = request) => verifyResponse(to, response, keys, primitives);
  return { key, request, check };
}

test('answers that npm http-message-sig signs are accepted', async () => {
  const { key, request, check } = await asked();
  for (const [status, body] of [
    [200, '{"data":{}}'],
    [204, ''],
    [404, '{"errors":[]}'],
  ]) {
    await check(await answer(key, request, status, body));
  }
});

test("answers that PyPI's http-message-signatures signs are accepted", async () => {
  const { key, request, check } = await asked();
  const { x } = key.jwks.keys[0];
  const keys = { [key.kid]: { kty: 'OKP', crv: 'Ed25519', x, d: key.seed } };
  const { method, url, headers } = request;
  for (const body of ['{"data":{"ciphertext":"vault:v1:AAAA"}}', '']) {
    const response = { status: 200, body };
    const signed = await ask({ keys, request: { method, url, headers }, response });
    await check({
      status: 200,
      headers: new Headers(signed),
      body: new Uint8Array(Buffer.from(body)),
    });
  }
});

test('an answer with any covered part changed is refused', async () => {
  const { key, request, check } = await asked();
  const good = () => answer(key, request, 200, '{"data":1}');
  await check(await good());
  const refused = async (response, to, why) => {
    await assert.rejects(check(response, to), { code: 'integrity' }, why);
  };
  const bodies = ['', '{"data":2}', '{"data":1} '];
  for (const body of bodies) {
    await refused({ ...(await good()), body: new Uint8Array(Buffer.from(body)) });
  }
  const body = new Uint8Array(Buffer.from('{"data":2}'));
  const both = { ...(await good()), body };
  both.headers.set('content-digest', digest(body));
  await refused(both, request, 'a digest that was made anew');
  await refused({ ...(await good()), status: 201 }, request, 'the status');
  const other = await signRequest(await ProofKey.generate(), PARTS);
  await refused(await good(), other, 'an answer to another request');
  await refused(await good(), { ...request, method: 'PUT' }, 'the method');
  await refused(await good(), { ...request, url: `${URL_OF}1` }, 'the URL');
  for (const name of ['signature', 'signature-input', 'content-digest']) {
    const without = await good();
    without.headers.delete(name);
    await refused(without, request, `without ${name}`);
  }
});

test('an answer of another key, kind or coverage is refused', async () => {
  const { key, request, check } = await asked();
  const stranger = await responseKey();
  const refused = async (by, change) => {
    const response = await answer(by, request, 200, '{}', change);
    await assert.rejects(check(response), { code: 'integrity' }, JSON.stringify(change));
  };
  await refused(stranger);
  await refused({ ...stranger, kid: key.kid });
  for (const left of COVERED) {
    await refused(key, { components: COVERED.filter((component) => component !== left) });
  }
  await refused(key, { components: [...COVERED].reverse() });
  await refused(key, { components: [...COVERED, { name: '@scheme', parameters: { req: true } }] });
  await refused(key, { label: 'other' });
  await refused(key, { parameters: { tag: 'keyward-pop' } });
  await refused(key, { parameters: { tag: undefined } });
  await refused(key, { parameters: { keyid: undefined } });
  await refused(key, { parameters: { alg: undefined } });
});

test('fields of another form are no signature, and none fails otherwise', async () => {
  const { key, request, check } = await asked();
  const good = await answer(key, request, 200, '{}');
  const [input, signature] = ['signature-input', 'signature'].map((name) => good.headers.get(name));
  for (const [name, value] of [
    ['signature-input', input.replace('keyward=', 'keyward =')],
    ['signature-input', input.replace('keyward=', 'Keyward=')],
    ['signature-input', input.replace('keyward=', 'xkeyward=')],
    ['signature-input', input.replace(';created=', ';created=x')],
    ['signature-input', input.replace(';created=', ';created=1;created=')],
    ['signature-input', input.replace('"@status"', '"@status" ')],
    ['signature-input', input.replace(')', '')],
    ['signature-input', `${input};x="\\""`],
    ['signature-input', `${input};`],
    ['signature-input', ''],
    ['signature', signature.replace(':', '')],
    ['signature', 'keyward=::'],
    ['signature', 'keyward=:A:'],
    ['signature', `${signature};a=1`],
    ['content-digest', `${good.headers.get('content-digest')}, sha-512=:AA==:`],
  ]) {
    const headers = new Headers(good.headers);
    headers.set(name, value);
    await assert.rejects(check({ ...good, headers }), { code: 'integrity' }, `${name}: ${value}`);
  }
});

test("signatures of others beside the server's do not disturb", async () => {
  const { key, request, check } = await asked();
  const response = await answer(key, request, 200, '{}');
  const { headers } = response;
  headers.set('signature-input', `cdn=("@status");created=1, ${headers.get('signature-input')}`);
  headers.append('signature', 'cdn=:AAAA:');
  headers.append('signature-input', 'other=("date";sf "@status");created=1;keyid="a, b"');
  await check(response);
});

test('keys are pinned, or those of the first answer stay', async () => {
  const [first, second] = [await responseKey(), await responseKey()];
  const key = await ProofKey.generate();
  let asked = 0;
  const fetched = async () => {
    asked++;
    if (asked === 1) throw new Error('no answer');
    return first.jwks;
  };
  const trusting = new proof.Proof(key, {}, fetched, primitives);
  const pinned = new proof.Proof(key, { responseKeys: second.jwks }, fetched, primitives);
  const request = await trusting.sign(PARTS);
  const [of1, of2] = [
    await answer(first, request, 200, '{}'),
    await answer(second, request, 200, '{}'),
  ];
  await pinned.check(request, of2);
  await assert.rejects(pinned.check(request, of1), { code: 'integrity' });
  assert.equal(asked, 0);
  await assert.rejects(trusting.check(request, of1), /no answer/);
  await trusting.check(request, of1);
  await assert.rejects(trusting.check(request, of2), { code: 'integrity' });
  assert.equal(asked, 2);
  for (const responseKeys of [{}, { keys: [] }, { keys: [{ kty: 'RSA', kid: 'x' }] }]) {
    const build = () => new proof.Proof(key, { responseKeys }, fetched, primitives);
    assert.throws(build, { code: 'integrity' });
  }
});

test('refusals may come unsigned, and data may not', async () => {
  const key = await responseKey();
  const signer = await ProofKey.generate();
  const guard = new proof.Proof(signer, { responseKeys: key.jwks }, async () => ({}), primitives);
  const request = await guard.sign(PARTS);
  const unsigned = (status) => ({ status, headers: new Headers(), body: new Uint8Array() });
  for (const status of [400, 401, 403, 429, 500, 503]) await guard.check(request, unsigned(status));
  for (const status of [200, 204, 404]) {
    await assert.rejects(guard.check(request, unsigned(status)), { code: 'integrity' });
  }
  const refusal = await answer(key, request, 403, '{"errors":["permission denied"]}');
  await guard.check(request, refusal);
  const changed = { ...refusal, body: new Uint8Array(2) };
  await assert.rejects(guard.check(request, changed), { code: 'integrity' });
});

test('the signature base and signatures are those of RFC 9421, appendix B.2.6', async () => {
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
  };
  const components = [
    ['"date"', 'Tue, 20 Apr 2021 02:07:55 GMT'],
    ['"@method"', 'POST'],
    ['"@path"', '/foo'],
    ['"@authority"', 'example.com'],
    ['"content-type"', 'application/json'],
    ['"content-length"', '18'],
  ];
  const list = components.map(([identifier]) => identifier).join(' ');
  const base = proof.signatureBase(
    components,
    `(${list});created=1618884473;keyid="test-key-ed25519"`,
  );
  const expected = Buffer.from(
    'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
    'base64',
  );
  const privateKey = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
  const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, 'Ed25519', true, ['verify']);
  const key = await ProofKey.fromPair({ privateKey, publicKey });
  assert.equal(key.thumbprint, 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U');
  assert.deepEqual(Buffer.from(await key.sign(base)), expected);
  const raw = new Uint8Array(Buffer.from(jwk.x, 'base64url'));
  const { ed25519Verify } = primitives;
  assert.ok(await ed25519Verify(raw, base, new Uint8Array(expected)));
});
