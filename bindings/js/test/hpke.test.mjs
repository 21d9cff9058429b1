/** HPKE to X25519, over every implementation: RFC 9180's vectors, and another implementation. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

import { hex, implementations, random } from './primitives-support.mjs';

const VECTORS = new URL('../../../server/crypto/tests/vectors/rfc9180.json', import.meta.url);
const NONE = new Uint8Array();

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

for (const [name, { hpkeSeal }] of Object.entries(implementations)) {
  test(`${name}: ephemeral keys are those of RFC 9180's vectors`, async (t) => {
    const vectors = JSON.parse(await readFile(VECTORS, 'utf8'));
    const ours = vectors.filter(({ pkRm }) => pkRm.length === 64);
    assert.ok(ours.length > 0);
    for (const { pkRm, ikmE, enc } of ours) {
      const sealed = await hpkeSeal('x25519', hex(pkRm), NONE, NONE, hex(ikmE));
      assert.deepEqual(sealed.slice(0, 32), hex(enc));
    }
    t.diagnostic(`${ours.length} vectors`);
  });

  test(`${name}: another implementation opens what was sealed`, async () => {
    const { privateKey, publicKey } = await suite.kem.generateKeyPair();
    const recipient = new Uint8Array(await suite.kem.serializePublicKey(publicKey));
    for (const length of [0, 1, 1000, 100_000]) {
      const [text, aad] = [random(length), random(length % 50)];
      const sealed = await hpkeSeal('x25519', recipient, aad, text, random(32));
      const params = { recipientKey: privateKey, enc: sealed.slice(0, 32).buffer };
      const opened = await suite.open(params, sealed.slice(32).buffer, aad.buffer);
      assert.deepEqual(new Uint8Array(opened), text);
      await assert.rejects(suite.open(params, sealed.slice(32).buffer, random(9).buffer));
    }
  });

  test(`${name}: points of small order and other lengths are refused`, async () => {
    const zero = new Uint8Array(32);
    const one = new Uint8Array(32).fill(1, 0, 1);
    for (const point of [zero, one, zero.slice(1)]) {
      const sealing = async () => hpkeSeal('x25519', point, NONE, NONE, random(32));
      await assert.rejects(sealing, { code: 'invalid_request' });
    }
  });
}

test('the implementations make the same of the same seed', async () => {
  const { publicKey } = await suite.kem.generateKeyPair();
  const recipient = new Uint8Array(await suite.kem.serializePublicKey(publicKey));
  const [aad, text, seed] = [random(20), random(500), random(32)];
  const sealed = Object.values(implementations).map(({ hpkeSeal }) =>
    hpkeSeal('x25519', recipient, aad, text, seed),
  );
  const [first, ...others] = await Promise.all(sealed);
  for (const other of others) assert.deepEqual(other, first);
});
