/** Leases: how long the secrets that the server made for someone live. */

import type { CallOptions, ChangeOptions, Connection } from './connection.js';
import { camel } from './http/names.js';
import { text } from './http/path.js';
import { type Reply, unexpected } from './http/reply.js';

/** What is known of a lease. */
export interface LeaseInfo {
  readonly id: string;
  readonly issueTime: string;
  readonly expireTime: string | null;
  readonly lastRenewal: string | null;
  readonly renewable: boolean;
  /** Seconds that are left. */
  readonly ttl: number;
}

/** What became of a lease that was renewed. */
export interface RenewedLease {
  readonly leaseId: string;
  /** Seconds from now. */
  readonly leaseDuration: number;
  readonly renewable: boolean;
}

/** The leases of the server. */
export class Leases {
  readonly #connection: Connection;

  /** For this package: `keyward.leases`. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async lookup(leaseId: string, options?: CallOptions): Promise<LeaseInfo> {
    const body = { lease_id: text(leaseId, 'leaseId') };
    const { data, requestId } = await this.#connection.call(
      { method: 'POST', target: 'sys/leases/lookup', body, safe: true },
      options,
    );
    if (data === undefined) throw unexpected({ requestId });
    return camel(data) as unknown as LeaseInfo;
  }

  /** Asks for more time: `increment` seconds from now, which the server may shorten. */
  async renew(
    leaseId: string,
    increment?: number,
    options?: ChangeOptions,
  ): Promise<RenewedLease> {
    const { body } = await this.#change('renew', leaseId, { increment }, options);
    const { leaseDuration, leaseId: id, renewable } = camel(body);
    return { leaseDuration, leaseId: id, renewable } as unknown as RenewedLease;
  }

  /** Ends a lease, and the secret with it. */
  async revoke(leaseId: string, options?: ChangeOptions): Promise<void> {
    await this.#change('revoke', leaseId, {}, options);
  }

  async #change(
    verb: string,
    leaseId: string,
    more: object,
    options: ChangeOptions | undefined,
  ): Promise<Reply> {
    const body = { lease_id: text(leaseId, 'leaseId'), ...more };
    return this.#connection.call({ method: 'POST', target: `sys/leases/${verb}`, body }, options);
  }
}
