/** The segments of one stream: AES-GCM of WebCrypto, under a key that is derived for the stream. */

import { type Bytes, concat } from '../bytes.js';
import { failure } from '../errors.js';
import { HEAD } from './segments.js';

const SALT_LENGTH = 32;
const LAST_NUMBER = 0xffff_ffff;
/**
 * The most that WebCrypto of Node takes as `info`. It holds everywhere, or a stream that one
 * runtime sealed could not be opened by another.
 */
const LONGEST_INFO = 1024;

/** Seals or opens the segments of one stream. */
export class SegmentCipher {
  readonly #key: CryptoKey;
  /** What the body begins with. */
  readonly head: Bytes;

  private constructor(key: CryptoKey, head: Bytes) {
    this.#key = key;
    this.head = head;
  }

  /** Begins a new stream with fresh randomness. */
  static create(dataKey: CryptoKey, associatedData: Bytes): Promise<SegmentCipher> {
    const head = crypto.getRandomValues(new Uint8Array(HEAD));
    head[0] = HEAD;
    return SegmentCipher.#derive(dataKey, head, associatedData, 'encrypt');
  }

  /** Begins to open the stream that has this head. */
  static open(dataKey: CryptoKey, head: Bytes, associatedData: Bytes): Promise<SegmentCipher> {
    if (head[0] !== HEAD) throw failure('invalid_ciphertext', 'the body has no head of its kind');
    return SegmentCipher.#derive(dataKey, head, associatedData, 'decrypt');
  }

  static async #derive(
    dataKey: CryptoKey,
    head: Bytes,
    info: Bytes,
    usage: 'encrypt' | 'decrypt',
  ): Promise<SegmentCipher> {
    if (info.length > LONGEST_INFO) {
      throw failure('limit_exceeded', 'the key reference and the context of a stream are too long');
    }
    const salt = head.subarray(1, 1 + SALT_LENGTH);
    const key = await crypto.subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt, info },
      dataKey,
      { name: 'AES-GCM', length: 256 },
      false,
      [usage],
    );
    return new SegmentCipher(key, head);
  }

  /** Seals segment `index`. WebCrypto copies `plaintext` before this returns. */
  async seal(index: number, last: boolean, plaintext: Bytes): Promise<Bytes> {
    const iv = this.#nonce(index, last);
    return new Uint8Array(
      await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, this.#key, plaintext),
    );
  }

  /** Opens segment `index`; `undefined` when its tag is wrong. */
  async tryOpen(index: number, last: boolean, segment: Bytes): Promise<Bytes | undefined> {
    const iv = this.#nonce(index, last);
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, this.#key, segment),
      );
    } catch {
      return undefined;
    }
  }

  /** Opens segment `index`. */
  async open(index: number, last: boolean, segment: Bytes): Promise<Bytes> {
    const plaintext = await this.tryOpen(index, last, segment);
    if (plaintext !== undefined) return plaintext;
    throw failure(
      'invalid_ciphertext',
      'a segment is cut or changed, or was sealed with another key or context',
    );
  }

  #nonce(index: number, last: boolean): Bytes {
    if (index > LAST_NUMBER) throw failure('limit_exceeded', 'a stream has at most 4 PiB');
    const end = new Uint8Array(5);
    new DataView(end.buffer).setUint32(0, index);
    end[4] = last ? 1 : 0;
    return concat(this.head.subarray(1 + SALT_LENGTH), end);
  }
}
