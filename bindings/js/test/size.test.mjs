/** What a page has to download, and what it need not. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

import { build } from 'esbuild';

import { bytes } from './runtimes/bytes.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** In brotli, as a server would send them. */
const MODULE_LIMIT = 45_000;
const TOTAL_LIMIT = 60 * 1024;
const VERIFY_LIMIT = 8 * 1024;

test('module and scripts together stay below 60 KiB', async (t) => {
  const module = brotliCompressSync(await readFile(`${PACKAGE}dist/keyward_bg.wasm`)).length;
  const total = await bytes(['browser']);
  t.diagnostic(`module ${module} bytes, with the scripts ${total}`);
  assert.ok(module <= MODULE_LIMIT, `the module has ${module} bytes`);
  assert.ok(total <= TOTAL_LIMIT, `all has ${total} bytes`);
});

test('who only verifies gets nothing of the rest', async (t) => {
  const text = await bundled("export { keySet } from '@keyward/client/verify';");
  t.diagnostic(`${brotliCompressSync(text).length} bytes`);
  assert.ok(brotliCompressSync(text).length <= VERIFY_LIMIT);
  assert.doesNotMatch(text, /X-Vault-Token|datakeys/);
});

test('what is not used is left out', async () => {
  const text = await bundled("export { keySet } from '@keyward/client';");
  assert.doesNotMatch(text, /X-Vault-Token|datakeys/);
});

test('every entry is found under every condition', async () => {
  const { exports } = JSON.parse(await readFile(`${PACKAGE}package.json`, 'utf8'));
  for (const name of Object.keys(exports)) {
    if (name.endsWith('.wasm')) continue;
    for (const condition of ['browser', 'bun', 'deno', 'edge-light', 'node', 'workerd', 'other']) {
      const entry = `@keyward/client${name.slice(1)}`;
      assert.match(await bundled(`export * from '${entry}';`, [condition]), /KeywardError|keyward/);
    }
  }
});

/** A program of these lines as its bundler would write it, without the module. */
async function bundled(contents, conditions = ['browser']) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: PACKAGE },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    conditions,
    external: ['node:*', '*.wasm', '*.wasm?module'],
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].text;
}
