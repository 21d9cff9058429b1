/** The package in Node. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import * as client from '@keyward/client';

import { Server } from './server.mjs';

const FOREIGN = process.env.KEYWARD_ADDR !== undefined;
const MODULE = new URL('../pkg/keyward_bg.wasm', import.meta.url);

test('before init the package says that it was not called', () => {
  assert.throws(
    () => new client.Keyward({ address: 'http://127.0.0.1' }),
    (error) => {
      assert.ok(error instanceof client.NotInitializedError);
      assert.equal(error.code, 'not_initialized');
      assert.match(error.message, /await init\(\)/);
      return true;
    },
  );
});

test('a module that is none is refused, and init can be tried again', async () => {
  for (const source of [new Uint8Array([1, 2, 3]), new URL('nowhere.wasm', 'file:///')]) {
    await assert.rejects(client.init(source), (error) => {
      assert.ok(error instanceof client.WasmUnavailableError, error);
      assert.ok(error.cause instanceof Error);
      return true;
    });
  }
  await client.init(await WebAssembly.compile(await readFile(MODULE)));
  await Promise.all([client.init(), client.init('not looked at any more')]);
});

test('a sealed server says so', { skip: FOREIGN && 'not ours to seal' }, async (t) => {
  const server = await Server.start();
  t.after(() => server.close());
  await server.admin('PUT', 'sys/seal');
  const { address, token } = server;
  const transit = new client.Keyward({ address, token }).transit();
  await assert.rejects(transit.encrypt('records', ''), (error) => {
    assert.ok(error instanceof client.SealedError, error);
    assert.equal(error.code, 'sealed');
    assert.equal(error.status, 503);
    assert.equal(error.retryable, true);
    return true;
  });
});
