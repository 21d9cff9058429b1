/**
 * Checks signed answers (RFC 9421 section 2.4): that this server gave this answer to this request,
 * and that nobody between changed a byte of it.
 */

import { type Bytes, equal, fromBase64Url } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { type Component, contentDigest, signatureBase } from './base.js';
import { parseDictionary, serializeItem } from './fields.js';
import type { SignedRequest } from './request.js';

/** An answer whose body was read. */
export interface ResponseParts {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** The keys that answers may be signed with, by their thumbprints. */
export type ResponseKeys = ReadonlyMap<string, Bytes>;

const LABEL = 'keyward';

/** Whether an answer claims to be signed by the server. */
export function isSigned({ headers }: ResponseParts): boolean {
  return parseDictionary(headers.get('signature-input') ?? '')?.has(LABEL) ?? false;
}

/** Fails with an IntegrityError unless the answer was signed, for this request, by a known key. */
export async function verifyResponse(
  request: SignedRequest,
  response: ResponseParts,
  keys: ResponseKeys,
  primitives: Primitives,
): Promise<void> {
  const { status, headers, body } = response;
  const digest = headers.get('content-digest');
  const input = parseDictionary(headers.get('signature-input') ?? '')?.get(LABEL);
  const signature = parseDictionary(headers.get('signature') ?? '')?.get(LABEL)?.value;
  if (digest === null || input === undefined || !(signature instanceof Uint8Array)) {
    throw untrusted('it is not signed');
  }
  if (!(await hasDigest(digest, body))) throw untrusted('its body is not the one that was signed');
  const components: Component[] = [
    ['"@status"', `${status}`],
    ['"content-digest"', digest.trim()],
    ['"@method";req', request.method],
    ['"@target-uri";req', request.url],
    ['"signature";req;key="pop"', request.signature],
  ];
  const parameters = serializeItem(input);
  const list = `(${components.map(([identifier]) => identifier).join(' ')})`;
  // A signer that could choose what it covers could leave out what was changed.
  if (!parameters.startsWith(`${list};`)) throw untrusted('its signature covers other parts');
  const { alg, keyid, tag } = Object.fromEntries(input.parameters);
  if (alg !== 'ed25519' || tag !== 'keyward-response') {
    throw untrusted('its signature is of another kind');
  }
  const key = typeof keyid === 'string' ? keys.get(keyid) : undefined;
  if (key === undefined) throw untrusted('the key that signed it is not trusted');
  const base = signatureBase(components, parameters);
  const { ed25519Verify } = primitives;
  if (!(await ed25519Verify(key, base, signature as Bytes)))
    throw untrusted('its signature is false');
}

/** Reads the keys of `GET /v1/sys/response-keys`, or of a list that the caller pinned. */
export function parseResponseKeys(jwks: unknown): ResponseKeys {
  const read = new Map<string, Bytes>();
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  for (const key of Array.isArray(keys) ? keys : []) {
    const { kty, crv, x, kid } = key as Record<string, unknown>;
    if (kty !== 'OKP' || crv !== 'Ed25519' || typeof kid !== 'string') continue;
    read.set(kid, decoded(x));
  }
  if (read.size > 0) return read;
  throw failure('integrity', 'there is no key of Ed25519 to check answers with');
}

function decoded(x: unknown): Bytes {
  try {
    return fromBase64Url(x as string);
  } catch (cause) {
    throw failure('integrity', 'a key to check answers with is none', { cause });
  }
}

/** Whether the field has the SHA-256 of the body; other algorithms may stand beside it. */
async function hasDigest(field: string, body: Bytes): Promise<boolean> {
  const digest = parseDictionary(field)?.get('sha-256')?.value;
  const expected = parseDictionary(await contentDigest(body))?.get('sha-256')?.value as Bytes;
  return digest instanceof Uint8Array && equal(digest as Bytes, expected);
}

function untrusted(why: string): Error {
  return failure('integrity', `the answer cannot be trusted: ${why}`);
}
