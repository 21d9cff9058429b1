/** Every implementation of the primitives, for suites that run over all of them. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { source } from './source.mjs';

const MODULE = new URL('../pkg/keyward_bg.wasm', import.meta.url);

const [webCrypto, wasm] = await Promise.all([
  source('webcrypto/primitives.ts'),
  source('wasm/load.ts', 'wasm/primitives.ts'),
]);
await wasm.init(await readFile(MODULE));

export const implementations = { WebCrypto: webCrypto.primitives, WebAssembly: wasm.primitives };

/** Random bytes. */
export function random(length) {
  return new Uint8Array(randomBytes(length));
}

/** Bytes from hexadecimal. */
export function hex(text) {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
