/** What a caller's signal ends. */

import { failure } from '../errors.js';
import type { Lease } from './kept-key.js';

/** The failure of what `signal` ended. */
export function aborted(signal: AbortSignal): Error {
  return failure('aborted', 'the caller ended the call', { cause: signal.reason });
}

/** Stops waiting for a key when `signal` says so; one that comes later is given back. */
export async function abortable(lease: Promise<Lease>, signal?: AbortSignal): Promise<Lease> {
  if (signal === undefined) return lease;
  let abort: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    abort = () => reject(aborted(signal));
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
  });
  try {
    return await Promise.race([lease, ended]);
  } catch (error) {
    lease.then(
      (late) => late.release(),
      () => undefined,
    );
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
