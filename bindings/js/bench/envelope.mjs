/**
 * What the envelope's streams cost: against WebCrypto alone in the same run, and in memory.
 *
 * `node bench/envelope.mjs` prints; `--check` fails where the promises do not hold:
 * encryption at least 70 % of AES-GCM over the same chunks one after the other, and 1 GB through
 * both directions with less than 100 MB of memory more.
 */

import { local } from '../test/envelope-support.mjs';

const MIB = 1 << 20;
const ROUNDS = 7;
const LEAST_SHARE = 0.7;
const MOST_GROWTH = 100e6;

const chunk = new Uint8Array(MIB);
for (let at = 0; at < MIB; at += 65_536) crypto.getRandomValues(chunk.subarray(at, at + 65_536));

/** Writes the chunk so many times, as a producer who waits to be asked for more. */
function produced(chunks) {
  let left = chunks;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk);
      else controller.close();
    },
  });
}

/** Reads to the end; gives the number of bytes. */
async function drained(readable, each = () => undefined) {
  let bytes = 0;
  for await (const piece of readable) {
    bytes += piece.length;
    each();
  }
  return bytes;
}

/** MiB per second of `work`, which handles so many chunks. */
async function rate(chunks, work) {
  const start = performance.now();
  await work(chunks);
  return (1000 * chunks) / (performance.now() - start);
}

async function raw(chunks) {
  const algorithm = { name: 'AES-GCM', length: 256 };
  const key = await crypto.subtle.generateKey(algorithm, false, ['encrypt']);
  for (let index = 0; index < chunks; index++) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, chunk);
  }
}

const envelope = local();
const encrypt = (chunks) => drained(produced(chunks).pipeThrough(envelope.encryptStream()));
const both = (chunks, each) => {
  const sealed = produced(chunks).pipeThrough(envelope.encryptStream());
  return drained(sealed.pipeThrough(envelope.decryptStream()), each);
};

// First, so that nothing has grown the heap before; but the threads of WebCrypto have started.
await both(4);
const before = process.memoryUsage().rss;
let most = before;
const bytes = await both(954, () => {
  most = Math.max(most, process.memoryUsage().rss);
});
const growth = most - before;
console.log(`${bytes} bytes through both: ${(growth / 1e6).toFixed(0)} MB more memory at most`);

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

// Both are warm before either is measured, and they take turns, since the machine has others.
await Promise.all([encrypt(16), raw(16)]);
const measured = { raw: [], encrypt: [], both: [] };
for (let round = 0; round < ROUNDS; round++) {
  measured.raw.push(await rate(128, raw));
  measured.encrypt.push(await rate(128, encrypt));
  measured.both.push(await rate(128, both));
}
const rates = Object.fromEntries(
  Object.entries(measured).map(([name, values]) => [name, median(values)]),
);
const share = rates.encrypt / rates.raw;
console.log(`WebCrypto AES-GCM, 1 MiB sequential: ${rates.raw.toFixed(0)} MiB/s`);
console.log(`encryptStream: ${rates.encrypt.toFixed(0)} MiB/s, ${(100 * share).toFixed(0)} %`);
console.log(`encryptStream and decryptStream: ${rates.both.toFixed(0)} MiB/s`);

if (process.argv.includes('--check')) {
  if (share < LEAST_SHARE) throw new Error(`encryptStream is below ${LEAST_SHARE} of WebCrypto`);
  if (growth > MOST_GROWTH) throw new Error(`more than ${MOST_GROWTH} bytes of memory`);
}
