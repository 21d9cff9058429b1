/** What a record costs, with the primitives of the module and with those of WebCrypto. */

import { LocalKeys, envelope } from '../test/envelope-support.mjs';
import { implementations, random } from '../test/primitives-support.mjs';

const RECORDS = 2000;

for (const [name, primitives] of Object.entries(implementations)) {
  for (const length of [64, 1024, 16_384]) {
    const sealer = new envelope.Envelope('transit/records', new LocalKeys(), primitives);
    const data = random(length);
    const timed = async (work) => {
      await work();
      const start = performance.now();
      for (let record = 0; record < RECORDS; record++) await work();
      return ((1000 * (performance.now() - start)) / RECORDS).toFixed(0);
    };
    const sealed = await sealer.seal(data);
    const seal = await timed(() => sealer.seal(data));
    const open = await timed(() => sealer.open(sealed));
    console.log(`${name}, ${length} bytes: seal ${seal} us, open ${open} us`);
  }
}
