/** The package in a browser, or wherever `fetch` reaches the files beside this one. */

import { start } from './client.mjs';

export { Keyward } from './client.mjs';
export * from './errors.mjs';

export function init(source) {
  return start(() => source ?? new URL('./pkg/keyward_bg.wasm', import.meta.url));
}
