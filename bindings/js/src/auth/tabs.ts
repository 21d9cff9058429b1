/**
 * Renewal across the tabs and workers of one origin: those which hold the same token renew it in
 * turn and not each for itself. Elsewhere there is nobody to share with.
 */

import { toBase64Url, utf8 } from '../bytes.js';

/** What one tab tells the others: until when the token lives now. */
interface Renewed {
  readonly id: string;
  readonly expiresAt: number;
}

const CHANNEL = 'keyward-renewal';

/** The tabs that hold one token. */
export class Tabs {
  readonly #id: Promise<string>;
  readonly #channel: BroadcastChannel;

  private constructor(token: string, onRenewed: (expiresAt: number) => void) {
    this.#id = idOf(token);
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = async ({ data }: MessageEvent<Renewed>) => {
      if (data.id === (await this.#id)) onRenewed(data.expiresAt);
    };
  }

  /** Joins them; `undefined` where there is nothing to join. */
  static join(token: string, onRenewed: (expiresAt: number) => void): Tabs | undefined {
    const isPage = 'location' in globalThis && typeof navigator.locks?.request === 'function';
    if (!isPage || typeof BroadcastChannel === 'undefined') return undefined;
    return new Tabs(token, onRenewed);
  }

  /** Renews the token, unless another tab does so now. `renew` gives its new end. */
  async renew(renew: () => Promise<number>): Promise<void> {
    const id = await this.#id;
    await navigator.locks.request(`${CHANNEL}:${id}`, { ifAvailable: true }, async (lock) => {
      if (lock === null) return;
      const message: Renewed = { id, expiresAt: await renew() };
      this.#channel.postMessage(message);
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
