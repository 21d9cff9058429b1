/** What calls fail with: one class for each thing that a caller can do about it. */

const MARK = Symbol.for('keyward.error');

/** The name of a failure for programs; these names stay. */
export type ErrorCode =
  | 'aborted'
  | 'auth'
  | 'idempotency_conflict'
  | 'integrity'
  | 'invalid_ciphertext'
  | 'invalid_request'
  | 'key_version'
  | 'limit_exceeded'
  | 'network'
  | 'not_found'
  | 'origin_denied'
  | 'partial_batch'
  | 'permission_denied'
  | 'proof_rejected'
  | 'rate_limited'
  | 'sealed'
  | 'server'
  | 'timeout'
  | 'truncated_stream'
  | 'unavailable'
  | 'unexpected_answer'
  | 'unsupported'
  | 'wasm_trap'
  | 'wasm_unavailable';

/** What is known of a failure beside its code and its words. */
export interface Details {
  /** The HTTP status, where the server answered. */
  readonly status?: number | undefined;
  /** The id under which the server's audit log holds the request, where it is known. */
  readonly requestId?: string | undefined;
  /** How long the server wants to be left alone, in milliseconds, where it said so. */
  readonly retryAfterMs?: number | undefined;
  /** Whether the same call can succeed later, where the code does not tell. */
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** Any failure of a call. `code` names it for programs, `message` for people. */
export abstract class KeywardError extends Error {
  /** The failure, for programs. */
  readonly code: ErrorCode;
  /** The HTTP status, where the server answered. */
  readonly status: number | undefined;
  /** The id under which the server's audit log holds the request, where it is known. */
  readonly requestId: string | undefined;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** How long the server wants to be left alone, in milliseconds, where it said so. */
  readonly retryAfterMs: number | undefined;

  /** For this package. */
  constructor(code: ErrorCode, message: string, details: Details, retryable: boolean) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.requestId = details.requestId;
    this.retryable = retryable;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The name of the class, spelled from the code, since a minifier renames classes. */
  override get name(): string {
    // As everywhere on the platform.
    if (this.code === 'aborted') return 'AbortError';
    const words = this.code.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    return `${words.join('')}Error`;
  }

  get [MARK](): boolean {
    return true;
  }
}

/** The caller's signal ended the call. */
export class AbortError extends KeywardError {}

/** The token is missing, wrong or at its end, and none could be had in its place. */
export class AuthError extends KeywardError {}

/** The idempotency key was used for another request, or its request is still being worked on. */
export class IdempotencyConflictError extends KeywardError {}

/** What came is not what was sent: a signature, a digest or a commitment does not fit. */
export class IntegrityError extends KeywardError {}

/** The ciphertext is none, is cut or changed, or was made with another key, context or data. */
export class InvalidCiphertextError extends KeywardError {}

/** An argument that cannot be sent, or a request that the server does not take. */
export class InvalidRequestError extends KeywardError {}

/** The key does not work with that version of it: too old, too new or trimmed. */
export class KeyVersionError extends KeywardError {}

/** More than a limit of this package allows. */
export class LimitExceededError extends KeywardError {}

/** No answer came: no connection, or it broke. */
export class NetworkError extends KeywardError {}

/** There is no such key, or no engine at that mount. */
export class NotFoundError extends KeywardError {}

/** The server is there and does not let pages of this origin call it. */
export class OriginDeniedError extends KeywardError {}

/** Some items of a batch failed; `results` has what became of each. */
export class PartialBatchError extends KeywardError {
  readonly results: readonly PromiseSettledResult<unknown>[];

  /** For this package. */
  constructor(message: string, results: readonly PromiseSettledResult<unknown>[]) {
    super('partial_batch', message, {}, false);
    this.results = results;
  }
}

/** The policies of the token do not allow the call. */
export class PermissionDeniedError extends KeywardError {}

/** The server does not take the proof that this client has the key of its token. */
export class ProofRejectedError extends KeywardError {}

/** Too many calls. */
export class RateLimitedError extends KeywardError {}

/** The server is sealed: an operator must unseal it. */
export class SealedError extends KeywardError {}

/** The server failed. */
export class ServerError extends KeywardError {}

/** The answer did not come in time. */
export class TimeoutError extends KeywardError {}

/** The stream ends before its last segment. */
export class TruncatedStreamError extends KeywardError {}

/** The server, or what stands before it, cannot answer now. */
export class UnavailableError extends KeywardError {}

/** The answer is none of this API: the address is likely another server's. */
export class UnexpectedAnswerError extends KeywardError {}

/** This runtime lacks what the call needs. */
export class UnsupportedError extends KeywardError {}

/** The WebAssembly module failed inside; the next call gets a fresh instance of it. */
export class WasmTrapError extends KeywardError {}

/** The WebAssembly module could not be loaded, or this build of the package has none. */
export class WasmUnavailableError extends KeywardError {}

type Kind = new (
  code: ErrorCode,
  message: string,
  details: Details,
  retryable: boolean,
) => KeywardError;

type SimpleCode = Exclude<ErrorCode, 'partial_batch'>;

/** The class of each code. */
const KINDS: Readonly<Record<SimpleCode, Kind>> = {
  aborted: AbortError,
  auth: AuthError,
  idempotency_conflict: IdempotencyConflictError,
  integrity: IntegrityError,
  invalid_ciphertext: InvalidCiphertextError,
  invalid_request: InvalidRequestError,
  key_version: KeyVersionError,
  limit_exceeded: LimitExceededError,
  network: NetworkError,
  not_found: NotFoundError,
  origin_denied: OriginDeniedError,
  permission_denied: PermissionDeniedError,
  proof_rejected: ProofRejectedError,
  rate_limited: RateLimitedError,
  sealed: SealedError,
  server: ServerError,
  timeout: TimeoutError,
  truncated_stream: TruncatedStreamError,
  unavailable: UnavailableError,
  unexpected_answer: UnexpectedAnswerError,
  unsupported: UnsupportedError,
  wasm_trap: WasmTrapError,
  wasm_unavailable: WasmUnavailableError,
};

/** The codes of failures that the same call may not meet again. */
const RETRYABLE: readonly ErrorCode[] = [
  'network',
  'rate_limited',
  'sealed',
  'timeout',
  'unavailable',
  'wasm_trap',
];

/** Makes the error of a code; for this package. */
export function failure(code: SimpleCode, message: string, details: Details = {}): KeywardError {
  const retryable = details.retryable ?? RETRYABLE.includes(code);
  return new KINDS[code](code, message, details, retryable);
}

/** Whether `error` is one of these, even where several copies of the package are loaded. */
export function isKeywardError(error: unknown): error is KeywardError {
  return typeof error === 'object' && error !== null && (error as KeywardError)[MARK] === true;
}
