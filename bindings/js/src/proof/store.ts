/**
 * Keeps key pairs in IndexedDB. It takes CryptoKey objects as they are, so a private key that
 * cannot be exported survives a reload and still cannot be exported.
 */

import { failure } from '../errors.js';

const DATABASE = 'keyward';
const STORE = 'proof-keys';

/** Reads a pair; `undefined` when there is none of that name. */
export function loadPair(name: string): Promise<CryptoKeyPair | undefined> {
  return transact('readonly', (store) => store.get(name));
}

/** Writes a pair, over one of the same name. */
export async function storePair(name: string, pair: CryptoKeyPair): Promise<void> {
  await transact('readwrite', (store) => store.put(pair, name));
}

/** Deletes a pair, if there is one. */
export async function deletePair(name: string): Promise<void> {
  await transact('readwrite', (store) => store.delete(name));
}

async function transact<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  if (typeof indexedDB === 'undefined') {
    throw failure('unsupported', 'this runtime has no IndexedDB: keep the key in memory');
  }
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening, opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const request = act(transaction.objectStore(STORE));
    // The end of the transaction, not of the request, says that the key is on the disk.
    await settled(transaction, request);
    return request.result;
  } finally {
    database.close();
  }
}

function settled<T>(of: IDBOpenDBRequest | IDBTransaction, request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = () => {
      const cause = of.error ?? request.error;
      reject(failure('unsupported', 'IndexedDB does not keep the key', { cause }));
    };
    of.onerror = failed;
    if ('oncomplete' in of) {
      of.oncomplete = () => resolve(request.result);
      of.onabort = failed;
    } else {
      of.onsuccess = () => resolve(request.result);
      of.onblocked = failed;
    }
  });
}
