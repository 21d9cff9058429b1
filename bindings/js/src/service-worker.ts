/**
 * The entry for a service worker that holds the token and the key of its pages: it adds them to each
 * request that a page sends to the server, and no script of a page has either.
 */

import { isKeywardError } from './errors.js';
import { Keyward, type KeywardOptions } from './keyward.js';

export { mintedBy, staticToken } from './auth/provider.js';
export * from './failures.js';
export type { KeywardOptions } from './keyward.js';
export { ProofKey, type ProofKeyOptions } from './proof/proof-key.js';
export { init } from '#primitives';

/** What a service worker has that pages have not. */
interface Scope {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'activate' | 'install', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}

interface Extendable {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/**
 * Serves the pages: call it while the script of the worker runs. `options` is asked for when a page
 * first needs them, which may be again after the browser has stopped and started the worker.
 */
export function serve(
  address: string | URL,
  options: () => Promise<Omit<KeywardOptions, 'address'>>,
): void {
  const scope = globalThis as unknown as Scope;
  const below = `${String(address).replace(/\/+$/, '')}/v1/`;
  let client: Promise<Keyward> | undefined;
  const keyward = () => {
    client ??= options().then((given) => new Keyward({ ...given, address }));
    // Another request tries again.
    client.catch(() => (client = undefined));
    return client;
  };
  // The page that brings the worker is served too, without being loaded again.
  scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
  scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
  scope.addEventListener('fetch', (event) => {
    const { request } = event;
    // What asks whether the server is there at all has no answer that a page could read.
    if (!request.url.startsWith(below) || request.mode === 'no-cors') return;
    event.respondWith(answer(keyward(), request));
  });
}

/** A failure here is one of the network to the page, which `fetch` tells no more of. */
async function answer(keyward: Promise<Keyward>, request: Request): Promise<Response> {
  try {
    return await (await keyward).fetch(request);
  } catch (error) {
    if (isKeywardError(error) && error.code === 'auth') return refused(error.message);
    return Response.error();
  }
}

/** What the server would say of a missing token; the page reads why. */
function refused(why: string): Response {
  return Response.json({ errors: [why] }, { status: 401 });
}
