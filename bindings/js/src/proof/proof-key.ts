/** The key of this client, whose private half no script can read. */

import type { Bytes } from '../bytes.js';
import { failure } from '../errors.js';
import { unsupported } from '../webcrypto/unsupported.js';
import { deletePair, loadPair, storePair } from './store.js';
import { thumbprint } from './thumbprint.js';

export type ProofAlgorithm = 'ed25519' | 'p256';

/** Where a key is kept. */
export interface ProofKeyOptions {
  /** `ed25519`, or where the runtime lacks it `p256`, unless given. */
  readonly alg?: ProofAlgorithm;
  /** `memory`, where it ends with the page, unless given. */
  readonly persist?: 'indexeddb' | 'memory';
  /** Under which name it is kept in IndexedDB; `default` unless given. */
  readonly name?: string;
}

/** How WebCrypto and RFC 9421 call the algorithms. */
const ALGORITHMS = {
  ed25519: { key: { name: 'Ed25519' }, sign: { name: 'Ed25519' }, label: 'ed25519' },
  p256: {
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    sign: { name: 'ECDSA', hash: 'SHA-256' },
    label: 'ecdsa-p256-sha256',
  },
} as const;

/** A key pair that proves who sends a request. A token that is bound to it is worthless alone. */
export class ProofKey {
  /** The name of the key: its RFC 7638 thumbprint, which a bound token shows as `cnf.jkt`. */
  readonly thumbprint: string;
  /** The public half, for `client_key` of `auth/token/create`. */
  readonly publicJwk: Readonly<JsonWebKey>;
  readonly alg: ProofAlgorithm;
  readonly #privateKey: CryptoKey;

  private constructor(
    alg: ProofAlgorithm,
    privateKey: CryptoKey,
    publicJwk: JsonWebKey,
    name: string,
  ) {
    this.alg = alg;
    this.#privateKey = privateKey;
    this.publicJwk = Object.freeze(publicJwk);
    this.thumbprint = name;
  }

  /** Makes a new key. In IndexedDB it takes the place of one of the same name. */
  static async generate(options: ProofKeyOptions = {}): Promise<ProofKey> {
    const { alg, persist = 'memory', name = 'default' } = options;
    const pair = await generatePair(alg);
    const key = await ProofKey.fromPair(pair);
    if (persist === 'indexeddb') await storePair(name, pair);
    return key;
  }

  /** Takes a key from IndexedDB; `undefined` when there is none of that name. */
  static async load(name = 'default'): Promise<ProofKey | undefined> {
    const pair = await loadPair(name);
    return pair && ProofKey.fromPair(pair);
  }

  /** Deletes a key from IndexedDB. */
  static delete(name = 'default'): Promise<void> {
    return deletePair(name);
  }

  /** Uses a pair that the caller made and keeps. Its private half should not be extractable. */
  static async fromPair({ privateKey, publicKey }: CryptoKeyPair): Promise<ProofKey> {
    const { name } = privateKey.algorithm;
    const { namedCurve } = privateKey.algorithm as EcKeyAlgorithm;
    const alg = name === 'Ed25519' ? 'ed25519' : 'p256';
    if (alg === 'p256' && (name !== 'ECDSA' || namedCurve !== 'P-256')) {
      throw failure('invalid_request', 'a proof key is of Ed25519 or of ECDSA on P-256');
    }
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
    const jwk = { kty, crv, x, ...(alg === 'p256' && { y }) } as JsonWebKey;
    return new ProofKey(alg, privateKey, jwk, await thumbprint(jwk));
  }

  /** The name of the algorithm in RFC 9421. */
  get signatureAlgorithm(): string {
    return ALGORITHMS[this.alg].label;
  }

  /** Signs: 64 bytes, of ECDSA `r ‖ s`. */
  async sign(data: Bytes): Promise<Bytes> {
    const how = ALGORITHMS[this.alg].sign;
    return new Uint8Array(await crypto.subtle.sign(how, this.#privateKey, data));
  }
}

async function generatePair(alg: ProofAlgorithm | undefined): Promise<CryptoKeyPair> {
  const usages: KeyUsage[] = ['sign', 'verify'];
  const generate = (of: ProofAlgorithm) =>
    crypto.subtle.generateKey(ALGORITHMS[of].key, false, usages) as Promise<CryptoKeyPair>;
  try {
    return await generate(alg ?? 'ed25519');
  } catch (cause) {
    if (alg !== undefined) throw unsupported(alg, cause);
    return generate('p256');
  }
}
