/**
 * The package in a real browser: pages of one loopback port call the server on another, so each call
 * goes through the browser's CORS checks.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { serve } from './runtimes/site.mjs';
import { World } from './server.mjs';

const STRICT = "script-src 'self' 'unsafe-inline'";

let browser;
let site;
let stranger;
let world;

before(async () => {
  // Two sites with the same files and different origins; one may call the server.
  [browser, site, stranger, world] = await Promise.all([
    chromium.launch({ executablePath: process.env.KEYWARD_BROWSER ?? '/usr/bin/chromium' }),
    serve(),
    serve(),
    World.open('browser'),
  ]);
  await world.server.admin('PUT', 'sys/config/cors', {
    allowed_origins: [site.address],
    allowed_headers: ['X-Vault-Request'],
  });
});

after(() => Promise.all([browser, site, stranger, world].map((part) => part.close())));

test('a page downloads the module when it first needs it, once', async () => {
  const page = await browser.newPage();
  const modules = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.wasm')) modules.push(request.url());
  });
  await page.goto(`${site.address}/`);
  await page.evaluate(async () => (globalThis.client = await import('@keyward/client')));
  assert.match(await encrypt(page, world), /^vault:v1:/);
  assert.deepEqual(modules, []);
  await page.evaluate(async () => {
    await Promise.all([globalThis.client.init(), globalThis.client.init()]);
    await globalThis.client.init();
  });
  assert.deepEqual(modules, [`${site.address}/dist/keyward_bg.wasm`]);
  await page.close();
});

test('a page of an origin that is not allowed is told so', async () => {
  const page = await open(stranger);
  const error = await encrypt(page, world);
  assert.equal(error.name, 'OriginDeniedError');
  assert.equal(error.code, 'origin_denied');
  assert.match(error.message, new RegExp(`pages of ${stranger.address}`));
  assert.match(error.message, /sys\/config\/cors/);
  await page.close();
});

test('a page of an origin that is not allowed tells a server that is down from one that refuses', async () => {
  const page = await open(stranger);
  const error = await encrypt(page, { ...world, address: world.nobody });
  assert.equal(error.name, 'NetworkError');
  await page.close();
});

test('a page whose policy forbids WebAssembly is told so', async () => {
  const page = await browser.newPage();
  await page.goto(`${site.address}/?csp=${encodeURIComponent(STRICT)}`);
  const error = await page.evaluate(async () => {
    const { init } = await import('@keyward/client');
    return init().catch(({ name, message }) => ({ name, message }));
  });
  assert.equal(error.name, 'WasmUnavailableError');
  assert.match(error.message, /Content Security Policy/);
  await page.close();
});

test("a page whose policy says 'wasm-unsafe-eval' can use the package", async () => {
  const policy = encodeURIComponent(`${STRICT} 'wasm-unsafe-eval'`);
  const page = await open(site, `/?csp=${policy}`);
  assert.match(await encrypt(page, world), /^vault:v1:/);
  await page.close();
});

test('values of another frame are as good as those of the page', async () => {
  const page = await open(site);
  const opened = await page.evaluate(async ({ address, token, mount }) => {
    const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
    const transit = new globalThis.client.Keyward({ address, token }).transit(mount);
    const texts = [];
    for (const data of [new frame.Blob(['in ', 'parts']), frame.Uint8Array.of(97, 98, 99)]) {
      const ciphertext = await transit.encrypt('records', data);
      texts.push(new TextDecoder().decode(await transit.decrypt('records', ciphertext)));
    }
    return texts;
  }, world);
  assert.deepEqual(opened, ['in parts', 'abc']);
  await page.close();
});

/** Opens a page with the package loaded and started. */
async function open(site, path = '/') {
  const page = await browser.newPage();
  await page.goto(`${site.address}${path}`);
  await page.evaluate(async () => {
    globalThis.client = await import('@keyward/client');
    await globalThis.client.init();
  });
  return page;
}

/** Encrypts from within the page; gives the ciphertext or the error. */
function encrypt(page, world) {
  return page.evaluate(async ({ address, token, mount }) => {
    const transit = new globalThis.client.Keyward({ address, token }).transit(mount);
    const told = ({ name, code, message }) => ({ name, code, message });
    return transit.encrypt('records', 'from a page').catch(told);
  }, world);
}
