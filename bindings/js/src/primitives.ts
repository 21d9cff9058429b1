/** What the package computes outside of WebCrypto, behind one face for every way to compute it. */

import type { Bytes } from './bytes.js';

/** The parameter sets of ML-DSA (FIPS 204). */
export type MlDsaSet = 44 | 65 | 87;

/** The key encapsulations of HPKE that the server has key types for. */
export type Kem = 'x25519' | 'x-wing';

/**
 * The primitives: WebAssembly has all of them, WebCrypto some. They are loaded when a call first
 * needs them.
 */
export interface Primitives {
  /** XAES-256-GCM (C2SP): 32 bytes of key, 24 of nonce; gives ciphertext and tag. */
  xaesSeal(key: Bytes, nonce: Bytes, aad: Bytes, plaintext: Bytes): Bytes | Promise<Bytes>;
  /** Opens it; fails with an InvalidCiphertextError. */
  xaesOpen(key: Bytes, nonce: Bytes, aad: Bytes, ciphertext: Bytes): Bytes | Promise<Bytes>;
  /** Ed25519 (RFC 8032), strictly: what is not canonical does not fit. */
  ed25519Verify(
    publicKey: Bytes,
    message: Bytes,
    signature: Bytes,
  ): boolean | Promise<boolean>;
  /** ML-DSA (FIPS 204), pure. */
  mlDsaVerify(
    set: MlDsaSet,
    publicKey: Bytes,
    message: Bytes,
    context: Bytes,
    signature: Bytes,
  ): boolean | Promise<boolean>;
  /** HPKE (RFC 9180), base mode: `seed` is fresh randomness; gives `enc ‖ ciphertext`. */
  hpkeSeal(
    kem: Kem,
    publicKey: Bytes,
    aad: Bytes,
    plaintext: Bytes,
    seed: Bytes,
  ): Bytes | Promise<Bytes>;
}
