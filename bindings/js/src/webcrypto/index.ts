/** The primitives of the build without WebAssembly. */

export { primitives } from './primitives.js';

/** There is nothing to load; it is here so that a program need not know which build it has. */
export async function init(_source?: unknown): Promise<void> {}
