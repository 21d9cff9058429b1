/**
 * The container KWE1, which carries everything that opening needs but the key and the context.
 *
 * ```text
 * magic "KWE1" (4) ‖ suite (1) ‖ key reference: length (2), UTF-8 "mount/name" ‖ commitment (32)
 *   ‖ wrapped key: length (2), ASCII "vault:vN:…" ‖ body
 * ```
 * Numbers are big-endian. Everything before the wrapped key is the *bound part*: the body is
 * authenticated with it. The wrapped key is left out, so that it can be rewrapped with a newer
 * version of the named key while the body stays as it is, byte for byte; another data key put in
 * its place is caught by the commitment.
 */

import { type Bytes, concat, equal, fromBase64, utf8 } from '../bytes.js';
import { failure } from '../errors.js';

/** A stream: Tink's AES256_GCM_HKDF_1MB. */
export const STREAM = 1;
/** A record: XAES-256-GCM, its nonce before it. Suite 2 is reserved. */
export const RECORD = 3;

export type Suite = typeof STREAM | typeof RECORD;

const MAGIC = utf8('KWE1');
const COMMITMENT_LENGTH = 32;
const LONGEST = 0xffff;

export interface HeaderFields {
  readonly suite: Suite;
  /** The named key, as `mount/name`. */
  readonly key: string;
  readonly commitment: Bytes;
  readonly wrappedKey: string;
}

export interface Header extends HeaderFields {
  /** The bytes that the body is bound to. */
  readonly bound: Bytes;
  /** How long the header is: where the body begins. */
  readonly length: number;
}

/** Writes a header. */
export function encodeHeader(fields: HeaderFields): Bytes {
  return concat(encodeBound(fields), counted(utf8(fields.wrappedKey)));
}

/** Writes the part of a header that the body is bound to. */
export function encodeBound({ suite, key, commitment }: Omit<HeaderFields, 'wrappedKey'>): Bytes {
  return concat(MAGIC, Uint8Array.of(suite), counted(utf8(key)), commitment);
}

/**
 * Reads the header that `bytes` begins with. Where they end before it does, the answer is how many
 * bytes are surely needed, so that a stream can wait for more.
 */
export function parseHeader(bytes: Bytes): Header | number {
  const magic = bytes.subarray(0, MAGIC.length);
  // What is no container is said to be none at its first byte, not when enough have come.
  if (!equal(magic, MAGIC.subarray(0, magic.length)))
    throw malformed('it does not begin with KWE1');
  const keyAt = MAGIC.length + 1 + 2;
  if (bytes.length < keyAt) return keyAt;
  const suite = bytes[MAGIC.length];
  if (suite !== STREAM && suite !== RECORD) throw malformed(`suite ${suite} is unknown`);
  const commitmentAt = keyAt + u16(bytes, keyAt - 2);
  const boundLength = commitmentAt + COMMITMENT_LENGTH;
  const wrappedAt = boundLength + 2;
  if (bytes.length < wrappedAt) return wrappedAt;
  const length = wrappedAt + u16(bytes, boundLength);
  if (bytes.length < length) return length;
  return {
    suite,
    key: keyReference(bytes.subarray(keyAt, commitmentAt)),
    commitment: bytes.slice(commitmentAt, boundLength),
    wrappedKey: wrappedKey(bytes.subarray(wrappedAt, length)),
    bound: bytes.slice(0, boundLength),
    length,
  };
}

/** Reads the header of a whole container. */
export function headerOf(container: Bytes): Header {
  const header = parseHeader(container);
  if (typeof header === 'number') {
    throw failure('truncated_stream', 'the container ends inside its header');
  }
  return header;
}

function keyReference(bytes: Bytes): string {
  let key: string;
  try {
    // A byte order mark would be dropped: then two references could read the same.
    key = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('its key reference is not UTF-8');
  }
  if (!/^[^/]+(\/[^/]+)+$/.test(key)) throw malformed('its key reference is not mount/name');
  return key;
}

function wrappedKey(bytes: Bytes): string {
  const text = String.fromCharCode(...bytes.subarray(0, 32));
  const version = /^vault:v[1-9][0-9]{0,9}:(?=.)/.exec(text)?.[0];
  if (version === undefined) throw malformed('its wrapped key is not vault:vN:…');
  let payload = '';
  for (const byte of bytes.subarray(version.length)) payload += String.fromCharCode(byte);
  try {
    fromBase64(payload);
  } catch {
    throw malformed('its wrapped key is not Base64');
  }
  return version + payload;
}

function counted(bytes: Bytes): Bytes {
  if (bytes.length > LONGEST) throw failure('invalid_request', 'a part of the header is too long');
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

function u16(bytes: Bytes, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function malformed(why: string): Error {
  return failure('invalid_ciphertext', `this is no KWE1 container: ${why}`);
}
