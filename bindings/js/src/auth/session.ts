/** The token of a client: had once, renewed before its end, and replaced at it. */

import { failure, isKeywardError } from '../errors.js';
import type { AuthProvider, TokenInfo, TokenRequest } from './provider.js';
import { type Renewed, Tabs } from './tabs.js';

/** Renews a token with the server; gives what it said of the new time. */
export type Renew = (token: string, signal: AbortSignal) => Promise<TokenInfo>;

/** Times are since 1970, in milliseconds. */
interface Held extends Renewed {
  readonly token: string;
  readonly renewAt: number;
}

/** After this share of its time a token is renewed, give or take a tenth. */
const RENEW_AFTER = 2 / 3;

/** How long a failed renewal is left alone at least. */
const PAUSE_MS = 1000;

/** How long it is left alone if the time of the token is not known. */
const UNKNOWN_MS = 10_000;

/**
 * How long one attempt to get a token is waited for before another call makes its own: where
 * requests end with their answers, one may have ended in the midst of it.
 */
const STALE_MS = 10_000;

/** The most that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** Holds the token of one client. */
export class Session {
  readonly #provider: AuthProvider;
  readonly #renew: Renew;
  readonly #clientKey: TokenRequest['clientKey'];
  readonly #closing = new AbortController();
  readonly #obtaining = new Flight<Held>();
  readonly #refreshing = new Flight<void>();
  #held: Held | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tabs: Tabs | undefined;

  constructor(provider: AuthProvider, renew: Renew, clientKey?: TokenRequest['clientKey']) {
    this.#provider = provider;
    this.#renew = renew;
    this.#clientKey = clientKey;
  }

