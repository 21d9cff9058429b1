/** Where random access reads from. */

import type { Bytes } from '../bytes.js';
import { failure } from '../errors.js';
import { aborted } from './abort.js';

/** Something of a known size that gives any piece of itself. */
export interface RangeSource {
  /** Its length in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset` on; they lie within `size`. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Bytes>;
}

/** Reads from a Blob or File. */
export function blobSource(blob: Blob): RangeSource {
  return {
    size: blob.size,
    async read(offset, length) {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/** How a URL is read. */
export interface HttpSourceOptions {
  /** Sent with every request. */
  readonly headers?: Record<string, string>;
  readonly fetch?: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}

/**
 * Reads from a URL whose server answers ranges (RFC 9110 section 14).
 *
 * The first request learns the size and the entity tag. With a strong tag, every other one asks for
 * that version only, so that an object which is replaced meanwhile is an error and not a mixture.
 */
export async function httpSource(
  url: string | URL,
  { headers, fetch = globalThis.fetch, signal }: HttpSourceOptions = {},
): Promise<RangeSource> {
  const get = async (offset: number, length: number, tag?: string, abort?: AbortSignal) => {
    const range = `bytes=${offset}-${offset + length - 1}`;
    const match = tag === undefined ? {} : { 'If-Match': tag };
    // Detached: fetch of a browser refuses to be called as a method of something else.
    const answer = await fetch(url, {
      headers: { ...headers, ...match, Range: range },
      signal: abort ?? null,
    }).catch((cause) => {
      if (abort?.aborted) throw aborted(abort);
      throw failure('network', `${url} could not be read`, { cause });
    });
    if (answer.status === 206) return answer;
    await answer.body?.cancel();
    const why =
      answer.status === 412
        ? 'it was replaced while it was being read'
        : `its server answered ${answer.status}, not a range`;
    throw failure('unexpected_answer', `${url}: ${why}`, { status: answer.status });
  };
  const first = await get(0, 1, undefined, signal);
  await first.body?.cancel();
  const size = /^bytes 0-0\/([0-9]+)$/.exec(first.headers.get('content-range') ?? '')?.[1];
  if (size === undefined) {
    // Across origins the header has to be exposed, or a page cannot read it.
    throw failure('unexpected_answer', `${url}: the answer shows no Content-Range`);
  }
  const tag = first.headers.get('etag') ?? undefined;
  const strong = tag?.startsWith('"') ? tag : undefined;
  return {
    size: Number(size),
    async read(offset, length, abort) {
      const answer = await get(offset, length, strong, abort);
      const range = `bytes ${offset}-${offset + length - 1}/${size}`;
      if (answer.headers.get('content-range') === range) {
        return new Uint8Array(await answer.arrayBuffer());
      }
      await answer.body?.cancel();
      throw failure('unexpected_answer', `${url}: the answer holds another range`);
    },
  };
}
