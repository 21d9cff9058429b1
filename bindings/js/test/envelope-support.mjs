/** What tests of envelopes share: keys without a server, and streams as arrays of bytes. */

import { random } from './primitives-support.mjs';
import { source } from './source.mjs';

export const envelope = await source(
  'envelope/context.ts',
  'envelope/data-keys.ts',
  'envelope/envelope.ts',
  'envelope/header.ts',
  'envelope/segments.ts',
  'envelope/sources.ts',
  'webcrypto/primitives.ts',
);

/**
 * Data keys made here, where a test is about what happens on this side: the wrapped form is the
 * key itself. Every call is counted, and waits for `gate`.
 */
export class LocalKeys {
  created = [];
  unwrapped = [];
  gate = Promise.resolve();

  async create(count) {
    this.created.push(count);
    await this.gate;
    return Array.from({ length: count }, () => {
      const plaintext = random(32);
      const wrapped = `vault:v1:${Buffer.from(plaintext).toString('base64')}`;
      return { plaintext, wrapped };
    });
  }

  async unwrap(wrapped) {
    this.unwrapped.push(wrapped);
    await this.gate;
    return new Uint8Array(Buffer.from(wrapped.replace(/^vault:v\d+:/, ''), 'base64'));
  }

  async rewrap(wrapped) {
    return wrapped.replace(/^vault:v\d+/, 'vault:v12');
  }
}

/** An envelope over such keys. */
export function local(limits, key = 'transit/records') {
  const keys = new LocalKeys();
  const primitives = envelope.primitives;
  return Object.assign(new envelope.Envelope(key, keys, primitives, limits), { keys });
}

/** Sends bytes through a stream in pieces of `size`, and gives what comes out before it fails. */
export async function through(stream, bytes, size = 1 << 16) {
  const out = [];
  const writing = (async () => {
    const writer = stream.writable.getWriter();
    for (let at = 0; at < bytes.length; at += size)
      await writer.write(bytes.subarray(at, at + size));
    await writer.close();
  })();
  // The reader meets the same failure, and tells it.
  writing.catch(() => undefined);
  let error;
  try {
    for await (const chunk of stream.readable) out.push(chunk);
    await writing;
  } catch (failure) {
    error = failure;
  }
  return { bytes: new Uint8Array(Buffer.concat(out)), error };
}

/** The same, for what must not fail. */
export async function whole(stream, bytes, size) {
  const { bytes: out, error } = await through(stream, bytes, size);
  if (error !== undefined) throw error;
  return out;
}
