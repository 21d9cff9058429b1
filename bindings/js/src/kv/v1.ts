/** The first version of the KV engine: values without a history. */

import type { CallOptions, ChangeOptions, Connection } from '../connection.js';
import { type Json, unexpected } from '../http/reply.js';
import { Place } from './place.js';

/** A KV engine without versions. */
export class Kv1 {
  readonly #place: Place;

  /** For this package: `keyward.kv1()`. */
  constructor(connection: Connection, mount: string) {
    this.#place = new Place(connection, mount);
  }

  async get<T = Json>(at: string, options?: CallOptions): Promise<T> {
    const { data, requestId } = await this.#place.call('GET', '', at, options);
    if (data === undefined) throw unexpected({ requestId });
    return data as T;
  }

  /** Writes over what is there. */
  async put(at: string, value: object, options?: ChangeOptions): Promise<void> {
    await this.#place.call('POST', '', at, options, value);
  }

  async delete(at: string, options?: ChangeOptions): Promise<void> {
    await this.#place.call('DELETE', '', at, options);
  }

  /** Names what is below a path; folders end with a slash. */
  list(below = '', options?: CallOptions): Promise<string[]> {
    return this.#place.list('', below, options);
  }
}
