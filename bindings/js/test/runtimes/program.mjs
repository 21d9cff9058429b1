/** Node, Deno and Bun: the contract in a program of each, in a folder that has the package. */

import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(PACKAGE, 'node_modules');

/** What runs a program, where it is, and which arguments come before the program's path. */
export const PROGRAMS = {
  node: [process.execPath, []],
  deno: [
    join(MODULES, '.bin/deno'),
    ['run', '--quiet', '--no-remote', '--allow-env', '--allow-net', '--allow-read'],
  ],
  bun: [join(MODULES, '.bin/bun'), ['run']],
};

/** The files of the contract. */
const CONTRACT = ['contract.mjs', 'contract-calls.mjs', 'contract-engines.mjs', 'expect.mjs'];

/** Runs the contract; gives what the visitor told. */
export async function visit(runtime, world) {
  const [command, args] = PROGRAMS[runtime];
  const folder = await install();
  try {
    const { stdout } = await promisify(execFile)(command, [...args, 'visitor.mjs'], {
      cwd: folder,
      env: { ...process.env, KEYWARD_WORLD: JSON.stringify(world), DENO_NO_UPDATE_CHECK: '1' },
      maxBuffer: 1 << 24,
    }).catch((error) => {
      throw new Error(`${runtime} failed: ${error.stderr}\n${error.stdout}`);
    });
    const { stdout: version } = await promisify(execFile)(command, ['--version']);
    const [about, ...results] = lines(stdout);
    return { version: /\d+(\.\d+)+/.exec(version)[0], loadMs: about.loadMs, results };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The lines of JSON of a text that may have others. */
export function lines(text) {
  const found = text.split('\n').filter((line) => line.startsWith('{'));
  return found.map((line) => JSON.parse(line));
}

/** Makes a folder as a user has one: a program, and the package among its modules. */
async function install() {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-runtime-'));
  const scope = join(folder, 'node_modules/@keyward');
  await mkdir(scope, { recursive: true });
  await Promise.all([
    symlink(PACKAGE, join(scope, 'client')),
    copyFile(new URL('visitor.mjs', import.meta.url), join(folder, 'visitor.mjs')),
    ...CONTRACT.map((name) => copyFile(new URL(`../${name}`, import.meta.url), join(folder, name))),
    writeFile(
      join(folder, 'package.json'),
      '{"type": "module", "dependencies": {"@keyward/client": "*"}}',
    ),
  ]);
  return folder;
}
