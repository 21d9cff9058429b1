/** Where the module is in edge-light runtimes, whose bundlers ask for a mark at its name. */

import module from '../keyward_bg.wasm?module';

import type { WasmSource } from '../load.js';

export function find(): WasmSource {
  return module;
}
