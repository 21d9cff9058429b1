/**
 * Paths as they stand in a URL (RFC 3986 section 3.3).
 *
 * A name that comes from outside must not lead a call to another route: relative and empty segments
 * are refused, a name holds no slash, and the rest is encoded.
 */

import { failure } from '../errors.js';

/** Values of a query string; what is `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes a name that is one segment. `what` is how a refusal calls it. */
export function name(value: string, what: string): string {
  if (text(value, what).includes('/')) {
    throw failure('invalid_request', `${what} \`${value}\` has a slash`);
  }
  return segment(value, what);
}

/** Writes a path of several segments; slashes around it are not part of it. */
export function path(value: string, what: string): string {
  const segments = text(value, what).replace(/^\/+|\/+$/g, '').split('/');
  return segments.map((each) => segment(each, what)).join('/');
}

/** Writes a query string, or none where there is nothing to say. */
export function query(values: Query): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${pairs.map(([key, value]) => `${key}=${encode(String(value))}`).join('&')}`;
}

/** Reads a string that a caller gave. */
export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw failure('invalid_request', `${what} is no string`);
  if (/\p{Surrogate}/u.test(value)) {
    throw failure('invalid_request', `${what} holds half a surrogate pair`);
  }
  return value;
}

function segment(value: string, what: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw failure('invalid_request', `${what} has an empty or relative segment`);
  }
  return encode(value);
}

/** Encodes all but the unreserved characters (section 2.3), so that no proxy reads it otherwise. */
function encode(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
