/** Streams of the envelope: their borders, and every way to cut, mix or change them. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { envelope, local, through, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';

const { FIRST, HEAD, OTHER, SEGMENT, headerLength } = envelope;
const LENGTHS = [
  0,
  1,
  15,
  FIRST - 1,
  FIRST,
  FIRST + 1,
  FIRST + OTHER,
  FIRST + OTHER + 1,
  3_500_000,
];

for (const length of LENGTHS) {
  test(`${length} bytes come back, whatever the pieces`, async () => {
    const sealer = local();
    const data = random(length);
    const pieces = length > 100_000 ? [4093, SEGMENT, 5 << 20] : [1, 7, SEGMENT];
    for (const size of pieces) {
      const sealed = await whole(sealer.encryptStream(), data, size);
      const body = sealed.length - (await headerLength(sealed));
      assert.equal(envelope.layout(body).plaintextLength, length);
      assert.deepEqual(await whole(sealer.decryptStream(), sealed, size), data);
    }
  });
}

test('single bytes are taken across a border of segments', async () => {
  const sealer = local();
  const data = random(FIRST + 3);
  const stream = sealer.encryptStream();
  const reading = collect(stream.readable);
  const writer = stream.writable.getWriter();
  await writer.write(data.subarray(0, FIRST - 3));
  for (let at = FIRST - 3; at < data.length; at++) await writer.write(data.subarray(at, at + 1));
  await writer.close();
  const sealed = new Uint8Array(Buffer.concat(await reading));
  assert.deepEqual(await whole(sealer.decryptStream(), sealed, 1 << 20), data);
});

test('a chunk may be used again as soon as it was taken', async () => {
  const sealer = local();
  const data = random(4 * SEGMENT);
  const stream = sealer.encryptStream();
  const reading = collect(stream.readable);
  const writer = stream.writable.getWriter();
  const chunk = new Uint8Array(SEGMENT);
  for (let at = 0; at < data.length; at += SEGMENT) {
    chunk.set(data.subarray(at, at + SEGMENT));
    await writer.write(chunk);
    chunk.fill(0);
  }
  await writer.close();
  const sealed = new Uint8Array(Buffer.concat(await reading));
  assert.deepEqual(await whole(sealer.decryptStream(), sealed), data);
});

let sealer;
let data;
let sealed;
let body;

before(async () => {
  sealer = local();
  data = random(FIRST + 2 * OTHER + 1000);
  sealed = await whole(sealer.encryptStream({ context: { tenant: 'a' } }), data);
  body = await headerLength(sealed);
});

/** Opens `container`; what comes out must be a beginning of the data, and an error must follow. */
async function refused(container, context = { tenant: 'a' }) {
  const { bytes, error } = await through(sealer.decryptStream({ context }), container, SEGMENT);
  assert.notEqual(error, undefined, 'it was opened');
  assert.deepEqual(bytes, data.subarray(0, bytes.length));
  return { code: error.code, released: bytes.length };
}

test('a stream cut between segments is truncated, and its whole segments come first', async () => {
  for (const [segments, released] of [
    [1, 0],
    [2, FIRST],
    [3, FIRST + OTHER],
  ]) {
    const cut = sealed.subarray(0, body + segments * SEGMENT);
    assert.deepEqual(await refused(cut), { code: 'truncated_stream', released });
  }
});

test('a stream cut before its body, or inside a tag, is truncated', async () => {
  const cuts = [0, 1, 4, 5, 7, 20, body - 1, body, body + 1, body + HEAD - 1, body + HEAD];
  for (const at of [...cuts, body + HEAD + 15, body + SEGMENT + 15]) {
    assert.equal((await refused(sealed.subarray(0, at))).code, 'truncated_stream', `at ${at}`);
  }
});

test('a stream cut inside a segment is refused', async () => {
  const cuts = [
    HEAD + 16,
    HEAD + 17,
    SEGMENT - 1,
    SEGMENT + 16,
    2 * SEGMENT + 500,
    3 * SEGMENT - 1,
  ];
  for (const at of [...cuts.map((cut) => body + cut), sealed.length - 1]) {
    assert.equal((await refused(sealed.subarray(0, at))).code, 'invalid_ciphertext', `at ${at}`);
  }
});

test('nothing is released of a segment with a flipped bit', async () => {
  for (const [at, released] of [
    [body + 1, 0],
    [body + 39, 0],
    [body + HEAD, 0],
    [body + SEGMENT - 1, 0],
    [body + SEGMENT, FIRST],
    [body + 2 * SEGMENT + 77, FIRST + OTHER],
    [sealed.length - 1, FIRST + 2 * OTHER],
  ]) {
    const changed = sealed.slice();
    changed[at] ^= 1;
    assert.deepEqual(await refused(changed), { code: 'invalid_ciphertext', released }, `at ${at}`);
  }
});

test('every byte before the wrapped key is authenticated', async () => {
  for (let at = 0; at < envelope.headerOf(sealed).bound.length; at++) {
    const changed = sealed.slice();
    changed[at] ^= 1;
    const { code, released } = await refused(changed);
    assert.equal(released, 0);
    assert.ok(['invalid_ciphertext', 'invalid_request', 'truncated_stream'].includes(code), code);
  }
});

