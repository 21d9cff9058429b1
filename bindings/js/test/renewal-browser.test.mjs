/**
 * Renewal across tabs: pages of one origin in a real browser that hold one short-lived token. What
 * they send to the server passes a relay, which counts the renewals and can keep one waiting.
 */

import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { chromium } from 'playwright-core';

import { serve } from './runtimes/site.mjs';
import { Server, listen } from './server.mjs';

/** How many seconds a token lives. */
const TTL = 8;

/** How long pages think that it does at first: they have it a while after it was made. */
const TOLD_MS = 6000;

/** When renewal is due: at two thirds, give or take a tenth. The clocks of two programs differ. */
const [EARLIEST_MS, LATEST_MS] = [0.9, 1.1].map((share) => (share * 2 * TTL * 1000) / 3 - 200);

let browser;
let context;
let relay;
let server;
let site;

before(async () => {
  const executablePath = process.env.KEYWARD_BROWSER ?? '/usr/bin/chromium';
  [browser, site, server] = await Promise.all([
    chromium.launch({ executablePath }),
    serve(),
    Server.start(),
  ]);
  await server.prepare('transit');
  await server.admin('PUT', 'sys/config/cors', { allowed_origins: [site.address] });
});

after(() => Promise.all([browser?.close(), site?.close(), server?.close()]));

beforeEach(async () => {
  [context, relay] = await Promise.all([browser.newContext(), Relay.start(server.address)]);
});

afterEach(() => Promise.all([context.close(), relay.close()]));

test('two pages that are due at the same moment renew their token once a period', async () => {
  const token = await mint();
  const pages = await Promise.all([open(0.5), open(0.5)]);
  await Promise.all(pages.map((page) => hold(page, token)));
  for (let period = 1; period <= 4; period += 1) {
    await relay.renewals(period);
    for (const page of pages) assert.match(await encrypt(page), /^vault:v1:/);
  }
  const gaps = relay.at.slice(1).map((time, earlier) => time - relay.at[earlier]);
  assert.ok(gaps.every((gap) => gap > EARLIEST_MS), `renewed after ${gaps} ms`);
  const { ttl } = await server.lookup(token);
  assert.ok(ttl > 0);
});

test('who did not renew learns the new time, and goes on when the other is closed', async () => {
  const token = await mint();
  const [early, late] = await Promise.all([open(0), open(1)]);
  await Promise.all([hold(early, token), hold(late, token)]);
  await late.evaluate(heard);
  assert.equal(relay.at.length, 1);
  // Had the other not heard of it, it would renew the token now.
  await late.evaluate(heard);
  assert.equal(relay.at.length, 2);
  assert.ok(relay.at[1] - relay.at[0] > EARLIEST_MS, `${relay.at}`);
  await early.close();
  await relay.renewals(3);
  assert.ok(relay.at[2] - relay.at[1] > LATEST_MS, `${relay.at}`);
  assert.match(await encrypt(late), /^vault:v1:/);
});

test('a page that is closed in the midst of a renewal hands it over', async () => {
  const token = await mint();
  const [leader, heir] = await Promise.all([open(0), open(1)]);
  await Promise.all([hold(leader, token), hold(heir, token)]);
  relay.pause();
  await relay.renewals(1);
  const tried = await heir.evaluate(() => globalThis.refused);
  // The heir was due, found the leader at it and sent nothing.
  assert.deepEqual([tried, relay.at.length], [null, 1]);
  relay.resume();
  await leader.close();
  await relay.renewals(2);
  assert.match(await encrypt(heir), /^vault:v1:/);
  const { ttl } = await server.lookup(token);
  assert.ok(ttl > 0);
});

test('pages hear that a token has reached its longest life', async () => {
  const { auth } = await server.admin('POST', 'auth/token/create', {
    ttl: TTL,
    explicit_max_ttl: TTL + 2,
  });
  const [early, late] = await Promise.all([open(0), open(1)]);
  await Promise.all([hold(early, auth.client_token), hold(late, auth.client_token)]);
  assert.equal((await late.evaluate(heard)).renewable, true);
  assert.equal((await late.evaluate(heard)).renewable, false);
  assert.equal(relay.at.length, 2);
});

test('pages with tokens of their own do not wait for each other', async () => {
  const [one, two] = await Promise.all([open(0.5), open(0.5)]);
  await Promise.all([hold(one, await mint()), hold(two, await mint())]);
  await relay.renewals(2);
  assert.equal(relay.at.length, 2);
  assert.ok(relay.at[1] - relay.at[0] < EARLIEST_MS, `${relay.at}`);
});

/** Makes a token that lives for a moment, as the backend of an application does. */
async function mint() {
  const { auth } = await server.admin('POST', 'auth/token/create', { ttl: TTL, period: TTL });
  return auth.client_token;
}

/** Opens a page to which chance is always the same. */
async function open(chance) {
  const page = await context.newPage();
  await page.addInitScript((chance) => {
    Math.random = () => chance;
    // Settles when this page wants a lock that another holds.
    const { locks } = navigator;
    const request = locks.request.bind(locks);
    globalThis.refused = new Promise((resolve) => {
      locks.request = (name, options, work) =>
        request(name, options, (lock) => {
          if (lock === null) resolve(lock);
          return work(lock);
        });
    });
  }, chance);
  await page.goto(`${site.address}/`);
  return page;
}

/** Makes the client of a page, which has the token from now on. */
function hold(page, token) {
  return page.evaluate(
    async ([address, token, ttlMs]) => {
      const { Keyward, mintedBy } = await import('@keyward/client');
      const auth = mintedBy(async () => ({ token, ttlMs, renewable: true }));
      globalThis.transit = new Keyward({ address, auth }).transit();
      await globalThis.transit.encrypt('records', 'from a page');
    },
    [relay.address, token, TOLD_MS],
  );
}

/** In a page: waits until another tells that it has renewed the token. */
function heard() {
  return new Promise((resolve) => {
    new BroadcastChannel('keyward-renewal').onmessage = ({ data }) => resolve(data[1]);
  });
}

function encrypt(page) {
  return page.evaluate(() => globalThis.transit.encrypt('records', 'from a page'));
}

/** Passes requests on to a server. */
class Relay {
  /** When each renewal came, in milliseconds. */
  at = [];
  #waiting = [];
  #isPaused = false;
  #close;

  static async start(address) {
    const relay = new Relay();
    const site = createServer((request, response) => relay.#pass(address, request, response));
    const { address: own, close } = await listen(site);
    relay.address = own;
    relay.#close = close;
    return relay;
  }

  /** Waits until so many renewals have come. */
  async renewals(count) {
    if (this.at.length >= count) return;
    await new Promise((resolve) => this.#waiting.push([count, resolve]));
  }

  /** Renewals that come from now on are neither passed on nor answered. */
  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
  }

  close() {
    return this.#close();
  }

  #pass(address, request, response) {
    if (request.method === 'POST' && request.url === '/v1/auth/token/renew-self') {
      this.at.push(performance.now());
      for (const [count, resolve] of this.#waiting) if (this.at.length >= count) resolve();
      if (this.#isPaused) return;
    }
    const { method, headers } = request;
    const onward = send(`${address}${request.url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    // A page that is closed leaves its requests.
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}
