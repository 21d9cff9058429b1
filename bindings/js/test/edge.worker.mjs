/** Runs the contract within workerd and prints one line of JSON a case. */

import * as client from '../edge.mjs';
import { contract, run } from './contract.mjs';

export default {
  async test(_controller, env) {
    await client.init();
    const world = JSON.parse(env.WORLD);
    for (const name of Object.keys(contract)) {
      const error = await run(name, client, world).then(
        () => null,
        (cause) => cause.stack ?? String(cause),
      );
      console.log(JSON.stringify({ name, error }));
    }
  },
};
