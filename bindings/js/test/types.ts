// Compiled and never run: what users write must fit the types, and mistakes must not.

import { Keyward, KeywardError, OriginDeniedError, init, isKeywardError } from '@keyward/client';
import type { ErrorCode, ItemResult, WasmSource } from '@keyward/client';

export async function use(source: WasmSource): Promise<void> {
  await init();
  await init(source);
  const keyward = new Keyward({ address: new URL('https://a.example'), token: 'hvs.x' });
  const transit = keyward.transit('transit');

  const ciphertext: string = await transit.encrypt('key', 'text', { associatedData: 'row' });
  const plaintext: Uint8Array<ArrayBuffer> = await transit.decrypt('key', ciphertext);
  await crypto.subtle.digest('SHA-256', plaintext);
  await transit.encrypt('key', new DataView(plaintext.buffer), { keyVersion: 1 });
  await transit.rewrap('key', ciphertext, { context: plaintext });
  const signature: string = await transit.sign('key', plaintext);
  const valid: boolean = await transit.verify('key', plaintext, signature);

  const results: ItemResult<string>[] = await transit.encryptMany('key', [
    'text',
    plaintext,
    { data: 'text', context: 'tenant' },
  ]);
  for (const result of results) {
    if (result.status === 'fulfilled') {
      result.value.startsWith('vault:');
    } else {
      const code: ErrorCode = result.reason.code;
      void code;
    }
  }
  await transit.verifyMany('key', [{ data: 'text', signature }]);
  void valid;

  try {
    await transit.decrypt('key', ciphertext);
  } catch (error) {
    if (error instanceof OriginDeniedError) throw error;
    if (isKeywardError(error) && error.retryable) void [error.status, error.requestId];
    if (error instanceof KeywardError && error.code === 'sealed') throw error;
  }

  // @ts-expect-error an address is needed
  new Keyward({ token: 'hvs.x' });
  // @ts-expect-error errors are made by the package
  new KeywardError('x');
  // @ts-expect-error numbers are no data
  await transit.encrypt('key', 7);
  // @ts-expect-error a decryption chooses no version
  await transit.decrypt('key', ciphertext, { keyVersion: 1 });
  // @ts-expect-error a signature has no associated data
  await transit.sign('key', 'text', { associatedData: 'row' });
  // @ts-expect-error a ciphertext is a string
  await transit.decryptMany('key', [plaintext]);
  // @ts-expect-error engines come from a client
  new Transit();
}
