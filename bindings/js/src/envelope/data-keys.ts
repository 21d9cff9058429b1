/**
 * Data keys, kept for a while: one call to the server makes a key that seals many things, or
 * unwraps a key that opens many.
 */

import { type Bytes, equal } from '../bytes.js';
import { failure } from '../errors.js';
import { DataKey } from './data-key.js';
import type { Header, Suite } from './header.js';
import { Flight, KeptKey, type Lease } from './kept-key.js';

/** How long and how much one data key is used. */
export interface EnvelopeLimits {
  /**
   * Bytes after which nobody is given the key anew; 64 GiB. A stream that has it goes on, however
   * long it is: its segments have a key of their own.
   */
  readonly maxBytes?: number;
  /** Records and streams; 2^20. */
  readonly maxUses?: number;
  /** Milliseconds since the server gave it; 300,000. */
  readonly ttlMs?: number;
  /** How many data keys are kept, for sealing and opening together; 16. */
  readonly maxEntries?: number;
}

/** What has happened so far. */
export interface EnvelopeStats {
  /** Uses that a kept key served. */
  readonly hits: number;
  /** Uses for which the server was asked. */
  readonly misses: number;
  /** Keys that went before their time, to make room. */
  readonly evictions: number;
  /** Bytes that were sealed and opened. */
  readonly bytes: number;
  /** Records, streams and ranges that were sealed and opened. */
  readonly uses: number;
}

/** What gives data keys: the transit engine. */
export interface KeyService {
  /** Makes `count` data keys of 32 bytes. */
  create(count: number): Promise<{ plaintext: Bytes; wrapped: string }[]>;
  /** Unwraps one. */
  unwrap(wrapped: string): Promise<Bytes>;
}

/** Someone who waits for a key to seal with. */
interface Waiting {
  readonly bytes: number;
  resolve(lease: Lease): void;
  reject(error: unknown): void;
}

/** The most keys that one call makes. */
const BATCH = 64;

const DEFAULTS: Required<EnvelopeLimits> = {
  maxBytes: 64 * 2 ** 30,
  maxUses: 2 ** 20,
  ttlMs: 300_000,
  maxEntries: 16,
};

/** The cache. Keys for sealing and for opening are apart: who may do one may lack the other. */
export class DataKeys {
  readonly #service: KeyService;
  readonly #limits: Required<EnvelopeLimits>;
  readonly #now: () => number;
  /** Every kept key and what takes it out of its map, the longest unused first. */
  readonly #kept = new Map<KeptKey, () => void>();
  readonly #sealing = new Map<Suite, KeptKey>();
  readonly #opening = new Map<string, KeptKey | Flight>();
  readonly #queues = new Map<Suite, Waiting[]>();
  /** Changes when everything is forgotten, so that keys on their way are not kept. */
  #epoch = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #bytes = 0;
  #uses = 0;

