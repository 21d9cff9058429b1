/**
 * Builds `dist/`: one folder for each way in which a runtime finds the WebAssembly module, the
 * module itself, and the types.
 *
 * Within a folder the entries of one program share chunks, so that an error is of one class whichever
 * entry threw it. `cargo xtask wasm` has written module and glue to `pkg/` before.
 */

import { execFile } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { build } from 'esbuild';

/** The folders whose entries load the module, each from where its runtime has it. */
const WITH_MODULE = ['browser', 'edge-light', 'inline', 'node', 'workerd'];

/** The folder whose entries do without. */
const WITHOUT_MODULE = 'no-wasm';

/** Entries of one program share chunks; a service worker is a program of its own. */
const PROGRAMS = [
  { index: 'src/index.ts', verify: 'src/verify.ts' },
  { 'service-worker': 'src/service-worker.ts' },
];

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
await rm('dist', { recursive: true, force: true });
await Promise.all([
  ...WITH_MODULE.map((name) =>
    flavour(name, {
      '#glue': './pkg/keyward.js',
      '#inline': './pkg/keyward_bg.wasm',
      '#primitives': './src/wasm/index.ts',
      '#source': `./src/wasm/source/${name}.ts`,
    }),
  ),
  flavour(WITHOUT_MODULE, { '#primitives': './src/webcrypto/index.ts' }),
  types(),
]);
await copyFile('pkg/keyward_bg.wasm', 'dist/keyward_bg.wasm');

async function flavour(name, alias) {
  await Promise.all(PROGRAMS.map((entryPoints) => program(name, entryPoints, alias)));
}

async function program(name, entryPoints, alias) {
  await build({
    entryPoints,
    outdir: `dist/${name}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    alias,
    loader: { '.wasm': 'base64' },
    external: ['node:*', '../keyward_bg.wasm', '../keyward_bg.wasm?module'],
    logLevel: 'warning',
  });
}

/** Checks the sources, and writes what they declare to `dist/types`. */
async function types() {
  const compiler = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
  await promisify(execFile)(process.execPath, [compiler, '--project', '.']).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}
