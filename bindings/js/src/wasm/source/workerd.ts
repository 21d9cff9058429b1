/** Where the module is in workerd, which compiles modules only at deployment. */

import module from '../keyward_bg.wasm';

import type { WasmSource } from '../load.js';

export function find(): WasmSource {
  return module;
}
