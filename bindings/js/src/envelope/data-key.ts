/** One data key, in the form that its suite needs. */

import { type Bytes, concat, utf8 } from '../bytes.js';
import { failure } from '../errors.js';
import { RECORD, type Suite } from './header.js';

const LENGTH = 32;
const COMMITMENT = utf8('keyward envelope commitment v1');

/**
 * A data key and its commitment.
 *
 * A stream derives its key in WebCrypto, from one that cannot be read out. A record is too small
 * for that many calls, and its cipher takes the bytes, so they are kept until `wipe`.
 */
export class DataKey {
  readonly wrapped: string;
  /**
   * What a container commits to: HKDF-SHA-256 of the key. AES-GCM alone does not commit; a
   * ciphertext can be made that opens under two keys.
   */
  readonly commitment: Bytes;
  readonly #source: CryptoKey;
  readonly #bytes: Bytes | undefined;

  private constructor(wrapped: string, commitment: Bytes, source: CryptoKey, bytes?: Bytes) {
    this.wrapped = wrapped;
    this.commitment = commitment;
    this.#source = source;
    this.#bytes = bytes;
  }

  /** Takes over `plaintext`: the caller's bytes are wiped, now or by `wipe`. */
  static async create(suite: Suite, plaintext: Bytes, wrapped: string): Promise<DataKey> {
    if (plaintext.length !== LENGTH) {
      plaintext.fill(0);
      throw failure('invalid_ciphertext', 'the wrapped key is not a data key of 256 bits');
    }
    let kept = false;
    try {
      const source = await crypto.subtle.importKey('raw', plaintext, 'HKDF', false, [
        'deriveBits',
        'deriveKey',
      ]);
      const info = concat(COMMITMENT, Uint8Array.of(suite));
      const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
      const commitment = new Uint8Array(await crypto.subtle.deriveBits(how, source, 256));
      kept = suite === RECORD;
      return new DataKey(wrapped, commitment, source, kept ? plaintext : undefined);
    } finally {
      if (!kept) plaintext.fill(0);
    }
  }

  /** The key that streams derive theirs from. */
  get stream(): CryptoKey {
    return this.#source;
  }

  /** The bytes, for records. */
  get record(): Bytes {
    if (this.#bytes === undefined) throw new TypeError('a stream keeps no bytes of its key');
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes?.fill(0);
  }
}
