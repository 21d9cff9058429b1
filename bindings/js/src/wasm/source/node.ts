/** Where the module is in Node, Deno and Bun, which read it from disk. */

import { readFile } from 'node:fs/promises';

import type { WasmSource } from '../load.js';

export function find(): Promise<WasmSource> {
  return readFile(new URL('../keyward_bg.wasm', import.meta.url));
}
