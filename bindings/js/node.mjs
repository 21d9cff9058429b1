/** The package in Node, Deno and Bun, which read the module from disk. */

import { readFile } from 'node:fs/promises';

import { start } from './client.mjs';

export { Keyward } from './client.mjs';
export * from './errors.mjs';

export function init(source) {
  return start(() => source ?? readFile(new URL('./pkg/keyward_bg.wasm', import.meta.url)));
}
