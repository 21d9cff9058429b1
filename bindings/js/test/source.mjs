/** Modules of the package that it does not export, for tests of one part alone. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));

/** Bundles these modules of `src/` into one and imports it, so that they share what they share. */
export async function source(...paths) {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-client-'));
  try {
    const file = join(folder, 'source.mjs');
    await writeFile(file, await bundle(...paths));
    return await import(pathToFileURL(file));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The text of such a bundle. */
export async function bundle(...paths) {
  const contents = paths.map((path) => `export * from './${path}';`).join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: `${PACKAGE}src`, sourcefile: 'test.ts' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    alias: {
      '#glue': `${PACKAGE}pkg/keyward.js`,
      '#source': `${PACKAGE}src/wasm/source/node.ts`,
    },
    external: ['node:*'],
    write: false,
  });
  return outputFiles[0].text;
}
