/**
 * The WebAssembly module and its glue, as `cargo xtask wasm` writes them to `pkg/`: the crate
 * `wasm-client`. Everything is passed in, and nothing here waits.
 *
 * Failures are thrown as an `Error` with one word: `invalid_length`, `invalid_key` or
 * `authentication`.
 */

/** Makes the one instance. */
export function initSync(source: { module: WebAssembly.Module }): unknown;

/** Drops the instance and makes another of the same module. */
export function __wbg_reset_state(): void;

/** The version of these functions. */
export function abi(): number;

export function xaes_seal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array<ArrayBuffer>;

export function xaes_open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer>;

export function ed25519_verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean;

/** `set` is 44, 65 or 87. */
export function ml_dsa_verify(
  set: number,
  publicKey: Uint8Array,
  message: Uint8Array,
  context: Uint8Array,
  signature: Uint8Array,
): boolean;

/** `kem` is 1 for X25519 and 2 for X-Wing. */
export function hpke_seal(
  kem: number,
  publicKey: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  seed: Uint8Array,
): Uint8Array<ArrayBuffer>;
