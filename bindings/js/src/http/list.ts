/** Lists of names. */

import { type Reply, isNothing, unexpected } from './reply.js';

/** Reads a list; of an empty one the server says that there is nothing. */
export async function names(answer: Promise<Reply>): Promise<string[]> {
  try {
    const { data, requestId } = await answer;
    if (!Array.isArray(data?.keys)) throw unexpected({ requestId });
    return data.keys.map(String);
  } catch (error) {
    if (isNothing(error)) return [];
    throw error;
  }
}
