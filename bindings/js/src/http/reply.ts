/** Answers of the API: the JSON around the data, and refusals as errors. */

import {
  type Details,
  type ErrorCode,
  type KeywardError,
  failure,
  isKeywardError,
} from '../errors.js';
import type { HttpResponse } from './exchange.js';

/** The data of an answer, as the server wrote them. */
export type Json = Readonly<Record<string, unknown>>;

/** An answer that is no refusal. */
export interface Reply {
  /** What was asked for; nothing, where there is nothing to say. */
  readonly data: Json | undefined;
  /** The token that was made, for calls that make one. */
  readonly auth: Json | undefined;
  /** The whole body. */
  readonly body: Json;
  /** The id under which the server's audit log holds the request, where it is known. */
  readonly requestId: string | undefined;
}

/**
 * Reads an answer. One with data is a reply whatever its status, since a batch with a bad item
 * answers 400 and a deleted KV entry 404.
 */
export function readReply({ status, headers, body }: HttpResponse): Reply {
  const text = new TextDecoder().decode(body);
  const json = text === '' ? {} : parse(text);
  const errors = Array.isArray(json?.errors) ? (json.errors as unknown[]) : [];
  const data = object(json?.data);
  const requestId = string(json?.request_id) || (headers.get('X-Request-Id') ?? undefined);
  if ((status >= 200 && status < 300) || (data !== undefined && errors.length === 0)) {
    if (json === undefined) throw unexpected({ status, requestId });
    return { data, auth: object(json.auth), body: json, requestId };
  }
  throw refusal(status, errors.map(String), {
    requestId,
    retryAfterMs: retryAfter(headers.get('Retry-After')),
  });
}

/** Whether a call was refused because there is nothing, and not because there is no such path. */
export function isNothing(error: unknown): boolean {
  return isKeywardError(error) && error.status === 404 && error.message === wordless(404);
}

/** An answer that has not the shape which was asked for. */
export function unexpected(details: Details = {}): KeywardError {
  const message = 'the server answered something else than was asked for';
  return failure('unexpected_answer', message, details);
}

/** The error of a refusal, or of one item of a batch, in the words of the server. */
export function refusal(
  status: number,
  errors: readonly string[],
  details: Details,
): KeywardError {
  const message = errors.map(plain).join('; ') || wordless(status);
  return failure(codeOf(status, errors.join('; ')), message, { ...details, status });
}

/** Returns an object that is no list; `undefined` for anything else. */
export function object(value: unknown): Json | undefined {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  return is ? (value as Json) : undefined;
}

/** Returns a string; `undefined` for anything else. */
export function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Reads a refusal: the status says most, and where one status stands for several faults, the text
 * says which, in the words that Vault's clients compare.
 */
function codeOf(status: number, words: string): Exclude<ErrorCode, 'partial_batch'> {
  const says = (pattern: RegExp) => pattern.test(words);
  if (status === 400) {
    if (says(/key not found/)) return 'not_found';
    if (says(/invalid ciphertext|message authentication failed/)) return 'invalid_ciphertext';
    if (says(/disallowed by policy|requested version for/)) return 'key_version';
  }
  if (status === 401) return says(/^proof rejected/) ? 'proof_rejected' : 'auth';
  if (status === 403) {
    if (says(/origin (denied|not allowed)/)) return 'origin_denied';
    // Plain words are about the token; what policies say comes in a list, as `plain` has it.
    return says(/^permission denied$|(invalid|bad) token/) ? 'auth' : 'permission_denied';
  }
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  if ((status === 409 || status === 422) && says(/idempotency/i)) return 'idempotency_conflict';
  if (status >= 400 && status < 500) return 'invalid_request';
  if (status === 503 && says(/sealed/)) return 'sealed';
  return status >= 502 && status <= 504 ? 'unavailable' : 'server';
}

function wordless(status: number): string {
  return `the server answered with status ${status}`;
}

/** Reads `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

/** Takes the text out of the list in which Vault wraps the errors of its core. */
function plain(text: string): string {
  return text.replace(/^1 error occurred:\n\t\* /, '').trimEnd();
}

function parse(text: string): Json | undefined {
  try {
    return object(JSON.parse(text));
  } catch {
    return undefined;
  }
}
