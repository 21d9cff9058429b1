/** Outside vectors through the crypto crate as WebAssembly. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';

const FILES = new URL('../../../tests/vectors/wycheproof/', import.meta.url);
const STANDARDS = new URL('../../../server/crypto/tests/vectors/', import.meta.url);
const BUILT = new URL('../../../target/wasm/vectors/', import.meta.url);

let vectors;

before(async () => {
  vectors = await import(new URL('keyward.js', BUILT));
  const module_or_path = await readFile(new URL('keyward_bg.wasm', BUILT));
  await vectors.default({ module_or_path });
});

for (const name of ['aes_gcm', 'chacha20_poly1305', 'ed25519', 'xchacha20_poly1305']) {
  test(`${name}: every test of the file passes`, async (t) => {
    const file = await readFile(new URL(`${name}_test.json`, FILES), 'utf8');
    const expected = JSON.parse(file).numberOfTests;
    assert.equal(vectors[name](file), expected);
    t.diagnostic(`${expected} tests`);
  });
}

for (const set of [44, 65, 87]) {
  test(`ML-DSA-${set}: every test of the file passes`, async (t) => {
    const file = await readFile(new URL(`mldsa_${set}_verify_test.json`, FILES), 'utf8');
    const expected = JSON.parse(file).numberOfTests;
    assert.equal(vectors.ml_dsa(set, file), expected);
    t.diagnostic(`${expected} tests`);
  });
}

for (const [name, file, expected] of [
  ['hpke_rfc_9180', 'rfc9180', 1],
  ['hpke_x_wing', 'x_wing', 3],
  ['xaes_256_gcm', 'xaes_256_gcm', 2],
]) {
  test(`${name}: the vectors of the standard pass`, async () => {
    assert.equal(vectors[name](await readFile(new URL(`${file}.json`, STANDARDS), 'utf8')), expected);
  });
}

test('a file with a wrong expectation fails', async () => {
  const file = JSON.parse(await readFile(new URL('ed25519_test.json', FILES), 'utf8'));
  const [first] = file.testGroups[0].tests;
  first.result = first.result === 'valid' ? 'invalid' : 'valid';
  assert.throws(() => vectors.ed25519(JSON.stringify(file)), new RegExp(`test ${first.tcId}`));
});
