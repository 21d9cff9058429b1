/** One HTTP exchange through `fetch`, which browsers, Node and edge runtimes share. */

import { type Bytes, concat } from '../bytes.js';
import { failure, isKeywardError } from '../errors.js';
import type { Deadline } from './deadline.js';

/** What sends a request; the one of the runtime, or another of the same form. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A request as it is sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Bytes;
}

/** An answer, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** More than any answer of the server has: what it reads is at most half of it. */
const MOST_BYTES = 64 * 2 ** 20;

/** Where requests go. */
export interface Server {
  /** Origin and folder, without a slash at the end. */
  readonly address: string;
  readonly origin: string;
  readonly send: Fetch;
}

/** Reads the address of a server. */
export function server(address: unknown, send: Fetch): Server {
  const url = parseUrl(address);
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw failure('invalid_request', 'address is no http: or https: URL');
  }
  const { origin, pathname } = url;
  return { address: origin + pathname.replace(/\/+$/, ''), origin, send };
}

/** Sends one request, and reads its answer. */
export async function exchange(
  to: Server,
  request: HttpRequest,
  deadline: Deadline,
): Promise<HttpResponse> {
  const { url, ...init } = request;
  let response: Response;
  try {
    // No option is set that some runtime refuses, as workerd does `cache`.
    response = await to.send(url, { ...init, redirect: 'manual', signal: deadline.signal });
  } catch (cause) {
    throw deadline.failure ?? (await unanswered(to, deadline, cause));
  }
  const { status, headers } = response;
  // A browser hides the status of a redirect behind a zero. The token is for this address alone.
  if (status === 0 || (status >= 300 && status < 400)) {
    const message = `${to.address} redirects, which is not followed: use the address it redirects to`;
    throw failure('network', message, { retryable: false });
  }
  try {
    return { status, headers, body: await readBody(response) };
  } catch (cause) {
    if (isKeywardError(cause)) throw cause;
    throw deadline.failure ?? broken(to, cause);
  }
}

async function readBody(response: Response): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return concat(...parts);
    length += value.length;
    if (length > MOST_BYTES) {
      await reader?.cancel();
      throw failure('limit_exceeded', `the answer has more than ${MOST_BYTES} bytes`);
    }
    parts.push(value);
  }
}

/** Finds out why no answer came. */
async function unanswered(to: Server, deadline: Deadline, cause: unknown): Promise<Error> {
  const page = pageOrigin();
  if (page === undefined || page === to.origin || !(await isThere(to, deadline))) {
    return deadline.failure ?? broken(to, cause);
  }
  const message =
    `the server does not let pages of ${page} call it: allow this origin in sys/config/cors ` +
    '(a sealed server lets none)';
  return failure('origin_denied', message, { cause });
}

/**
 * Asks whether the server answers at all. A browser tells a page as little of a server that refuses
 * its origin as of one that is down, but it tells whether an answer came that the page may not see.
 */
function isThere({ address, send }: Server, { signal }: Deadline): Promise<boolean> {
  // Of these requests a browser refuses every redirect option but this.
  const init: RequestInit = { mode: 'no-cors', redirect: 'follow', signal };
  return send(`${address}/v1/sys/health`, init).then(
    () => true,
    () => false,
  );
}

function broken({ address }: Server, cause: unknown): Error {
  const why = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
  return failure('network', `no answer from ${address}${why}`, { cause });
}

/** Where the page or worker comes from; elsewhere there is no such thing. */
function pageOrigin(): string | undefined {
  return (globalThis as { location?: { origin?: string } }).location?.origin;
}

function parseUrl(address: unknown): URL | undefined {
  try {
    return new URL(address as string);
  } catch {
    return undefined;
  }
}
