/** XAES-256-GCM: the vectors of c2sp.org/XAES-256-GCM, over every implementation. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { hex, implementations, random } from './primitives-support.mjs';

const NONCE = new Uint8Array(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX'));
const TEXT = new Uint8Array(Buffer.from('XAES-256-GCM'));

const VECTORS = [
  [1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
  [3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
];

/** The accumulated vector: as many random encryptions, and the hash of all ciphertexts. */
const ACCUMULATED = [10_000, 'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939'];

for (const [name, { xaesSeal, xaesOpen }] of Object.entries(implementations)) {
  test(`${name}: the two vectors`, async () => {
    for (const [byte, data, ciphertext] of VECTORS) {
      const key = new Uint8Array(32).fill(byte);
      const aad = new Uint8Array(Buffer.from(data));
      assert.deepEqual(await xaesSeal(key, NONCE, aad, TEXT), hex(ciphertext));
      assert.deepEqual(await xaesOpen(key, NONCE, aad, hex(ciphertext)), TEXT);
    }
  });

  test(`${name}: the accumulated vector`, async (t) => {
    const [rounds, expected] = ACCUMULATED;
    // The generator of the vector is SHAKE128 of nothing; a round takes at most 569 bytes of it.
    const outputLength = rounds * 569;
    const stream = createHash('shake128', { outputLength }).digest();
    let at = 0;
    const take = (length) => new Uint8Array(stream.subarray(at, (at += length)));
    const all = createHash('shake128', { outputLength: 32 });
    for (let round = 0; round < rounds; round++) {
      const [key, nonce] = [take(32), take(24)];
      const plaintext = take(take(1)[0]);
      const aad = take(take(1)[0]);
      const ciphertext = await xaesSeal(key, nonce, aad, plaintext);
      all.update(ciphertext);
      // Opening each would double the time; one in ten shows that it undoes the sealing.
      if (round % 10 === 0)
        assert.deepEqual(await xaesOpen(key, nonce, aad, ciphertext), plaintext);
    }
    assert.equal(all.digest('hex'), expected);
    t.diagnostic(`${rounds} encryptions`);
  });

  test(`${name}: whatever is changed is refused`, async () => {
    const key = new Uint8Array(32).fill(1);
    const aad = new Uint8Array(Buffer.from('data'));
    const sealed = await xaesSeal(key, NONCE, aad, TEXT);
    const refused = async (...parts) => {
      await assert.rejects(async () => xaesOpen(...parts), { code: 'invalid_ciphertext' });
    };
    const changed = (bytes, at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
    for (let at = 0; at < sealed.length; at++) await refused(key, NONCE, aad, changed(sealed, at));
    for (let at = 0; at < 24; at++) await refused(key, changed(NONCE, at), aad, sealed);
    await refused(changed(key, 31), NONCE, aad, sealed);
    await refused(key, NONCE, changed(aad, 0), sealed);
    for (const length of [0, 1, 15, 16, 27]) {
      await refused(key, NONCE, aad, sealed.slice(0, length));
    }
  });

  test(`${name}: what is large comes back, and opens elsewhere`, async () => {
    const [key, nonce, aad] = [32, 24, 7].map(random);
    for (const length of [2031, 2032, 2047, 2048, 100_000]) {
      const plaintext = random(length);
      const sealed = await xaesSeal(key, nonce, aad, plaintext);
      for (const other of Object.values(implementations)) {
        assert.deepEqual(await other.xaesOpen(key, nonce, aad, sealed), plaintext);
      }
    }
  });

  test(`${name}: keys and nonces of other lengths are refused`, async () => {
    const [key, none] = [new Uint8Array(32), new Uint8Array()];
    for (const [k, n] of [
      [key.slice(1), NONCE],
      [key, NONCE.slice(1)],
      [none, NONCE],
    ]) {
      await assert.rejects(async () => xaesSeal(k, n, none, TEXT), { name: /./ });
    }
  });
}
