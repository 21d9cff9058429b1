/** Makes errors by their code. For this package: the WebAssembly module calls it too. */

import * as errors from './errors.mjs';

/** The class of each code, and whether the same call can succeed later. */
const KINDS = {
  invalid_ciphertext: [errors.InvalidCiphertextError, false],
  invalid_request: [errors.InvalidRequestError, false],
  network: [errors.NetworkError, true],
  not_found: [errors.NotFoundError, false],
  not_initialized: [errors.NotInitializedError, false],
  origin_denied: [errors.OriginDeniedError, false],
  permission_denied: [errors.PermissionDeniedError, false],
  rate_limited: [errors.RateLimitedError, true],
  sealed: [errors.SealedError, true],
  server: [errors.ServerError, false],
  timeout: [errors.TimeoutError, true],
  unavailable: [errors.UnavailableError, true],
  unexpected_answer: [errors.UnexpectedAnswerError, false],
  wasm_unavailable: [errors.WasmUnavailableError, false],
};

export function failure(code, message, status, requestId, cause) {
  const [Kind, retryable] = KINDS[code];
  return new Kind(message, { code, status, requestId, retryable, cause });
}
