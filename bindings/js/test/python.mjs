/** Python programs of the tests: peers that were written by others. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The interpreter of the project's environment, which `cargo xtask test` makes. */
function interpreter() {
  const project = fileURLToPath(new URL('../../../.cache/venv/bin/python', import.meta.url));
  const found = process.env.KEYWARD_PYTHON ?? project;
  if (existsSync(found)) return found;
  throw new Error('there is no Python environment: run `cargo xtask test`, or set KEYWARD_PYTHON');
}

/** Runs a script of this folder: `input` on its standard input, its answer as bytes. */
export async function python(script, args = [], input = '') {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(interpreter(), [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const out = [];
  const said = [];
  child.stdout.on('data', (data) => out.push(data));
  child.stderr.on('data', (data) => said.push(data));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${script} failed:\n${Buffer.concat(said)}`);
  return Buffer.concat(out);
}
