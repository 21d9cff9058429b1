/** The package: what users import. */

export type { Bytes, BytesLike } from './bytes.js';
export {
  AbortError,
  AuthError,
  type ErrorCode,
  IdempotencyConflictError,
  IntegrityError,
  InvalidCiphertextError,
  InvalidRequestError,
  KeyVersionError,
  KeywardError,
  LimitExceededError,
  NetworkError,
  NotFoundError,
  OriginDeniedError,
  PartialBatchError,
  PermissionDeniedError,
  ProofRejectedError,
  RateLimitedError,
  SealedError,
  ServerError,
  TimeoutError,
  TruncatedStreamError,
  UnavailableError,
  UnexpectedAnswerError,
  UnsupportedError,
  WasmTrapError,
  WasmUnavailableError,
  isKeywardError,
} from './errors.js';
export { type WasmSource, init } from './wasm/load.js';