test('swapped, repeated and missing segments are refused', async () => {
  const segment = (index) => {
    const from = body + (index === 0 ? HEAD : index * SEGMENT);
    return sealed.subarray(from, Math.min(sealed.length, body + (index + 1) * SEGMENT));
  };
  const head = sealed.subarray(0, body + HEAD);
  for (const order of [
    [0, 2, 1, 3],
    [0, 1, 1, 3],
    [0, 1, 3],
    [0, 1, 2, 2, 3],
    [0, 1, 2, 3, 3],
  ]) {
    const mixed = new Uint8Array(Buffer.concat([head, ...order.map(segment)]));
    assert.equal((await refused(mixed)).code, 'invalid_ciphertext', `${order}`);
  }
});

test('a segment or a head of another stream is refused', async () => {
  const other = await whole(sealer.encryptStream({ context: { tenant: 'a' } }), data);
  const mixed = sealed.slice();
  mixed.set(other.subarray(body + SEGMENT, body + 2 * SEGMENT), body + SEGMENT);
  assert.deepEqual(await refused(mixed), { code: 'invalid_ciphertext', released: FIRST });
  mixed.set(other.subarray(body, body + HEAD), body);
  assert.deepEqual(await refused(mixed), { code: 'invalid_ciphertext', released: 0 });
});

test('another context, or none, is refused', async () => {
  for (const context of [
    undefined,
    {},
    { tenant: 'b' },
    { tenant: 'a', more: '' },
    { Tenant: 'a' },
  ]) {
    const { bytes, error } = await through(sealer.decryptStream({ context }), sealed);
    assert.equal(bytes.length, 0);
    assert.equal(error.code, 'invalid_ciphertext');
  }
});

test('a context of a stream has a longest length, the same in every runtime', async () => {
  const fits = { context: { name: 'x'.repeat(1024 - 7 - 15 - 32 - '{"name":""}'.length) } };
  const long = await whole(sealer.encryptStream(fits), data.subarray(0, 9));
  assert.deepEqual(await whole(sealer.decryptStream(fits), long), data.subarray(0, 9));
  const context = { name: `${fits.context.name}x` };
  const { error } = await through(sealer.encryptStream({ context }), data);
  assert.equal(error.code, 'limit_exceeded');
});

test('a header of another stream, and a wrapped key of another data key, are refused', async () => {
  const another = local();
  const other = await whole(another.encryptStream({ context: { tenant: 'a' } }), data);
  const theirs = await headerLength(other);
  const mixed = Buffer.concat([other.subarray(0, theirs), sealed.subarray(body)]);
  assert.deepEqual(await refused(new Uint8Array(mixed)), {
    code: 'invalid_ciphertext',
    released: 0,
  });
  const header = envelope.headerOf(sealed);
  const { wrappedKey } = envelope.headerOf(other);
  const swapped = envelope.encodeHeader({ ...header, wrappedKey });
  const container = new Uint8Array(Buffer.concat([swapped, sealed.subarray(body)]));
  assert.deepEqual(await refused(container), { code: 'invalid_ciphertext', released: 0 });
});

test('a container of another key or of a record is refused before a key is asked for', async () => {
  const other = local({}, 'transit/other');
  const { error } = await through(other.decryptStream({ context: { tenant: 'a' } }), sealed);
  assert.equal(error.code, 'invalid_ciphertext');
  const record = await sealer.seal('record');
  const wrong = await through(other.decryptStream(), record);
  assert.equal(wrong.error.code, 'invalid_request');
  assert.deepEqual(other.keys.unwrapped, []);
});

test('a reader who stops ends the writer, and a writer who aborts ends the reader', async () => {
  const stopped = sealer.encryptStream();
  const writer = stopped.writable.getWriter();
  writer.closed.catch(() => undefined);
  await stopped.readable.cancel(new Error('enough'));
  await assert.rejects(async () => {
    for (;;) await writer.write(random(SEGMENT));
  }, /enough/);
  const aborted = sealer.encryptStream();
  const reading = collect(aborted.readable);
  await aborted.writable.abort(new Error('no more'));
  await assert.rejects(reading, /no more/);
});

test('a signal ends both sides, while the stream waits for its reader too', async () => {
  const controller = new AbortController();
  const stream = sealer.encryptStream({ signal: controller.signal });
  const writer = stream.writable.getWriter();
  writer.closed.catch(() => undefined);
  const stuck = writer.write(random(20 * SEGMENT));
  controller.abort(new Error('given up'));
  await assert.rejects(stuck, { name: 'AbortError', code: 'aborted' });
  await assert.rejects(collect(stream.readable), { code: 'aborted' });
});

test('one chunk of many segments waits for its reader', async () => {
  const stream = sealer.encryptStream();
  let taken = false;
  const writer = stream.writable.getWriter();
  const writing = writer.write(random(20 * SEGMENT)).then(() => {
    taken = true;
  });
  const reader = stream.readable.getReader();
  for (let read = 0; read < 8; read++) await reader.read();
  assert.equal(taken, false);
  const rest = (async () => {
    while (!(await reader.read()).done);
  })();
  await Promise.all([writing, writer.close(), rest]);
});

async function collect(readable) {
  const chunks = [];
  for await (const chunk of readable) chunks.push(chunk);
  return chunks;
}
