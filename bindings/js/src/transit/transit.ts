/** The transit engine: keys that stay in the server. */

import { primitives } from '#primitives';

import type { Bytes, BytesLike } from '../bytes.js';
import type { CallOptions, Connection } from '../connection.js';
import type { EnvelopeLimits } from '../envelope/data-keys.js';
import { Envelope } from '../envelope/envelope.js';
import { name, path, text } from '../http/path.js';
import { type Json, unexpected } from '../http/reply.js';
import { KeySet } from '../verify/key-set.js';
import { type Coalescer, batchOf } from './coalesce.js';
import { type DataKey, type DataKeyOptions, makeDataKeys } from './data-keys.js';
import {
  type Binding,
  type Fields,
  type ItemOptions,
  base64,
  ciphertextItem,
  dataItem,
  fields,
  items,
  signedItem,
} from './input.js';
import { Keys } from './keys.js';
import {
  DECRYPT,
  ENCRYPT,
  HMAC,
  type ItemResult,
  type Operation,
  REWRAP,
  SIGN,
  VERIFY,
  readMany,
} from './operation.js';
import {
  type DecryptOptions,
  type EncryptOptions,
  type HmacOptions,
  type RewrapOptions,
  type SignManyOptions,
  type SignOptions,
  type VerifyManyOptions,
  type VerifyOptions,
  outer,
} from './options.js';
import { type RewrapStreamOptions, rewrapStream } from './rewrap-stream.js';

/** An item to encrypt. */
export type EncryptItem = BytesLike | ({ readonly data: BytesLike } & ItemOptions);
/** An item to decrypt. */
export type DecryptItem = string | ({ readonly ciphertext: string } & Binding);
/** An item to rewrap. */
export type RewrapItem = string | ({ readonly ciphertext: string } & ItemOptions);
/** An item to sign. */
export type SignItem = BytesLike | ({ readonly data: BytesLike } & Pick<Binding, 'context'>);
/** An item to verify. */
export type VerifyItem = {
  readonly data: BytesLike;
  readonly signature: string;
} & Pick<Binding, 'context'>;
/** An item to authenticate. */
export type HmacItem = BytesLike | { readonly data: BytesLike };

/**
 * A transit engine: keys that stay in the server.
 *
 * Ciphertexts and signatures are strings, `vault:vN:…`, where N is the version of the key. Single
 * calls that are made in one turn travel together. Calls with `Many` send all items in one request
 * and give one result an item, in their order; they reject only if the request as a whole fails.
 */
export class Transit {
  /** The keys themselves: made, read, rotated, configured, deleted. */
  readonly keys: Keys;
  readonly #connection: Connection;
  readonly #coalescer: Coalescer;
  readonly #mount: string;

  /** For this package: `keyward.transit()`. */
  constructor(connection: Connection, coalescer: Coalescer, mount: string) {
    this.#connection = connection;
    this.#coalescer = coalescer;
    this.#mount = text(mount, 'mount');
    this.keys = new Keys(connection, mount);
  }

  /** Encrypts; gives the ciphertext. */
  async encrypt(key: string, data: BytesLike, options?: EncryptOptions): Promise<string> {
    const item = fields({ plaintext: base64(data, 'data') }, options);
    return this.#one(ENCRYPT, key, item, {}, options);
  }

  /** Decrypts; gives the bytes. */
  async decrypt(key: string, ciphertext: string, options?: DecryptOptions): Promise<Bytes> {
    const item = fields({ ciphertext: text(ciphertext, 'ciphertext') }, binding(options));
    return this.#one(DECRYPT, key, item, {}, options);
  }

  /** Encrypts a ciphertext anew with the latest version of its key, within the server. */
  async rewrap(key: string, ciphertext: string, options?: RewrapOptions): Promise<string> {
    const item = fields({ ciphertext: text(ciphertext, 'ciphertext') }, options);
    return this.#one(REWRAP, key, item, {}, options);
  }

  /** Signs; gives the signature. */
  async sign(key: string, data: BytesLike, options?: SignOptions): Promise<string> {
    const item = fields({ input: base64(data, 'data') }, { context: options?.context });
    return this.#one(SIGN, key, item, outer(options), options);
  }

  /** Whether the signature fits. */
  async verify(
    key: string,
    data: BytesLike,
    signature: string,
    options?: VerifyOptions,
  ): Promise<boolean> {
    const content = { input: base64(data, 'data'), signature: text(signature, 'signature') };
    const item = fields(content, { context: options?.context });
    return this.#one(VERIFY, key, item, outer(options), options);
  }

  /** Makes a message authentication code. */
  async hmac(key: string, data: BytesLike, options?: HmacOptions): Promise<string> {
    const item = fields({ input: base64(data, 'data') }, undefined);
    return this.#one(HMAC, key, item, outer(options), options);
  }

