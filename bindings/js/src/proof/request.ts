/** Signs requests (RFC 9421), so that a stolen token is worth nothing without this client's key. */

import { type Bytes, toBase64Url } from '../bytes.js';
import { type Component, contentDigest, covered, sequence, signatureBase } from './base.js';
import type { ProofKey } from './proof-key.js';

/** What is signed of a request. */
export interface RequestParts {
  readonly method: string;
  /** The whole URL that is asked for, as it is sent. */
  readonly url: string;
  readonly token: string;
  /** The bytes of the body; none where there is no body. */
  readonly body?: Bytes;
}

/** A request that was signed, and what its answer is checked against. */
export interface SignedRequest extends RequestParts {
  /** To be sent with it. */
  readonly headers: Readonly<Record<string, string>>;
  /** The signature, as the answer's signature covers it. */
  readonly signature: string;
}

/** For how long the server takes it, in seconds; a minute is the most it allows. */
const LIFETIME = 60;

/**
 * Signs a request, anew for each attempt: the server takes a nonce once.
 *
 * `nowMs` is the time since 1970, which may be a minute off the server's.
 */
export async function signRequest(
  key: ProofKey,
  parts: RequestParts,
  nowMs = Date.now(),
): Promise<SignedRequest> {
  const headers: Record<string, string> = {};
  const components: Component[] = [
    ['"@method"', parts.method],
    ['"@target-uri"', parts.url],
    ['"x-vault-token"', parts.token],
  ];
  if (parts.body !== undefined) {
    const digest = await contentDigest(parts.body);
    headers['Content-Digest'] = digest;
    components.push(['"content-digest"', digest]);
  }
  const created = Math.floor(nowMs / 1000);
  const nonce = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const parameters = [
    covered(components),
    `created=${created}`,
    `expires=${created + LIFETIME}`,
    // Letters, digits, - and _ alone: there is nothing to escape.
    `nonce="${nonce}"`,
    `keyid="${key.thumbprint}"`,
    `alg="${key.signatureAlgorithm}"`,
    'tag="keyward-pop"',
  ].join(';');
  const signature = sequence(await key.sign(signatureBase(components, parameters)));
  headers['Signature-Input'] = `pop=${parameters}`;
  headers.Signature = `pop=${signature}`;
  return { ...parts, headers, signature };
}
