/** The primitives over the WebAssembly module, which the first call loads. */

import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { xaesOpen, xaesSeal } from '../webcrypto/xaes.js';
import { type WasmExports, call } from './load.js';

/** How the module numbers the key encapsulations. */
const KEMS = { x25519: 1, 'x-wing': 2 } as const;

/**
 * From how many bytes on WebCrypto is faster: its calls cost more each, and less for each byte. And
 * it works in a thread of its own, where the module would hold up the page.
 */
const LARGE = 2048;

/** The primitives, all of them. */
export const primitives: Primitives = {
  xaesSeal(key, nonce, aad, plaintext) {
    return plaintext.length < LARGE
      ? compute((wasm) => wasm.xaes_seal(key, nonce, aad, plaintext))
      : xaesSeal(key, nonce, aad, plaintext);
  },
  xaesOpen(key, nonce, aad, ciphertext) {
    return ciphertext.length < LARGE
      ? compute((wasm) => wasm.xaes_open(key, nonce, aad, ciphertext))
      : xaesOpen(key, nonce, aad, ciphertext);
  },
  ed25519Verify(publicKey, message, signature) {
    return verify((wasm) => wasm.ed25519_verify(publicKey, message, signature));
  },
  mlDsaVerify(set, publicKey, message, context, signature) {
    return verify((wasm) => wasm.ml_dsa_verify(set, publicKey, message, context, signature));
  },
  hpkeSeal(kem, publicKey, aad, plaintext, seed) {
    return compute((wasm) => wasm.hpke_seal(KEMS[kem], publicKey, aad, plaintext, seed));
  },
};

/** Says in words of this package what the module says in one. */
async function compute<T>(use: (wasm: WasmExports) => T): Promise<T> {
  try {
    return await call(use);
  } catch (cause) {
    switch (word(cause)) {
      case 'authentication':
        throw failure(
          'invalid_ciphertext',
          'the ciphertext is cut or changed, or was made with another key or context',
        );
      case 'invalid_key':
        throw failure('invalid_request', 'the public key cannot be encrypted to');
      case 'invalid_length':
        throw failure('invalid_request', 'a key, a nonce or a seed has the wrong length');
      default:
        throw cause;
    }
  }
}

/** What is no key, or no signature, verifies nothing. */
async function verify(use: (wasm: WasmExports) => boolean): Promise<boolean> {
  try {
    return await call(use);
  } catch (cause) {
    if (word(cause) === 'invalid_key' || word(cause) === 'invalid_length') return false;
    throw cause;
  }
}

function word(cause: unknown): string {
  return cause instanceof Error ? cause.message : '';
}
