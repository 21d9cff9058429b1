/** The operations of transit that take one input or many: how their results are read. */

import { type Bytes, fromBase64 } from '../bytes.js';
import type { KeywardError } from '../errors.js';
import { type Json, type Reply, object, refusal, string, unexpected } from '../http/reply.js';

/** An operation, and how its result is read; `undefined` if there is none. */
export interface Operation<T> {
  readonly verb: 'decrypt' | 'encrypt' | 'hmac' | 'rewrap' | 'sign' | 'verify';
  read(result: Json): T | undefined;
}

export const DECRYPT: Operation<Bytes> = {
  verb: 'decrypt',
  read: ({ plaintext }) => bytes(plaintext),
};

export const ENCRYPT: Operation<string> = {
  verb: 'encrypt',
  read: ({ ciphertext }) => string(ciphertext),
};

export const HMAC: Operation<string> = {
  verb: 'hmac',
  read: ({ hmac }) => string(hmac),
};

export const REWRAP: Operation<string> = {
  verb: 'rewrap',
  read: ({ ciphertext }) => string(ciphertext),
};

export const SIGN: Operation<string> = {
  verb: 'sign',
  read: ({ signature }) => string(signature),
};

export const VERIFY: Operation<boolean> = {
  verb: 'verify',
  read: ({ valid }) => (typeof valid === 'boolean' ? valid : undefined),
};

/** What became of one item of a batch: its value, or the `KeywardError` that it alone met. */
export type ItemResult<T> =
  | { readonly status: 'fulfilled'; readonly value: T }
  | { readonly status: 'rejected'; readonly reason: KeywardError };

/** Reads the result of a request with one input. */
export function readOne<T>({ read }: Operation<T>, { data, requestId }: Reply): T {
  const value = data && read(data);
  if (value === undefined) throw unexpected({ requestId });
  return value;
}

/** Reads the results of a request with `count` items, in their order. */
export function readMany<T>(
  { read }: Operation<T>,
  count: number,
  { data, requestId }: Reply,
): ItemResult<T>[] {
  const results = data?.batch_results;
  if (!Array.isArray(results) || results.length !== count) throw unexpected({ requestId });
  return results.map((result: unknown) => {
    const item = object(result) ?? {};
    if (typeof item.error === 'string' && item.error !== '') {
      // As if it had been sent alone.
      return { status: 'rejected', reason: refusal(400, [item.error], { requestId }) };
    }
    const value = read(item);
    return value === undefined
      ? { status: 'rejected', reason: unexpected({ requestId }) }
      : { status: 'fulfilled', value };
  });
}

/** Reads bytes of an answer; `undefined` if they are none. */
export function bytes(text: unknown): Bytes | undefined {
  try {
    return fromBase64(text as string);
  } catch {
    return undefined;
  }
}
