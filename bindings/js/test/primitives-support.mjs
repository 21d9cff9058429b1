/** Every implementation of the primitives, for suites that run over all of them. */

import { randomBytes } from 'node:crypto';

import { source } from './source.mjs';

const { primitives } = await source('webcrypto/primitives.ts');

export const implementations = { WebCrypto: primitives };

/** Random bytes. */
export function random(length) {
  return new Uint8Array(randomBytes(length));
}

/** Bytes from hexadecimal. */
export function hex(text) {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
