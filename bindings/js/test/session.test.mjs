/** When tokens are renewed, by a clock that the tests turn. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Session, failure, staticToken } = await source(
  'auth/provider.ts',
  'auth/session.ts',
  'errors.ts',
);

const HOUR_MS = 3_600_000;

/** A session whose renewals are answered in turn, and what was renewed. */
function session(t, provider, answers) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const renewed = [];
  const made = new Session(provider, async (token) => {
    renewed.push(token);
    return answers.shift()();
  });
  t.after(() => made.close());
  return { made, renewed };
}

/** Lets all that waits for nothing outside come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const unreachable = () => {
  throw failure('network', 'nobody answers');
};

test('a token whose time is not known is tried again when its first renewal fails', async (t) => {
  const hour = () => ({ token: 'token', ttlMs: HOUR_MS, renewable: true });
  const provider = staticToken('token', { renew: true });
  const { made, renewed } = session(t, provider, [unreachable, hour]);
  assert.equal(await made.token(), 'token');
  t.mock.timers.tick(0);
  await settled();
  assert.equal(renewed.length, 1);
  t.mock.timers.tick(9999);
  await settled();
  assert.equal(renewed.length, 1);
  t.mock.timers.tick(1);
  await settled();
  assert.equal(renewed.length, 2);
  t.mock.timers.tick(HOUR_MS / 2);
  await settled();
  assert.equal(renewed.length, 2);
});

test('a token that lives for ever is left alone', async (t) => {
  const ever = () => ({ token: 'token', renewable: false });
  const { made, renewed } = session(t, staticToken('token', { renew: true }), [ever]);
  await made.token();
  t.mock.timers.tick(0);
  await settled();
  t.mock.timers.tick(1000 * HOUR_MS);
  await settled();
  assert.equal(renewed.length, 1);
});

for (const [name, outcome] of [
  ['succeeds', () => ({ token: 'first', ttlMs: HOUR_MS, renewable: true })],
  ['fails', unreachable],
]) {
  test(`a token that was refused does not come back when its renewal ${name}`, async (t) => {
    const tokens = ['first', 'second'];
    const provider = {
      token: async () => ({ token: tokens.shift(), ttlMs: HOUR_MS, renewable: true }),
    };
    let answer;
    const late = () => new Promise((resolve) => (answer = resolve)).then(outcome);
    const { made, renewed } = session(t, provider, [late]);
    assert.equal(await made.token(), 'first');
    t.mock.timers.tick(0.8 * HOUR_MS);
    await settled();
    assert.deepEqual(renewed, ['first']);
    assert.equal(await made.insteadOf('first'), 'second');
    answer();
    await settled();
    assert.equal(await made.token(), 'second');
  });
}
