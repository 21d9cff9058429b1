/** The primitives over WebCrypto alone, for where WebAssembly is missing or not wanted. */

import type { Bytes } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { ed25519Verify } from './ed25519.js';
import { hpkeSeal } from './hpke.js';
import { xaesOpen, xaesSeal } from './xaes.js';

/** The primitives over WebCrypto. What it lacks fails with a WasmUnavailableError. */
export const primitives: Primitives = {
  xaesSeal,
  xaesOpen,
  ed25519Verify,
  async mlDsaVerify(set) {
    throw missing(`ML-DSA-${set}`);
  },
  async hpkeSeal(kem, publicKey, aad, plaintext, seed): Promise<Bytes> {
    if (kem !== 'x25519') throw missing('X-Wing');
    return hpkeSeal(publicKey, aad, plaintext, seed);
  },
};

function missing(algorithm: string): Error {
  return failure('wasm_unavailable', `${algorithm} needs the WebAssembly module`);
}
