/**
 * Builds `dist/`: one folder for each way in which a runtime finds the WebAssembly module, the
 * module itself, and the types.
 *
 * Within a folder the entries share chunks, so that an error is of one class whichever entry threw
 * it. `cargo xtask wasm` has written module and glue to `pkg/` before.
 */

import { execFile } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { build } from 'esbuild';

/** The folders, and where the module is from there. */
const FLAVOURS = ['browser', 'edge-light', 'inline', 'node', 'workerd'];

const ENTRIES = { index: 'src/index.ts' };

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
await rm('dist', { recursive: true, force: true });
await Promise.all([...FLAVOURS.map(flavour), types()]);
await copyFile('pkg/keyward_bg.wasm', 'dist/keyward_bg.wasm');

async function flavour(name) {
  await build({
    entryPoints: ENTRIES,
    outdir: `dist/${name}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    alias: {
      '#glue': './pkg/keyward.js',
      '#inline': './pkg/keyward_bg.wasm',
      '#source': `./src/wasm/source/${name}.ts`,
    },
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
