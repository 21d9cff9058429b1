/** Records: small things that are sealed whole, each with a random nonce of 192 bits. */

import { type Bytes, concat, fromBase64Url, toBase64Url } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { type Context, associatedData } from './context.js';
import type { DataKey } from './data-key.js';
import { type Header, RECORD, encodeBound, encodeHeader } from './header.js';

const NONCE = 24;
const TAG = 16;
/** What the text form begins with; the number is that of the form. */
const PREFIX = 'kwe:1:';

/** Seals a record. */
export async function sealRecord(
  primitives: Primitives,
  dataKey: DataKey,
  key: string,
  data: Bytes,
  context?: Context,
): Promise<Bytes> {
  const { commitment, wrapped } = dataKey;
  const bound = { suite: RECORD, key, commitment } as const;
  const associated = associatedData(encodeBound(bound), context);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await primitives.xaesSeal(dataKey.record, nonce, associated, data);
  return concat(encodeHeader({ ...bound, wrappedKey: wrapped }), nonce, sealed);
}

/** Opens the body of a record. */
export async function openRecord(
  primitives: Primitives,
  dataKey: DataKey,
  header: Header,
  body: Bytes,
  context?: Context,
): Promise<Bytes> {
  if (body.length < NONCE + TAG) throw failure('truncated_stream', 'the record is not whole');
  const associated = associatedData(header.bound, context);
  const nonce = body.subarray(0, NONCE);
  return primitives.xaesOpen(dataKey.record, nonce, associated, body.subarray(NONCE));
}

/** Writes a record as text, for columns and fields that hold no bytes. */
export function recordText(record: Bytes): string {
  return PREFIX + toBase64Url(record);
}

/** Reads the text form. */
export function parseRecordText(text: string): Bytes {
  try {
    if (text.startsWith(PREFIX)) return fromBase64Url(text.slice(PREFIX.length));
  } catch {
    // Told below, as what has another beginning is.
  }
  throw failure('invalid_ciphertext', `this is no text of a record: ${PREFIX}…`);
}
