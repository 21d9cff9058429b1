/** The keys of a transit engine themselves: made, read, rotated, configured, deleted. */

import type { CallOptions, ChangeOptions, Connection, Request } from '../connection.js';
import { names } from '../http/list.js';
import { camel, snake } from '../http/names.js';
import { name, path, query } from '../http/path.js';
import { type Json, type Reply, object, unexpected } from '../http/reply.js';

/** What a new key shall be. */
export interface KeySettings {
  /** Such as `aes256-gcm96`, which it is if not given, `ed25519`, `ecdsa-p256` or `ml-dsa-65`. */
  readonly type?: string | undefined;
  /** Whether every use derives a key of its own from a context. */
  readonly derived?: boolean | undefined;
  /** Whether the same plaintext and context give the same ciphertext; needs `derived`. */
  readonly convergentEncryption?: boolean | undefined;
  /** Whether it may be exported; cannot be taken back. */
  readonly exportable?: boolean | undefined;
  /** Whether it may be backed up in the clear; cannot be taken back. */
  readonly allowPlaintextBackup?: boolean | undefined;
  /** Seconds after which it is rotated; 0 is never. */
  readonly autoRotatePeriod?: number | undefined;
  /** The size in bytes, for types that leave the choice. */
  readonly keySize?: number | undefined;
}

/** Rules of a key that can change; what is not given stays. */
export interface KeyRules {
  /** The oldest version that decrypts and verifies. */
  readonly minDecryptionVersion?: number | undefined;
  /** The oldest version that encrypts and signs; 0 is the latest alone. */
  readonly minEncryptionVersion?: number | undefined;
  readonly deletionAllowed?: boolean | undefined;
  readonly exportable?: boolean | undefined;
  readonly allowPlaintextBackup?: boolean | undefined;
  /** Seconds; 0 is never. */
  readonly autoRotatePeriod?: number | undefined;
}

/** What may be known of a key. */
export interface KeyInfo {
  readonly name: string;
  readonly type: string;
  readonly latestVersion: number;
  readonly minAvailableVersion: number;
  readonly minDecryptionVersion: number;
  readonly minEncryptionVersion: number;
  readonly derived: boolean;
  readonly exportable: boolean;
  readonly deletionAllowed: boolean;
  readonly allowPlaintextBackup: boolean;
  /** Seconds; 0 is never. */
  readonly autoRotatePeriod: number;
  readonly supportsEncryption: boolean;
  readonly supportsDecryption: boolean;
  readonly supportsDerivation: boolean;
  readonly supportsSigning: boolean;
  /** By their numbers, those that still decrypt and verify. */
  readonly versions: Readonly<Record<string, KeyVersion>>;
}

/** What may be known of one version. */
export interface KeyVersion {
  readonly createdAt: Date;
  /** PEM, or Base64 of the bytes where the type has no PEM. */
  readonly publicKey?: string;
}

/** Which part of a list is wanted. */
export interface ListOptions extends CallOptions {
  /** Only names after this one. */
  readonly after?: string | undefined;
  /** How many at most. */
  readonly limit?: number | undefined;
}

/** The keys of one transit engine. */
export class Keys {
  readonly #connection: Connection;
  readonly #mount: string;

  /** For this package: `keyward.transit().keys`. */
  constructor(connection: Connection, mount: string) {
    this.#connection = connection;
    this.#mount = mount;
  }

  /** Makes a key. One that exists stays as it is, whatever its type, and is given. */
  create(key: string, settings?: KeySettings, options?: ChangeOptions): Promise<KeyInfo> {
    return this.#write(key, '', snake(settings ?? {}), options);
  }

  async read(key: string, options?: CallOptions): Promise<KeyInfo> {
    return info(await this.#call('GET', key, '', undefined, options));
  }

  /** Names the keys, in the order of their bytes. */
  async list({ after, limit, ...options }: ListOptions = {}): Promise<string[]> {
    const target = `${path(this.#mount, 'mount')}/keys${query({ list: true, after, limit })}`;
    return names(this.#connection.call({ method: 'GET', target }, options));
  }

  /** Adds a version, which encrypts and signs from now on. */
  rotate(key: string, options?: ChangeOptions): Promise<KeyInfo> {
    return this.#write(key, '/rotate', {}, options);
  }

  config(key: string, rules: KeyRules, options?: ChangeOptions): Promise<KeyInfo> {
    return this.#write(key, '/config', snake(rules), options);
  }

  /** Destroys the versions before `minAvailableVersion` for good. */
  trim(key: string, minAvailableVersion: number, options?: ChangeOptions): Promise<KeyInfo> {
    return this.#write(key, '/trim', snake({ minAvailableVersion }), options);
  }

  /** Destroys a key for good; its `deletionAllowed` must be set before. */
  async delete(key: string, options?: ChangeOptions): Promise<void> {
    await this.#call('DELETE', key, '', undefined, options);
  }

  async #write(
    key: string,
    action: string,
    body: Json,
    options: ChangeOptions | undefined,
  ): Promise<KeyInfo> {
    return info(await this.#call('POST', key, action, body, options));
  }

  async #call(
    method: Request['method'],
    key: string,
    action: string,
    body: Json | undefined,
    options: ChangeOptions | undefined,
  ): Promise<Reply> {
    const target = `${path(this.#mount, 'mount')}/keys/${name(key, 'key')}${action}`;
    return this.#connection.call({ method, target, ...(body && { body }) }, options);
  }
}

function info({ data, requestId }: Reply): KeyInfo {
  if (data === undefined) throw unexpected({ requestId });
  const { keys, ...known } = data;
  const versions = Object.entries(object(keys) ?? {}).map(([number, version]) => {
    const { creation_time: created, public_key: publicKey } = object(version) ?? {};
    // Symmetric versions are but the time of their making, in seconds.
    const time = typeof version === 'number' ? version * 1000 : String(created);
    return [number, { createdAt: new Date(time), ...(publicKey !== undefined && { publicKey }) }];
  });
  return { ...camel(known), versions: Object.fromEntries(versions) } as unknown as KeyInfo;
}
