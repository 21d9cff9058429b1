/**
 * Structured fields (RFC 9651), as far as signatures need them: dictionaries of inner lists of
 * strings and of byte sequences, with parameters.
 */

import { type Bytes, fromBase64, toBase64 } from '../bytes.js';

/** A value that stands alone. A token is read as a string: no member here tells them apart. */
export type Bare = string | number | boolean | Bytes;

export type Parameters = ReadonlyMap<string, Bare>;

export interface Item {
  readonly value: Bare | readonly Item[];
  readonly parameters: Parameters;
}

/** Reads a dictionary; `undefined` when it is none, or names a member twice. */
export function parseDictionary(text: string): Map<string, Item> | undefined {
  const reader = new Reader(text);
  try {
    return reader.dictionary();
  } catch {
    return undefined;
  }
}

/** Writes a string (section 4.1.6); the caller knows that it is printable ASCII. */
export function serializeString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Writes a byte sequence (section 4.1.8). */
export function serializeBytes(bytes: Bytes): string {
  return `:${toBase64(bytes)}:`;
}

/** Writes an inner list or a string, with its parameters (sections 4.1.1.1 and 4.1.1.2). */
export function serializeItem({ value, parameters }: Item): string {
  const written = Array.isArray(value)
    ? `(${(value as readonly Item[]).map(serializeItem).join(' ')})`
    : serializeBare(value as Bare);
  const members = [...parameters].map(([name, bare]) =>
    bare === true ? `;${name}` : `;${name}=${serializeBare(bare)}`,
  );
  return written + members.join('');
}

function serializeBare(value: Bare): string {
  if (typeof value === 'string') return serializeString(value);
  if (typeof value === 'number') return `${value}`;
  return typeof value === 'boolean' ? `?${value ? 1 : 0}` : serializeBytes(value);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^ +| +$/g, '');
  }

  dictionary(): Map<string, Item> {
    const members = new Map<string, Item>();
    while (this.#at < this.#text.length) {
      const name = this.#match(/[a-z*][a-z0-9_.*-]*/y);
      const item = this.#accept('=')
        ? this.#member()
        : { value: true, parameters: this.#parameters() };
      if (members.has(name)) throw new SyntaxError('a member is there twice');
      members.set(name, item);
      this.#match(/[ \t]*/y);
      if (this.#at === this.#text.length) break;
      this.#match(/,[ \t]*(?=.)/y);
    }
    return members;
  }

  #member(): Item {
    if (!this.#accept('(')) return this.#item();
    const items: Item[] = [];
    for (;;) {
      this.#match(/ */y);
      if (this.#accept(')')) return { value: items, parameters: this.#parameters() };
      items.push(this.#item());
      this.#match(/(?=[ )])/y);
    }
  }

  #item(): Item {
    return { value: this.#bare(), parameters: this.#parameters() };
  }

  #parameters(): Parameters {
    const parameters = new Map<string, Bare>();
    while (this.#accept(';')) {
      const name = this.#match(/ *[a-z*][a-z0-9_.*-]*/y).trimStart();
      if (parameters.has(name)) throw new SyntaxError('a parameter is there twice');
      parameters.set(name, this.#accept('=') ? this.#bare() : true);
    }
    return parameters;
  }

  #bare(): Bare {
    const next = this.#text[this.#at] ?? '';
    if (next === '"') {
      const quoted = this.#match(/"(?:[ !#-[\]-~]|\\["\\])*"/y);
      return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
    }
    if (next === ':') return fromBase64(this.#match(/:[A-Za-z0-9+/]*={0,2}:/y).slice(1, -1));
    if (next === '?') return this.#match(/\?[01]/y) === '?1';
    if (/[-0-9]/.test(next)) return Number(this.#match(/-?[0-9]{1,15}(?![0-9.])/y));
    return this.#match(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y);
  }

  #accept(character: string): boolean {
    const found = this.#text[this.#at] === character;
    if (found) this.#at++;
    return found;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw new SyntaxError(`no structured field at ${this.#at}`);
    this.#at += found.length;
    return found;
  }
}
