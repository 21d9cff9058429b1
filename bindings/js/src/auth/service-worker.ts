/** The page's side of the service worker that holds the token. */

import { failure } from '../errors.js';
import type { AuthProvider } from './provider.js';

/** Which service worker it is. */
export interface ServiceWorkerOptions {
  /** Its script, to be registered if it is not; else the page has registered it. */
  readonly url?: string | URL | undefined;
  /** Of the pages that it serves. */
  readonly scope?: string | undefined;
}

/**
 * Leaves token and proof to the service worker, which adds them to every request to the server: the
 * page has neither. In the worker, `serve` of `@keyward/client/service-worker` does so.
 */
export function serviceWorker({ url, scope }: ServiceWorkerOptions = {}): AuthProvider {
  return {
    async token({ signal }) {
      const container = (globalThis as { navigator?: Navigator }).navigator?.serviceWorker;
      if (container === undefined) {
        throw failure('unsupported', 'here are no service workers: pages have them, over TLS');
      }
      if (url !== undefined) {
        await container.register(url, { type: 'module', ...(scope !== undefined && { scope }) });
      }
      await controlled(container, signal);
      // Nothing: the worker sends the token.
      return { token: '' };
    },
  };
}

/** Waits until the worker sees the requests of this page. */
async function controlled(container: ServiceWorkerContainer, signal: AbortSignal): Promise<void> {
  if (container.controller !== null) return;
  await new Promise<void>((resolve, reject) => {
    container.addEventListener('controllerchange', () => resolve(), { once: true });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