  /** Whether the message authentication code fits. */
  async verifyHmac(
    key: string,
    data: BytesLike,
    hmac: string,
    options?: Omit<HmacOptions, 'keyVersion'>,
  ): Promise<boolean> {
    const item = fields({ input: base64(data, 'data'), hmac: text(hmac, 'hmac') }, undefined);
    return this.#one(VERIFY, key, item, outer({ hashAlgorithm: options?.algorithm }), options);
  }

  encryptMany(
    key: string,
    list: readonly EncryptItem[],
    options?: CallOptions,
  ): Promise<ItemResult<string>[]> {
    return this.#many(ENCRYPT, key, list, (item) => dataItem(item, 'plaintext'), {}, options);
  }

  decryptMany(
    key: string,
    list: readonly DecryptItem[],
    options?: CallOptions,
  ): Promise<ItemResult<Bytes>[]> {
    return this.#many(DECRYPT, key, list, ciphertextItem, {}, options);
  }

  rewrapMany(
    key: string,
    list: readonly RewrapItem[],
    options?: CallOptions,
  ): Promise<ItemResult<string>[]> {
    return this.#many(REWRAP, key, list, ciphertextItem, {}, options);
  }

  signMany(
    key: string,
    list: readonly SignItem[],
    options?: SignManyOptions,
  ): Promise<ItemResult<string>[]> {
    return this.#many(SIGN, key, list, (item) => dataItem(item, 'input'), outer(options), options);
  }

  verifyMany(
    key: string,
    list: readonly VerifyItem[],
    options?: VerifyManyOptions,
  ): Promise<ItemResult<boolean>[]> {
    return this.#many(VERIFY, key, list, signedItem, outer(options), options);
  }

  hmacMany(
    key: string,
    list: readonly HmacItem[],
    options?: HmacOptions,
  ): Promise<ItemResult<string>[]> {
    return this.#many(HMAC, key, list, (item) => dataItem(item, 'input'), outer(options), options);
  }

  /**
   * Rewraps all ciphertexts that are written to the stream, in batches; gives one result for each,
   * in their order.
   */
  rewrapStream(
    key: string,
    { batchSize = 256, ...options }: RewrapStreamOptions = {},
  ): TransformStream<RewrapItem, ItemResult<string>> {
    return rewrapStream((list) => this.rewrapMany(key, list, options), batchSize);
  }

  /** Makes `count` random keys for the caller's own use, each with its ciphertext. */
  async dataKeys(key: string, count = 1, options?: DataKeyOptions): Promise<DataKey[]> {
    return makeDataKeys(this.#connection, this.#mount, key, count, options ?? {});
  }

  /** Reads the public keys, which verify without asking the server. It needs no token. */
  async publicKeys(key: string, options?: CallOptions): Promise<KeySet> {
    const target = `${path(this.#mount, 'mount')}/keys/${name(key, 'key')}/jwks`;
    const { body, requestId } = await this.#connection.call(
      { method: 'GET', target, token: null },
      options,
    );
    if (!Array.isArray(body.keys)) throw unexpected({ requestId });
    return KeySet.parse({ keys: body.keys as object[] }, primitives);
  }

  /** Encryption on this side, with data keys that `key` wraps: for large data, and for many. */
  envelope(key: string, limits?: EnvelopeLimits): Envelope {
    const service = {
      create: async (count: number) => {
        const keys = await this.dataKeys(key, count);
        return keys.map(({ plaintext, ciphertext }) => ({ plaintext, wrapped: ciphertext }));
      },
      unwrap: (wrapped: string) => this.decrypt(key, wrapped),
      rewrap: (wrapped: string, signal?: AbortSignal) => this.rewrap(key, wrapped, { signal }),
    };
    const mount = this.#mount.replace(/^\/+|\/+$/g, '');
    return new Envelope(`${mount}/${text(key, 'key')}`, service, primitives, limits);
  }

  async #one<T>(
    operation: Operation<T>,
    key: string,
    item: Fields,
    outside: Json,
    options: CallOptions | null | undefined,
  ): Promise<T> {
    const target = this.#target(operation, key);
    const read = item instanceof Promise ? await item : item;
    return this.#coalescer.call(operation, target, read, outside, options ?? {});
  }

  async #many<Item, T>(
    operation: Operation<T>,
    key: string,
    list: readonly Item[],
    read: (item: Item) => Fields,
    outside: Json,
    options: CallOptions | null | undefined,
  ): Promise<ItemResult<T>[]> {
    const target = this.#target(operation, key);
    const all = await items(list, read);
    const body = batchOf(all, outside);
    const { signal, timeoutMs } = options ?? {};
    const reply = await this.#connection.call(
      { method: 'POST', target, body, safe: true },
      { signal, timeoutMs },
    );
    return readMany(operation, all.length, reply);
  }

  #target({ verb }: Operation<unknown>, key: string): string {
    return `${path(this.#mount, 'mount')}/${verb}/${name(key, 'key')}`;
  }
}

/** What decryption takes; a caller without types could give more. */
function binding(options: Binding | null | undefined): Binding {
  return { associatedData: options?.associatedData, context: options?.context };
}
