/** The contract in every runtime that the package is for, and a table of what came of it. */

import { after, test } from 'node:test';

import { bytes } from './runtimes/bytes.mjs';
import * as edgeLight from './runtimes/edge-light.mjs';
import * as page from './runtimes/page.mjs';
import * as program from './runtimes/program.mjs';
import * as workerd from './runtimes/workerd.mjs';
import { World } from './server.mjs';

/** How each is visited, and the conditions by which it finds its entry. */
const RUNTIMES = {
  node: [(world) => program.visit('node', world), ['node']],
  deno: [(world) => program.visit('deno', world), ['deno', 'node']],
  bun: [(world) => program.visit('bun', world), ['bun', 'node']],
  workerd: [workerd.visit, ['workerd', 'worker']],
  'edge-light': [edgeLight.visit, ['edge-light']],
  chromium: [(world) => page.visit('chromium', world), ['browser']],
  firefox: [(world) => page.visit('firefox', world), ['browser']],
};

const rows = [['runtime', 'version', 'passed', 'load', 'brotli']];

for (const [name, [visit, conditions]] of Object.entries(RUNTIMES)) {
  test(`contract in ${name}`, async (t) => {
    const world = await World.open(name);
    t.after(() => world.close());
    const { version, loadMs, results } = await visit(world);
    for (const result of results) {
      await t.test(result.name, () => {
        if (result.error !== null) throw new Error(result.error);
      });
    }
    const passed = results.filter(({ error }) => error === null).length;
    const size = await bytes(conditions);
    rows.push([name, version, `${passed}/${results.length}`, `${Math.round(loadMs)} ms`, `${size} B`]);
  });
}

after(() => console.log(rows.map((row) => `| ${row.join(' | ')} |`).join('\n')));
