/** Verification without a server, of what a live server signed. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { implementations, random } from './primitives-support.mjs';
import { Server } from './server.mjs';
import { source } from './source.mjs';

const { KeySet, ecdsaSignature } = await source('verify/der.ts', 'verify/key-set.ts');

const MOUNT = `key-set-${process.pid}`;
const DATA = random(1000);
const b64 = (bytes) => Buffer.from(bytes).toString('base64');

let server;

before(async () => {
  server = await Server.find();
  await server.admin('POST', `sys/mounts/${MOUNT}`, { type: 'transit' });
});

after(() => server.close());

/** Makes a key of a type with two versions; gives its name and its set. */
async function keyOf(type, primitives) {
  const name = `${type}-${random(4).join('')}`;
  await server.admin('POST', `${MOUNT}/keys/${name}`, { type });
  await server.admin('POST', `${MOUNT}/keys/${name}/rotate`);
  const answer = await fetch(`${server.address}/v1/${MOUNT}/keys/${name}/jwks`);
  return { name, set: KeySet.parse(await answer.text(), primitives) };
}

async function sign(name, body = {}) {
  const { data } = await server.admin('POST', `${MOUNT}/sign/${name}`, {
    input: b64(DATA),
    ...body,
  });
  return data.signature;
}

const HASHED = ['sha1', 'sha2-256', 'sha2-384', 'sha2-512'];
const ECDSA = [undefined, ...HASHED].flatMap((hashAlgorithm) => [
  { hashAlgorithm },
  { hashAlgorithm, marshalingAlgorithm: 'jws' },
]);
const RSA = [
  {},
  ...HASHED.flatMap((hashAlgorithm) => [
    { hashAlgorithm, signatureAlgorithm: 'pkcs1v15' },
    { hashAlgorithm, signatureAlgorithm: 'pss' },
    { hashAlgorithm, saltLength: 'hash' },
    { hashAlgorithm, saltLength: 12 },
  ]),
  { marshalingAlgorithm: 'jws' },
];
const OTHERS = [{}, { marshalingAlgorithm: 'jws' }, { hashAlgorithm: 'sha3-512' }];
const TYPES = {
  ed25519: OTHERS,
  'ecdsa-p256': ECDSA,
  'ecdsa-p384': ECDSA,
  'ecdsa-p521': ECDSA,
  'rsa-2048': RSA,
  'rsa-3072': RSA.slice(0, 3),
  'mldsa-44': OTHERS,
  'mldsa-65': OTHERS,
  'mldsa-87': OTHERS,
};

/** The words of a request. */
function asked({ hashAlgorithm, marshalingAlgorithm, saltLength, signatureAlgorithm, ...rest }) {
  return {
    hash_algorithm: hashAlgorithm,
    marshaling_algorithm: marshalingAlgorithm,
    salt_length: saltLength === undefined ? undefined : `${saltLength}`,
    signature_algorithm: signatureAlgorithm,
    key_version: rest.version,
  };
}

for (const [called, primitives] of Object.entries(implementations)) {
  for (const [type, options] of Object.entries(TYPES)) {
    test(`${called}: signatures of ${type} verify as made, and changed ones do not`, async (t) => {
      const { name, set } = await keyOf(type, primitives);
      assert.deepEqual(set.kids, [`${name}:v1`, `${name}:v2`]);
      for (const how of options) {
        const signature = await sign(name, asked(how));
        try {
          assert.equal(await set.verify(DATA, signature, how), true, JSON.stringify(how));
        } catch (error) {
          if (error.code !== 'wasm_unavailable') throw error;
          return t.diagnostic(error.message);
        }
        assert.equal(await set.verify(random(1000), signature, how), false);
        const other = signature.replace('vault:v2:', 'vault:v1:');
        assert.equal(await set.verify(DATA, other, how), false, 'another version');
      }
      const first = await sign(name, { key_version: 1 });
      assert.equal(await set.verify(DATA, first), true);
      return undefined;
    });

    test(`${called}: JSON Web Signatures of ${type} verify and give their payload`, async (t) => {
      const { name, set } = await keyOf(type, primitives);
      const algorithms = type.startsWith('rsa')
        ? ['pss', 'pkcs1v15'].flatMap((signature_algorithm) =>
            HASHED.slice(1).map((hash_algorithm) => ({ signature_algorithm, hash_algorithm })),
          )
        : [{}];
      for (const algorithm of algorithms) {
        const marshaling = { marshaling_algorithm: 'jws-compact', ...algorithm };
        const jws = await sign(name, { ...marshaling, jws_header: { typ: 'test' } });
        try {
          assert.equal(await set.verify(DATA, jws), true);
        } catch (error) {
          if (error.code !== 'wasm_unavailable') throw error;
          return t.diagnostic(error.message);
        }
        const { header, payload } = await set.verifyJws(jws);
        assert.equal(header.typ, 'test');
        assert.equal(header.kid, `${name}:v2`);
        assert.deepEqual(payload, DATA);
        assert.equal(await set.verify(random(5), jws), false);
        const parts = jws.split('.');
        const changed = [parts[0], Buffer.from('other').toString('base64url'), parts[2]].join('.');
        assert.equal(await set.verify('other', changed), false);
        await assert.rejects(set.verifyJws(changed), { code: 'integrity' });
      }
      return undefined;
    });
  }

  test(`${called}: ML-DSA verifies under its context alone`, async (t) => {
    const { name, set } = await keyOf('mldsa-65', primitives);
    const context = random(20);
    const signature = await sign(name, { signature_context: b64(context) });
    try {
      assert.equal(await set.verify(DATA, signature, { signatureContext: context }), true);
      assert.equal(await set.verify(DATA, signature, { signatureContext: random(20) }), false);
      assert.equal(await set.verify(DATA, signature), false);
    } catch (error) {
      if (error.code !== 'wasm_unavailable') throw error;
      t.diagnostic(error.message);
    }
  });
}

