/** Verification on this side, with public keys that were read before: no server is asked. */

import { type Bytes, type BytesLike, equal, fromBase64, fromBase64Url, toBytes } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { type VerifyOptions, verifyWith } from './algorithms.js';
import { jwsOptions, parseJws } from './jws.js';
import { type PublicKey, parsePublicKey } from './public-key.js';

/** A JSON Web Signature that was verified. */
export interface VerifiedJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Bytes;
}

interface NamedKey {
  readonly key: PublicKey;
  /** The one algorithm of JSON Web Signatures that the key is for, if it says so. */
  readonly alg: unknown;
}

/** The public keys of the versions of one named key, or of several. */
export class KeySet {
  readonly #keys: ReadonlyMap<string, NamedKey>;
  readonly #primitives: Primitives;

  private constructor(keys: Map<string, NamedKey>, primitives: Primitives) {
    this.#keys = keys;
    this.#primitives = primitives;
  }

  /**
   * Reads a JSON Web Key Set (RFC 7517), as `GET MOUNT/keys/NAME/jwks` answers it. Keys that do not
   * verify are passed over.
   */
  static parse(
    jwks: string | { readonly keys: readonly object[] },
    primitives: Primitives,
  ): KeySet {
    const { keys } = readSet(jwks);
    const read = new Map<string, NamedKey>();
    for (const jwk of keys) {
      const members = jwk as Record<string, unknown>;
      const { kid, alg } = members;
      const key = parsePublicKey(members);
      if (key === undefined) continue;
      if (typeof kid !== 'string') throw failure('invalid_request', 'a key of the set has no kid');
      if (read.has(kid)) throw failure('invalid_request', `two keys of the set are called ${kid}`);
      read.set(kid, { key, alg });
    }
    if (read.size === 0) throw failure('invalid_request', 'no key of the set verifies signatures');
    return new KeySet(read, primitives);
  }

  /** The names of the keys: `NAME:vN` for version N of a named key. */
  get kids(): string[] {
    return [...this.#keys.keys()];
  }

  /**
   * Says whether `signature` is one of `data`: in Vault's form (`vault:vN:…`), or a JSON Web
   * Signature, whose payload has to be `data` and which needs no options.
   *
   * A version that the set lacks fails with a KeyVersionError: the key may have been rotated after
   * the set was read.
   */
  async verify(data: BytesLike, signature: string, options: VerifyOptions = {}): Promise<boolean> {
    const bytes = await toBytes(data);
    if (!signature.startsWith('vault:')) {
      const payload = await this.#payload(signature);
      return payload !== undefined && equal(payload, bytes);
    }
    const [, version, text] = /^vault:v([1-9][0-9]*):(.*)$/s.exec(signature) ?? [];
    const read = decode(text ?? '', options.marshalingAlgorithm);
    if (version === undefined || read === undefined) return false;
    const { key } = this.#ofVersion(version);
    return verifyWith(key, bytes, read, options, this.#primitives);
  }

  /** Verifies a JSON Web Signature and gives what it holds. */
  async verifyJws(text: string): Promise<VerifiedJws> {
    const payload = await this.#payload(text);
    if (payload === undefined) throw failure('integrity', 'the signature is false');
    const { header } = parseJws(text) as VerifiedJws;
    return { header, payload };
  }

  async #payload(text: string): Promise<Bytes | undefined> {
    const jws = parseJws(text);
    if (jws === undefined) return undefined;
    const { alg, kid } = jws.header;
    const named = typeof kid === 'string' ? this.#keys.get(kid) : this.#only();
    if (named === undefined) throw unknown(`the key ${JSON.stringify(kid)}`);
    if (named.alg !== undefined && named.alg !== alg) return undefined;
    const options = jwsOptions(named.key, alg);
    if (options === undefined) return undefined;
    const { signed, signature, payload } = jws;
    const verified = await verifyWith(named.key, signed, signature, options, this.#primitives);
    return verified ? payload : undefined;
  }

  #ofVersion(version: string): NamedKey {
    const found = this.kids.filter((kid) => kid.endsWith(`:v${version}`));
    if (found.length > 1) {
      throw failure('invalid_request', 'Vault signatures need a set of one named key');
    }
    const named = found[0] === undefined ? undefined : this.#keys.get(found[0]);
    if (named === undefined) throw unknown(`version ${version} of the key`);
    return named;
  }

  /** The key of a set of one, which a signature need not name. */
  #only(): NamedKey | undefined {
    const [first, second] = this.#keys.values();
    return second === undefined ? first : undefined;
  }
}

function readSet(jwks: string | object): { keys: object[] } {
  try {
    const set: unknown = typeof jwks === 'string' ? JSON.parse(jwks) : jwks;
    const { keys } = set as { keys: unknown };
    if (Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)) {
      return { keys };
    }
  } catch {
    // Told below.
  }
  throw failure('invalid_request', 'this is no JSON Web Key Set');
}

/** Decodes the bytes of a signature. */
function decode(text: string, marshaling: VerifyOptions['marshalingAlgorithm']): Bytes | undefined {
  try {
    return marshaling === 'jws' ? fromBase64Url(text) : fromBase64(text);
  } catch {
    return undefined;
  }
}

function unknown(what: string): Error {
  return failure('key_version', `the key set does not hold ${what}`);
}
