/** Reads signatures of ECDSA in DER, strictly: one signature has one form. */

import type { Bytes } from '../bytes.js';

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * Reads an ECDSA-Sig-Value (RFC 3279 section 2.2.3) into `r ‖ s`, each of `width` bytes, which is
 * what WebCrypto takes; `undefined` when it is not its DER, or a number is not positive or too
 * long. Lax readers take many texts for one signature, which breaks whoever compares them.
 */
export function ecdsaSignature(der: Bytes, width: number): Bytes | undefined {
  const outer = element(der, SEQUENCE);
  if (outer === undefined || outer.rest.length > 0) return undefined;
  const r = element(outer.content, INTEGER);
  const s = r && element(r.rest, INTEGER);
  if (s === undefined || s.rest.length > 0) return undefined;
  const signature = new Uint8Array(2 * width);
  for (const [at, { content }] of [r as Element, s].entries()) {
    const digits = positive(content);
    if (digits === undefined || digits.length > width) return undefined;
    signature.set(digits, (at + 1) * width - digits.length);
  }
  return signature;
}

interface Element {
  readonly content: Bytes;
  readonly rest: Bytes;
}

/** Takes the element that `bytes` begin with, which must have this tag. */
function element(bytes: Bytes, tag: number): Element | undefined {
  const [found, first] = bytes;
  if (found !== tag || first === undefined) return undefined;
  let [from, length] = [2, first];
  if (first >= 0x80) {
    // Signatures of the largest curve take one byte of length more, and need it.
    const second = bytes[2];
    if (first !== 0x81 || second === undefined || second < 0x80) return undefined;
    [from, length] = [3, second];
  }
  if (bytes.length < from + length) return undefined;
  return { content: bytes.subarray(from, from + length), rest: bytes.subarray(from + length) };
}

/** The digits of a number above zero that is written in as few bytes as it takes. */
function positive(content: Bytes): Bytes | undefined {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) return undefined;
  if (first > 0) return content;
  // A zero in front is for a digit that would read as a sign.
  return second !== undefined && second >= 0x80 ? content.subarray(1) : undefined;
}
