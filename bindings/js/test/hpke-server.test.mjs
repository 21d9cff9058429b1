/** What is encrypted to a public key here, a live server decrypts. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { implementations, random } from './primitives-support.mjs';
import { Server } from './server.mjs';
import { source } from './source.mjs';

const { PublicKeyEncrypter } = await source('hpke.ts');

const MOUNT = `hpke-${process.pid}`;
const KEYS = `${MOUNT}/keys`;

let server;

before(async () => {
  server = await Server.find();
  await server.admin('POST', `sys/mounts/${MOUNT}`, { type: 'transit' });
  for (const type of ['hpke-x25519', 'hpke-xwing']) {
    await server.admin('POST', `${KEYS}/${type}`, { type });
    await server.admin('POST', `${KEYS}/${type}/rotate`);
  }
});

after(() => server.close());

async function decrypt(name, ciphertext, associated) {
  const { data } = await server.admin('POST', `${MOUNT}/decrypt/${name}`, {
    ciphertext,
    associated_data: associated && Buffer.from(associated).toString('base64'),
  });
  return new Uint8Array(Buffer.from(data.plaintext, 'base64'));
}

for (const [called, primitives] of Object.entries(implementations)) {
  for (const type of ['hpke-x25519', 'hpke-xwing']) {
    test(`${called}: the server decrypts what was encrypted to its ${type} key`, async (t) => {
      const answer = await server.admin('GET', `${KEYS}/${type}`);
      const encrypter = PublicKeyEncrypter.fromKey(answer, primitives);
      try {
        for (const length of [0, 1, 10_000]) {
          const data = random(length);
          const ciphertext = await encrypter.encrypt(data);
          assert.match(ciphertext, /^vault:v2:/);
          assert.deepEqual(await decrypt(type, ciphertext), data);
        }
        const context = { b: '2', a: '1' };
        const bound = await encrypter.encrypt('text', { context });
        const opened = await decrypt(type, bound, '{"a":"1","b":"2"}');
        assert.equal(`${Buffer.from(opened)}`, 'text');
        await assert.rejects(decrypt(type, bound), /400/);
        const raw = await encrypter.encrypt('text', { associatedData: new Uint8Array([1, 2]) });
        assert.equal((await decrypt(type, raw, [1, 2])).length, 4);
      } catch (error) {
        if (error.code !== 'wasm_unavailable') throw error;
        t.diagnostic(error.message);
      }
    });
  }

  test(`${called}: the public key comes without a token, from the key set`, async () => {
    const answer = await fetch(`${server.address}/v1/${KEYS}/hpke-x25519/jwks`);
    const encrypter = PublicKeyEncrypter.fromJwks(await answer.text(), primitives);
    const ciphertext = await encrypter.encrypt('no token');
    assert.match(ciphertext, /^vault:v2:/);
    assert.equal(`${Buffer.from(await decrypt('hpke-x25519', ciphertext))}`, 'no token');
  });
}

test('keys that cannot be encrypted to are refused', async () => {
  const primitives = implementations.WebCrypto;
  await server.admin('POST', `${KEYS}/other`, { type: 'ed25519' });
  const signing = await server.admin('GET', `${KEYS}/other`);
  const code = 'invalid_request';
  assert.throws(() => PublicKeyEncrypter.fromKey(signing, primitives), { code });
  const answer = await fetch(`${server.address}/v1/${KEYS}/other/jwks`);
  const jwks = await answer.text();
  assert.throws(() => PublicKeyEncrypter.fromJwks(jwks, primitives), { code });
  for (const key of [
    { type: 'hpke-x25519', version: 1, publicKey: random(31) },
    { type: 'hpke-x25519', version: 0, publicKey: random(32) },
    { type: 'hpke-x25519', version: 1, publicKey: '?' },
    { type: 'hpke-xwing', version: 1, publicKey: random(32) },
    { type: 'aes256-gcm96', version: 1, publicKey: random(32) },
    { type: 'toString', version: 1, publicKey: random(32) },
  ]) {
    assert.throws(() => new PublicKeyEncrypter(key, primitives), { code });
  }
  const key = { type: 'hpke-x25519', version: 1, publicKey: random(32) };
  const both = { context: {}, associatedData: 'x' };
  await assert.rejects(new PublicKeyEncrypter(key, primitives).encrypt('x', both), { code });
});
