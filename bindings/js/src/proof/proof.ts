/** Both sides of the proof: requests are signed, and answers are taken only if they are. */

import type { Primitives } from '../primitives.js';
import type { ProofKey } from './proof-key.js';
import { type RequestParts, type SignedRequest, signRequest } from './request.js';
import {
  type ResponseKeys,
  type ResponseParts,
  isSigned,
  parseResponseKeys,
  verifyResponse,
} from './response.js';

/** Which keys the server may sign answers with. */
export interface ResponseTrust {
  /**
   * The JSON Web Key Set of `GET /v1/sys/response-keys`, as it was read before and is delivered
   * with the application. Without it the first answer of that address is believed, over TLS.
   */
  readonly responseKeys?: object;
}

/** Signs the requests of one client and checks their answers. */
export class Proof {
  readonly #key: ProofKey;
  readonly #primitives: Primitives;
  readonly #fetchKeys: () => Promise<unknown>;
  #keys: Promise<ResponseKeys> | undefined;

  /** `fetchKeys` reads `/v1/sys/response-keys`, for when no keys are pinned. */
  constructor(
    key: ProofKey,
    { responseKeys }: ResponseTrust,
    fetchKeys: () => Promise<unknown>,
    primitives: Primitives,
  ) {
    this.#key = key;
    this.#primitives = primitives;
    this.#fetchKeys = fetchKeys;
    if (responseKeys !== undefined) this.#keys = Promise.resolve(parseResponseKeys(responseKeys));
  }

  /** Signs one attempt of a request. */
  sign(parts: RequestParts): Promise<SignedRequest> {
    return signRequest(this.#key, parts);
  }

  /**
   * Checks an answer whose body was read, before anything of it is believed; fails with an
   * IntegrityError.
   *
   * The server signs only after it has verified the request, so a refusal may come unsigned: who
   * stands between could make one up, but could as well cut the connection. Data, and that there
   * is none, is not taken unsigned.
   */
  async check(request: SignedRequest, response: ResponseParts): Promise<void> {
    const { status } = response;
    const isRefusal = status >= 400 && status !== 404;
    if (isRefusal && !isSigned(response)) return;
    await verifyResponse(request, response, await this.#trusted(), this.#primitives);
  }

  #trusted(): Promise<ResponseKeys> {
    this.#keys ??= this.#fetchKeys()
      .then(parseResponseKeys)
      .catch((error: unknown) => {
        this.#keys = undefined;
        throw error;
      });
    return this.#keys;
  }
}
