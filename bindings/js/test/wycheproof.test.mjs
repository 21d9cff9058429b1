/** Wycheproof's vectors for signatures, through the way that a key set verifies. */

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

import { hex, implementations } from './primitives-support.mjs';
import { source } from './source.mjs';

const FILES = new URL('../../../tests/vectors/wycheproof/', import.meta.url);
const NAMES = (await readdir(FILES)).filter((name) => name.endsWith('_test.json'));

const { parsePublicKey, verifyWith } = await source('verify/algorithms.ts', 'verify/public-key.ts');

const HASHES = {
  'SHA-1': 'sha1',
  'SHA-224': 'sha2-224',
  'SHA-256': 'sha2-256',
  'SHA-384': 'sha2-384',
  'SHA-512': 'sha2-512',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
};

const url = (bytes) => Buffer.from(bytes).toString('base64url');

/** The key of a group, as a JSON Web Key would give it. */
function keyOf(group, algorithm) {
  const { type, publicKey, privateKey } = group;
  if (type === 'MlDsaVerify') return { kty: 'AKP', alg: algorithm, pub: url(hex(publicKey)) };
  if (type === 'EddsaVerify') return { kty: 'OKP', crv: 'Ed25519', x: url(hex(publicKey.pk)) };
  if (type.startsWith('Ecdsa')) {
    const crv = { secp256r1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[publicKey.curve];
    const point = hex(publicKey.uncompressed).subarray(1);
    const [x, y] = [point.subarray(0, point.length / 2), point.subarray(point.length / 2)];
    return { kty: 'EC', crv, x: url(x), y: url(y) };
  }
  const { modulus, publicExponent } = publicKey ?? privateKey;
  const [n, e] = [modulus, publicExponent].map((digits) => url(hex(digits.replace(/^(00)+/, ''))));
  return { kty: 'RSA', n, e };
}

/** How the tests of a group are verified. */
function optionsOf(file, group) {
  const hashAlgorithm = HASHES[group.sha];
  switch (group.type) {
    case 'EcdsaVerify':
      return { hashAlgorithm };
    case 'EcdsaP1363Verify':
      return { hashAlgorithm, marshalingAlgorithm: 'jws' };
    case 'RsassaPkcs1Verify':
    case 'RsassaPkcs1Generate':
      return { hashAlgorithm, signatureAlgorithm: 'pkcs1v15' };
    case 'RsassaPssVerify':
      return { hashAlgorithm, saltLength: group.sLen };
    case 'EddsaVerify':
    case 'MlDsaVerify':
      return {};
    default:
      throw new Error(`${file}: nothing is known of ${group.type}`);
  }
}

/** Why a group cannot be verified in WebCrypto. */
function missing({ sha, mgfSha, type }) {
  if (/^SHA-512\//.test(sha)) return `Vault's API has no name for ${sha}`;
  if (/^SHA3-|^SHA-224$/.test(sha)) return `WebCrypto has no ${sha}`;
  if (type === 'RsassaPssVerify' && mgfSha !== sha) return `WebCrypto has no MGF1 with ${mgfSha}`;
  return undefined;
}

const files = NAMES.filter((name) =>
  /^(ecdsa|ed25519|mldsa_\d+_verify|rsa_pkcs1_\d+_sig_gen|rsa_pss|rsa_signature)_/.test(name),
);

/** Runs one test; gives why it was skipped, if it was. */
async function run(key, options, { tcId, msg, sig, ctx, result, comment }, primitives) {
  const context = ctx === undefined ? {} : { signatureContext: hex(ctx) };
  let verified;
  try {
    const how = { ...options, ...context };
    verified = await verifyWith(key, hex(msg), hex(sig), how, primitives);
  } catch (error) {
    if (error.code === 'wasm_unavailable') return error.message;
    throw new Error(`test ${tcId}, ${comment}`, { cause: error });
  }
  // Acceptable is what either verdict is right for.
  if (result !== 'acceptable') assert.equal(verified, result === 'valid', `${tcId}, ${comment}`);
  return undefined;
}

/** Reads a key; `undefined` when it is none, as all tests of the group have to expect. */
function readKey(group, algorithm) {
  try {
    return parsePublicKey(keyOf(group, algorithm));
  } catch (error) {
    assert.equal(error.code, 'invalid_request');
    assert.ok(group.tests.every(({ result }) => result === 'invalid'));
    return undefined;
  }
}

for (const file of files) {
  for (const [called, primitives] of Object.entries(implementations)) {
    test(`${called}: ${file}`, async (t) => {
      const text = await readFile(new URL(file, FILES), 'utf8');
      const { algorithm, numberOfTests, testGroups } = JSON.parse(text);
      const skipped = new Map();
      let done = 0;
      for (const group of testGroups) {
        const lacks = missing(group);
        const key = lacks === undefined ? readKey(group, algorithm) : undefined;
        const options = optionsOf(file, group);
        for (const one of group.tests) {
          const why = lacks ?? (key && (await run(key, options, one, primitives)));
          if (why === undefined) done++;
          else skipped.set(why, (skipped.get(why) ?? 0) + 1);
        }
      }
      for (const [why, count] of skipped) t.diagnostic(`skipped ${count}: ${why}`);
      t.diagnostic(`${done} of ${numberOfTests} tests`);
      assert.equal(
        [...skipped.values()].reduce((sum, count) => sum + count, done),
        numberOfTests,
      );
    });
  }
}

test('every file of signatures is run', () => {
  const others = NAMES.filter((name) => /sig|dsa|ed25519|pss/.test(name) && !files.includes(name));
  // Nothing signs on this side.
  assert.deepEqual(
    others,
    [44, 65, 87].map((set) => `mldsa_${set}_sign_seed_test.json`),
  );
});
