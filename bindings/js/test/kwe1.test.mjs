/** Containers that were sealed once and must open for ever; `KWE1.md` describes them. */

import assert from 'node:assert/strict';
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { envelope, local, whole } from './envelope-support.mjs';
import { hex } from './primitives-support.mjs';

const read = async (file) => JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8'));
const vectors = await read('vectors/kwe1.json');
/** What the Rust half sealed. */
const others = await read('../../../tests/vectors/envelope/rust.json');

for (const [index, vector] of [...vectors, ...others].entries()) {
  const { suite, key, context, wrappedKey, plaintext, container, text } = vector;

  test(`vector ${index}: a ${suite} of long ago opens`, async () => {
    const opener = local({}, key);
    const opened =
      suite === 'record'
        ? await opener.open(hex(container), { context })
        : await whole(opener.decryptStream({ context }), hex(container));
    assert.equal(`${Buffer.from(opened)}`, plaintext);
    assert.equal(envelope.headerOf(hex(container)).wrappedKey, wrappedKey);
    if (text === undefined) return;
    assert.equal(`${Buffer.from(await opener.openText(text, { context }))}`, plaintext);
  });
}

test('a stream opens by the description alone', () => {
  const { context, dataKey, plaintext, container } = vectors.at(-1);
  const bytes = Buffer.from(container, 'hex');
  assert.equal(`${bytes.subarray(0, 4)}`, 'KWE1');
  assert.equal(bytes[4], 1);
  const commitmentAt = 7 + bytes.readUInt16BE(5);
  const boundLength = commitmentAt + 32;
  const bodyAt = boundLength + 2 + bytes.readUInt16BE(boundLength);
  const key = Buffer.from(dataKey, 'hex');
  const info = Buffer.from('keyward envelope commitment v1\u0001');
  const commitment = Buffer.from(hkdfSync('sha256', key, '', info, 32));
  assert.deepEqual(bytes.subarray(commitmentAt, boundLength), commitment);
  const body = bytes.subarray(bodyAt);
  assert.equal(body[0], 40);
  const { note, tenant } = context;
  const canonical = Buffer.from(`{"note":"${note}","tenant":"${tenant}"}`);
  const associated = Buffer.concat([bytes.subarray(0, boundLength), canonical]);
  const derived = Buffer.from(hkdfSync('sha256', key, body.subarray(1, 33), associated, 32));
  const nonce = Buffer.concat([body.subarray(33, 40), Buffer.from([0, 0, 0, 0, 1])]);
  const decipher = createDecipheriv('aes-256-gcm', derived, nonce);
  decipher.setAuthTag(body.subarray(-16));
  const opened = Buffer.concat([decipher.update(body.subarray(40, -16)), decipher.final()]);
  assert.equal(`${opened}`, plaintext);
});
