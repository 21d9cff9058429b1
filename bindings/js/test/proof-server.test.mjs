/** Proofs against a live server: who is served, who is not, and what a proxy cannot do. */

import assert from 'node:assert/strict';
import { before, after, test } from 'node:test';

import { Keyward, ProofKey } from '@keyward/client';

import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start();
  await server.admin('POST', 'sys/mounts/transit', { type: 'transit' });
  await server.admin('POST', 'transit/keys/records');
});
after(() => server.close());

for (const alg of ['ed25519', 'p256']) {
  test(`${alg}: the holder of the key is served, and nobody else with its token`, async () => {
    const proof = await ProofKey.generate({ alg });
    const token = await mint(proof);
    const { address } = server;
    const holder = new Keyward({ address, token, proof });
    const { cnf } = await holder.tokens.lookupSelf();
    assert.equal(cnf.jkt, proof.thumbprint);
    const ciphertext = await holder.transit().encrypt('records', 'data');
    assert.equal(String.fromCharCode(...(await holder.transit().decrypt('records', ciphertext))), 'data');

    const other = await ProofKey.generate({ alg });
    for (const options of [{}, { proof: other }]) {
      const thief = new Keyward({ address, token, ...options });
      await assert.rejects(thief.transit().decrypt('records', ciphertext), ({ code, status }) => {
        assert.deepEqual([code, status], ['proof_rejected', 401]);
        return true;
      });
    }
  });
}

test('a proxy that changes one bit of an answer is found out', async () => {
  const proof = await ProofKey.generate();
  const token = await mint(proof);
  const { address } = server;
  const { keys } = await (await fetch(`${address}/v1/sys/response-keys`)).json();
  const trust = { responseKeys: { keys } };
  const through = (change) =>
    new Keyward({
      address,
      token,
      proof,
      trust,
      fetch: async (url, init) => change(await fetch(url, init)),
    }).transit();
  const honest = through((answer) => answer);
  assert.match(await honest.encrypt('records', 'data'), /^vault:v1:/);

  const body = async (answer, at) => {
    const bytes = new Uint8Array(await answer.arrayBuffer());
    bytes[Math.floor(at * bytes.length)] ^= 1;
    return new Response(bytes, answer);
  };
  const without = (name) => (answer) => {
    const headers = new Headers(answer.headers);
    headers.delete(name);
    return new Response(answer.body, { status: answer.status, headers });
  };
  const changes = [
    ...[0, 0.3, 0.6, 0.99].map((at) => (answer) => body(answer, at)),
    (answer) => new Response(answer.body, { status: 201, headers: answer.headers }),
    ...['signature', 'signature-input', 'content-digest'].map(without),
  ];
  for (const change of changes) {
    await assert.rejects(through(change).encrypt('records', 'data'), { code: 'integrity' });
  }
  // The answer to another request, whole and signed.
  let earlier;
  const replaying = through((answer) => {
    earlier ??= answer.clone();
    return earlier.clone();
  });
  await replaying.encrypt('records', 'one');
  await assert.rejects(replaying.encrypt('records', 'two'), { code: 'integrity' });
});

/** Makes a token that is bound to a key, as the backend of an application does. */
async function mint(proof) {
  const { auth } = await server.admin('POST', 'auth/token/create', {
    client_key: proof.publicJwk,
  });
  return auth.client_token;
}
