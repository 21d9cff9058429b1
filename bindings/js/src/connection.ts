/** Calls to one server: token, proof, deadline and repetition of every request. */

import type { Session } from './auth/session.js';
import { type Bytes, toBase64Url, utf8 } from './bytes.js';
import { failure, isKeywardError } from './errors.js';
import { Deadline, aborted, milliseconds } from './http/deadline.js';
import { type HttpRequest, type HttpResponse, type Server, exchange } from './http/exchange.js';
import { text } from './http/path.js';
import { type Reply, readReply } from './http/reply.js';
import type { Repeatable, Retry } from './http/retry.js';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take with all its attempts, in milliseconds; that of the client if not given. */
  readonly timeoutMs?: number | undefined;
}

/** What a call takes that changes something. */
export interface ChangeOptions extends CallOptions {
  /**
   * Names the change, so that it is made once however often it is asked for within ten minutes,
   * even by another process; one call alone needs none.
   */
  readonly idempotencyKey?: string | undefined;
}

/** A request, before it has a token. */
export interface Request {
  readonly method: 'DELETE' | 'GET' | 'PATCH' | 'POST';
  /** Path and query below `/v1/`, as they stand in the URL. */
  readonly target: string;
  /** Written as JSON. */
  readonly body?: object;
  /** Whether it changes nothing in the server although it is no `GET`. */
  readonly safe?: boolean;
  /** The token to send if not the client's; `null` for none. */
  readonly token?: string | null;
}

/** A request that was signed. */
export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs requests, and checks what comes back; the proof of possession. */
export interface Prover<S extends Signed = Signed> {
  /** Signs one attempt. */
  sign(request: {
    readonly method: string;
    readonly url: string;
    readonly token: string;
    readonly body?: Bytes;
  }): Promise<S>;
  /** Fails if the answer is not the server's to this request. */
  check(request: S, response: HttpResponse): Promise<void>;
}

/** How calls are made. */
export interface ConnectionOptions {
  readonly server: Server;
  readonly session: Session | undefined;
  readonly prover: Prover | undefined;
  readonly retry: Retry;
  readonly timeoutMs: number;
  /** Whether changes carry an `Idempotency-Key`, and the server knows it. */
  readonly idempotent: boolean;
}

/** A connection to one server. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Sends a request until it is answered, refused, or not worth another attempt. */
  async call(request: Request, options?: ChangeOptions | null): Promise<Reply> {
    const { signal, timeoutMs, idempotencyKey } = options ?? {};
    if (signal?.aborted === true) throw aborted(signal.reason);
    const time = timeoutMs ?? this.#options.timeoutMs;
    const attempts = this.#prepare(request, idempotencyKey);
    const deadline = new Deadline(milliseconds(time, 'timeoutMs'), signal ?? undefined);
    try {
      return await this.#repeat(attempts, deadline);
    } finally {
      deadline.close();
    }
  }

  #prepare({ method, target, body, safe, token }: Request, given: string | undefined): Attempts {
    const headers: Record<string, string> = { 'X-Vault-Request': 'true' };
    if (body !== undefined) {
      headers['Content-Type'] =
        method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    }
    const changes = method !== 'GET' && safe !== true;
    const { idempotent, server } = this.#options;
    const named = changes && token === undefined && (idempotent || given !== undefined);
    if (named) headers['Idempotency-Key'] = `"${idempotencyKey(given)}"`;
    return {
      method,
      url: `${server.address}/v1/${target}`,
      headers,
      body: body && utf8(JSON.stringify(body)),
      token,
      repeatable: !changes || named ? 'always' : 'if refused',
    };
  }

  async #repeat(attempts: Attempts, deadline: Deadline): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#authorized(attempts, deadline);
      } catch (error) {
        const { retry } = this.#options;
        const delay = isKeywardError(error)
          ? retry.delay(error, attempt, attempts.repeatable)
          : undefined;
        if (delay === undefined || delay >= deadline.remainingMs) throw error;
        await deadline.wait(delay);
      }
    }
  }

  /**
   * Sends a request of someone else with the token and the proof of this client, once, and gives
   * the answer as it is.
   */
  async forward(
    request: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const deadline = new Deadline(this.#options.timeoutMs, signal);
    const attempts: Attempts = { ...request, token: undefined, repeatable: 'if refused' };
    let last: HttpResponse | undefined;
    try {
      await this.#authorized(attempts, deadline, (response) => (last = response));
    } catch (error) {
      // A refusal is for the one who asked.
      if (last === undefined) throw error;
    } finally {
      deadline.close();
    }
    return last as HttpResponse;
  }

  /** Sends a request with the token, and if that is at its end once more with another. */
  async #authorized(
    attempts: Attempts,
    deadline: Deadline,
    look?: (response: HttpResponse | undefined) => void,
  ): Promise<Reply> {
    const attempt = async (token: string | undefined) => {
      look?.(undefined);
      const response = await this.#attempt(attempts, token, deadline);
      look?.(response);
      return readReply(response);
    };
    const { session } = this.#options;
    if (attempts.token !== undefined || session === undefined) {
      return attempt(attempts.token ?? undefined);
    }
    const token = await deadline.race(session.token());
    try {
      return await attempt(token);
    } catch (error) {
      if (!isKeywardError(error) || error.code !== 'auth') throw error;
      const other = await deadline.race(session.insteadOf(token));
      if (other === undefined) throw error;
      return attempt(other);
    }
  }

  /** Sends a request once, signed anew: the server takes a signature only once. */
  async #attempt(
    { method, url, headers, body }: Attempts,
    token: string | undefined,
    deadline: Deadline,
  ): Promise<HttpResponse> {
    const { prover, server } = this.#options;
    const parts = { method, url, ...(body !== undefined && { body }) };
    // Without text it is the service worker who sends one.
    if (!token) return exchange(server, { ...parts, headers }, deadline);
    const known = { ...headers, 'X-Vault-Token': token };
    if (prover === undefined) return exchange(server, { ...parts, headers: known }, deadline);
    const signed = await deadline.race(prover.sign({ ...parts, token }));
    const proven = { ...parts, headers: { ...known, ...signed.headers } };
    const response = await exchange(server, proven, deadline);
    await deadline.race(prover.check(signed, response));
    return response;
  }
}

/** A request as all its attempts send it. */
interface Attempts {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Bytes | undefined;
  readonly token: string | null | undefined;
  readonly repeatable: Repeatable;
}

/** Makes a key for one call, or takes the caller's, which must be visible ASCII. */
function idempotencyKey(given: string | undefined): string {
  // Not `randomUUID`, which pages without TLS do not have.
  if (given === undefined) return toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  if (!/^[!#-[\]-~]{1,255}$/.test(text(given, 'idempotencyKey'))) {
    throw failure('invalid_request', 'idempotencyKey is no 1 to 255 visible characters of ASCII');
  }
  return given;
}
