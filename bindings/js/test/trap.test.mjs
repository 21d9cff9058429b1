/** A WebAssembly module that fails inside, which none should: the next call must not feel it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { implementations } from './primitives-support.mjs';

test('after a trap there is a fresh instance', async () => {
  const { WebAssembly: primitives } = implementations;
  const [key, nonce, text] = [32, 24, 5].map((length) => new Uint8Array(length));
  const before = await primitives.xaesSeal(key, nonce, text, text);
  // More than the module can ever have memory for: its allocator aborts.
  const endless = { length: 2 ** 32 - 1 };
  await assert.rejects(primitives.xaesSeal(key, nonce, endless, text), (error) => {
    assert.equal(error.name, 'WasmTrapError');
    assert.equal(error.code, 'wasm_trap');
    assert.equal(error.retryable, true);
    assert.ok(error.cause instanceof WebAssembly.RuntimeError);
    return true;
  });
  assert.deepEqual(await primitives.xaesSeal(key, nonce, text, text), before);
});
