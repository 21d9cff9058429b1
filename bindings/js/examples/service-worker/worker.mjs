/** Holds the token and the key of the pages, and signs what they send to the server. */

import { ProofKey, mintedBy, serve } from '/client/browser/service-worker.mjs';

const address = new URL(location.href).searchParams.get('server');

serve(address, async () => ({ auth: mintedBy('/token'), proof: await ProofKey.generate() }));
