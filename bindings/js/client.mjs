/** What the entries for browsers, Node and edge runtimes share. */

import load, { Keyward as Client } from './pkg/keyward.js';
import { failure } from './failure.mjs';

let started;
let ready = false;

/**
 * Loads the module that `find` gives, once; a start that failed can be tried again.
 *
 * Nothing runs before it: importing the package only defines what stands here.
 */
export function start(find) {
  started ??= Promise.resolve()
    .then(() => find())
    .then((source) => load({ module_or_path: source }))
    .then(
      () => {
        ready = true;
      },
      (cause) => {
        started = undefined;
        const message = `the WebAssembly module could not be loaded: ${cause?.message ?? cause}`;
        throw failure('wasm_unavailable', message, undefined, undefined, cause);
      },
    );
  return started;
}

/** Calls one server with one token. */
export class Keyward extends Client {
  constructor(options = {}) {
    if (!ready) {
      throw failure('not_initialized', 'call `await init()` once before anything else');
    }
    super(options);
  }
}
