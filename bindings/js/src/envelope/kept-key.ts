/** A data key in the cache: who uses it, how much it was used, and when it is wiped. */

import type { DataKey } from './data-key.js';

/** A key that is being used: it is not wiped before it is given back. */
export interface Lease {
  readonly key: DataKey;
  /** Counts bytes that it seals or opens. */
  spend(bytes: number): void;
  /** Gives it back; a second time does nothing. */
  release(): void;
}

/** A key and its use. It is made with one lease, its maker's, who releases it by `settle`. */
export class KeptKey {
  readonly key: DataKey;
  readonly expires: number;
  uses = 0;
  bytes = 0;
  dropped = false;
  #leases = 1;

  constructor(key: DataKey, expires: number) {
    this.key = key;
    this.expires = expires;
  }

  /** Gives it out once more; `count` hears of every byte. */
  lease(count: (bytes: number) => void): Lease {
    this.#leases++;
    this.uses++;
    let given = true;
    return {
      key: this.key,
      spend: (bytes) => {
        this.bytes += bytes;
        count(bytes);
      },
      release: () => {
        if (given) this.#giveBack();
        given = false;
      },
    };
  }

  settle(): void {
    this.#giveBack();
  }

  /** Says that nobody is to be given it any more. */
  drop(): void {
    this.dropped = true;
    if (this.#leases === 0) this.key.wipe();
  }

  /** A key that was wiped under its user would seal with zeros, so the last one out wipes it. */
  #giveBack(): void {
    this.#leases--;
    if (this.dropped && this.#leases === 0) this.key.wipe();
  }
}

/** A key on its way, and who waits for it. */
export class Flight {
  readonly #coming: Promise<KeptKey>;
  #waiting = 0;

  constructor(coming: Promise<KeptKey>) {
    this.#coming = coming;
  }

  /** Waits for it; `use` must take its lease at once. The last to be served settles the key. */
  async join<T>(use: (kept: KeptKey) => T): Promise<T> {
    this.#waiting++;
    const kept = await this.#coming;
    try {
      return use(kept);
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) kept.settle();
    }
  }
}
