/** How long one call may take, with all its attempts, and who may end it before. */

import { type KeywardError, failure } from '../errors.js';

/** The most that a timer takes. */
const LONGEST = 2 ** 31 - 1;

/** Runs out after a time, or when the caller's signal says so. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #ends: number;
  readonly #timeoutMs: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #caller: AbortSignal | undefined;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#ends = Date.now() + timeoutMs;
    // Not `AbortSignal.timeout` and `any`: not every runtime has both, and a timer is cleared.
    this.#timer = setTimeout(
      () => this.#controller.abort(new DOMException('the time is up', 'TimeoutError')),
      timeoutMs,
    );
    this.#caller = caller;
    caller?.addEventListener('abort', this.#follow);
    if (caller?.aborted === true) this.#follow();
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return this.#ends - Date.now();
  }

  /** Why the call ends now; `undefined` while it does not. */
  get failure(): KeywardError | undefined {
    if (!this.signal.aborted) return undefined;
    const cause: unknown = this.signal.reason;
    return this.#caller?.aborted === true && cause === this.#caller.reason
      ? aborted(cause)
      : failure('timeout', `no answer within ${this.#timeoutMs} ms`, { cause });
  }

  /** Waits; fails when the call ends before. */
  wait(milliseconds: number): Promise<void> {
    return this.race(
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }),
    );
  }

  /** Waits for something that goes on when the call ends. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => reject(this.failure);
      work.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', end));
      this.signal.addEventListener('abort', end);
      if (this.signal.aborted) end();
    });
  }

  /** Is called when the call is over, whatever became of it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.#controller.abort(this.#caller?.reason);
}

/** What a call fails with that its caller ended. */
export function aborted(cause: unknown): KeywardError {
  return failure('aborted', 'the call was ended by its signal', { cause });
}

/** Reads how long something may take, as a caller gave it. */
export function milliseconds(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value > 0 && value <= LONGEST)) {
    throw failure('invalid_request', `${name} is no number of milliseconds`);
  }
  return value;
}
