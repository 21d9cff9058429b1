/** Verification with one public key, algorithm by algorithm. */

import type { Bytes } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { unsupported } from '../webcrypto/unsupported.js';
import { ecdsaSignature } from './der.js';
import { CURVES, type PublicKey } from './public-key.js';

/** How a signature was made, in the words of transit's sign; left out, as it is there. */
export interface VerifyOptions {
  /** The hash, for ECDSA and RSA: `sha2-256` unless given. */
  readonly hashAlgorithm?: string;
  /** How RSA signs: `pss` unless given. */
  readonly signatureAlgorithm?: 'pss' | 'pkcs1v15';
  /** How the signature is written: `asn1` unless given. */
  readonly marshalingAlgorithm?: 'asn1' | 'jws';
  /**
   * The length of the salt of RSA-PSS: `auto` unless given, which takes the longest and one as
   * long as the hash. Of other lengths WebCrypto has to be told.
   */
  readonly saltLength?: 'auto' | 'hash' | number;
  /** The context string of ML-DSA. */
  readonly signatureContext?: Bytes;
  /** Whether `data` is a digest; WebCrypto cannot verify one. */
  readonly prehashed?: boolean;
}

/** The hashes that WebCrypto has, and their lengths. */
const HASHES: Readonly<Record<string, readonly [string, number]>> = {
  sha1: ['SHA-1', 20],
  'sha2-256': ['SHA-256', 32],
  'sha2-384': ['SHA-384', 48],
  'sha2-512': ['SHA-512', 64],
};

/** Says whether `signature` is one of `data`. What is not even the form of one is none. */
export async function verifyWith(
  key: PublicKey,
  data: Bytes,
  signature: Bytes,
  options: VerifyOptions,
  primitives: Primitives,
): Promise<boolean> {
  const { prehashed, signatureContext } = options;
  if (prehashed) throw unsupported('verification of a digest');
  if (key.type === 'ml-dsa') {
    const { set, bytes } = key;
    const context = signatureContext ?? new Uint8Array();
    return primitives.mlDsaVerify(set, bytes, data, context, signature);
  }
  // Silently left out, it would verify another signature than was asked about.
  if (signatureContext !== undefined) throw unsupported(`${key.type} with a context`);
  if (key.type === 'ed25519') return primitives.ed25519Verify(key.bytes, data, signature);
  const [hash, hashLength] = hashOf(options.hashAlgorithm);
  if (key.type === 'ecdsa') {
    const width = CURVES[key.curve];
    const raw =
      options.marshalingAlgorithm === 'jws' ? signature : ecdsaSignature(signature, width);
    if (raw?.length !== 2 * width) return false;
    return ecdsa(key, hash, raw, data);
  }
  if (options.signatureAlgorithm === 'pkcs1v15') {
    return rsa(key.jwk, { name: 'RSASSA-PKCS1-v1_5', hash }, [undefined], signature, data);
  }
  const lengths = saltLengths(options.saltLength, key.bits, hashLength);
  return rsa(key.jwk, { name: 'RSA-PSS', hash }, lengths, signature, data);
}

async function ecdsa(
  { curve, jwk }: PublicKey & { type: 'ecdsa' },
  hash: string,
  signature: Bytes,
  data: Bytes,
): Promise<boolean> {
  const key = await imported(jwk, { name: 'ECDSA', namedCurve: curve }, `ECDSA on ${curve}`);
  return crypto.subtle.verify({ name: 'ECDSA', hash }, key, signature, data);
}

async function rsa(
  jwk: JsonWebKey,
  how: RsaHashedImportParams & { hash: string },
  saltLengths: readonly (number | undefined)[],
  signature: Bytes,
  data: Bytes,
): Promise<boolean> {
  const key = await imported(jwk, how, `${how.name} with ${how.hash}`);
  for (const saltLength of saltLengths) {
    const algorithm = saltLength === undefined ? how.name : { name: how.name, saltLength };
    if (await crypto.subtle.verify(algorithm, key, signature, data)) return true;
  }
  return false;
}

async function imported(
  jwk: JsonWebKey,
  algorithm: EcKeyImportParams | RsaHashedImportParams,
  called: string,
): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
  } catch (cause) {
    if ((cause as Error).name === 'NotSupportedError') throw unsupported(called, cause);
    throw failure('invalid_request', 'a public key of the set is none', { cause });
  }
}

/** Reads the name of a hash. */
function hashOf(name = 'sha2-256'): readonly [string, number] {
  const found = Object.hasOwn(HASHES, name) ? HASHES[name] : undefined;
  if (found === undefined) throw unsupported(`hash ${name}`);
  return found;
}

/** The lengths to try; none that the modulus has no room for (RFC 8017 section 9.1.1). */
function saltLengths(
  asked: VerifyOptions['saltLength'],
  bits: number,
  hashLength: number,
): number[] {
  const longest = Math.ceil((bits - 1) / 8) - hashLength - 2;
  const lengths =
    asked === undefined || asked === 'auto'
      ? [longest, hashLength]
      : [asked === 'hash' ? hashLength : asked];
  return [...new Set(lengths)].filter((length) => length >= 0 && length <= longest);
}
