/** workerd: the contract in a worker, bundled as its tools do and compiled before it runs. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import workerd from 'workerd';

import { bundle } from '../../examples/worker/bundle.mjs';
import { lines } from './program.mjs';

const run = promisify(execFile);

/** Runs the contract; gives what the worker told. */
export async function visit(world) {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-workerd-'));
  try {
    const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));
    const config = join(folder, 'worker.capnp');
    await writeFile(config, configuration(await bundle(worker, folder)));
    const { stdout } = await run(workerd.default, ['test', config], {
      env: { ...process.env, KEYWARD_WORLD: JSON.stringify(world) },
      maxBuffer: 1 << 24,
    }).catch((error) => {
      throw new Error(`workerd failed: ${error.stderr}\n${error.stdout}`);
    });
    const { stdout: version } = await run(workerd.default, ['--version']);
    const [about, ...results] = lines(stdout);
    return { version: /[\d-]{10}/.exec(version)[0], loadMs: about.loadMs, results };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A worker with the world of the contract, which may call the servers of the tests on loopback. */
function configuration(modules) {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "contract", worker = .contract),
    (name = "internet", network = (allow = ["private"])),
  ],
);

const contract :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  bindings = [(name = "WORLD", fromEnvironment = "KEYWARD_WORLD")],
  modules = ${modules},
);
`;
}
