/** What binds a body to its header and to the caller's context. */

import { type Bytes, concat, isA, utf8 } from '../bytes.js';
import { failure } from '../errors.js';

/** Names and values that must be the same when opening as when sealing. They are not stored. */
export type Context = Readonly<Record<string, string>>;

/**
 * The associated data of a body: the bound part of its header, then the context in the canonical
 * form of RFC 8785. No context is no bytes, which an empty one (`{}`) is not.
 */
export function associatedData(bound: Bytes, context: Context | undefined): Bytes {
  return context === undefined ? bound : concat(bound, utf8(canonical(context)));
}

/**
 * RFC 8785 for a map of strings: members sorted by the UTF-16 units of their names, which is how
 * JavaScript sorts, and strings as JSON.stringify writes them (section 3.2.2.2).
 */
export function canonical(context: Context): string {
  if (!isA(context, 'Object')) {
    throw failure('invalid_request', 'a context is an object of strings');
  }
  const members = Object.keys(context).sort();
  return `{${members.map((name) => `${text(name)}:${text(context[name])}`).join(',')}}`;
}

function text(value: unknown): string {
  // A lone surrogate has no UTF-8: encoders replace it, and two contexts would become one.
  if (typeof value !== 'string' || /\p{Surrogate}/u.test(value)) {
    throw failure(
      'invalid_request',
      'names and values of a context are strings of whole characters',
    );
  }
  return JSON.stringify(value);
}
