/** The primitives of the build with WebAssembly, and what loads it. */

export { init } from './load.js';
export { primitives } from './primitives.js';
