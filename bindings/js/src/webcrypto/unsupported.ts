/** What this runtime's WebCrypto lacks. */

import { failure } from '../errors.js';

/** Says that WebCrypto of this runtime lacks an algorithm. */
export function unsupported(algorithm: string, cause?: unknown): Error {
  return failure('unsupported', `WebCrypto of this runtime has no ${algorithm}`, { cause });
}
