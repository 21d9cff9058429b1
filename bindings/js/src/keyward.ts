/** The client of one server. */

/// <reference lib="esnext.disposable" preserve="true" />

import { primitives } from '#primitives';

import { type AuthProvider, staticToken, tokenOfAuth } from './auth/provider.js';
import { type Renew, Session } from './auth/session.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { failure } from './errors.js';
import { milliseconds } from './http/deadline.js';
import { type Fetch, server } from './http/exchange.js';
import { text } from './http/path.js';
import { unexpected } from './http/reply.js';
import { Retry, type RetryOptions } from './http/retry.js';
import { Kv1 } from './kv/v1.js';
import { Kv2 } from './kv/v2.js';
import { Leases } from './leases.js';
import { Proof, type ResponseTrust } from './proof/proof.js';
import type { ProofKey } from './proof/proof-key.js';
import { Tokens } from './tokens.js';
import { type CoalesceOptions, Coalescer } from './transit/coalesce.js';
import { Transit } from './transit/transit.js';

/** What a client is made of. Only the address is needed. */
export interface KeywardOptions {
  /** The address of the server, such as `https://keyward.example.com`. */
  readonly address: string | URL;
  /** The token of every call, where it stays the same. */
  readonly token?: string | undefined;
  /** Where tokens come from, instead: `mintedBy`, `staticToken`, `serviceWorker`, or one's own. */
  readonly auth?: AuthProvider | undefined;
  /** The key that tokens are bound to: every request is signed with it. */
  readonly proof?: ProofKey | undefined;
  /** Which keys the server may sign its answers to signed requests with. */
  readonly trust?: ResponseTrust | undefined;
  /** How long a call may take with all its attempts, in milliseconds; 30,000 if not given. */
  readonly timeoutMs?: number | undefined;
  /** How often a failed call is tried again. */
  readonly retry?: RetryOptions | undefined;
  /** How many calls travel together; `false` for none. */
  readonly coalesce?: CoalesceOptions | false | undefined;
  /**
   * Whether the server knows `Idempotency-Key`, as Keyward does. Of one that does not, such as
   * Vault, say `false`: then a change is not sent again when it may have been made already.
   */
  readonly idempotency?: 'keyward' | false | undefined;
  /** What sends requests, if not the `fetch` of the runtime. */
  readonly fetch?: Fetch | undefined;
}

/** Of a request that is forwarded, what is sent on; its token would not be ours. */
const FORWARDED = [
  'Content-Type',
  'Idempotency-Key',
  'X-Vault-Namespace',
  'X-Vault-Request',
  'X-Vault-Wrap-TTL',
];

/** Calls one server, as one client. */
export class Keyward {
  /** Leases of secrets. */
  readonly leases: Leases;
  /** Tokens: one's own, and those that one makes for others. */
  readonly tokens: Tokens;
  readonly #connection: Connection;
  readonly #coalescer: Coalescer;
  readonly #session: Session | undefined;

  /** Makes a client; nothing is sent yet. */
  constructor(options: KeywardOptions) {
    const { address, proof, retry, trust, ...rest } = options ?? {};
    // Looked up for each call, so that a program may replace it.
    const send = rest.fetch ?? ((url, init) => fetch(url, init));
    const timeoutMs = milliseconds(rest.timeoutMs ?? 30_000, 'timeoutMs');
    const plain: ConnectionOptions = {
      server: server(address, send),
      session: undefined,
      prover: undefined,
      retry: new Retry(retry),
      timeoutMs,
      idempotent: (rest.idempotency ?? 'keyward') === 'keyward',
    };
    const prover = proof && new Proof(proof, trust ?? {}, keysOf(plain), primitives);
    const proven = { ...plain, prover };
    const auth = provider(rest.token, rest.auth);
    this.#session = auth && new Session(auth, renewal(proven), proof?.publicJwk);
    this.#connection = new Connection({ ...proven, session: this.#session });
    this.#coalescer = new Coalescer(this.#connection, rest.coalesce);
    this.leases = new Leases(this.#connection);
    this.tokens = new Tokens(this.#connection);
  }

  /** The transit engine mounted at `mount`. */
  transit(mount = 'transit'): Transit {
    return new Transit(this.#connection, this.#coalescer, mount);
  }

  /** The KV engine mounted at `mount`, of the second version: with a history of each value. */
  kv(mount = 'secret'): Kv2 {
    return new Kv2(this.#connection, mount);
  }

  /** The KV engine mounted at `mount`, of the first version. */
  kv1(mount = 'secret'): Kv1 {
    return new Kv1(this.#connection, mount);
  }

  /**
   * Sends a request to this server that others made, such as the pages of a service worker, with the
   * token and the proof of this client; gives the answer, whatever its status.
   */
  async fetch(request: Request): Promise<Response> {
    const headers: Record<string, string> = {};
    for (const name of FORWARDED) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    const body = new Uint8Array(await request.arrayBuffer());
    const { method, url, signal } = request;
    const parts = { method, url, headers, ...(body.length > 0 && { body }) };
    const answer = await this.#connection.forward(parts, signal);
    // A status without a body must not have an empty one.
    return new Response(answer.status === 204 ? null : answer.body, answer);
  }

  /** Ends what goes on in the background: the renewal of the token. */
  close(): void {
    this.#session?.close();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function provider(
  token: string | undefined,
  auth: AuthProvider | undefined,
): AuthProvider | undefined {
  if (token === undefined || token === null) return auth;
  if (auth !== undefined) throw failure('invalid_request', 'give a token or auth, not both');
  return staticToken(text(token, 'token'));
}

/** Renews tokens over a connection that has none of its own. */
function renewal(options: ConnectionOptions): Renew {
  const connection = new Connection(options);
  return async (token, signal) => {
    const { auth, requestId } = await connection.call(
      { method: 'POST', target: 'auth/token/renew-self', body: {}, safe: true, token },
      { signal },
    );
    const info = tokenOfAuth(auth);
    if (info === undefined) throw unexpected({ requestId });
    return info;
  };
}

/** Reads the keys that the server signs answers with. */
function keysOf(options: ConnectionOptions): () => Promise<unknown> {
  const connection = new Connection(options);
  return async () => {
    const request = { method: 'GET', target: 'sys/response-keys', token: null } as const;
    return (await connection.call(request)).body;
  };
}
