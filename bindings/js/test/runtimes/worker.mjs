/** Runs the contract within workerd, where a module does nothing until it is asked. */

import * as client from '@keyward/client';

import { contract, run } from '../contract.mjs';

export default {
  async test(_controller, env) {
    const start = performance.now();
    await client.init();
    print({ loadMs: performance.now() - start });
    const world = JSON.parse(env.WORLD);
    for (const name of Object.keys(contract)) {
      const error = await run(name, client, world).then(
        () => null,
        (cause) => cause.stack ?? String(cause),
      );
      print({ name, error });
    }
  },
};

function print(value) {
  console.log(JSON.stringify(value));
}
