/** What a page has to download. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';

/** Limits of the module and of all of the package's JavaScript, compressed as a server would. */
const MODULE_LIMIT = 120 * 1024;
const SCRIPT_LIMIT = 8 * 1024;

test('the package stays small', async (t) => {
  const module = await read('pkg/keyward_bg.wasm');
  const names = ['browser.mjs', 'client.mjs', 'errors.mjs', 'failure.mjs', 'pkg/keyward.js'];
  const scripts = Buffer.concat(await Promise.all(names.map(read)));
  const [packedModule, packedScripts] = [module, scripts].map((bytes) => {
    return brotliCompressSync(bytes).length;
  });
  t.diagnostic(`module: ${module.length} bytes, ${packedModule} in brotli`);
  t.diagnostic(`JavaScript: ${scripts.length} bytes, ${packedScripts} in brotli`);
  assert.ok(packedModule <= MODULE_LIMIT);
  assert.ok(packedScripts <= SCRIPT_LIMIT);
});

function read(name) {
  return readFile(new URL(`../${name}`, import.meta.url));
}
