/** The entry for those who only verify: no request is sent, and nothing of the rest is loaded. */

export * from './failures.js';
export { keySet } from './public.js';
export type { Jwks } from './public.js';
export type { VerifyOptions } from './verify/algorithms.js';
export type { KeySet, VerifiedJws } from './verify/key-set.js';
export type { WasmSource } from './wasm/load.js';
export { init } from '#primitives';
