/**
 * Coalescing: calls that are made together travel together.
 *
 * Calls of one turn, before any of them could have been answered, with the same operation and key
 * become one request with many items. Each keeps its own result, error and signal.
 */

import type { CallOptions, Connection, Request } from '../connection.js';
import { type KeywardError, failure } from '../errors.js';
import { aborted } from '../http/deadline.js';
import type { Json } from '../http/reply.js';
import { type ItemResult, type Operation, readMany, readOne } from './operation.js';

/** How much travels together. */
export interface CoalesceOptions {
  /** Items of one request at most; 256. */
  readonly maxItems?: number;
  /** Bytes of the data of one request at most, as they travel; 1 MiB. */
  readonly maxBytes?: number;
}

/** Who waits for the result of an item. */
interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
  /** Takes its signal's listener off. */
  release(): void;
}

/** Gathers calls. Without options each call is a request of its own. */
export class Coalescer {
  readonly #connection: Connection;
  readonly #maxItems: number;
  readonly #maxBytes: number;
  readonly #open = new Map<string, Batch<unknown>>();

  constructor(connection: Connection, options: CoalesceOptions | false = {}) {
    const { maxItems = 256, maxBytes = 2 ** 20 } = options === false ? { maxItems: 1 } : options;
    if (!(maxItems >= 1) || !(maxBytes >= 0)) {
      throw failure('invalid_request', 'coalesce has a number that is out of range');
    }
    [this.#connection, this.#maxItems, this.#maxBytes] = [connection, maxItems, maxBytes];
  }

  /**
   * Sends an item with others of its kind. `outer` stands beside the items, and is the same for all
   * of one request.
   */
  call<T>(
    operation: Operation<T>,
    target: string,
    item: Json,
    outer: Json,
    { signal, timeoutMs }: CallOptions,
  ): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(aborted(signal.reason));
    // What makes items of a kind: the server takes a context for all of them or for none.
    const shape = Object.keys(item).filter((name) => name !== 'key_version');
    const kind = JSON.stringify([target, outer, shape, timeoutMs]);
    const size = Object.values(item).reduce((sum: number, value) => sum + String(value).length, 0);
    let batch = this.#open.get(kind) as Batch<T> | undefined;
    if (batch === undefined || !batch.hasRoom(size, this.#maxItems, this.#maxBytes)) {
      batch = new Batch(this.#connection, operation, target, outer, timeoutMs);
      this.#open.set(kind, batch as Batch<unknown>);
      this.#sendSoon(kind, batch as Batch<unknown>);
    }
    return batch.add(item, size, signal);
  }

  #sendSoon(kind: string, batch: Batch<unknown>): void {
    // A promise that settles calls what waits for it a turn later; those calls are made together too.
    queueMicrotask(() =>
      queueMicrotask(() => {
        if (this.#open.get(kind) === batch) this.#open.delete(kind);
        void batch.send();
      }),
    );
  }
}

/** Items that travel in one request. */
class Batch<T> {
  readonly #connection: Connection;
  readonly #operation: Operation<T>;
  readonly #target: string;
  readonly #outer: Json;
  readonly #timeoutMs: number | undefined;
  readonly #ending = new AbortController();
  /** Equal decryptions are one item that several wait for. */
  readonly #items = new Map<unknown, { readonly item: Json; readonly waiters: Set<Waiter<T>> }>();
  #bytes = 0;
  #sent = false;

  constructor(
    connection: Connection,
    operation: Operation<T>,
    target: string,
    outer: Json,
    timeoutMs: number | undefined,
  ) {
    this.#connection = connection;
    this.#operation = operation;
    this.#target = target;
    this.#outer = outer;
    this.#timeoutMs = timeoutMs;
  }

  hasRoom(size: number, maxItems: number, maxBytes: number): boolean {
    return this.#items.size < maxItems && this.#bytes + size <= maxBytes;
  }

  add(item: Json, size: number, signal: AbortSignal | undefined): Promise<T> {
    // Encryption gives another ciphertext each time, so equal items are still two.
    const id = this.#operation.verb === 'decrypt' ? JSON.stringify(item) : item;
    const known = this.#items.get(id);
    const waiters = known?.waiters ?? new Set();
    if (known === undefined) {
      this.#items.set(id, { item, waiters });
      this.#bytes += size;
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(aborted(signal?.reason));
        this.#leave(id, waiter);
      };
      const release = () => signal?.removeEventListener('abort', leave);
      const waiter: Waiter<T> = { resolve, reject, release };
      waiters.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** One who waits has gone. What nobody waits for is not sent, or not waited for. */
  #leave(id: unknown, waiter: Waiter<T>): void {
    const waiters = this.#items.get(id)?.waiters;
    waiters?.delete(waiter);
    if (!this.#sent && waiters?.size === 0) this.#items.delete(id);
    const isWanted = [...this.#items.values()].some((each) => each.waiters.size > 0);
    if (this.#sent && !isWanted) this.#ending.abort();
  }

  async send(): Promise<void> {
    this.#sent = true;
    const entries = [...this.#items.values()];
    if (entries.length === 0) return;
    const results = await this.#results(entries.map(({ item }) => item));
    entries.forEach(({ waiters }, index) => {
      const result = results[index] as ItemResult<T>;
      for (const waiter of waiters) {
        waiter.release();
        // A copy for each, so that nobody holds the bytes of another.
        if (result.status === 'fulfilled') waiter.resolve(copy(result.value));
        else waiter.reject(result.reason);
      }
    });
  }

  async #results(items: readonly Json[]): Promise<readonly ItemResult<T>[]> {
    const [only] = items;
    const isOne = items.length === 1;
    const body = isOne ? { ...only, ...this.#outer } : batchOf(items, this.#outer);
    const request: Request = { method: 'POST', target: this.#target, body, safe: true };
    const options = { signal: this.#ending.signal, timeoutMs: this.#timeoutMs };
    try {
      const reply = await this.#connection.call(request, options);
      if (!isOne) return readMany(this.#operation, items.length, reply);
      return [{ status: 'fulfilled', value: readOne(this.#operation, reply) }];
    } catch (reason) {
      return items.map(() => ({ status: 'rejected', reason: reason as KeywardError }));
    }
  }
}

function copy<T>(value: T): T {
  return value instanceof Uint8Array ? (value.slice() as T) : value;
}

/** The body of a request with many items. */
export function batchOf(items: readonly Json[], outer: Json): Json {
  return { ...outer, batch_input: items };
}
