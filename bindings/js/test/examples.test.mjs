/** The examples, each started by the command that their README gives, and used as a person would. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** Where pictures of the pages go, for people to look at. */
const PICTURES = process.env.KEYWARD_SCREENSHOTS;

test('a page encrypts a field, and a file of 100 MB', async (t) => {
  const { page, errors } = await visit(t, 'example:page');
  await page.getByRole('button', { name: 'Encrypt' }).first().click();
  const field = page.locator('#field-result');
  await field.filter({ hasText: /^vault:v1:/ }).waitFor();
  await page.locator('#reveal').click();
  await field.filter({ hasText: '4242 4242 4242 4242' }).waitFor();

  await page.getByRole('button', { name: 'Make one of 100 MB' }).click();
  await page.locator('#seal').click();
  const result = page.locator('#file-result');
  await result.filter({ hasText: /^\d+ bytes encrypted/ }).waitFor();
  await picture(page, 'page');
  await page.locator('#open').click();
  await result.filter({ hasText: /^104857600 bytes decrypted, the same as before/ }).waitFor();
  assert.equal(await page.locator('#progress').getAttribute('value'), '1');
  t.diagnostic(await result.textContent());
  assert.deepEqual(errors, []);
});

test('a service worker holds what the page must not have', async (t) => {
  const { page, errors } = await visit(t, 'example:service-worker');
  const sent = { page: [], worker: [] };
  page.context().on('request', (request) => {
    if (request.method() !== 'POST' || !request.url().includes('/v1/transit/')) return;
    const by = request.serviceWorker() === null ? 'page' : 'worker';
    sent[by].push(Object.keys(request.headers()));
  });
  await page.getByRole('button', { name: 'Encrypt' }).click();
  await page.locator('output').filter({ hasText: /^vault:v1:/ }).waitFor();
  await picture(page, 'service-worker');
  assert.ok(sent.page.length > 0 && sent.worker.length > 0, JSON.stringify(sent));
  for (const names of sent.page) {
    assert.ok(!names.includes('x-vault-token') && !names.includes('signature'), `${names}`);
  }
  for (const names of sent.worker) {
    assert.ok(names.includes('x-vault-token') && names.includes('signature'), `${names}`);
  }
  assert.deepEqual(errors, []);
});

test('a worker at the edge encrypts what passes', async (t) => {
  const said = await start(t, 'example:worker', /at (http:\S+)\/\./);
  const data = randomBytes(3_000_000);
  const address = said[1];
  const send = (method, name, body) => fetch(`${address}/${name}`, { method, body });
  const sealed = Buffer.from(await (await send('PUT', 'a.bin', data)).arrayBuffer());
  assert.equal(sealed.subarray(0, 4).toString(), 'KWE1');
  assert.equal(sealed.includes(data.subarray(0, 64)), false);
  const opened = Buffer.from(await (await send('POST', 'a.bin', sealed)).arrayBuffer());
  assert.equal(opened.equals(data), true);
  const refused = await send('POST', 'b.bin', sealed);
  assert.equal(refused.status, 422);
  assert.match(await refused.text(), /^invalid_ciphertext: /);
});

test('a script encrypts a file, and rotates its key without touching the contents', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'keyward-example-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'data');
  const data = randomBytes(5_000_000);
  await writeFile(file, data);
  const child = command('example:node', ['--', file]);
  const [code] = await once(child, 'close');
  assert.equal(code, 0, child.said);
  assert.match(child.said, /the header rewrapped/);
  assert.match(child.said, /bit for bit/);
  const sealed = await readFile(`${file}.kwe`);
  assert.match(sealed.subarray(0, 300).toString('latin1'), /vault:v2:/);
  t.diagnostic(createHash('sha256').update(data).digest('hex'));
});

/** Starts a site and opens its page; gives what it complained of. */
async function visit(t, name) {
  const [, origin] = await start(t, name, /Open (http:\S+)\/ in/);
  const executablePath = process.env.KEYWARD_BROWSER ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 820, height: 700 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${origin}/`);
  return { page, errors };
}

async function picture(page, name) {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Starts an example and waits until it says that it is there. */
async function start(t, name, pattern) {
  const child = command(name);
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      // The whole group: npm does not pass signals on.
      process.kill(-child.pid, 'SIGTERM');
      await once(child, 'close');
    }
  });
  return new Promise((resolve, reject) => {
    child.on('said', () => {
      const found = pattern.exec(child.said);
      if (found !== null) resolve(found);
    });
    child.once('close', () => reject(new Error(`${name} ended:\n${child.said}`)));
  });
}

function command(name, args = []) {
  const child = spawn('npm', ['run', '--silent', name, ...args], {
    cwd: PACKAGE,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      child.said += text;
      child.emit('said');
    });
  }
  return child;
}
