/** Bytes as callers hand them in, and as they travel: UTF-8 (RFC 3629) and Base64 (RFC 4648). */

import { failure } from './errors.js';

/** Bytes of this package, in a buffer of their own kind, as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes, or a string that stands for its UTF-8. */
export type BytesLike = string | ArrayBuffer | ArrayBufferView | Blob;

/** What some runtimes have and the language's older libraries do not know. */
interface Base64Array {
  toBase64?(options?: { alphabet?: 'base64url'; omitPadding?: boolean }): string;
}
interface Base64Constructor {
  fromBase64?(text: string): Bytes;
}

const encoder = new TextEncoder();

/** How many arguments every engine hands to a function, and hands over fast. */
const ARGUMENTS = 1024;

/**
 * Reads bytes that a caller gave; a `Blob` gives a promise. They are not copied: who waits before
 * using them lets the caller change them.
 *
 * `name` is what the refusal calls the argument.
 */
export function readBytes(value: BytesLike, name: string): Bytes | Promise<Bytes> {
  if (typeof value === 'string') return encodeText(value, name);
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    // What is shared may change at any time, and WebCrypto refuses it.
    return isA(buffer, 'ArrayBuffer') ? (bytes as Bytes) : bytes.slice();
  }
  if (isA(value, 'ArrayBuffer')) return new Uint8Array(value as ArrayBuffer);
  if (isA(value, 'Blob') || isA(value, 'File')) {
    // Resolved here, as the promise of another realm is no `Promise` to who asks.
    return Promise.resolve((value as Blob).arrayBuffer()).then((buffer) => new Uint8Array(buffer));
  }
  throw failure('invalid_request', `${name} is neither bytes nor a string`);
}

/** As `readBytes`, and always a promise. */
export async function toBytes(value: BytesLike, name = 'data'): Promise<Bytes> {
  return readBytes(value, name);
}

/** As `toBytes`, but copied: what the caller does to its bytes from now on changes nothing. */
export async function copyBytes(value: BytesLike, name = 'data'): Promise<Bytes> {
  const read = readBytes(value, name);
  return read instanceof Uint8Array && typeof value !== 'string' ? read.slice() : read;
}

/** Encodes a caller's text, which must be Unicode: half a surrogate pair would not come back. */
function encodeText(text: string, name: string): Bytes {
  if (/\p{Surrogate}/u.test(text)) {
    throw failure('invalid_request', `${name} holds half a surrogate pair; pass it as bytes`);
  }
  return utf8(text);
}

/** Encodes text of this package. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Joins parts. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compares in a time that tells nothing but the lengths. */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) {
    difference |= (left[index] as number) ^ (right[index] as number);
  }
  return difference === 0;
}

/** Writes Base64 (section 4). */
export function toBase64(bytes: Uint8Array): string {
  const native = bytes as Base64Array;
  if (native.toBase64 !== undefined) return native.toBase64();
  let text = '';
  for (let at = 0; at < bytes.length; at += ARGUMENTS) {
    // Not spread: an array that is no `Array` would be walked by its iterator.
    const part = bytes.subarray(at, at + ARGUMENTS) as unknown as number[];
    text += String.fromCharCode.apply(null, part);
  }
  return btoa(text);
}

/**
 * Reads Base64 (section 4): padded, without spaces, and without bits that stand for nothing.
 *
 * @throws {SyntaxError} It is anything else.
 */
export function fromBase64(text: string): Bytes {
  // The last bits of the last character before padding are zero, or one text has two spellings.
  const padding = /(?:[AQgw]=|[AEIMQUYcgkosw048])=$/.exec(text)?.[0].length ?? 1;
  const digits = text.slice(0, text.length - padding + 1);
  if (text.length % 4 !== 0 || /[^A-Za-z0-9+/]/.test(digits)) {
    throw new SyntaxError('this is no Base64');
  }
  const native = Uint8Array as unknown as Base64Constructor;
  if (native.fromBase64 !== undefined) return native.fromBase64(text);
  const decoded = atob(text);
  const bytes = new Uint8Array(decoded.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = decoded.charCodeAt(at);
  return bytes;
}

/** Writes Base64 for URLs (section 5), without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replace(/[+/=]/g, (found) => ({ '+': '-', '/': '_' })[found] ?? '');
}

/**
 * Reads Base64 for URLs (section 5), without padding, and without bits that stand for nothing.
 *
 * @throws {SyntaxError} It is anything else.
 */
export function fromBase64Url(text: string): Bytes {
  if (!/^[\w-]*$/.test(text)) throw new SyntaxError('this is no Base64 for URLs');
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}

/** Tells what built-in class a value is of, whichever realm made it. */
export function isA(value: unknown, kind: string): boolean {
  // Not `instanceof`: values of another realm are as good.
  return Object.prototype.toString.call(value) === `[object ${kind}]`;
}
