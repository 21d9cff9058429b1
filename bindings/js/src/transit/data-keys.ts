/** Data keys: random keys for the caller, each with its ciphertext under a named key. */

import type { Bytes, BytesLike } from '../bytes.js';
import type { CallOptions, Connection, Request } from '../connection.js';
import { isKeywardError } from '../errors.js';
import { name, path } from '../http/path.js';
import { type Json, type Reply, object, string, unexpected } from '../http/reply.js';
import { fields } from './input.js';
import { bytes } from './operation.js';

/** A data key: kept for use, and stored as its ciphertext. */
export interface DataKey {
  readonly plaintext: Bytes;
  readonly ciphertext: string;
}

export interface DataKeyOptions extends CallOptions {
  /** 128, 256 or 512; 256 if not given. */
  readonly bits?: 128 | 256 | 512 | undefined;
  /** What decryption must present again. */
  readonly associatedData?: BytesLike | undefined;
  /** From which a derived key derives. */
  readonly context?: BytesLike | undefined;
  /** The version of the named key; the latest if not given. */
  readonly keyVersion?: number | undefined;
}

/** Makes data keys; nothing of them stays in the server. */
export async function makeDataKeys(
  connection: Connection,
  mount: string,
  key: string,
  count: number,
  options: DataKeyOptions,
): Promise<DataKey[]> {
  const { bits, signal, timeoutMs } = options;
  const body = { ...(await fields({}, options)), ...(bits !== undefined && { bits }) };
  const target = (verb: string) =>
    `${path(mount, 'mount')}/${verb}/plaintext/${name(key, 'key')}`;
  const call = (verb: string, more: Json) => {
    const request: Request = {
      method: 'POST',
      target: target(verb),
      body: { ...body, ...more },
      safe: true,
    };
    return connection.call(request, { signal, timeoutMs });
  };
  try {
    const { data, requestId } = await call('datakeys', { count });
    if (!Array.isArray(data?.key_pairs)) throw unexpected({ requestId });
    return data.key_pairs.map((pair) => dataKey(object(pair), requestId));
  } catch (error) {
    // Servers before Vault 1.21 make them one by one.
    if (!isKeywardError(error) || !/unsupported path/.test(error.message)) throw error;
    const calls = Array.from({ length: count }, () => call('datakey', {}));
    const replies: Reply[] = await Promise.all(calls);
    return replies.map(({ data, requestId }) => dataKey(data, requestId));
  }
}

function dataKey(pair: Json | undefined, requestId: string | undefined): DataKey {
  const plaintext = bytes(pair?.plaintext);
  const ciphertext = string(pair?.ciphertext);
  if (plaintext === undefined || ciphertext === undefined) throw unexpected({ requestId });
  return { plaintext, ciphertext };
}
