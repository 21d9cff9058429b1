/** Modules of the package that it does not export, for tests of one part alone. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url));

/** Bundles these modules of `src/` into one and imports it, so that they share what they share. */
export async function source(...paths) {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-client-'));
  try {
    const outfile = join(folder, 'source.mjs');
    const contents = paths.map((path) => `export * from './${path}';`).join('\n');
    await build({
      stdin: { contents, resolveDir: SOURCES, sourcefile: 'test.ts' },
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      outfile,
    });
    return await import(pathToFileURL(outfile));
  } finally {
    await rm(folder, { recursive: true });
  }
}
