/**
 * Chromium and Firefox: the contract in a page of each, on one loopback port, over a server on
 * another, so that each call goes through the browser's CORS checks.
 */

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

import { serve } from './site.mjs';

/** How each is started, and where Debian has it. */
export const BROWSERS = {
  chromium: {
    path: process.env.KEYWARD_BROWSER ?? '/usr/bin/chromium',
    launch: (executablePath) => chromium.launch({ executablePath }),
  },
  firefox: {
    path: process.env.KEYWARD_FIREFOX ?? '/usr/bin/firefox-esr',
    launch: (executablePath) =>
      puppeteer.launch({ browser: 'firefox', executablePath, headless: true }),
  },
};

/** Runs the contract; gives what the page told. */
export async function visit(name, world) {
  const { path, launch } = BROWSERS[name];
  if (!existsSync(path)) throw new Error(`there is no ${name} at ${path}`);
  const [browser, site] = await Promise.all([launch(path), serve()]);
  try {
    await world.server.admin('PUT', 'sys/config/cors', { allowed_origins: [site.address] });
    const page = await browser.newPage();
    await page.goto(`${site.address}/`);
    const { loadMs, results } = await page.evaluate(inPage, { ...world });
    return { version: /\d+(\.\d+)+/.exec(await browser.version())[0], loadMs, results };
  } finally {
    await Promise.all([browser.close(), site.close()]);
  }
}

/** What the page does; it has nothing of this module. */
async function inPage(world) {
  const unhandled = [];
  addEventListener('unhandledrejection', ({ reason }) => {
    unhandled.push({ name: 'no rejection is left unhandled', error: String(reason?.stack) });
  });
  const start = performance.now();
  const client = await import('@keyward/client');
  await client.init();
  const loadMs = performance.now() - start;
  const { contract, run } = await import('/test/contract.mjs');
  const results = [];
  for (const name of Object.keys(contract)) {
    const error = await run(name, client, world).then(
      () => null,
      (cause) => cause.stack ?? String(cause),
    );
    results.push({ name, error });
  }
  return { loadMs, results: [...results, ...unhandled] };
}
