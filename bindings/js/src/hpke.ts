/**
 * Encryption to a public key of the server: who has it needs no token, and cannot decrypt.
 *
 * It is HPKE (RFC 9180) as the key types `hpke-x25519` and `hpke-xwing` have it, so the server
 * decrypts what is made here like any ciphertext.
 */

import {
  type Bytes,
  type BytesLike,
  copyBytes,
  fromBase64,
  fromBase64Url,
  toBase64,
  utf8,
} from './bytes.js';
import { type Context, canonical } from './envelope/context.js';
import { failure } from './errors.js';
import type { Kem, Primitives } from './primitives.js';

/** The key types that encrypt to a public half. */
export type PublicKeyType = 'hpke-x25519' | 'hpke-xwing';

/** A public half and where it belongs. */
export interface RecipientKey {
  readonly type: PublicKeyType;
  /** The version of the named key. */
  readonly version: number;
  /** 32 bytes of X25519, or 1216 of X-Wing; or their Base64, as `GET MOUNT/keys/NAME` shows it. */
  readonly publicKey: Bytes | string;
}

/** What `encrypt` takes besides. */
export interface PublicEncryptOptions {
  /** Names and values that have to be the same when decrypting; sent then as `associated_data`. */
  readonly context?: Context;
  /** The same as bytes, instead. */
  readonly associatedData?: BytesLike;
}

/** The KEM of a key type, the length of its public keys, and of the randomness that it takes. */
const TYPES: Readonly<Record<PublicKeyType, readonly [Kem, number, number]>> = {
  'hpke-x25519': ['x25519', 32, 32],
  'hpke-xwing': ['x-wing', 1216, 64],
};

/** Encrypts to one version of one named key. */
export class PublicKeyEncrypter {
  readonly #kem: Kem;
  readonly #seedLength: number;
  readonly #publicKey: Bytes;
  readonly #version: number;
  readonly #primitives: Primitives;

  constructor({ type, version, publicKey }: RecipientKey, primitives: Primitives) {
    const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (known === undefined) throw failure('invalid_request', `${type} keys have no HPKE`);
    const [kem, length, seedLength] = known;
    const bytes = typeof publicKey === 'string' ? decoded(publicKey) : publicKey.slice();
    if (bytes?.length !== length || !(version >= 1)) {
      throw failure('invalid_request', `this is no public key of type ${type} with its version`);
    }
    [this.#kem, this.#seedLength, this.#publicKey] = [kem, seedLength, bytes];
    [this.#version, this.#primitives] = [version, primitives];
  }

  /** Takes the latest version from the answer to `GET MOUNT/keys/NAME`, or its `data`. */
  static fromKey(answer: object, primitives: Primitives): PublicKeyEncrypter {
    const data = ('data' in answer ? answer.data : answer) as Record<string, unknown>;
    const { type, keys, latest_version: version } = data;
    const entry = (keys as Record<string, Record<string, unknown>> | undefined)?.[`${version}`];
    const publicKey = entry?.['public_key'];
    if (typeof publicKey !== 'string')
      throw failure('invalid_request', 'this key shows no public half');
    const key = { type: type as PublicKeyType, version: version as number, publicKey };
    return new PublicKeyEncrypter(key, primitives);
  }

  /**
   * Takes the latest version from `GET MOUNT/keys/NAME/jwks`, which needs no token. Keys of X-Wing
   * have no JSON Web Key yet.
   */
  static fromJwks(
    jwks: string | { readonly keys: readonly object[] },
    primitives: Primitives,
  ): PublicKeyEncrypter {
    let latest: RecipientKey | undefined;
    const { keys } = (typeof jwks === 'string' ? JSON.parse(jwks) : jwks) as { keys: object[] };
    for (const jwk of keys) {
      const { kty, crv, x, use, kid } = jwk as Record<string, string | undefined>;
      if (kty !== 'OKP' || crv !== 'X25519' || (use ?? 'enc') !== 'enc') continue;
      const version = Number(/:v([1-9][0-9]*)$/.exec(kid ?? '')?.[1]);
      if (version > (latest?.version ?? 0)) {
        latest = { type: 'hpke-x25519', version, publicKey: fromBase64Url(x ?? '') };
      }
    }
    if (latest === undefined) {
      throw failure('invalid_request', 'no key of the set encrypts: there is none of X25519');
    }
    return new PublicKeyEncrypter(latest, primitives);
  }

  /** Encrypts: `vault:vN:…`. */
  async encrypt(data: BytesLike, options: PublicEncryptOptions = {}): Promise<string> {
    const { context, associatedData } = options;
    if (context !== undefined && associatedData !== undefined) {
      throw failure('invalid_request', 'give a context or associatedData, not both');
    }
    const bound = context === undefined ? (associatedData ?? '') : utf8(canonical(context));
    const [plaintext, aad] = await Promise.all([copyBytes(data), copyBytes(bound)]);
    const seed = crypto.getRandomValues(new Uint8Array(this.#seedLength));
    try {
      const { hpkeSeal } = this.#primitives;
      const sealed = await hpkeSeal(this.#kem, this.#publicKey, aad, plaintext, seed);
      return `vault:v${this.#version}:${toBase64(sealed)}`;
    } finally {
      // Who learns it can compute the ephemeral key, and with it the plaintext.
      seed.fill(0);
    }
  }
}

function decoded(text: string): Bytes | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}
