/** When a call that failed is tried again, and after how long. */

import { type KeywardError, failure } from '../errors.js';

/** How often and how patiently. */
export interface RetryOptions {
  /** How many times a request is sent at most; 4. */
  readonly attempts?: number;
  /** The longest wait before the second attempt, in milliseconds, which doubles from then on; 100. */
  readonly baseMs?: number;
  /** The longest wait of all; 5,000. The server may ask for more. */
  readonly capMs?: number;
}

/** What another attempt of a request may do. */
export type Repeatable =
  /** Nothing more than the first: it is sent again after every failure that may pass. */
  | 'always'
  /** Something twice: it is sent again only when the server says that it did nothing. */
  | 'if refused';

/** Decides; full jitter, so that clients which failed together do not come back together. */
export class Retry {
  readonly #attempts: number;
  readonly #baseMs: number;
  readonly #capMs: number;

  constructor({ attempts = 4, baseMs = 100, capMs = 5000 }: RetryOptions = {}) {
    if (!Number.isInteger(attempts) || attempts < 1 || !(baseMs >= 0) || !(capMs >= 0)) {
      throw failure('invalid_request', 'retry has a number that is out of range');
    }
    [this.#attempts, this.#baseMs, this.#capMs] = [attempts, baseMs, capMs];
  }

  /**
   * After how many milliseconds a request is sent again whose attempt number `attempt` failed;
   * `undefined` if it is not.
   */
  delay(error: KeywardError, attempt: number, repeatable: Repeatable): number | undefined {
    if (attempt >= this.#attempts || !mayPass(error, repeatable)) return undefined;
    const longest = Math.min(this.#capMs, this.#baseMs * 2 ** (attempt - 1));
    return (error.retryAfterMs ?? 0) + Math.random() * longest;
  }
}

function mayPass(error: KeywardError, repeatable: Repeatable): boolean {
  switch (error.code) {
    case 'rate_limited':
    case 'sealed':
      return true;
    case 'network':
    case 'unavailable':
      return error.retryable && repeatable === 'always';
    case 'idempotency_conflict':
      // 409: the first attempt is still being worked on.
      return error.status === 409 && repeatable === 'always';
    default:
      return false;
  }
}
