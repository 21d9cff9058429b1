/** The body of a stream is one of Tink's: PyPI's tink opens ours, and we open its. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { envelope, local, through, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';
import { python } from './python.mjs';

const { FIRST, OTHER, encodeHeader, headerOf } = envelope;
const LENGTHS = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + OTHER, FIRST + OTHER + 1, 3_500_000];
const CONTEXT = { tenant: 'a', note: 'grün' };

const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** What tink needs to know of a container: the data key, and the associated data. */
function peerArguments(header) {
  const key = Buffer.from(header.wrappedKey.slice('vault:v1:'.length), 'base64');
  const context = Buffer.from('{"note":"grün","tenant":"a"}');
  return [hex(key), hex(Buffer.concat([header.bound, context]))];
}

for (const length of LENGTHS) {
  test(`tink opens a stream of ${length} bytes, and its own comes back`, async () => {
    const sealer = local();
    const data = random(length);
    const sealed = await whole(sealer.encryptStream({ context: CONTEXT }), data);
    const header = headerOf(sealed);
    const args = peerArguments(header);
    const opened = await python(
      'tink_peer.py',
      ['decrypt', ...args],
      sealed.subarray(header.length),
    );
    assert.ok(opened.equals(Buffer.from(data)));
    const theirs = await python('tink_peer.py', ['encrypt', ...args], data);
    const container = new Uint8Array(Buffer.concat([encodeHeader(header), theirs]));
    const back = await whole(sealer.decryptStream({ context: CONTEXT }), container);
    assert.deepEqual(back, data);
  });
}

test('tink and this package refuse the same damage', async () => {
  const sealer = local();
  const sealed = await whole(sealer.encryptStream({ context: CONTEXT }), random(2_500_000));
  const header = headerOf(sealed);
  const body = sealed.subarray(header.length);
  const flipped = (at) => body.map((byte, index) => (index === at ? byte ^ 1 : byte));
  for (const damaged of [
    body.subarray(0, 1 << 20),
    body.subarray(0, 2 << 20),
    body.subarray(0, body.length - 1),
    body.subarray(0, 40),
    flipped(20),
    flipped(39),
    flipped(50),
    flipped(body.length - 1),
  ]) {
    const args = ['decrypt', ...peerArguments(header)];
    assert.equal(`${await python('tink_peer.py', args, damaged)}`, 'refused');
    const container = new Uint8Array(Buffer.concat([encodeHeader(header), damaged]));
    const { error } = await through(sealer.decryptStream({ context: CONTEXT }), container);
    assert.match(error.code, /invalid_ciphertext|truncated_stream/);
  }
});
