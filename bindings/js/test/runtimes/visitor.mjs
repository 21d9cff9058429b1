/**
 * Runs the contract as a program that has the package installed, and prints lines of JSON: the first
 * tells how long the package took to load, each other what became of a case.
 */

import process from 'node:process';

// A promise that nobody catches would be a fault of the package, whichever case it belongs to.
process.on('unhandledRejection', (cause) => {
  print({ name: 'no rejection is left unhandled', error: cause?.stack ?? String(cause) });
  process.exit(1);
});

const start = performance.now();
const client = await import('@keyward/client');
await client.init();
print({ loadMs: performance.now() - start });

const { contract, run } = await import('./contract.mjs');
const world = JSON.parse(process.env.KEYWARD_WORLD);
for (const name of Object.keys(contract)) {
  const error = await run(name, client, world).then(
    () => null,
    (cause) => cause.stack ?? String(cause),
  );
  print({ name, error });
}
process.exit(0);

function print(value) {
  console.log(JSON.stringify(value));
}