  /** Gives the token; the first call gets it, and one after its end another. */
  async token(): Promise<string> {
    const held = this.#held;
    if (held === undefined || Date.now() >= held.expiresAt) return (await this.#obtain()).token;
    if (Date.now() < held.renewAt) return held.token;
    const refreshed = this.#refresh();
    // Without timers there may be nothing that goes on once the caller has its answer.
    if (!hasTimers()) await refreshed;
    return this.#held?.token ?? held.token;
  }

  /**
   * The server refused this token. Gives another, or `undefined` if there is none.
   */
  async insteadOf(token: string): Promise<string | undefined> {
    if (this.#held?.token === token) this.#held = undefined;
    const other = await this.token();
    return other === token ? undefined : other;
  }

  /** Ends what goes on in the background. The client can still be used. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#tabs?.leave();
    this.#tabs = undefined;
  }

  #obtain(): Promise<Held> {
    return this.#obtaining.join(async () => {
      const clientKey = this.#clientKey;
      const signal = new AbortController().signal;
      try {
        return this.#hold(await this.#provider.token({ signal, clientKey }));
      } catch (cause) {
        if (isKeywardError(cause)) throw cause;
        const why = cause instanceof Error ? `: ${cause.message}` : '';
        throw failure('auth', `no token could be had${why}`, { cause });
      }
    });
  }

  /** Renews the token or gets another; never fails, as the token is good until its end. */
  #refresh(): Promise<void> {
    return this.#refreshing.join(async () => {
      const held = this.#held;
      if (held === undefined) return;
      try {
        if (!held.renewable) {
          await this.#obtain();
        } else if (this.#tabs === undefined) {
          await this.#extend(held);
        } else {
          await this.#tabs.renew(() => this.#extend(held));
        }
      } catch (error) {
        // What the server refuses it will refuse again; another token may be had at the end.
        const passing = isKeywardError(error) && error.retryable;
        const renewable = held.renewable && passing;
        if (this.#held === held) this.#keep({ ...held, renewable });
      }
      // Also when another tab is at it: should it fail, this one comes back.
      if (this.#held === held) this.#keep(held);
    });
  }

  /** Asks the server for more time; gives nothing if there is something newer. */
  async #extend(held: Held): Promise<Renewed | undefined> {
    // Another tab may have told its news while this one waited for its turn.
    if (this.#held !== held) return undefined;
    const remaining = held.expiresAt - Date.now();
    const info = await this.#renew(held.token, this.#closing.signal);
    // The server may have refused the token to a call, which then had another.
    if (this.#held !== held) return undefined;
    // No longer than before: it has reached the longest life that it may have.
    const longer = remaining === Infinity || (info.ttlMs ?? Infinity) > remaining + PAUSE_MS;
    const renewable = longer && info.renewable === true;
    const { expiresAt } = this.#hold({ ...info, token: held.token, renewable });
    return { expiresAt, renewable };
  }

  /** Takes a token over. */
  #hold({ token, ttlMs, renewable = false }: TokenInfo): Held {
    const now = Date.now();
    const before = this.#held;
    if (before !== undefined && before.token === token && ttlMs === undefined && !renewable) {
      // Nothing new: it stays until the server refuses it.
      return this.#keep({ ...before, renewable, expiresAt: Infinity });
    }
    const share = RENEW_AFTER * (0.9 + 0.2 * Math.random());
    // Of a token that can be renewed and whose time is not known, renewal tells the time.
    const renewIn = ttlMs === undefined ? (renewable ? 0 : Infinity) : ttlMs * share;
    if (before?.token !== token) {
      this.#tabs?.leave();
      const isOpen = renewable && !this.#closing.signal.aborted;
      this.#tabs = isOpen ? Tabs.join(token, (now) => this.#renewed(token, now)) : undefined;
    }
    return this.#set({
      token,
      renewable,
      expiresAt: now + (ttlMs ?? Infinity),
      renewAt: now + renewIn,
    });
  }

  /** Another tab has renewed the token. */
  #renewed(token: string, { expiresAt, renewable }: Renewed): void {
    if (this.#held?.token !== token) return;
    this.#hold({ token, ttlMs: expiresAt - Date.now(), renewable });
  }

  /**
   * Keeps a token that could not be renewed now, to try again after a third of what is left, or
   * soon, if that is not known.
   */
  #keep(held: Held): Held {
    const now = Date.now();
    const left = held.expiresAt - now;
    // Whose time is not known yet may end soon.
    const unknown = held.renewable ? UNKNOWN_MS : Infinity;
    const wait = left === Infinity ? unknown : Math.max(PAUSE_MS, left / 3);
    return this.#set({ ...held, renewAt: now + wait });
  }

  #wake(): void {
    const held = this.#held;
    // A timer may come early, and takes less than a month.
    if (held !== undefined && Date.now() < held.renewAt) this.#set(held);
    else this.token().catch(() => undefined);
  }

  #set(held: Held): Held {
    this.#held = held;
    clearTimeout(this.#timer);
    if (!this.#closing.signal.aborted && hasTimers() && held.renewAt !== Infinity) {
      const wait = Math.min(LONGEST_MS, Math.max(0, held.renewAt - Date.now()));
      this.#timer = setTimeout(() => this.#wake(), wait);
      // A client that nobody uses keeps no process alive.
      (this.#timer as { unref?(): void }).unref?.();
    }
    return held;
  }
}

/** One piece of work at a time, which all who want it wait for. */
class Flight<T> {
  #work: Promise<T> | undefined;
  #since = 0;

  join(start: () => Promise<T>): Promise<T> {
    const now = Date.now();
    if (this.#work !== undefined && now - this.#since < STALE_MS) return this.#work;
    const work = start();
    const done = () => {
      if (this.#work === work) this.#work = undefined;
    };
    work.then(done, done);
    [this.#work, this.#since] = [work, now];
    return work;
  }
}

/** Whether timers run on between requests; in workerd and edge-light nothing does. */
function hasTimers(): boolean {
  const agent = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent;
  return agent !== 'Cloudflare-Workers' && !('EdgeRuntime' in globalThis);
}
