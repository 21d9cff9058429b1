/** The cache of data keys: what a key may serve, and when it goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LocalKeys, envelope, local, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';

const { DataKeys, RECORD, STREAM, headerOf } = envelope;

function cache(limits) {
  const keys = new LocalKeys();
  const clock = { now: 0 };
  const data = new DataKeys(keys, limits, () => clock.now);
  return { keys, clock, data };
}

test('calls of one turn share one call for a key', async () => {
  const { keys, data } = cache();
  const leases = await Promise.all(Array.from({ length: 100 }, () => data.forSealing(RECORD, 10)));
  assert.deepEqual(keys.created, [1]);
  assert.equal(new Set(leases.map(({ key }) => key)).size, 1);
  assert.deepEqual(data.stats(), { hits: 0, misses: 100, evictions: 0, bytes: 1000, uses: 100 });
  await data.forSealing(RECORD, 0);
  assert.equal(data.stats().hits, 1);
});

test('records and streams have keys of their own', async () => {
  const { keys, data } = cache();
  const [record, stream] = await Promise.all([
    data.forSealing(RECORD, 1),
    data.forSealing(STREAM, 1),
  ]);
  assert.notEqual(record.key.wrapped, stream.key.wrapped);
  assert.deepEqual(keys.created, [1, 1]);
});

test('a key serves maxUses uses, and many keys come in one call', async () => {
  const { keys, data } = cache({ maxUses: 3, maxEntries: 100 });
  const leases = await Promise.all(Array.from({ length: 10 }, () => data.forSealing(RECORD, 1)));
  assert.deepEqual(keys.created, [4]);
  const uses = new Map();
  for (const { key } of leases) uses.set(key, (uses.get(key) ?? 0) + 1);
  assert.deepEqual([...uses.values()], [3, 3, 3, 1]);
  const single = cache({ maxUses: 1 });
  const many = Array.from({ length: 150 }, () => single.data.forSealing(RECORD, 1));
  assert.equal(new Set((await Promise.all(many)).map(({ key }) => key)).size, 150);
  assert.deepEqual(single.keys.created, [64, 64, 22]);
});

test('a key serves maxBytes bytes, and one use may be larger', async () => {
  const { keys, data } = cache({ maxBytes: 100 });
  const first = await data.forSealing(RECORD, 60);
  assert.equal((await data.forSealing(RECORD, 40)).key, first.key);
  assert.notEqual((await data.forSealing(RECORD, 1)).key, first.key);
  assert.equal((await data.forSealing(RECORD, 1000)).key.commitment.length, 32);
  assert.deepEqual(keys.created, [1, 1, 1]);
});

test('a stream of unknown length counts as it goes', async () => {
  const sealer = local({ maxBytes: 3_000_000 });
  await whole(sealer.encryptStream(), random(2_000_000));
  await whole(sealer.encryptStream(), random(2_000_000));
  await whole(sealer.encryptStream(), random(1));
  assert.deepEqual(sealer.keys.created, [1, 1]);
  const known = local({ maxBytes: 3_000_000 });
  await whole(known.encryptStream({ size: 2_000_000 }), random(2_000_000));
  await whole(known.encryptStream({ size: 2_000_000 }), random(2_000_000));
  assert.deepEqual(known.keys.created, [1, 1]);
  assert.equal(known.stats().bytes, 4_000_000);
});

test('a key ends with its time', async () => {
  const { keys, clock, data } = cache({ ttlMs: 1000 });
  const first = await data.forSealing(RECORD, 1);
  clock.now = 999;
  assert.equal((await data.forSealing(RECORD, 1)).key, first.key);
  clock.now = 1000;
  assert.notEqual((await data.forSealing(RECORD, 1)).key, first.key);
  assert.deepEqual(keys.created, [1, 1]);
});

/** A header whose data key is random. */
async function header(suite = RECORD) {
  const { keys, data } = cache();
  const { key } = await data.forSealing(suite, 0);
  assert.equal(keys.created.length, 1);
  return { suite, wrappedKey: key.wrapped, commitment: key.commitment };
}

test('a key is unwrapped once for all who wait, and kept', async () => {
  const { keys, clock, data } = cache({ ttlMs: 1000 });
  const sealed = await header();
  const leases = await Promise.all(Array.from({ length: 9 }, () => data.forOpening(sealed, 1)));
  assert.equal(new Set(leases.map(({ key }) => key)).size, 1);
  await data.forOpening(sealed, 1);
  assert.equal(keys.unwrapped.length, 1);
  clock.now = 1000;
  await data.forOpening(sealed, 1);
  assert.equal(keys.unwrapped.length, 2);
});

test('limits of use hold for opening too', async () => {
  const { keys, data } = cache({ maxUses: 2 });
  const sealed = await header();
  await Promise.all(Array.from({ length: 5 }, () => data.forOpening(sealed, 1)));
  assert.equal(keys.unwrapped.length, 3);
});

