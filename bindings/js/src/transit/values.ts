/** Results of a batch for those who want all or nothing. */

import { PartialBatchError } from '../errors.js';
import type { ItemResult } from './operation.js';

/** Gives the values of all items, or fails with a `PartialBatchError` that has all results. */
export function values<T>(results: readonly ItemResult<T>[]): T[] {
  const failed = results.filter(({ status }) => status === 'rejected').length;
  if (failed > 0) {
    throw new PartialBatchError(`${failed} of ${results.length} items failed`, results);
  }
  return results.map((result) => (result as { value: T }).value);
}
