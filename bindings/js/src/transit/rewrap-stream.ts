/** Rotation jobs: ciphertexts stream in, and come out encrypted with the latest version. */

import type { ItemResult } from './operation.js';

/** What is told of the stream beside what `rewrapMany` takes. */
export interface RewrapStreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** How many ciphertexts travel in one request; 256. */
  readonly batchSize?: number | undefined;
}

/**
 * Makes a stream that hands its items to `rewrap` in batches, and gives the results in their order.
 *
 * A batch is read and sent when it is full, or when the input ends; the next is not taken before
 * its results were, so a slow reader is waited for.
 */
export function rewrapStream<T>(
  rewrap: (items: readonly T[]) => Promise<ItemResult<string>[]>,
  batchSize: number,
): TransformStream<T, ItemResult<string>> {
  let batch: T[] = [];
  const flush = async (controller: TransformStreamDefaultController<ItemResult<string>>) => {
    if (batch.length === 0) return;
    const items = batch;
    batch = [];
    for (const result of await rewrap(items)) controller.enqueue(result);
  };
  return new TransformStream(
    {
      async transform(item, controller) {
        batch.push(item);
        if (batch.length >= batchSize) await flush(controller);
      },
      flush,
    },
    { highWaterMark: batchSize },
    { highWaterMark: batchSize },
  );
}