test('the longest unused key makes room', async () => {
  const { keys, data } = cache({ maxEntries: 2 });
  const [a, b, c] = [await header(), await header(), await header()];
  for (const sealed of [a, b, a, c, a, b]) (await data.forOpening(sealed, 1)).release();
  assert.deepEqual(
    keys.unwrapped,
    [a, b, c, b].map(({ wrappedKey }) => wrappedKey),
  );
  assert.equal(data.stats().evictions, 2);
});

test('with room for one key, many at a time still get theirs', async () => {
  const { data } = cache({ maxEntries: 1 });
  const headers = await Promise.all(Array.from({ length: 20 }, () => header()));
  const leases = await Promise.all(headers.map((sealed) => data.forOpening(sealed, 1)));
  for (const [at, lease] of leases.entries()) {
    assert.equal(lease.key.wrapped, headers[at].wrappedKey);
    assert.ok(lease.key.record.some((byte) => byte !== 0));
    lease.release();
  }
});

test('a wrapped key that is not the committed one is refused, and so are its copies', async () => {
  const { data } = cache();
  const [ours, theirs] = [await header(), await header()];
  const swapped = { ...ours, wrappedKey: theirs.wrappedKey };
  for (let round = 0; round < 2; round++) {
    await assert.rejects(data.forOpening(swapped, 1), { code: 'invalid_ciphertext' });
  }
  (await data.forOpening(theirs, 1)).release();
  // The same key under another suite has another commitment.
  const moved = { ...ours, suite: STREAM };
  await assert.rejects(data.forOpening(moved, 1), { code: 'invalid_ciphertext' });
});

test('a failure reaches everyone who waits, and the next call tries again', async () => {
  const { keys, data } = cache();
  const sealed = await header();
  keys.gate = Promise.reject(new Error('sealed'));
  const calls = [1, 2, 3].map(() => data.forSealing(RECORD, 1));
  const openings = [1, 2].map(() => data.forOpening(sealed, 1));
  await Promise.all([...calls, ...openings].map((call) => assert.rejects(call, /sealed/)));
  keys.gate = Promise.resolve();
  await data.forSealing(RECORD, 1);
  await data.forOpening(sealed, 1);
});

test('a key of another length is refused', async () => {
  const { keys, data } = cache();
  keys.create = async () => [{ plaintext: random(16), wrapped: 'vault:v1:AAAA' }];
  await assert.rejects(data.forSealing(RECORD, 1), { code: 'invalid_ciphertext' });
  keys.create = async () => [];
  await assert.rejects(data.forSealing(RECORD, 1), { code: 'unexpected_answer' });
});

test('a cleared key is wiped, after its last user', async () => {
  const { keys, data } = cache();
  const idle = await data.forSealing(RECORD, 1);
  idle.release();
  const bytes = idle.key.record;
  const used = await data.forOpening(await header(), 1);
  data.clear();
  assert.ok(bytes.every((byte) => byte === 0));
  assert.ok(used.key.record.some((byte) => byte !== 0));
  used.release();
  used.release();
  assert.ok(used.key.record.every((byte) => byte === 0));
  assert.notEqual((await data.forSealing(RECORD, 1)).key, idle.key);
  assert.equal(keys.created.length, 2);
});

test('a key that was on its way when all was cleared is not kept', async () => {
  const { keys, data } = cache();
  let open;
  keys.gate = new Promise((resolve) => {
    open = resolve;
  });
  const coming = data.forSealing(RECORD, 1);
  await Promise.resolve().then(() => undefined);
  data.clear();
  open();
  const lease = await coming;
  assert.ok(lease.key.record.some((byte) => byte !== 0));
  await data.forSealing(RECORD, 1);
  assert.equal(keys.created.length, 2);
  lease.release();
  assert.ok(lease.key.record.every((byte) => byte === 0));
});

test('the plaintext of a key for streams is wiped at once', async () => {
  const { keys, data } = cache();
  const plaintext = random(32);
  keys.create = async () => [{ plaintext, wrapped: 'vault:v1:AAAA' }];
  await data.forSealing(STREAM, 1);
  assert.ok(plaintext.every((byte) => byte === 0));
});

test('a call that is given up takes nothing and spoils nothing', async () => {
  const sealer = local();
  let open;
  sealer.keys.gate = new Promise((resolve) => {
    open = resolve;
  });
  const controller = new AbortController();
  const given = sealer.seal('x', { signal: controller.signal });
  const kept = sealer.seal('y');
  await Promise.resolve();
  controller.abort(new Error('given up'));
  await assert.rejects(given, { code: 'aborted' });
  open();
  assert.equal(headerOf(await kept).suite, RECORD);
  assert.deepEqual(sealer.keys.created, [1]);
});

test('what is sealed is what was given, whatever becomes of it while a key is fetched', async () => {
  const sealer = local();
  const data = random(50);
  const given = data.slice();
  const sealing = sealer.seal(given);
  given.fill(0);
  assert.deepEqual(await sealer.open(await sealing), data);
});

test('limits below one are refused', () => {
  for (const limits of [{ maxUses: 0 }, { ttlMs: -1 }, { maxBytes: NaN }, { maxEntries: 0.5 }]) {
    assert.throws(() => local(limits), { code: 'invalid_request' });
  }
});
