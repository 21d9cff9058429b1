// Compiled and never run: what users write must fit the types, and mistakes must not.

import {
  Keyward,
  KeywardError,
  OriginDeniedError,
  ProofKey,
  init,
  isKeywardError,
  keySet,
  mintedBy,
  values,
} from '@keyward/client';
import type { AuthProvider, ErrorCode, ItemResult, WasmSource } from '@keyward/client';
import { serve } from '@keyward/client/service-worker';
import { keySet as onlyVerifies } from '@keyward/client/verify';

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

  const auth: AuthProvider = mintedBy('/token', { headers: { 'X-CSRF': 'x' } });
  const proof: ProofKey = await ProofKey.generate({ alg: 'ed25519' });
  const { signal } = new AbortController();
  const full = new Keyward({
    address: 'https://a.example',
    auth,
    proof,
    retry: { attempts: 2 },
    coalesce: { maxItems: 16 },
    idempotency: false,
    fetch: (url, init) => fetch(url, init),
  });
  const keys = full.transit();
  await keys.encrypt('key', new Blob(['x']), { signal, timeoutMs: 100 });
  const plain: Uint8Array<ArrayBuffer>[] = values(await keys.decryptMany('key', [ciphertext]));
  const version: number = (await keys.keys.rotate('key', { idempotencyKey: 'x' })).latestVersion;
  await new ReadableStream<string>()
    .pipeThrough(keys.rewrapStream('key'))
    .pipeTo(new WritableStream<ItemResult<string>>());
  const { data } = await full.kv().get<{ user: string }>('app', { version });
  const user: string | undefined = data?.user;
  await full.tokens.create({ role: 'page', clientKey: proof.publicJwk });
  const fits: boolean = await keySet('{}').verify('data', signature);
  await onlyVerifies({ keys: [] }).verify('data', signature);
  serve('https://a.example', async () => ({ auth, proof }));
  await full[Symbol.asyncDispose]();
  void [plain, user, fits];

  // @ts-expect-error changes are named, reads are not
  await keys.keys.read('key', { idempotencyKey: 'x' });
  // @ts-expect-error it is on, or off
  new Keyward({ address: 'https://a.example', idempotency: true });
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
