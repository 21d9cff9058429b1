/** The two directions of an envelope's stream: plaintext to container, and back. */

import { type Bytes, concat, readBytes } from '../bytes.js';
import { failure } from '../errors.js';
import { SegmentCipher } from './cipher.js';
import { type Context, associatedData } from './context.js';
import type { Lease } from './kept-key.js';
import { type Header, STREAM, encodeBound, encodeHeader, parseHeader } from './header.js';
import { type Emit, type Stage, ordered } from './ordered.js';
import { FIRST, HEAD, OTHER, SEGMENT, Segmenter, TAG } from './segments.js';

/** How many segments are worked on at a time: more gains nothing, and each is a mebibyte or two. */
export const IN_FLIGHT = 4;

/** Makes the stream that encrypts. `key` is the reference to write, `lease` gets a data key. */
export function encrypting(
  key: string,
  lease: () => Promise<Lease>,
  context?: Context,
  signal?: AbortSignal,
): TransformStream<Uint8Array, Bytes> {
  return ordered(new Encrypting(key, lease, context), IN_FLIGHT, signal);
}

/** Makes the stream that decrypts. `lease` gets the data key that a header wraps. */
export function decrypting(
  lease: (header: Header) => Promise<Lease>,
  context?: Context,
  signal?: AbortSignal,
): TransformStream<Uint8Array, Bytes> {
  return ordered(new Decrypting(lease, context), IN_FLIGHT, signal);
}

class Encrypting implements Stage {
  readonly #segments = new Segmenter(FIRST, OTHER);
  readonly #key: string;
  readonly #obtain: () => Promise<Lease>;
  readonly #context: Context | undefined;
  #lease: Lease | undefined;
  #cipher: SegmentCipher | undefined;
  #index = 0;
  #released = false;

  constructor(key: string, lease: () => Promise<Lease>, context?: Context) {
    this.#key = key;
    this.#obtain = lease;
    this.#context = context;
  }

  async write(chunk: Uint8Array, emit: Emit): Promise<void> {
    const cipher = this.#cipher ?? (await this.#begin(emit));
    for (const segment of this.#segments.push(piece(chunk))) {
      await this.#seal(cipher, segment, false, emit);
    }
  }

  async close(emit: Emit): Promise<void> {
    const cipher = this.#cipher ?? (await this.#begin(emit));
    await this.#seal(cipher, this.#segments.finish(), true, emit);
  }

  release(): void {
    this.#released = true;
    this.#lease?.release();
  }

  async #begin(emit: Emit): Promise<SegmentCipher> {
    const lease = await held(this.#obtain(), () => this.#released);
    this.#lease = lease;
    const { commitment, wrapped, stream } = lease.key;
    const bound = { suite: STREAM, key: this.#key, commitment } as const;
    const associated = associatedData(encodeBound(bound), this.#context);
    const cipher = await SegmentCipher.create(stream, associated);
    this.#cipher = cipher;
    const header = encodeHeader({ ...bound, wrappedKey: wrapped });
    await emit(async () => concat(header, cipher.head));
    return cipher;
  }

  async #seal(cipher: SegmentCipher, segment: Bytes, last: boolean, emit: Emit): Promise<void> {
    const index = this.#index++;
    // Its length is not known beforehand: what it has used is counted as it goes.
    this.#lease?.spend(segment.length);
    await emit(() => cipher.seal(index, last, segment));
  }
}

class Decrypting implements Stage {
  readonly #segments = new Segmenter(SEGMENT - HEAD, SEGMENT);
  readonly #obtain: (header: Header) => Promise<Lease>;
  readonly #context: Context | undefined;
  #begun: Bytes = new Uint8Array();
  #lease: Lease | undefined;
  #cipher: SegmentCipher | undefined;
  #index = 0;
  #released = false;

  constructor(lease: (header: Header) => Promise<Lease>, context?: Context) {
    this.#obtain = lease;
    this.#context = context;
  }

  async write(chunk: Uint8Array, emit: Emit): Promise<void> {
    const rest = this.#cipher === undefined ? await this.#begin(piece(chunk)) : piece(chunk);
    const cipher = this.#cipher;
    if (rest === undefined || cipher === undefined) return;
    for (const segment of this.#segments.push(rest)) {
      const index = this.#index++;
      this.#lease?.spend(segment.length);
      await emit(() => cipher.open(index, false, segment));
    }
  }

  async close(emit: Emit): Promise<void> {
    const cipher = this.#cipher;
    if (cipher === undefined) throw truncated('it ends before its body');
    const index = this.#index;
    const segment = this.#segments.finish();
    this.#lease?.spend(segment.length);
    await emit(() => openLast(cipher, index, segment));
  }

  release(): void {
    this.#released = true;
    this.#lease?.release();
  }

  /** Reads the header and the head of the body; gives what comes behind once they are whole. */
  async #begin(chunk: Bytes): Promise<Bytes | undefined> {
    const begun = concat(this.#begun, chunk);
    this.#begun = begun;
    const header = parseHeader(begun);
    if (typeof header === 'number' || begun.length < header.length + HEAD) return undefined;
    const lease = await held(this.#obtain(header), () => this.#released);
    this.#lease = lease;
    const bodyAt = header.length + HEAD;
    const associated = associatedData(header.bound, this.#context);
    const head = begun.slice(header.length, bodyAt);
    this.#cipher = await SegmentCipher.open(lease.key.stream, head, associated);
    this.#begun = new Uint8Array();
    return begun.subarray(bodyAt);
  }
}

/**
 * Opens what has to be the last segment. One that is whole but says that others follow shows that
 * the stream was cut between two segments; a cut inside a segment looks like any other damage.
 */
export async function openLast(
  cipher: SegmentCipher,
  index: number,
  segment: Bytes,
): Promise<Bytes> {
  if (segment.length < TAG) throw truncated('it ends inside a segment');
  const plaintext = await cipher.tryOpen(index, true, segment);
  if (plaintext !== undefined) return plaintext;
  const wrong = await cipher.tryOpen(index, false, segment);
  if (wrong === undefined) return cipher.open(index, true, segment);
  throw truncated('its last segment is missing');
}

/** Gives a lease back at once if the stream ended while it was being got. */
async function held(lease: Promise<Lease>, isOver: () => boolean): Promise<Lease> {
  const got = await lease;
  if (isOver()) got.release();
  return got;
}

function piece(chunk: Uint8Array): Bytes {
  const bytes = readBytes(chunk, 'a chunk of the stream');
  if (bytes instanceof Uint8Array) return bytes;
  throw failure('invalid_request', 'a chunk of the stream is a Blob: write its stream');
}

function truncated(why: string): Error {
  return failure('truncated_stream', `the stream is not whole: ${why}`);
}
