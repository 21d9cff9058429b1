/** Random access into streams. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { envelope, local, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';
import { listen } from './server.mjs';

const { FIRST, OTHER, SEGMENT, blobSource, headerLength, httpSource } = envelope;

let sealer;
let data;
let sealed;
let body;

before(async () => {
  sealer = local();
  data = random(FIRST + 6 * OTHER + 12_345);
  sealed = await whole(sealer.encryptStream(), data);
  body = await headerLength(sealed);
});

/** A source that writes down what is read of it. */
function recorded(bytes) {
  const reads = [];
  const read = async (offset, length) => {
    reads.push([offset, length]);
    return bytes.slice(offset, offset + length);
  };
  return { size: bytes.length, reads, read };
}

const PIECES = [
  [0, 0],
  [0, 1],
  [0, FIRST],
  [FIRST - 1, 1],
  [FIRST - 1, 2],
  [FIRST, 1],
  [FIRST + OTHER - 5, 10],
  [FIRST, OTHER],
  [100, FIRST + 3 * OTHER],
  [FIRST + 6 * OTHER, 12_345],
  [FIRST + 6 * OTHER, 1_000_000],
  [0, FIRST + 6 * OTHER + 12_345],
  [FIRST + 6 * OTHER + 12_344, 1],
  [FIRST + 6 * OTHER + 12_345, 5],
  [2 ** 40, 5],
];

test('any piece is the piece of the plaintext', async () => {
  for (const [offset, length] of PIECES) {
    const piece = await sealer.openRange(recorded(sealed), offset, length);
    assert.deepEqual(piece, data.slice(offset, offset + length), `${offset}, ${length}`);
  }
  for (let round = 0; round < 50; round++) {
    const [a, b] = new Uint32Array(random(8).buffer).map((value) => value % data.length);
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    const piece = await sealer.openRange(blobSource(new Blob([sealed])), from, to - from);
    assert.deepEqual(piece, data.slice(from, to), `${from}, ${to}`);
  }
});

test('only the segments that hold the piece are read', async () => {
  const source = recorded(sealed);
  await sealer.openRange(source, FIRST + OTHER + 7, OTHER);
  const [begin, ...segments] = source.reads;
  assert.deepEqual(begin, [0, 4096]);
  assert.deepEqual(segments, [
    [body + 2 * SEGMENT, SEGMENT],
    [body + 3 * SEGMENT, SEGMENT],
  ]);
});

test('a cut stream shows where its end is asked for, and nowhere else', async () => {
  const cut = recorded(sealed.subarray(0, body + 3 * SEGMENT));
  assert.deepEqual(await sealer.openRange(cut, 5, 5), data.slice(5, 10));
  for (const [offset, length] of [
    [FIRST + OTHER, 1],
    [FIRST + 2 * OTHER - 1, 2],
    [FIRST + 2 * OTHER, 1],
    [0, 2 ** 40],
    [2 ** 40, 1],
  ]) {
    await assert.rejects(sealer.openRange(cut, offset, length), { code: 'truncated_stream' });
  }
  const short = recorded(sealed.subarray(0, body + SEGMENT + 15));
  await assert.rejects(sealer.openRange(short, 0, 1), { code: 'truncated_stream' });
  const empty = recorded(sealed.subarray(0, body + 39));
  await assert.rejects(sealer.openRange(empty, 0, 1), { code: 'truncated_stream' });
});

test('changed, moved and foreign segments are refused', async () => {
  const changed = sealed.slice();
  changed[body + SEGMENT] ^= 1;
  const source = recorded(changed);
  assert.deepEqual(await sealer.openRange(source, 0, FIRST), data.slice(0, FIRST));
  await assert.rejects(sealer.openRange(source, FIRST, 1), { code: 'invalid_ciphertext' });
  const moved = sealed.slice();
  moved.set(sealed.subarray(body + 2 * SEGMENT, body + 3 * SEGMENT), body + SEGMENT);
  await assert.rejects(sealer.openRange(recorded(moved), FIRST, 1), { code: 'invalid_ciphertext' });
  const options = { context: { other: 'context' } };
  const refused = sealer.openRange(recorded(sealed), 0, 1, options);
  await assert.rejects(refused, { code: 'invalid_ciphertext' });
});

