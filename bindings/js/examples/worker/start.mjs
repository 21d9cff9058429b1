/** `npm run example:worker`: bundles the worker and serves it with workerd. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import workerd from 'workerd';

import { Application } from '../application.mjs';
import { bundle } from './bundle.mjs';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'keyward-worker-'));
const application = await Application.open();
const { token } = await application.mint();
await writeFile(join(folder, 'worker.capnp'), configuration(await bundle(WORKER, folder)));

// It tells of its sockets on a pipe of their own.
const worker = spawn(workerd.default, ['serve', '--control-fd=3', join(folder, 'worker.capnp')], {
  env: { ...process.env, KEYWARD_ADDR: application.address, KEYWARD_TOKEN: token },
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
});
worker.stdio[3].setEncoding('utf8').once('data', (line) => {
  const address = `http://127.0.0.1:${JSON.parse(line.split('\n')[0]).port}`;
  console.log(`The worker is at ${address}/. Ctrl-C stops it.
  curl -T FILE ${address}/FILE -o FILE.kwe
  curl --data-binary @FILE.kwe ${address}/FILE -o FILE.again`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => worker.kill());
await once(worker, 'exit');
await application.close();
await rm(folder, { recursive: true });

function configuration(modules) {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${process.env.PORT ?? 0}", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  bindings = [
    (name = "KEYWARD_ADDR", fromEnvironment = "KEYWARD_ADDR"),
    (name = "KEYWARD_TOKEN", fromEnvironment = "KEYWARD_TOKEN"),
  ],
  modules = ${modules},
);
`;
}
