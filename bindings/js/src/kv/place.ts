/** Where values of a KV engine are. */

import type { ChangeOptions, Connection, Request } from '../connection.js';
import { names } from '../http/list.js';
import { path, query, text } from '../http/path.js';
import type { Reply } from '../http/reply.js';

/** One part of a KV engine: its values, or what is known of them. */
export class Place {
  readonly #connection: Connection;
  readonly #mount: string;

  constructor(connection: Connection, mount: string) {
    this.#connection = connection;
    this.#mount = text(mount, 'mount');
  }

  /** Calls with a path below `part`, which ends with a slash unless it is empty. */
  async call(
    method: Request['method'],
    part: string,
    at: string,
    options: ChangeOptions | undefined,
    body?: object,
    more = '',
  ): Promise<Reply> {
    const target = `${path(this.#mount, 'mount')}/${part}${path(at, 'path')}${more}`;
    return this.#connection.call({ method, target, ...(body && { body }) }, options);
  }

  /** Names what is below a path, or in the whole engine. */
  async list(part: string, below: string, options: ChangeOptions | undefined): Promise<string[]> {
    const inner = text(below, 'path').replace(/^\/+|\/+$/g, '');
    const whole = `${path(this.#mount, 'mount')}/${part}${inner && path(inner, 'path')}`;
    const target = `${whole.replace(/\/$/, '')}${query({ list: true })}`;
    return names(this.#connection.call({ method: 'GET', target }, options));
  }
}