const primitives = implementations.WebCrypto;

test('what has not the form of a signature is false, and fails nothing', async () => {
  const { name, set } = await keyOf('ecdsa-p256', primitives);
  const good = await sign(name);
  for (const text of [
    '',
    'vault:',
    'vault:v2:',
    'vault:v0:AAAA',
    'vault:v02:AAAA',
    good.replace('v2:', 'v2:!'),
    `${good}=`,
    `${good}\n`,
    good.slice(0, -1),
    'a.b.c',
    '..',
    `${Buffer.from('{}').toString('base64url')}.AA`,
    `${Buffer.from('[]').toString('base64url')}.AA.AA`,
    `${Buffer.from('null').toString('base64url')}.AA.AA`,
  ]) {
    assert.equal(await set.verify(DATA, text), false, text);
  }
});

test('a header does not choose what a key is for', async () => {
  const { name, set } = await keyOf('rsa-2048', primitives);
  const { set: curve } = await keyOf('ecdsa-p256', primitives);
  const text = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const forged = (header) => `${text(header)}.${text({})}.${text('signature')}`;
  const kid = `${name}:v2`;
  for (const header of [
    { alg: 'none', kid },
    { alg: 'HS256', kid },
    { alg: 'ES256', kid },
    { alg: 'EdDSA', kid },
    { alg: 'toString', kid },
    { alg: ['RS256'], kid },
    { alg: 'RS256', kid, crit: ['exp'], exp: 1 },
    { alg: 'RS256', kid, b64: false, crit: ['b64'] },
    { alg: 'RS256', kid },
  ]) {
    assert.equal(await set.verify('{}', forged(header)), false, JSON.stringify(header));
  }
  await assert.rejects(curve.verify('{}', forged({ alg: 'ES256' })), { code: 'key_version' });
});

test('a version or a key that the set lacks is told from a false signature', async () => {
  const { name, set } = await keyOf('ed25519', primitives);
  const { set: other } = await keyOf('ed25519', primitives);
  await server.admin('POST', `${MOUNT}/keys/${name}/rotate`);
  await assert.rejects(set.verify(DATA, await sign(name)), { code: 'key_version' });
  const jws = await sign(name, { marshaling_algorithm: 'jws-compact' });
  await assert.rejects(set.verify(DATA, jws), { code: 'key_version' });
  await assert.rejects(other.verify(DATA, jws), { code: 'key_version' });
});

test('what this runtime cannot verify is said, and not taken for false', async () => {
  const { name, set } = await keyOf('ecdsa-p256', primitives);
  const { name: edwards, set: ed25519 } = await keyOf('ed25519', primitives);
  const signature = await sign(name);
  const hashAlgorithm = 'sha3-256';
  const of3 = await sign(name, { hash_algorithm: hashAlgorithm });
  await assert.rejects(set.verify(DATA, of3, { hashAlgorithm }), { code: 'unsupported' });
  await assert.rejects(set.verify(DATA, signature, { prehashed: true }), { code: 'unsupported' });
  const context = { signature_context: b64('context') };
  const bound = await sign(edwards, context);
  const options = { signatureContext: random(3) };
  await assert.rejects(ed25519.verify(DATA, bound, options), { code: 'unsupported' });
});

test('what is no key set is refused', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: b64(random(32)).replace(/=$/, ''), kid: 'a:v1' };
  const valid = { ...jwk, x: Buffer.from(random(32)).toString('base64url') };
  for (const jwks of [
    '',
    '{}',
    'null',
    '{"keys":[1]}',
    { keys: [] },
    { keys: [{ ...valid, use: 'enc' }] },
    { keys: [{ ...valid, kid: undefined }] },
    { keys: [valid, valid] },
    { keys: [{ ...valid, x: 'AA' }] },
    { keys: [{ ...valid, x: undefined }] },
    { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'a:v1' }] },
  ]) {
    assert.throws(() => KeySet.parse(jwks, primitives), { code: 'invalid_request' });
  }
  const set = KeySet.parse({ keys: [valid, { kty: 'oct', k: 'AA' }] }, primitives);
  assert.deepEqual(set.kids, ['a:v1']);
});

test('DER has one form', () => {
  const der = (text) => ecdsaSignature(new Uint8Array(Buffer.from(text, 'hex')), 2);
  assert.deepEqual(Buffer.from(der('3006020101020102')).toString('hex'), '00010002');
  assert.deepEqual(Buffer.from(der('300702020080020102')).toString('hex'), '00800002');
  for (const text of [
    '',
    '30',
    '3000',
    '300602010102010200',
    '3106020101020102',
    '3006020101020200',
    '3006020100020102',
    '3006020181020102',
    '300702020001020102',
    '30810602010102010',
    '308106020101020102',
    '3080020101020102' + '0000',
    '3008020401020304020102',
    '300702020101020102' + '00',
    '3003020101',
    '30040201010200',
    '3006030101020102',
    '30820006020101020102',
  ]) {
    assert.equal(der(text), undefined, text);
  }
});
