/** The signature base (RFC 9421 section 2.5): the text that is signed for a message. */

import { type Bytes, utf8 } from '../bytes.js';
import { serializeBytes } from './fields.js';

/** A covered component: its identifier as it is written in a list, and its value. */
export type Component = readonly [identifier: string, value: string];

/** Writes the base of these components; `parameters` is the value of `@signature-params`. */
export function signatureBase(components: readonly Component[], parameters: string): Bytes {
  const lines = components.map(([identifier, value]) => `${identifier}: ${value}`);
  return utf8([...lines, `"@signature-params": ${parameters}`].join('\n'));
}

/** Writes a Content-Digest (RFC 9530 section 2) of a body. */
export async function contentDigest(body: Bytes): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', body);
  return `sha-256=${serializeBytes(new Uint8Array(digest))}`;
}
