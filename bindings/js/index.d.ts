/** Bytes, or a string that stands for its UTF-8. */
export type BytesLike = string | ArrayBuffer | ArrayBufferView;

/** Where `init` finds the WebAssembly module, if not beside the package. */
export type WasmSource = string | URL | Response | BufferSource | WebAssembly.Module;

/**
 * Loads the WebAssembly module; call it once before anything else. Importing the package runs
 * nothing. Further calls wait for the same start.
 *
 * @throws {WasmUnavailableError} The module cannot be loaded; it can be tried again.
 */
export function init(source?: WasmSource): Promise<void>;

export interface KeywardOptions {
  /** The address of the server, such as `https://keyward.example.com`. */
  address: string | URL;
  /** The token of every call. */
  token?: string;
  /** How long a call may take, in milliseconds; 30,000 if not given. */
  timeoutMs?: number;
}

/** Calls one server with one token. */
export class Keyward {
  /** Makes a client; nothing is sent yet. */
  constructor(options: KeywardOptions);
  /** The transit engine mounted at `mount`; `transit` if not given. */
  transit(mount?: string): Transit;
  /** Frees the client now rather than when it is collected as garbage. */
  free(): void;
}

export interface EncryptOptions {
  /** What decryption must present again; authenticated, not encrypted. */
  associatedData?: BytesLike;
  /** From which a derived key derives; the same for decryption. */
  context?: BytesLike;
  /** The version of the key; the latest if not given. */
  keyVersion?: number;
}

export type DecryptOptions = Omit<EncryptOptions, 'keyVersion'>;
export type RewrapOptions = EncryptOptions;
export type SignOptions = Omit<EncryptOptions, 'associatedData'>;
export type VerifyOptions = Pick<EncryptOptions, 'context'>;

/** What became of one item of a batch: its value, or the `KeywardError` that it alone met. */
export type ItemResult<T> =
  | { status: 'fulfilled'; value: T }
  | { status: 'rejected'; reason: KeywardError };

/**
 * A transit engine: keys that stay in the server.
 *
 * Ciphertexts and signatures are strings, `vault:vN:…`, where N is the version of the key. Calls
 * with `Many` send all items in one request and give one result an item, in their order; they
 * reject only if the request as a whole fails.
 */
export interface Transit {
  /** Encrypts; gives the ciphertext. */
  encrypt(key: string, data: BytesLike, options?: EncryptOptions): Promise<string>;
  encryptMany(
    key: string,
    items: readonly (BytesLike | ({ data: BytesLike } & EncryptOptions))[],
  ): Promise<ItemResult<string>[]>;

  /** Decrypts; gives the bytes. */
  decrypt(
    key: string,
    ciphertext: string,
    options?: DecryptOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;
  decryptMany(
    key: string,
    items: readonly (string | ({ ciphertext: string } & DecryptOptions))[],
  ): Promise<ItemResult<Uint8Array<ArrayBuffer>>[]>;

  /** Encrypts a ciphertext anew with the latest version of its key, within the server. */
  rewrap(key: string, ciphertext: string, options?: RewrapOptions): Promise<string>;
  rewrapMany(
    key: string,
    items: readonly (string | ({ ciphertext: string } & RewrapOptions))[],
  ): Promise<ItemResult<string>[]>;

  /** Signs; gives the signature. */
  sign(key: string, data: BytesLike, options?: SignOptions): Promise<string>;
  signMany(
    key: string,
    items: readonly (BytesLike | ({ data: BytesLike } & VerifyOptions))[],
    options?: Pick<SignOptions, 'keyVersion'>,
  ): Promise<ItemResult<string>[]>;

  /** Whether the signature fits. */
  verify(key: string, data: BytesLike, signature: string, options?: VerifyOptions): Promise<boolean>;
  verifyMany(
    key: string,
    items: readonly ({ data: BytesLike; signature: string } & VerifyOptions)[],
  ): Promise<ItemResult<boolean>[]>;

  /** Frees it now rather than when it is collected as garbage. */
  free(): void;
}

/** The name of a failure for programs; these names stay. */
export type ErrorCode =
  | 'invalid_ciphertext'
  | 'invalid_request'
  | 'network'
  | 'not_found'
  | 'not_initialized'
  | 'origin_denied'
  | 'permission_denied'
  | 'rate_limited'
  | 'sealed'
  | 'server'
  | 'timeout'
  | 'unavailable'
  | 'unexpected_answer'
  | 'wasm_unavailable';

/** Any failure of a call. */
export abstract class KeywardError extends Error {
  /** The failure, for programs. */
  readonly code: ErrorCode;
  /** The HTTP status, where the server answered. */
  readonly status?: number;
  /** The id under which the server's audit log holds the request, where it is known. */
  readonly requestId?: string;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
}

/** The ciphertext is none, is cut or changed, or was made with another key, context or data. */
export class InvalidCiphertextError extends KeywardError {}
/** An argument that cannot be sent, or a request that the server does not take. */
export class InvalidRequestError extends KeywardError {}
/** No answer came: no connection, or it broke. */
export class NetworkError extends KeywardError {}
/** There is no such key, or no engine at that mount. */
export class NotFoundError extends KeywardError {}
/** The package was used before `init()` was done. */
export class NotInitializedError extends KeywardError {}
/** The server is there and does not let pages of this origin call it. */
export class OriginDeniedError extends KeywardError {}
/** The token is missing, wrong or at its end, or its policies do not allow the call. */
export class PermissionDeniedError extends KeywardError {}
/** Too many calls. */
export class RateLimitedError extends KeywardError {}
/** The server is sealed: an operator must unseal it. */
export class SealedError extends KeywardError {}
/** The server failed. */
export class ServerError extends KeywardError {}
/** The answer did not come in time. */
export class TimeoutError extends KeywardError {}
/** The server, or what stands before it, cannot answer now. */
export class UnavailableError extends KeywardError {}
/** The answer is none of this API: the address is likely another server's. */
export class UnexpectedAnswerError extends KeywardError {}
/** The WebAssembly module could not be loaded. */
export class WasmUnavailableError extends KeywardError {}

/** Whether `error` is one of these, even where several copies of the package are loaded. */
export function isKeywardError(error: unknown): error is KeywardError;
