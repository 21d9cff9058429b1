/**
 * Checks signed answers (RFC 9421 section 2.4): that this server gave this answer to this request,
 * and that nobody between changed a byte of it.
 */

import { type Bytes, fromBase64, fromBase64Url } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { type Component, contentDigest, covered, signatureBase } from './base.js';
import type { SignedRequest } from './request.js';

/** An answer whose body was read. */
export interface ResponseParts {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** The keys that answers may be signed with, by their thumbprints. */
export type ResponseKeys = ReadonlyMap<string, Bytes>;

/**
 * The member of the server in a dictionary (RFC 9651 section 3.2): alone, or among those of others.
 *
 * It has one form, which is looked for as text and signed as text. Whatever else looks like it has
 * no signature that fits.
 */
const INPUT = /(?:^|,)[ \t]*keyward=(\([^()]*\)((?:;[a-z]+=(?:\d{1,15}|"[\w-]*"))+))[ \t]*(?:,|$)/;
const SIGNATURE = /(?:^|,)[ \t]*keyward=:([\w+/=]*):[ \t]*(?:,|$)/;

/** Whether an answer claims to be signed by the server. */
export function isSigned({ headers }: ResponseParts): boolean {
  return INPUT.test(headers.get('signature-input') ?? '');
}

/** Fails with an IntegrityError unless the answer was signed, for this request, by a known key. */
export async function verifyResponse(
  request: SignedRequest,
  response: ResponseParts,
  keys: ResponseKeys,
  primitives: Primitives,
): Promise<void> {
  const { status, headers, body } = response;
  const [, input, parameters] = INPUT.exec(headers.get('signature-input') ?? '') ?? [];
  const [, signature] = SIGNATURE.exec(headers.get('signature') ?? '') ?? [];
  if (input === undefined || parameters === undefined || signature === undefined) {
    throw untrusted('it is not signed (is the token bound to this key?)');
  }
  const digest = headers.get('content-digest')?.trim();
  if (digest === undefined || digest !== (await contentDigest(body))) {
    throw untrusted('its body is not the one that was signed');
  }
  const components: Component[] = [
    ['"@status"', `${status}`],
    ['"content-digest"', digest],
    ['"@method";req', request.method],
    ['"@target-uri";req', request.url],
    ['"signature";req;key="pop"', request.signature],
  ];
  // A signer that could choose what it covers could leave out what was changed.
  if (input !== covered(components) + parameters)
    throw untrusted('its signature covers other parts');
  const named = new Map(parameters.split(';').map((each) => each.split('=') as [string, string]));
  if (named.get('alg') !== '"ed25519"' || named.get('tag') !== '"keyward-response"') {
    throw untrusted('its signature is of another kind');
  }
  const key = keys.get(named.get('keyid')?.slice(1, -1) ?? '');
  if (key === undefined) throw untrusted('the key that signed it is not trusted');
  const base = signatureBase(components, input);
  if (!(await primitives.ed25519Verify(key, base, decoded(signature, fromBase64)))) {
    throw untrusted('its signature is false');
  }
}

/** Reads the keys of `GET /v1/sys/response-keys`, or of a list that the caller pinned. */
export function parseResponseKeys(jwks: unknown): ResponseKeys {
  const read = new Map<string, Bytes>();
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  for (const key of Array.isArray(keys) ? keys : []) {
    const { kty, crv, x, kid } = key as Record<string, unknown>;
    if (kty !== 'OKP' || crv !== 'Ed25519' || typeof kid !== 'string') continue;
    read.set(kid, decoded(x, fromBase64Url));
  }
  if (read.size > 0) return read;
  throw failure('integrity', 'there is no key of Ed25519 to check answers with');
}

function decoded(text: unknown, decode: (text: string) => Bytes): Bytes {
  try {
    return decode(text as string);
  } catch (cause) {
    throw failure('integrity', 'a key or a signature to check answers with is none', { cause });
  }
}

function untrusted(why: string): Error {
  return failure('integrity', `the answer cannot be trusted: ${why}`);
}
