/**
 * The WebAssembly module: found, compiled and started by the first call that needs it.
 *
 * `primitives.ts` computes over it; nothing else calls into it.
 */

import * as glue from '#glue';
import { find } from '#source';

import { isA } from '../bytes.js';
import { failure } from '../errors.js';

/** Where the module comes from. */
export type WasmSource = string | URL | Response | BufferSource | WebAssembly.Module;

/**
 * The functions of the module.
 *
 * @internal
 */
export type WasmExports = typeof functions;

/** By their names, so that a bundler drops the glue's own ways to load. */
const functions = {
  ed25519_verify: glue.ed25519_verify,
  hpke_seal: glue.hpke_seal,
  ml_dsa_verify: glue.ml_dsa_verify,
  xaes_open: glue.xaes_open,
  xaes_seal: glue.xaes_seal,
};

/** What `abi()` of the module must say, so that a file of another release is not called. */
const ABI = 1;

let started: Promise<void> | undefined;

/**
 * Loads the module now, or from elsewhere than beside the package. Further calls wait for the same
 * start; one that failed can be tried again.
 *
 * @throws {WasmUnavailableError} The module cannot be loaded, for example because the Content
 * Security Policy of the page lacks `'wasm-unsafe-eval'`.
 */
export function init(source?: WasmSource): Promise<void> {
  started ??= start(source).catch((cause: unknown) => {
    started = undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the WebAssembly module could not be loaded: ${why}`;
    throw failure('wasm_unavailable', message, { cause });
  });
  return started;
}

/**
 * Calls into the module, loading it first.
 *
 * @throws {WasmUnavailableError} It cannot be loaded.
 * @throws {WasmTrapError} It failed inside. Its memory may be in disorder, so it is left behind.
 *
 * @internal
 */
export async function call<T>(use: (wasm: WasmExports) => T): Promise<T> {
  await init();
  try {
    return use(functions);
  } catch (cause) {
    if (!isTrap(cause)) throw cause;
    glue.__wbg_reset_state();
    throw failure('wasm_trap', `the WebAssembly module failed: ${cause.message}`, { cause });
  }
}

/** A stack that overflows in the module is a trap too, by another name. */
function isTrap(cause: unknown): cause is Error {
  return cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError;
}

async function start(source: WasmSource | undefined): Promise<void> {
  glue.initSync({ module: await compile(source ?? (await find())) });
  if (glue.abi() !== ABI) throw new Error('it is of another release than this script');
}

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (typeof source === 'string' || source instanceof URL) return compile(await fetch(source));
  if (!(source instanceof Response)) {
    // The sandboxes of edge-light give modules of another realm, and the glue wants one of this.
    return isA(source, 'WebAssembly.Module')
      ? Object.setPrototypeOf(source, WebAssembly.Module.prototype)
      : WebAssembly.compile(source as BufferSource);
  }
  if (!source.ok) throw new Error(`${source.url} answers with status ${source.status}`);
  // Only this type may be compiled while it comes.
  return source.headers.get('Content-Type') === 'application/wasm'
    ? WebAssembly.compileStreaming(source)
    : WebAssembly.compile(await source.arrayBuffer());
}
