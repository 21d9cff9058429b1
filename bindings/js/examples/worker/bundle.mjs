/** Puts a worker and the package into modules for workerd, as `wrangler` does. */

import { basename } from 'node:path';

import { build } from 'esbuild';

/** Bundles `entry` into `folder`; gives the list of its modules for the configuration. */
export async function bundle(entry, folder) {
  const { metafile } = await build({
    entryPoints: { worker: entry },
    outdir: folder,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker'],
    // workerd compiles a module before it runs, and never within.
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    metafile: true,
    logLevel: 'warning',
  });
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  // The worker itself comes first.
  names.sort((left) => (left === 'worker.js' ? -1 : 1));
  const modules = names.map((name) => {
    const kind = name.endsWith('.wasm') ? 'wasm' : 'esModule';
    return `(name = "${name}", ${kind} = embed "${name}")`;
  });
  return `[${modules.join(', ')}]`;
}