test('only the beginning of an object is read to rewrap its header', async () => {
  const source = recorded(sealed);
  const header = await sealer.rewrapHeader(source);
  assert.equal(await headerLength(source), body);
  assert.deepEqual(source.reads, [
    [0, 4096],
    [0, 4096],
  ]);
  assert.deepEqual(await sealer.rewrapHeader(new Blob([sealed])), header);
  assert.deepEqual(await sealer.rewrapHeader(sealed), header);
  const rewrapped = recorded(new Uint8Array(Buffer.concat([header, sealed.subarray(body)])));
  assert.deepEqual(await sealer.openRange(rewrapped, FIRST, 9), data.slice(FIRST, FIRST + 9));
});

test('records, wrong numbers and sources that give too little are refused', async () => {
  const record = recorded(await sealer.seal('record'));
  await assert.rejects(sealer.openRange(record, 0, 1), { code: 'invalid_request' });
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, Infinity],
    ['0', 1],
  ]) {
    const refused = sealer.openRange(recorded(sealed), offset, length);
    await assert.rejects(refused, { code: 'invalid_request' });
  }
  const short = { size: sealed.length, read: async () => sealed.slice(0, 100) };
  await assert.rejects(sealer.openRange(short, 0, 1), { code: 'truncated_stream' });
});

test('a header longer than the first read is read again', async () => {
  const long = local();
  const { create, unwrap } = long.keys;
  const rest = 'A'.repeat(6000);
  long.keys.create = async (count) => {
    const keys = await create.call(long.keys, count);
    return keys.map(({ plaintext, wrapped }) => ({
      plaintext,
      wrapped: `vault:v1:${rest}${wrapped.slice(9)}`,
    }));
  };
  long.keys.unwrap = (wrapped) => unwrap.call(long.keys, wrapped.replace(rest, ''));
  const container = await whole(long.encryptStream(), data.subarray(0, 100));
  const source = recorded(container);
  assert.deepEqual(await long.openRange(source, 10, 5), data.slice(10, 15));
});

let site;
let shown;

before(async () => {
  const server = createServer((request, response) => {
    const { 'if-match': match } = request.headers;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (request.url === '/whole') return response.end(sealed);
    if (match !== undefined && match !== shown) return response.writeHead(412).end();
    const total = request.url === '/hidden' ? '*' : sealed.length;
    response.writeHead(206, { etag: shown, 'content-range': `bytes ${from}-${to}/${total}` });
    response.end(sealed.subarray(Number(from), Number(to) + 1));
  });
  site = await listen(server);
});

after(() => site.close());

test('a URL is read in ranges, of one version of the object', async () => {
  shown = '"one"';
  const source = await httpSource(`${site.address}/object`);
  assert.equal(source.size, sealed.length);
  assert.deepEqual(await sealer.openRange(source, FIRST, 9), data.slice(FIRST, FIRST + 9));
  shown = '"two"';
  await assert.rejects(sealer.openRange(source, 0, 1), { code: 'unexpected_answer' });
});

test('a server without ranges, or one that hides the size, is refused', async () => {
  shown = 'W/"weak"';
  for (const path of ['/whole', '/hidden']) {
    await assert.rejects(httpSource(site.address + path), { code: 'unexpected_answer' });
  }
  const nobody = await listen(createServer());
  await nobody.close();
  await assert.rejects(httpSource(nobody.address), { code: 'network' });
});

test('a signal ends a range', async () => {
  const signal = AbortSignal.abort(new Error('given up'));
  const refused = sealer.openRange(recorded(sealed), 0, 1, { signal });
  await assert.rejects(refused, { code: 'aborted' });
});
