/**
 * Renewal across the tabs and workers of one origin: those which hold the same token renew it in
 * turn and not each for itself. Elsewhere there is nobody to share with.
 */

import { toBase64Url, utf8 } from '../bytes.js';

/** What one tab tells the others: until when the token lives now, and if it may be renewed again. */
export interface Renewed {
  readonly expiresAt: number;
  readonly renewable: boolean;
}

const CHANNEL = 'keyward-renewal';

/**
 * For how long the lock is kept after the others were told, which no event says: whoever is due then
 * finds the work taken. One who hears later than that renews once more, which harms nothing.
 */
const TELLING_MS = 100;

/** The tabs that hold one token. */
export class Tabs {
  readonly #id: Promise<string>;
  readonly #channel: BroadcastChannel;

  private constructor(token: string, onRenewed: (renewed: Renewed) => void) {
    this.#id = idOf(token);
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = async ({ data }: MessageEvent<[string, Renewed]>) => {
      if (data[0] === (await this.#id)) onRenewed(data[1]);
    };
  }

  /** Joins them; `undefined` where there is nothing to join. */
  static join(token: string, onRenewed: (renewed: Renewed) => void): Tabs | undefined {
    const isPage = 'location' in globalThis && typeof navigator.locks?.request === 'function';
    if (!isPage || typeof BroadcastChannel === 'undefined') return undefined;
    return new Tabs(token, onRenewed);
  }

  /**
   * Renews the token, unless another tab does so now. `renew` gives what to tell the others, or
   * nothing if it heard from one of them in the meantime.
   */
  async renew(renew: () => Promise<Renewed | undefined>): Promise<void> {
    const id = await this.#id;
    await navigator.locks.request(`${CHANNEL}:${id}`, { ifAvailable: true }, async (lock) => {
      const renewed = lock === null ? undefined : await renew();
      if (renewed === undefined) return;
      this.#channel.postMessage([id, renewed]);
      await new Promise((resolve) => setTimeout(resolve, TELLING_MS));
    });
  }

  leave(): void {
    this.#channel.close();
  }
}

/** Names a token by what tells nothing of it. */
async function idOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', utf8(`${CHANNEL} ${token}`));
  return toBase64Url(new Uint8Array(digest));
}
