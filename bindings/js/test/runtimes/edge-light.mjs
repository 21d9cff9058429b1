/**
 * edge-light: the contract in a function of `edge-runtime`, bundled as its tools do, with the module
 * compiled before and no code made within.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { EdgeRuntime } from 'edge-runtime';
import { build } from 'esbuild';

import { lines } from './program.mjs';

/** Runs the contract; gives what the function told. */
export async function visit(world) {
  const module = await WebAssembly.compile(
    await readFile(new URL('../../dist/keyward_bg.wasm', import.meta.url)),
  );
  const runtime = new EdgeRuntime({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { KEYWARD_MODULE: module }),
    initialCode: await bundle(),
  });
  const response = await runtime.dispatchFetch('https://edge.example/', {
    method: 'POST',
    body: JSON.stringify(world),
  });
  const [about, ...results] = lines(await response.text());
  const { version } = createRequire(import.meta.url)('edge-runtime/package.json');
  return { version, loadMs: about.loadMs, results };
}

/** One script, in which the module has the name that the runtime gives it. */
async function bundle() {
  const modules = {
    name: 'modules',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, namespace: 'module' }));
      onLoad({ filter: /.*/, namespace: 'module' }, () => ({
        contents: 'export default KEYWARD_MODULE;',
      }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('function.mjs', import.meta.url))],
    bundle: true,
    format: 'iife',
    conditions: ['edge-light'],
    plugins: [modules],
    write: false,
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}
