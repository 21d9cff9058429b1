/** The envelope over a live server: its data keys, and rotation of the named key. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Keyward } from '@keyward/client';

import { envelope as parts, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';
import { Server } from './server.mjs';

const MOUNT = `envelope-${process.pid}/deep`;

let server;

before(async () => {
  server = await Server.find();
  await server.admin('POST', `sys/mounts/${MOUNT}`, { type: 'transit' });
  for (const type of ['aes256-gcm96', 'chacha20-poly1305', 'rsa-2048', 'hpke-x25519']) {
    await server.admin('POST', `${MOUNT}/keys/${type}`, { type });
  }
});

after(() => server.close());

/** A client, and the paths that it called. */
function client(token = server.token) {
  const calls = [];
  const send = (url, init) => {
    calls.push(url.slice(`${server.address}/v1/${MOUNT}/`.length));
    return fetch(url, init);
  };
  const keyward = new Keyward({ address: server.address, token, fetch: send });
  return { calls, transit: keyward.transit(MOUNT), keyward };
}

for (const key of ['aes256-gcm96', 'chacha20-poly1305', 'rsa-2048', 'hpke-x25519']) {
  test(`records, streams and ranges under a key of type ${key}`, async () => {
    const { transit } = client();
    const sealer = transit.envelope(key);
    const opener = client().transit.envelope(key);
    const data = random(1_200_000);
    const context = { table: 'orders' };
    const record = await sealer.seal(data.subarray(0, 100), { context });
    assert.deepEqual(await opener.open(record, { context }), data.slice(0, 100));
    const text = await sealer.sealText('a row');
    assert.equal(`${Buffer.from(await opener.openText(text))}`, 'a row');
    const sealed = await whole(sealer.encryptStream({ context }), data);
    assert.deepEqual(await whole(opener.decryptStream({ context }), sealed), data);
    const stored = parts.blobSource(new Blob([sealed]));
    const piece = await opener.openRange(stored, 1_100_000, 50, { context });
    assert.deepEqual(piece, data.slice(1_100_000, 1_100_050));
    assert.equal(parts.headerOf(sealed).key, `${MOUNT}/${key}`);
  });
}

test('a thousand records need one call to seal, and one to open', async () => {
  const sealer = client();
  const envelope = sealer.transit.envelope('aes256-gcm96');
  const rows = Array.from({ length: 1000 }, (_, row) => `row ${row}`);
  const sealed = await Promise.all(rows.map((row) => envelope.sealText(row)));
  assert.equal(sealer.calls.length, 1);
  const opener = client();
  const other = opener.transit.envelope('aes256-gcm96');
  const opened = await Promise.all(sealed.map((text) => other.openText(text)));
  assert.deepEqual(
    opened.map((bytes) => `${Buffer.from(bytes)}`),
    rows,
  );
  assert.deepEqual(opener.calls, ['decrypt/aes256-gcm96']);
  assert.equal(other.stats().uses, 1000);
});

test('a data key for each record comes in one call for many', async () => {
  const { calls, transit } = client();
  const envelope = transit.envelope('aes256-gcm96', { maxUses: 1 });
  const sealed = await Promise.all(['a', 'b', 'c'].map((data) => envelope.seal(data)));
  assert.deepEqual(calls, ['datakeys/plaintext/aes256-gcm96']);
  assert.equal(new Set(sealed.map((record) => parts.headerOf(record).wrappedKey)).size, 3);
});

test('after a rotation only the header is rewritten, and old headers can be shut out', async () => {
  const name = 'rotated';
  await server.admin('POST', `${MOUNT}/keys/${name}`);
  const { transit } = client();
  const envelope = transit.envelope(name);
  const data = random(3_000_000);
  const sealed = await whole(envelope.encryptStream(), data);
  const text = await envelope.sealText('row');
  await server.admin('POST', `${MOUNT}/keys/${name}/rotate`);
  const source = parts.blobSource(new Blob([sealed]));
  const header = await envelope.rewrapHeader(source);
  assert.match(parts.headerOf(header).wrappedKey, /^vault:v2:/);
  const length = await parts.headerLength(sealed);
  const rewrapped = new Uint8Array(Buffer.concat([header, sealed.subarray(length)]));
  const row = await envelope.rewrapText(text);
  await server.admin('POST', `${MOUNT}/keys/${name}/config`, { min_decryption_version: 2 });
  const opener = client().transit.envelope(name);
  assert.deepEqual(await whole(opener.decryptStream(), rewrapped), data);
  assert.equal(`${Buffer.from(await opener.openText(row))}`, 'row');
  await assert.rejects(whole(opener.decryptStream(), sealed), { code: 'key_version' });
  await assert.rejects(opener.openText(text), { code: 'key_version' });
});

test('who may only seal cannot open', async () => {
  const policy = `path "${MOUNT}/datakey/plaintext/*" { capabilities = ["update"] }
    path "${MOUNT}/datakeys/plaintext/*" { capabilities = ["update"] }`;
  await server.admin('PUT', `sys/policies/acl/sealer-${process.pid}`, { policy });
  const { auth } = await server.admin('POST', 'auth/token/create', {
    policies: [`sealer-${process.pid}`],
  });
  const { transit } = client(auth.client_token);
  const envelope = transit.envelope('aes256-gcm96');
  const record = await envelope.seal('secret');
  await assert.rejects(envelope.open(record), { code: 'permission_denied' });
  await assert.rejects(envelope.rewrapHeader(record), { code: 'permission_denied' });
  const opener = client().transit.envelope('aes256-gcm96');
  assert.equal(`${Buffer.from(await opener.open(record))}`, 'secret');
});

test('a key that is not there, and a ciphertext of another, are told', async () => {
  const { transit } = client();
  await server.admin('POST', `${MOUNT}/config/keys`, { disable_upsert: true });
  await assert.rejects(transit.envelope('nobody').seal('x'), { code: 'not_found' });
  const envelope = transit.envelope('aes256-gcm96');
  const record = await envelope.seal('x');
  const header = parts.headerOf(record);
  const foreign = await transit.encrypt('chacha20-poly1305', random(32));
  const swapped = parts.encodeHeader({ ...header, wrappedKey: foreign });
  const mixed = new Uint8Array(Buffer.concat([swapped, record.subarray(header.length)]));
  await assert.rejects(envelope.open(mixed), { code: 'invalid_ciphertext' });
  const ours = await transit.encrypt('aes256-gcm96', random(32));
  const other = parts.encodeHeader({ ...header, wrappedKey: ours });
  const committed = new Uint8Array(Buffer.concat([other, record.subarray(header.length)]));
  await assert.rejects(envelope.open(committed), { code: 'invalid_ciphertext' });
  const short = await transit.encrypt('aes256-gcm96', random(16));
  const bad = parts.encodeHeader({ ...header, wrappedKey: short });
  const cut = new Uint8Array(Buffer.concat([bad, record.subarray(header.length)]));
  await assert.rejects(envelope.open(cut), { code: 'invalid_ciphertext' });
});
