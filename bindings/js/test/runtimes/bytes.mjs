/** What a runtime loads of the package. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

import { build } from 'esbuild';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The bytes of all files that the default entry reaches under these conditions, the module among
 * them, each in brotli as a server would send it.
 */
export async function bytes(conditions) {
  const { metafile } = await build({
    stdin: { contents: "import '@keyward/client'; import '@keyward/client/keyward_bg.wasm';", resolveDir: PACKAGE },
    absWorkingDir: PACKAGE,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    conditions,
    external: ['node:*', '*.wasm?module'],
    loader: { '.wasm': 'copy' },
    outdir: 'nowhere',
    metafile: true,
    write: false,
    ignoreAnnotations: true,
    logLevel: 'error',
  });
  const paths = Object.keys(metafile.inputs).filter((path) => path !== '<stdin>');
  const files = await Promise.all(paths.map((path) => readFile(`${PACKAGE}${path}`)));
  return files.reduce((sum, file) => sum + brotliCompressSync(file).length, 0);
}
