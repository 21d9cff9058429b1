/** Public keys that verify, as JSON Web Keys give them. */

import { type Bytes, fromBase64Url } from '../bytes.js';
import { failure } from '../errors.js';
import type { MlDsaSet } from '../primitives.js';

/** The curves of ECDSA, and how many bytes a coordinate takes. */
export const CURVES = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const;

export type Curve = keyof typeof CURVES;

/** A public key, in the form its algorithm needs. */
export type PublicKey =
  | { readonly type: 'ed25519'; readonly bytes: Bytes }
  | { readonly type: 'ecdsa'; readonly curve: Curve; readonly jwk: JsonWebKey }
  | { readonly type: 'rsa'; readonly bits: number; readonly jwk: JsonWebKey }
  | { readonly type: 'ml-dsa'; readonly set: MlDsaSet; readonly bytes: Bytes };

/** The lengths of the public keys of ML-DSA (FIPS 204 table 2). */
const ML_DSA: Readonly<Record<string, readonly [MlDsaSet, number]>> = {
  'ML-DSA-44': [44, 1312],
  'ML-DSA-65': [65, 1952],
  'ML-DSA-87': [87, 2592],
};

/**
 * Reads a JSON Web Key that verifies; `undefined` when it is of a kind that does not, or that this
 * package does not know: RFC 7517 section 5 wants those ignored.
 */
export function parsePublicKey(jwk: Readonly<Record<string, unknown>>): PublicKey | undefined {
  const { kty, crv, alg, use, x, y, n, e, pub } = jwk;
  if (use !== undefined && use !== 'sig') return undefined;
  if (kty === 'OKP' && crv === 'Ed25519') return { type: 'ed25519', bytes: bytes(x, 32) };
  if (kty === 'EC' && typeof crv === 'string' && Object.hasOwn(CURVES, crv)) {
    const curve = crv as Curve;
    bytes(x, CURVES[curve]);
    bytes(y, CURVES[curve]);
    return { type: 'ecdsa', curve, jwk: { kty, crv, x: x as string, y: y as string } };
  }
  if (kty === 'RSA') {
    const modulus = bytes(n);
    bytes(e);
    const bits = 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24;
    return { type: 'rsa', bits, jwk: { kty, n: n as string, e: e as string } };
  }
  if (kty === 'AKP' && typeof alg === 'string' && Object.hasOwn(ML_DSA, alg)) {
    const [set, length] = ML_DSA[alg] as (typeof ML_DSA)[string];
    return { type: 'ml-dsa', set, bytes: bytes(pub, length) };
  }
  return undefined;
}

function bytes(text: unknown, length?: number): Bytes {
  let read: Bytes | undefined;
  try {
    if (typeof text === 'string') read = fromBase64Url(text);
  } catch {
    // Told below.
  }
  if (read !== undefined && read.length > 0 && (length ?? read.length) === read.length) return read;
  throw failure('invalid_request', 'a member of a JSON Web Key is missing or has the wrong length');
}
