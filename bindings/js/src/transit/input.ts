/** What callers hand in, read into the fields of a request. Each refusal names the argument. */

import { type BytesLike, isA, readBytes, toBase64 } from '../bytes.js';
import { failure, isKeywardError } from '../errors.js';
import { text } from '../http/path.js';
import type { Json } from '../http/reply.js';

/** What data is bound to. */
export interface Binding {
  /** What decryption must present again; authenticated, not encrypted. */
  readonly associatedData?: BytesLike | undefined;
  /** From which a derived key derives; the same for decryption. */
  readonly context?: BytesLike | undefined;
}

/** What an item of a batch may say beside its data. */
export interface ItemOptions extends Binding {
  /** The version of the key; the latest if not given. */
  readonly keyVersion?: number | undefined;
}

/** The fields of one item; a `Blob` among them has to be read first. */
export type Fields = Json | Promise<Json>;

/** What an item is made of beside what it is bound to. */
type Content = Readonly<Record<string, string | Promise<string>>>;

/** Reads the fields of an item. `null` counts as not given. */
export function fields(content: Content, options: ItemOptions | null | undefined): Fields {
  const { associatedData, context, keyVersion } = options ?? {};
  const read = {
    ...content,
    ...(given(context) && { context: base64(context, 'context') }),
    ...(given(associatedData) && { associated_data: base64(associatedData, 'associatedData') }),
    ...(given(keyVersion) && { key_version: wholeNumber(keyVersion, 'keyVersion') }),
  };
  return Object.values(read).some((value) => value instanceof Promise) ? settle(read) : read;
}

/** Reads bytes into Base64. */
export function base64(value: BytesLike, name: string): string | Promise<string> {
  const bytes = readBytes(value, name);
  return bytes instanceof Promise ? bytes.then(toBase64) : toBase64(bytes);
}

/** Reads a number of a version, and the like. */
export function wholeNumber(value: unknown, name: string): number {
  if (Number.isInteger(value)) return value as number;
  throw failure('invalid_request', `${name} is no whole number`);
}

/** Reads the items of a batch, each with `read`; the refusal of one names its place. */
export async function items<T>(list: readonly T[], read: (item: T) => Fields): Promise<Json[]> {
  // A string is a list of characters to JavaScript, and never what was meant.
  if (!Array.isArray(list)) throw failure('invalid_request', 'items is no array');
  const fieldsOfEach = (list as readonly T[]).map((item, index) => {
    try {
      return read(item);
    } catch (error) {
      if (!isKeywardError(error)) throw error;
      throw failure(error.code as 'invalid_request', `items[${index}]: ${error.message}`);
    }
  });
  return Promise.all(fieldsOfEach);
}

/** Reads an item to encrypt or sign: the data itself, or an object that holds it. */
export function dataItem(
  item: BytesLike | ({ readonly data: BytesLike } & ItemOptions),
  field: string,
): Fields {
  if (typeof item === 'string' || isBytes(item)) {
    return fields({ [field]: base64(item as BytesLike, 'an item') }, undefined);
  }
  const { data, ...options } = member(item) as { data: BytesLike } & ItemOptions;
  return fields({ [field]: base64(data, 'data') }, options);
}

/** Reads an item to decrypt or rewrap: the ciphertext itself, or an object that holds it. */
export function ciphertextItem(
  item: string | ({ readonly ciphertext: string } & ItemOptions),
): Fields {
  if (typeof item === 'string') return fields({ ciphertext: text(item, 'an item') }, undefined);
  const { ciphertext, ...options } = member(item) as { ciphertext: string } & ItemOptions;
  return fields({ ciphertext: text(ciphertext, 'ciphertext') }, options);
}

/** Reads an item to verify. */
export function signedItem(
  item: { readonly data: BytesLike; readonly signature: string } & Binding,
): Fields {
  const { data, signature, context } = member(item) as typeof item;
  const content = { input: base64(data, 'data'), signature: text(signature, 'signature') };
  return fields(content, { context });
}

function member(item: unknown): object {
  if (typeof item === 'object' && item !== null && !isBytes(item)) return item;
  throw failure('invalid_request', 'an item is no object');
}

function isBytes(value: unknown): boolean {
  const kinds = ['ArrayBuffer', 'Blob', 'File'];
  return ArrayBuffer.isView(value) || kinds.some((kind) => isA(value, kind));
}

function given<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

async function settle(read: Readonly<Record<string, unknown>>): Promise<Json> {
  const entries = Object.entries(read).map(async ([name, value]) => [name, await value] as const);
  return Object.fromEntries(await Promise.all(entries));
}
