/**
 * Where the segments of a stream lie: the arithmetic of Tink's AES256_GCM_HKDF_1MB.
 *
 * ```text
 * body         = length of this head (1, always 40) ‖ salt (32) ‖ nonce prefix (7) ‖ segments
 * segment      = ciphertext ‖ tag (16); 1 MiB, but the first is shorter by the head and the last
 *                as short as it comes
 * nonce (12)   = nonce prefix (7) ‖ number of the segment (4) ‖ 1 for the last, else 0 (1)
 * ```
 */

/** The length of a whole segment of ciphertext, the head counted into the first. */
export const SEGMENT = 1 << 20;
export const TAG = 16;
export const HEAD = 40;

/** How many bytes of plaintext the first segment holds, and every other. */
export const FIRST = SEGMENT - HEAD - TAG;
export const OTHER = SEGMENT - TAG;

/** A body of a known length. */
export interface Layout {
  readonly segments: number;
  readonly plaintextLength: number;
}

/** Computes the layout of a body of `length` bytes; `undefined` when no body is that long. */
export function layout(length: number): Layout | undefined {
  const segments = Math.max(1, Math.ceil(length / SEGMENT));
  const plaintextLength = length - HEAD - segments * TAG;
  const lastLength = length - (segments - 1) * SEGMENT - (segments === 1 ? HEAD : 0);
  return lastLength < TAG ? undefined : { segments, plaintextLength };
}

/** The number of the segment that holds the byte of plaintext at `offset`. */
export function segmentAt(offset: number): number {
  return offset < FIRST ? 0 : 1 + Math.floor((offset - FIRST) / OTHER);
}

/** Where segment `index` begins: in the plaintext, and in the body. */
export function segmentStart(index: number): { plaintext: number; body: number } {
  return index === 0
    ? { plaintext: 0, body: HEAD }
    : { plaintext: FIRST + (index - 1) * OTHER, body: index * SEGMENT };
}

/**
 * Cuts what comes in pieces of any size into segments of a known size.
 *
 * Only the end of the input tells which segment is the last, so a full one is given out when the
 * byte after it has come. A segment that lies whole inside one piece is not copied: whoever takes
 * it reads it before asking for the next.
 */
export class Segmenter {
  #size: number;
  readonly #other: number;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  constructor(first: number, other: number) {
    this.#size = first;
    this.#other = other;
  }

  /** Takes a piece, and gives the segments that it completes. */
  *push(piece: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
    let rest = piece;
    while (this.#length + rest.length > this.#size) {
      const room = this.#size - this.#length;
      if (this.#length === 0) {
        yield rest.subarray(0, room);
      } else {
        this.#keep(rest.subarray(0, room));
        yield this.#take();
      }
      rest = rest.subarray(room);
      this.#size = this.#other;
    }
    this.#keep(rest);
  }

  /** Gives the last segment, which may be empty. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#take();
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    const needed = this.#length + bytes.length;
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      // Doubled, so that a short stream takes little and one of single bytes is not copied over
      // and over; never beyond a segment.
      const grown = new Uint8Array(Math.min(this.#other, Math.max(needed, 2 * this.#length, 4096)));
      if (this.#buffer !== undefined) grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  #take(): Uint8Array<ArrayBuffer> {
    const taken = (this.#buffer ?? new Uint8Array()).subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
