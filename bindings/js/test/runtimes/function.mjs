/** Runs the contract within a function at the edge, and answers with lines of JSON. */

import * as client from '@keyward/client';

import { contract, run } from '../contract.mjs';

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const start = performance.now();
  await client.init();
  const lines = [{ loadMs: performance.now() - start }];
  const world = await request.json();
  addEventListener('unhandledrejection', ({ reason }) => {
    lines.push({ name: 'no rejection is left unhandled', error: String(reason?.stack) });
  });
  for (const name of Object.keys(contract)) {
    const error = await run(name, client, world).then(
      () => null,
      (cause) => cause.stack ?? String(cause),
    );
    lines.push({ name, error });
  }
  return new Response(lines.map((line) => JSON.stringify(line)).join('\n'));
}
