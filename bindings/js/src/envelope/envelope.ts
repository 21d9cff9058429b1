/**
 * Encryption on this side, with data keys that a named key of the server wraps: for what is too
 * large, or too many, to be sent there.
 */

import { type Bytes, type BytesLike, concat, copyBytes, toBytes } from '../bytes.js';
import { failure } from '../errors.js';
import type { Primitives } from '../primitives.js';
import { abortable } from './abort.js';
import type { Context } from './context.js';
import { DataKeys, type EnvelopeLimits, type EnvelopeStats, type KeyService } from './data-keys.js';
import { type Header, RECORD, STREAM, type Suite, encodeHeader, headerOf } from './header.js';
import type { Lease } from './kept-key.js';
import { openRange, readHeader } from './range.js';
import { openRecord, parseRecordText, recordText, sealRecord } from './record.js';
import { type RangeSource, blobSource } from './sources.js';
import { decrypting, encrypting } from './streams.js';

/** What every call takes. */
export interface EnvelopeOptions {
  /** Names and values that have to be the same when opening. They are not stored. */
  readonly context?: Context;
  readonly signal?: AbortSignal;
}

/** What `encryptStream` takes besides. */
export interface EncryptStreamOptions extends EnvelopeOptions {
  /** How many bytes will come, if known: they are counted against the limits beforehand. */
  readonly size?: number;
}

/** What an envelope needs from the server. */
export interface EnvelopeService extends KeyService {
  /** Wraps a wrapped key anew, with the newest version of the named key. */
  rewrap(wrapped: string, signal?: AbortSignal): Promise<string>;
}

/** Seals and opens containers (KWE1) under one named key. */
export class Envelope {
  readonly #key: string;
  readonly #service: EnvelopeService;
  readonly #primitives: Primitives;
  readonly #keys: DataKeys;

  /** `key` is written into containers as `mount/name`. */
  constructor(
    key: string,
    service: EnvelopeService,
    primitives: Primitives,
    limits?: EnvelopeLimits,
  ) {
    this.#key = key;
    this.#service = service;
    this.#primitives = primitives;
    this.#keys = new DataKeys(service, limits);
  }

  /** Seals a record, which is held in memory whole. For large data there are streams. */
  async seal(data: BytesLike, { context, signal }: EnvelopeOptions = {}): Promise<Bytes> {
    const bytes = await copyBytes(data);
    const lease = await abortable(this.#keys.forSealing(RECORD, bytes.length), signal);
    try {
      return await sealRecord(this.#primitives, lease.key, this.#key, bytes, context);
    } finally {
      lease.release();
    }
  }

  /** Opens a record. */
  async open(record: BytesLike, { context, signal }: EnvelopeOptions = {}): Promise<Bytes> {
    const container = await toBytes(record);
    const header = this.#checked(headerOf(container), RECORD);
    const body = container.subarray(header.length);
    const lease = await abortable(this.#keys.forOpening(header, body.length), signal);
    try {
      return await openRecord(this.#primitives, lease.key, header, body, context);
    } finally {
      lease.release();
    }
  }

  /** Seals a record as text, `kwe:1:…`. */
  async sealText(data: BytesLike, options?: EnvelopeOptions): Promise<string> {
    return recordText(await this.seal(data, options));
  }

  /** Opens a record in its text form. */
  async openText(text: string, options?: EnvelopeOptions): Promise<Bytes> {
    return this.open(parseRecordText(text), options);
  }

  /**
   * Makes a stream that encrypts what is written to it, in chunks of any size. Memory stays flat:
   * a few mebibytes, however much comes.
   */
  encryptStream(options: EncryptStreamOptions = {}): TransformStream<Uint8Array, Bytes> {
    const { context, signal, size = 0 } = options;
    const lease = async () => reserved(await this.#keys.forSealing(STREAM, size), size);
    return encrypting(this.#key, () => abortable(lease(), signal), context, signal);
  }

  /**
   * Makes a stream that decrypts. Nothing comes out before it was authenticated; only the end of
   * the output says that the whole was there, so what was read before an error is a beginning.
   */
  decryptStream({ context, signal }: EnvelopeOptions = {}): TransformStream<Uint8Array, Bytes> {
    const lease = (header: Header) => this.#opening(header, signal);
    return decrypting(lease, context, signal);
  }

  /** Opens a piece of a stream, and fetches only the segments that hold it. */
  openRange(
    source: RangeSource,
    offset: number,
    length: number,
    { context, signal }: EnvelopeOptions = {},
  ): Promise<Bytes> {
    const lease = (header: Header) => this.#opening(header, signal);
    return openRange(source, offset, length, lease, context, signal);
  }

  /**
   * Wraps the data key of a container with the newest version of the named key, and gives the new
   * header. `container` is a header, or begins with one: `headerLength` says where the body begins,
   * which is put behind the new header as it is. Of a Blob or a source only the beginning is read.
   */
  async rewrapHeader(
    container: BytesLike | RangeSource,
    { signal }: Pick<EnvelopeOptions, 'signal'> = {},
  ): Promise<Bytes> {
    const header = this.#ours(await begin(container, signal));
    const wrappedKey = await this.#service.rewrap(header.wrappedKey, signal);
    return encodeHeader({ ...header, wrappedKey });
  }

  /** Does the same to a record in its text form. */
  async rewrapText(text: string, options?: Pick<EnvelopeOptions, 'signal'>): Promise<string> {
    const record = parseRecordText(text);
    const header = await this.rewrapHeader(record, options);
    return recordText(concat(header, record.subarray(headerOf(record).length)));
  }

  /** Says how the data keys were used so far. */
  stats(): EnvelopeStats {
    return this.#keys.stats();
  }

  /** Forgets the data keys, and wipes those that are bytes. */
  clear(): void {
    this.#keys.clear();
  }

  #opening(header: Header, signal?: AbortSignal): Promise<Lease> {
    return abortable(this.#keys.forOpening(this.#checked(header, STREAM), 0), signal);
  }

  #checked(header: Header, suite: Suite): Header {
    if (header.suite !== suite) {
      const [is, how] = suite === RECORD ? ['a stream', 'decryptStream'] : ['a record', 'open'];
      throw failure('invalid_request', `this container is ${is}: call ${how}`);
    }
    return this.#ours(header);
  }

  /** A container of another key is refused here: its reference must not choose who is asked. */
  #ours(header: Header): Header {
    if (header.key === this.#key) return header;
    throw failure('invalid_ciphertext', `this container was sealed with the key ${header.key}`);
  }
}

/** Says where the body of a container begins. Of a Blob or a source only the beginning is read. */
export async function headerLength(container: BytesLike | RangeSource): Promise<number> {
  return (await begin(container)).length;
}

async function begin(container: BytesLike | RangeSource, signal?: AbortSignal): Promise<Header> {
  if (container instanceof Blob) return begin(blobSource(container), signal);
  if (typeof container !== 'object' || !('read' in container)) {
    return headerOf(await toBytes(container));
  }
  return (await readHeader(container, 0, signal)).header;
}

/** Counts only what goes beyond the bytes that were reserved. */
function reserved(lease: Lease, size: number): Lease {
  let left = size;
  return {
    key: lease.key,
    spend(bytes) {
      const covered = Math.min(left, bytes);
      left -= covered;
      lease.spend(bytes - covered);
    },
    release: () => lease.release(),
  };
}
