/** Compact JSON Web Signatures (RFC 7515 section 7.1). */

import { type Bytes, fromBase64Url, utf8 } from '../bytes.js';
import type { VerifyOptions } from './algorithms.js';
import type { PublicKey } from './public-key.js';

/** A JWS that was read, and not verified yet. */
export interface Jws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Bytes;
  readonly signature: Bytes;
  /** What is signed. */
  readonly signed: Bytes;
}

/** How the algorithms of RSA and ECDSA sign (RFC 7518 section 3.1). */
const RSA: Readonly<Record<string, VerifyOptions>> = {
  PS256: { hashAlgorithm: 'sha2-256', saltLength: 'hash' },
  PS384: { hashAlgorithm: 'sha2-384', saltLength: 'hash' },
  PS512: { hashAlgorithm: 'sha2-512', saltLength: 'hash' },
  RS256: { hashAlgorithm: 'sha2-256', signatureAlgorithm: 'pkcs1v15' },
  RS384: { hashAlgorithm: 'sha2-384', signatureAlgorithm: 'pkcs1v15' },
  RS512: { hashAlgorithm: 'sha2-512', signatureAlgorithm: 'pkcs1v15' },
};
const ECDSA = {
  'P-256': ['ES256', 'sha2-256'],
  'P-384': ['ES384', 'sha2-384'],
  'P-521': ['ES512', 'sha2-512'],
} as const;

/** Reads a JWS; `undefined` when it is none, or holds what has to be understood and is not. */
export function parseJws(text: string): Jws | undefined {
  const parts = text.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const [header, payload, signature] = parts.map(fromBase64Url) as [Bytes, Bytes, Bytes];
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const read: unknown = JSON.parse(decoder.decode(header));
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return undefined;
    // Extensions that must be understood (section 4.1.11); none is.
    if ('crit' in read || 'b64' in read) return undefined;
    const signed = utf8(`${parts[0]}.${parts[1]}`);
    return { header: read as Jws['header'], payload, signature, signed };
  } catch {
    return undefined;
  }
}

/**
 * Says how a key verifies the algorithm that a header names; `undefined` when it does not. The key
 * decides: a header must not turn one kind of key into another.
 */
export function jwsOptions(key: PublicKey, alg: unknown): VerifyOptions | undefined {
  switch (key.type) {
    case 'ed25519':
      // RFC 9864 named it anew.
      return alg === 'EdDSA' || alg === 'Ed25519' ? {} : undefined;
    case 'ecdsa': {
      const [name, hashAlgorithm] = ECDSA[key.curve];
      return alg === name ? { hashAlgorithm, marshalingAlgorithm: 'jws' } : undefined;
    }
    case 'rsa':
      return typeof alg === 'string' && Object.hasOwn(RSA, alg) ? RSA[alg] : undefined;
    case 'ml-dsa':
      return alg === `ML-DSA-${key.set}` ? {} : undefined;
  }
}
