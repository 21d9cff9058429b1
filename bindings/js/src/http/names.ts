/** Names of fields: the API writes `min_decryption_version`, JavaScript `minDecryptionVersion`. */

import type { Json } from './reply.js';

/** Names the fields of an answer as JavaScript does; what they hold stays as it is. */
export function camel(json: Json): Json {
  return rename(json, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** Names fields as the API does; what is `undefined` is left out. */
export function snake(fields: object): Json {
  return rename(fields, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function rename(fields: object, name: (old: string) => string): Json {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([old, value]) => [name(old), value as unknown]));
}
