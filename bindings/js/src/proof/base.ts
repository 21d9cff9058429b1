/** The signature base (RFC 9421 section 2.5): the text that is signed for a message. */

import { type Bytes, toBase64, utf8 } from '../bytes.js';

/** A covered component: its identifier as it is written in a list, and its value. */
export type Component = readonly [identifier: string, value: string];

/** Writes the base of these components; `parameters` is the value of `@signature-params`. */
export function signatureBase(components: readonly Component[], parameters: string): Bytes {
  const lines = components.map(([identifier, value]) => `${identifier}: ${value}`);
  return utf8([...lines, `"@signature-params": ${parameters}`].join('\n'));
}

/** Writes the list of covered components, as it stands in `Signature-Input`. */
export function covered(components: readonly Component[]): string {
  return `(${components.map(([identifier]) => identifier).join(' ')})`;
}

/** Writes a byte sequence (RFC 9651 section 4.1.8). */
export function sequence(bytes: Bytes): string {
  return `:${toBase64(bytes)}:`;
}

/** Writes a Content-Digest (RFC 9530 section 2) of a body. */
export async function contentDigest(body: Bytes): Promise<string> {
  return `sha-256=${sequence(new Uint8Array(await crypto.subtle.digest('SHA-256', body)))}`;
}
