/** What the calls of transit take. */

import type { BytesLike } from '../bytes.js';
import type { CallOptions } from '../connection.js';
import { snake } from '../http/names.js';
import type { Json } from '../http/reply.js';
import { type Binding, type ItemOptions, wholeNumber } from './input.js';

export interface EncryptOptions extends ItemOptions, CallOptions {}

export interface DecryptOptions extends Binding, CallOptions {}

export interface RewrapOptions extends ItemOptions, CallOptions {}

/** How a signature is made and written. */
export interface SignatureForm {
  /** Of RSA and ECDSA; `sha2-256` if not given. `none` with `prehashed`. */
  readonly hashAlgorithm?: string | undefined;
  /** Whether the data are the hash. */
  readonly prehashed?: boolean | undefined;
  /** Of RSA; `pss` if not given. */
  readonly signatureAlgorithm?: 'pss' | 'pkcs1v15' | undefined;
  /** Of ECDSA; `asn1` if not given. */
  readonly marshalingAlgorithm?: 'asn1' | 'jws' | undefined;
  /** Of RSA-PSS: `auto`, `hash` or bytes. */
  readonly saltLength?: 'auto' | 'hash' | number | undefined;
}

export interface SignManyOptions extends SignatureForm, CallOptions {
  /** The version of the key; the latest if not given. */
  readonly keyVersion?: number | undefined;
}

export interface SignOptions extends SignManyOptions {
  /** From which a derived key derives. */
  readonly context?: BytesLike | undefined;
}

export interface VerifyManyOptions extends SignatureForm, CallOptions {}

export interface VerifyOptions extends VerifyManyOptions {
  /** From which a derived key derives. */
  readonly context?: BytesLike | undefined;
}

export interface HmacOptions extends CallOptions {
  /** `sha2-256` if not given. */
  readonly algorithm?: string | undefined;
  /** The version of the key; the latest if not given. */
  readonly keyVersion?: number | undefined;
}

/** What stands beside the items of a request, and is one for all of them. */
export function outer(options: (SignManyOptions & HmacOptions) | null | undefined): Json {
  const { algorithm, hashAlgorithm, keyVersion, marshalingAlgorithm } = options ?? {};
  const { prehashed, saltLength, signatureAlgorithm } = options ?? {};
  return snake({
    algorithm,
    hashAlgorithm,
    keyVersion: optional(keyVersion, (number) => wholeNumber(number, 'keyVersion')),
    marshalingAlgorithm,
    prehashed,
    saltLength: optional(saltLength, String),
    signatureAlgorithm,
  });
}

function optional<T, U>(value: T | null | undefined, read: (value: T) => U): U | undefined {
  return value === undefined || value === null ? undefined : read(value);
}
