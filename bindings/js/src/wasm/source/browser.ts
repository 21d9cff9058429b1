/** Where the module is in a browser, and wherever `fetch` reaches the files of the package. */

import type { WasmSource } from '../load.js';

/** Paths are as seen from `dist/browser`; bundlers know this form and copy the file along. */
export function find(): WasmSource | Promise<WasmSource> {
  return new URL('../keyward_bg.wasm', import.meta.url);
}
