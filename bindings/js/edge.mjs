/** The package in workerd and its like, which compile modules only at deployment. */

import module from './pkg/keyward_bg.wasm';

import { start } from './client.mjs';

export { Keyward } from './client.mjs';
export * from './errors.mjs';

export function init(source) {
  return start(() => source ?? module);
}
