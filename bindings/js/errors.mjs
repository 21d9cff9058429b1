/** What calls fail with: one class for each thing that a caller can do about it. */

const MARK = Symbol.for('keyward.error');

/** Any failure of a call. `code` names it for programs, `message` for people. */
export class KeywardError extends Error {
  constructor(message, { code, status, requestId, retryable, cause }) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryable = retryable;
  }

  /** The name of the class, spelled from the code, since a minifier renames classes. */
  get name() {
    const words = this.code.split('_').map((word) => word[0].toUpperCase() + word.slice(1));
    return `${words.join('')}Error`;
  }

  get [MARK]() {
    return true;
  }
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
export function isKeywardError(error) {
  return typeof error === 'object' && error !== null && error[MARK] === true;
}
