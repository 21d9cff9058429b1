/** The package in Node. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import * as client from '@keyward/client';

import { Server } from './server.mjs';

const FOREIGN = process.env.KEYWARD_ADDR !== undefined;
const MODULE = new URL('../dist/keyward_bg.wasm', import.meta.url);

test('calls to the server need no module, and what needs one loads it', async (t) => {
  const server = await Server.find();
  t.after(() => server.close());
  const { address, token } = server;
  const mount = `js-lazy-${process.pid}`;
  await server.admin('POST', `sys/mounts/${mount}`, { type: 'transit' });
  // From here on: Node's own `fetch` has compiled a module of its own by now.
  const { compile } = WebAssembly;
  let compiled = 0;
  WebAssembly.compile = (source) => {
    compiled += 1;
    return compile(source);
  };
  t.after(() => (WebAssembly.compile = compile));
  const transit = new client.Keyward({ address, token }).transit(mount);
  assert.match(await transit.encrypt('records', 'data'), /^vault:v1:/);
  assert.equal(compiled, 0);
  const envelope = transit.envelope('records');
  const sealed = await Promise.all([envelope.sealText('one'), envelope.sealText('two')]);
  assert.match(sealed[0], /^kwe:1:/);
  assert.equal(compiled, 1);
});

test('a module that is none is refused, and init can be tried again', async () => {
  // Another copy of the package, that has not loaded it yet.
  const client = await import('@keyward/client/inline');
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