  /** `now` tells milliseconds since any moment. */
  constructor(service: KeyService, limits: EnvelopeLimits = {}, now: () => number = Date.now) {
    this.#service = service;
    this.#now = now;
    const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
    this.#limits = { ...DEFAULTS, ...Object.fromEntries(given) };
    for (const [name, limit] of Object.entries(this.#limits)) {
      if (!(limit >= 1)) throw failure('invalid_request', `${name} must be at least 1`);
    }
  }

  stats(): EnvelopeStats {
    const [hits, misses, evictions] = [this.#hits, this.#misses, this.#evictions];
    return { hits, misses, evictions, bytes: this.#bytes, uses: this.#uses };
  }

  /** Forgets every key. Those in use are wiped when they are given back. */
  clear(): void {
    this.#epoch++;
    for (const kept of this.#kept.keys()) this.#drop(kept);
    this.#opening.clear();
  }

  /** Gives a key to seal `bytes` with. */
  async forSealing(suite: Suite, bytes: number): Promise<Lease> {
    const kept = this.#sealing.get(suite);
    if (kept !== undefined && this.#serves(kept, bytes)) {
      this.#hits++;
      return this.#lease(kept, bytes);
    }
    this.#misses++;
    return new Promise((resolve, reject) => {
      const waiting = { bytes, resolve, reject };
      const queue = this.#queues.get(suite);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      this.#queues.set(suite, [waiting]);
      // Everyone who asks in this turn is served by one call.
      queueMicrotask(() => void this.#fill(suite));
    });
  }

  /** Gives the key that a header wraps, once it has proved to be the one that was committed to. */
  async forOpening(header: Header, bytes: number): Promise<Lease> {
    const name = `${header.suite} ${header.wrappedKey}`;
    const take = (kept: KeptKey) => {
      if (!this.#serves(kept, bytes)) return undefined;
      if (!equal(kept.key.commitment, header.commitment)) {
        throw failure('invalid_ciphertext', 'the wrapped key is not the one of this container');
      }
      return this.#lease(kept, bytes);
    };
    for (;;) {
      const found = this.#opening.get(name);
      if (found instanceof KeptKey) {
        const lease = take(found);
        if (lease !== undefined) {
          this.#hits++;
          return lease;
        }
        this.#drop(found);
      }
      this.#misses++;
      const flight = found instanceof Flight ? found : this.#unwrap(name, header);
      const lease = await flight.join(take);
      if (lease !== undefined) return lease;
    }
  }

  #unwrap(name: string, header: Header): Flight {
    const epoch = this.#epoch;
    const fetched = async () => {
      try {
        const plaintext = await this.#service.unwrap(header.wrappedKey);
        const key = await DataKey.create(header.suite, plaintext, header.wrappedKey);
        if (this.#opening.get(name) === flight) this.#opening.delete(name);
        return this.#keep(key, epoch, this.#opening, name);
      } catch (error) {
        if (this.#opening.get(name) === flight) this.#opening.delete(name);
        throw error;
      }
    };
    const flight: Flight = new Flight(Promise.resolve().then(fetched));
    this.#opening.set(name, flight);
    return flight;
  }

  /** Gets keys for everyone who waits, and for those who come meanwhile. */
  async #fill(suite: Suite): Promise<void> {
    const queue = this.#queues.get(suite) ?? [];
    while (queue.length > 0) {
      const epoch = this.#epoch;
      const asked = queue.splice(0);
      try {
        for (const key of await this.#create(suite, this.#needed(asked))) {
          const kept = this.#keep(key, epoch, this.#sealing, suite);
          while (asked[0] !== undefined && this.#serves(kept, asked[0].bytes)) {
            asked[0].resolve(this.#lease(kept, asked[0].bytes));
            asked.shift();
          }
          kept.settle();
        }
        // More of them than one call makes keys for: the next round.
        queue.unshift(...asked);
      } catch (error) {
        for (const waiting of asked) waiting.reject(error);
      }
    }
    this.#queues.delete(suite);
  }

  async #create(suite: Suite, count: number): Promise<DataKey[]> {
    const made = await this.#service.create(count);
    if (made.length === 0) throw failure('unexpected_answer', 'the server made no data key');
    return Promise.all(made.map((key) => DataKey.create(suite, key.plaintext, key.wrapped)));
  }

  /** How many keys it takes to serve these within the limits. */
  #needed(asked: Waiting[]): number {
    const { maxBytes, maxUses } = this.#limits;
    let [keys, uses, bytes] = [1, 0, 0];
    for (const next of asked) {
      const fits = uses === 0 || (uses < maxUses && bytes + next.bytes <= maxBytes);
      [keys, uses, bytes] = fits ? [keys, uses, bytes] : [keys + 1, 0, 0];
      [uses, bytes] = [uses + 1, bytes + next.bytes];
    }
    return Math.min(keys, BATCH);
  }

  /** Keeps a key under `name`, instead of the one before; it is the caller's to settle. */
  #keep<N>(key: DataKey, epoch: number, map: Map<N, KeptKey | Flight>, name: N): KeptKey;
  #keep<N>(key: DataKey, epoch: number, map: Map<N, KeptKey>, name: N): KeptKey;
  #keep<N>(key: DataKey, epoch: number, map: Map<N, KeptKey>, name: N): KeptKey {
    const kept = new KeptKey(key, this.#now() + this.#limits.ttlMs);
    if (epoch !== this.#epoch) {
      kept.drop();
      return kept;
    }
    const before = map.get(name);
    if (before instanceof KeptKey) this.#drop(before);
    map.set(name, kept);
    this.#kept.set(kept, () => map.delete(name));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limits.maxEntries) break;
      this.#evictions++;
      this.#drop(oldest);
    }
    return kept;
  }

  #drop(kept: KeptKey): void {
    this.#kept.get(kept)?.();
    this.#kept.delete(kept);
    kept.drop();
  }

  /** Whether one more use of so many bytes fits. A fresh key takes a use of any size. */
  #serves(kept: KeptKey, bytes: number): boolean {
    if (kept.uses === 0) return true;
    const { maxBytes, maxUses } = this.#limits;
    const hasRoom = kept.uses < maxUses && kept.bytes + bytes <= maxBytes;
    return hasRoom && !kept.dropped && this.#now() < kept.expires;
  }

  #lease(kept: KeptKey, bytes: number): Lease {
    const forget = this.#kept.get(kept);
    if (forget !== undefined) {
      this.#kept.delete(kept);
      this.#kept.set(kept, forget);
    }
    this.#uses++;
    const lease = kept.lease((more) => {
      this.#bytes += more;
    });
    lease.spend(bytes);
    return lease;
  }
}
