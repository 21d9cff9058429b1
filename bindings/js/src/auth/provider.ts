/** Where tokens come from. */

import { failure } from '../errors.js';
import { type Json, object, string } from '../http/reply.js';

/** A token, and how long it lives. */
export interface TokenInfo {
  readonly token: string;
  /** For how many milliseconds from now; left out, it is not known, or for ever. */
  readonly ttlMs?: number | undefined;
  /** Whether it may be renewed with `auth/token/renew-self`; not, if left out. */
  readonly renewable?: boolean | undefined;
}

/** What a provider is asked for. */
export interface TokenRequest {
  /** Ends when nobody waits for the token any more. */
  readonly signal: AbortSignal;
  /** The public half of the client's proof key, for `client_key` of the token, if it has one. */
  readonly clientKey?: Readonly<JsonWebKey> | undefined;
}

/** Gives tokens: the first, and another whenever one is at its end. */
export interface AuthProvider {
  token(request: TokenRequest): Promise<TokenInfo>;
}

/** Always the same token. With `renew` it is renewed for as long as the server allows. */
export function staticToken(token: string, { renew = false } = {}): AuthProvider {
  return { token: async () => ({ token, renewable: renew }) };
}

/** What `mintedBy` takes besides. */
export interface MintOptions {
  /** Sent to the backend, for example what proves to it who the user is. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether cookies travel, as of `fetch`; `same-origin` if not given. */
  readonly credentials?: 'include' | 'omit' | 'same-origin';
}

/** What a backend may answer: what the server answered to it, or a token and its time. */
export type Minted = string | TokenInfo | { readonly auth: object };

/**
 * Tokens of the application's own backend, which asks the server for one that may do what this user
 * may. It is called by a function, or by its URL: `POST` with `{"client_key": …}`, to be answered
 * with what `auth/token/create` answered, or with `{"token": …, "ttlMs": …}`.
 */
export function mintedBy(
  backend: string | URL | ((request: TokenRequest) => Promise<Minted>),
  options: MintOptions = {},
): AuthProvider {
  const mint =
    typeof backend === 'function'
      ? backend
      : (request: TokenRequest) => fetchToken(backend, options, request);
  return { token: async (request) => readMinted(await mint(request)) };
}

async function fetchToken(
  backend: string | URL,
  { headers, credentials = 'same-origin' }: MintOptions,
  { signal, clientKey }: TokenRequest,
): Promise<Minted> {
  const response = await fetch(backend, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ client_key: clientKey }),
    signal,
    // Cookies do not exist everywhere, and some runtimes refuse the option.
    ...(typeof document !== 'undefined' && { credentials }),
  });
  if (!response.ok) {
    throw failure('auth', `the backend gives no token: it answers with status ${response.status}`);
  }
  return response.json() as Promise<Minted>;
}

function readMinted(minted: Minted): TokenInfo {
  const given = typeof minted === 'string' ? { token: minted } : minted;
  const info = tokenOfAuth(object((given as Json).auth)) ?? (given as TokenInfo);
  if (string(info?.token) === undefined) {
    throw failure('auth', 'the backend gives no token: it answers something else');
  }
  return info;
}

/** Reads a token of the server's answer. */
export function tokenOfAuth(auth: Json | undefined): TokenInfo | undefined {
  const token = string(auth?.client_token);
  if (token === undefined) return undefined;
  const seconds = auth?.lease_duration;
  return {
    token,
    // None is for ever.
    ...(typeof seconds === 'number' && seconds > 0 && { ttlMs: seconds * 1000 }),
    renewable: auth?.renewable === true,
  };
}
