/** What only a real browser shows: keys that survive a reload, and the envelope over its WebCrypto. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { local, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';
import { proof } from './proof-support.mjs';
import { listen } from './server.mjs';
import { bundle } from './source.mjs';

let browser;
let site;
let page;

before(async () => {
  const script = await bundle(
    'envelope/envelope.ts',
    'envelope/sources.ts',
    'proof/proof-key.ts',
    'proof/request.ts',
    'webcrypto/primitives.ts',
  );
  const server = createServer((request, response) => {
    const [type, text] =
      request.url === '/source.mjs'
        ? ['text/javascript', script]
        : ['text/html', '<!doctype html>'];
    response.writeHead(200, { 'content-type': type }).end(text);
  });
  const executablePath = process.env.KEYWARD_BROWSER ?? '/usr/bin/chromium';
  [browser, site] = await Promise.all([chromium.launch({ executablePath }), listen(server)]);
  page = await browser.newPage();
  await page.goto(site.address);
});

after(() => Promise.all([browser?.close(), site?.close()]));

for (const alg of ['ed25519', 'p256']) {
  test(`a proof key of ${alg} survives a reload, signs, and is never exported`, async () => {
    const made = await page.evaluate(async (alg) => {
      const { ProofKey } = await import('/source.mjs');
      const key = await ProofKey.generate({ alg, persist: 'indexeddb', name: alg });
      return { thumbprint: key.thumbprint, jwk: key.publicJwk };
    }, alg);
    assert.equal(await proof.thumbprint(made.jwk), made.thumbprint);
    await page.reload();
    const signed = await page.evaluate(async (alg) => {
      const { ProofKey, signRequest } = await import('/source.mjs');
      const key = await ProofKey.load(alg);
      const parts = { method: 'GET', url: 'https://vault.example/v1/x', token: 'hvs.x' };
      const { signature, headers } = await signRequest(key, parts);
      return { thumbprint: key.thumbprint, signature, input: headers['Signature-Input'] };
    }, alg);
    assert.equal(signed.thumbprint, made.thumbprint);
    const base = proof.signatureBase(
      [
        ['"@method"', 'GET'],
        ['"@target-uri"', 'https://vault.example/v1/x'],
        ['"x-vault-token"', 'hvs.x'],
      ],
      signed.input.slice('pop='.length),
    );
    const [imported, how] =
      alg === 'p256'
        ? [
            { name: 'ECDSA', namedCurve: 'P-256' },
            { name: 'ECDSA', hash: 'SHA-256' },
          ]
        : ['Ed25519', 'Ed25519'];
    const key = await crypto.subtle.importKey('jwk', made.jwk, imported, false, ['verify']);
    const signature = Buffer.from(signed.signature.slice(1, -1), 'base64');
    assert.ok(await crypto.subtle.verify(how, key, signature, base));
    const refusal = await page.evaluate(async (alg) => {
      const opening = indexedDB.open('keyward', 1);
      await new Promise((resolve) => (opening.onsuccess = resolve));
      const reading = opening.result.transaction('proof-keys').objectStore('proof-keys').get(alg);
      await new Promise((resolve) => (reading.onsuccess = resolve));
      const { privateKey } = reading.result;
      opening.result.close();
      return crypto.subtle.exportKey('jwk', privateKey).then(
        () => 'exported',
        (error) => error.name,
      );
    }, alg);
    assert.equal(refusal, 'InvalidAccessError');
    const left = await page.evaluate(async (alg) => {
      const { ProofKey } = await import('/source.mjs');
      await ProofKey.delete(alg);
      return ProofKey.load(alg).then((key) => key === undefined);
    }, alg);
    assert.ok(left);
  });
}

/** Runs the envelope in the page, under keys that are made here. */
function inPage(wrapped, bytes, direction) {
  return page
    .evaluate(
      async ([wrapped, text, direction]) => {
        const { Envelope, primitives, blobSource } = await import('/source.mjs');
        const decode = (text) =>
          Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        const encode = async (bytes) => {
          const reader = new FileReader();
          reader.readAsDataURL(new Blob([bytes]));
          await new Promise((resolve) => (reader.onload = resolve));
          return reader.result.slice(reader.result.indexOf(',') + 1);
        };
        const plaintext = () => decode(wrapped.slice('vault:v1:'.length));
        const service = {
          create: async () => [{ plaintext: plaintext(), wrapped }],
          unwrap: async () => plaintext(),
        };
        const envelope = new Envelope('transit/records', service, primitives);
        const data = decode(text);
        if (direction === 'seal') return encode(await envelope.seal(data));
        if (direction === 'open') return encode(await envelope.open(data));
        if (direction === 'range') {
          return encode(await envelope.openRange(blobSource(new Blob([data])), 1_500_000, 99));
        }
        const stream =
          direction === 'encrypt' ? envelope.encryptStream() : envelope.decryptStream();
        const out = new Blob([data]).stream().pipeThrough(stream);
        return encode(await new Response(out).arrayBuffer());
      },
      [wrapped, Buffer.from(bytes).toString('base64'), direction],
    )
    .then((text) => new Uint8Array(Buffer.from(text, 'base64')));
}

test('streams, ranges and records pass between a browser and Node', async () => {
  const [sealer, data] = [local(), random(2_500_000)];
  const wrapped = `vault:v1:${Buffer.from(random(32)).toString('base64')}`;
  sealer.keys.create = async () => [{ plaintext: await sealer.keys.unwrap(wrapped), wrapped }];
  const theirs = await inPage(wrapped, data, 'encrypt');
  assert.deepEqual(await whole(sealer.decryptStream(), theirs), data);
  const ours = await whole(sealer.encryptStream(), data);
  assert.deepEqual(await inPage(wrapped, ours, 'decrypt'), data);
  const piece = await inPage(wrapped, ours, 'range');
  assert.deepEqual(piece, data.slice(1_500_000, 1_500_099));
  const record = data.subarray(0, 1000);
  assert.deepEqual(await sealer.open(await inPage(wrapped, record, 'seal')), record);
  assert.deepEqual(await inPage(wrapped, await sealer.seal(record), 'open'), record);
});
