/** What needs public keys alone, and no server: verification, and encryption to a public key. */

import { primitives } from '#primitives';

import { PublicKeyEncrypter, type RecipientKey } from './hpke.js';
import { KeySet } from './verify/key-set.js';

/** A JSON Web Key Set (RFC 7517), as `GET MOUNT/keys/NAME/jwks` answers it. */
export type Jwks = string | { readonly keys: readonly object[] };

/** Reads public keys that verify signatures. */
export function keySet(jwks: Jwks): KeySet {
  return KeySet.parse(jwks, primitives);
}

/** Takes a public key to encrypt to: one that is given, or the newest of a set. */
export function publicKeyEncrypter(key: RecipientKey | Jwks): PublicKeyEncrypter {
  return typeof key === 'object' && 'publicKey' in key
    ? new PublicKeyEncrypter(key, primitives)
    : PublicKeyEncrypter.fromJwks(key, primitives);
}
