/** The package in workerd, where modules are compiled before they run and never within. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import workerd from 'workerd';

import { contract } from './contract.mjs';
import { World } from './server.mjs';

test('contract', async (t) => {
  const world = await World.open('edge');
  t.after(() => world.close());
  const config = fileURLToPath(new URL('edge.capnp', import.meta.url));
  const { stdout } = await promisify(execFile)(workerd.default, ['test', config], {
    env: { ...process.env, KEYWARD_WORLD: JSON.stringify(world) },
  });
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const results = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    results.map(({ name }) => name),
    Object.keys(contract),
  );
  for (const { name, error } of results) {
    await t.test(name, () => assert.equal(error, null));
  }
});
