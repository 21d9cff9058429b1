/**
 * The contract of what happens around a call: which calls travel together, which are sent again,
 * with which token, and who may end them. A `fetch` of the case's own counts and answers.
 */

import { equal, is, matches, rejects, throws } from './expect.mjs';

const ADDRESS = 'https://keyward.example';
const decoder = new TextDecoder();

export const calls = {
  async 'calls of one turn travel together'({ client, world }) {
    const { transit, requests } = counted({ client, world });
    const texts = Array.from({ length: 1000 }, (_, index) => `row ${index}`);
    const sealed = await Promise.all(texts.map((text) => transit.encrypt('records', text)));
    equal(requests.length, 4);
    const opened = await Promise.all(sealed.map((text) => transit.decrypt('records', text)));
    equal(requests.length, 8);
    equal(opened.map((bytes) => decoder.decode(bytes)), texts);
  },

  async 'only calls of a kind travel together'({ client, world }) {
    const { transit, requests } = counted({ client, world });
    const [one, , bound] = await Promise.all([
      transit.encrypt('records', 'one'),
      transit.encrypt('records', 'two', { keyVersion: 1 }),
      transit.encrypt('records', 'three', { associatedData: 'row 3' }),
      transit.encrypt('rotated', 'four'),
      transit.sign('signing', 'five'),
    ]);
    equal(requests.map(({ path }) => path.split('/').slice(-2).join('/')), [
      'encrypt/records',
      'encrypt/records',
      'encrypt/rotated',
      'sign/signing',
    ]);
    equal(requests[0].body.batch_input.length, 2);
    equal(requests[1].body.batch_input, undefined, 'a lone call is no batch');
    const [left, right] = await Promise.allSettled([
      transit.decrypt('records', one),
      transit.decrypt('records', bound),
    ]);
    equal(decoder.decode(left.value), 'one');
    is(right.reason, 'InvalidCiphertextError');
    equal(right.reason.status, 400, 'as if it had been alone');
  },

  async 'calls travel alone where that is wanted, and no more together than is'(cx) {
    const alone = counted(cx, { coalesce: false });
    await Promise.all([1, 2, 3].map(() => alone.transit.encrypt('records', 'x')));
    equal(alone.requests.length, 3);
    const few = counted(cx, { coalesce: { maxItems: 2 } });
    await Promise.all([1, 2, 3].map(() => few.transit.encrypt('records', 'x')));
    equal(few.requests.length, 2);
    const small = counted(cx, { coalesce: { maxBytes: 10 } });
    await Promise.all([1, 2].map(() => small.transit.encrypt('records', 'longer')));
    equal(small.requests.length, 2);
  },

  async 'the same decryption is asked for once, and each has bytes of its own'(cx) {
    const { transit, requests } = counted(cx);
    const ciphertext = await transit.encrypt('records', 'secret');
    const decrypt = () => transit.decrypt('records', ciphertext);
    const [left, right] = await Promise.all([decrypt(), decrypt()]);
    equal(requests.length, 2);
    left.fill(0);
    equal(decoder.decode(right), 'secret');
  },

  async 'a call can leave those it travels with'(cx) {
    const { transit, requests } = counted(cx);
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = transit.encrypt('records', 'left', { signal });
    const stays = transit.encrypt('records', 'stays');
    leaving.abort(new Error('changed my mind'));
    const error = await rejects(left, 'AbortError');
    equal(error.cause.message, 'changed my mind');
    matches(await stays, /^vault:/);
    equal(requests[0].body.batch_input, undefined, 'what nobody waits for is not sent');
    await rejects(transit.encrypt('records', 'late', { signal }), 'AbortError');
    equal(requests.length, 1);
  },

  async 'a request ends when all who wait for it have gone'({ client }) {
    let ended;
    const sent = new Promise((resolve) => (ended = resolve));
    const hangs = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        ended(signal);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const transit = new client.Keyward({ address: ADDRESS, fetch: hangs }).transit();
    const leaving = [new AbortController(), new AbortController()];
    const pending = leaving.map(({ signal }) => transit.encrypt('records', 'x', { signal }));
    const signal = await sent;
    leaving[0].abort();
    await rejects(pending[0], 'AbortError');
    equal(signal.aborted, false);
    leaving[1].abort();
    await rejects(pending[1], 'AbortError');
    equal(signal.aborted, true);
  },

  async 'what may pass is sent again'({ client }) {
    for (const failure of [429, 502, 503, 504, new TypeError('the network')]) {
      const { transit, requests } = scripted(client, [failure, failure, OK]);
      equal(await transit.encrypt('records', 'x'), 'vault:v1:x');
      equal(requests.length, 3, String(failure));
    }
    const always = scripted(client, Array(9).fill(503));
    await rejects(always.transit.encrypt('records', 'x'), 'UnavailableError');
    equal(always.requests.length, 4);
    for (const [status, name] of [
      [400, 'InvalidRequestError'],
      [403, 'PermissionDeniedError'],
      [500, 'ServerError'],
      [302, 'NetworkError'],
    ]) {
      const { transit, requests } = scripted(client, [status, OK]);
      await rejects(transit.encrypt('records', 'x'), name);
      equal(requests.length, 1);
    }
  },

  async 'the server is left alone for as long as it says'({ client }) {
    const later = () => new Response('{"errors":[]}', { status: 429, headers: { 'Retry-After': '1' } });
    const patient = scripted(client, [later, OK]);
    const started = Date.now();
    await patient.transit.encrypt('records', 'x');
    equal(Date.now() - started >= 990, true);

    const hasty = scripted(client, [later, OK]);
    const call = hasty.transit.encrypt('records', 'x', { timeoutMs: 500 });
    const error = await rejects(call, 'RateLimitedError');
    equal(error.retryAfterMs, 1000);
    equal(hasty.requests.length, 1, 'there was no time to wait');

    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const dated = () => new Response('{"errors":[]}', { status: 503, headers: { 'Retry-After': date } });
    const { transit } = scripted(client, [dated, OK]);
    const { retryAfterMs } = await rejects(transit.encrypt('records', 'x'), 'UnavailableError');
    equal(retryAfterMs > 3_500_000 && retryAfterMs <= 3_600_000, true);
  },

  async 'a change carries one key through all its attempts'({ client }) {
    const { keyward, requests } = scripted(client, [new TypeError('cut'), 503, KEY]);
    await keyward.transit().keys.rotate('records');
    const keys = requests.map(({ headers }) => headers['Idempotency-Key']);
    equal(keys.length, 3);
    equal(new Set(keys).size, 1);
    matches(keys[0], /^"[\w-]{16,}"$/);

    const named = scripted(client, [KEY]);
    await named.keyward.transit().keys.rotate('records', { idempotencyKey: 'job-7' });
    equal(named.requests[0].headers['Idempotency-Key'], '"job-7"');
    const bad = named.keyward.transit().keys.rotate('records', { idempotencyKey: 'a b' });
    await rejects(bad, 'InvalidRequestError', /idempotencyKey/);

    const plain = scripted(client, [OK]);
    await plain.transit.encrypt('records', 'x');
    equal(plain.requests[0].headers['Idempotency-Key'], undefined, 'it changes nothing');
  },

  async 'a server without idempotency keys makes no change twice'({ client }) {
    const options = { idempotency: false };
    for (const failure of [new TypeError('cut'), 502, 504]) {
      const { keyward, requests } = scripted(client, [failure, KEY], options);
      const error = await keyward.transit().keys.rotate('records').then(fail, (error) => error);
      equal(error.retryable, true);
      equal(requests.length, 1);
      equal(requests[0].headers['Idempotency-Key'], undefined);
    }
    // It was turned away, and has done nothing.
    const { keyward, requests } = scripted(client, [429, KEY], options);
    await keyward.transit().keys.rotate('records');
    equal(requests.length, 2);
  },

  async 'a key of another change is a conflict'({ client }) {
    const says = (status) => () => answer(status, { errors: ['idempotency key: in use'] });
    const busy = scripted(client, [says(409), KEY]);
    await busy.keyward.transit().keys.rotate('records');
    equal(busy.requests.length, 2, 'the first attempt was still being worked on');
    const other = scripted(client, [says(422), KEY]);
    await rejects(other.keyward.transit().keys.rotate('records'), 'IdempotencyConflictError');
    equal(other.requests.length, 1);
  },

  async 'a token is had once, and another when it is at its end'({ client }) {
    let minted = 0;
    const auth = client.mintedBy(async () => ({ token: `token ${(minted += 1)}`, ttlMs: 3_600_000 }));
    const refused = () => answer(403, { errors: ['permission denied'] });
    const { keyward, transit, requests } = scripted(client, [OK, OK, refused, OK], { auth });
    await Promise.all([transit.encrypt('a', 'x'), transit.encrypt('b', 'x')]);
    equal(minted, 1);
    await transit.encrypt('a', 'x');
    equal(minted, 2);
    equal(requests.map(({ headers }) => headers['X-Vault-Token']), [
      'token 1',
      'token 1',
      'token 1',
      'token 2',
    ]);
    keyward.close();
  },

  async 'a token is renewed before its end'({ client }) {
    const auth = client.mintedBy(async () => ({
      auth: { client_token: 'first', lease_duration: 1, renewable: true },
    }));
    let renewed;
    const renewal = new Promise((resolve) => (renewed = resolve));
    const send = async (url, { headers }) => {
      if (!url.endsWith('/v1/auth/token/renew-self')) return OK();
      renewed(headers['X-Vault-Token']);
      return answer(200, {
        auth: { client_token: 'first', lease_duration: 3600, renewable: true },
      });
    };
    const keyward = new client.Keyward({ address: ADDRESS, auth, fetch: send });
    const transit = keyward.transit();
    // Where nothing runs between calls, it is a call that renews.
    const calling = setInterval(() => transit.encrypt('records', 'x').catch(() => {}), 100);
    equal(await renewal, 'first');
    clearInterval(calling);
    keyward.close();
  },

  async 'a backend that gives no token is said to'({ client }) {
    for (const gives of [{}, { token: 7 }, { auth: null }, new Error('down')]) {
      const auth = client.mintedBy(async () => {
        if (gives instanceof Error) throw gives;
        return gives;
      });
      const { transit, requests } = scripted(client, [OK], { auth });
      await rejects(transit.encrypt('records', 'x'), 'AuthError');
      equal(requests.length, 0);
    }
    const both = { address: ADDRESS, token: 'x', auth: client.staticToken('x') };
    throws(() => new client.Keyward(both), 'InvalidRequestError', /not both/);
  },
};

/** A client of the live server, and the requests that it sends. */
function counted({ client, world }, options) {
  const { address, token, mount } = world;
  const requests = [];
  const send = (url, init) => {
    requests.push(told(url, init));
    return fetch(url, init);
  };
  const keyward = new client.Keyward({ address, token, fetch: send, ...options });
  return { keyward, requests, transit: keyward.transit(mount) };
}

/** A client whose requests are answered in turn: by a status, an error, or what a function gives. */
function scripted(client, script, options) {
  const requests = [];
  const send = async (url, init) => {
    // In a page the client asks whether a server that did not answer is there at all.
    if (url.endsWith('/v1/sys/health')) throw new TypeError('it is not');
    requests.push(told(url, init));
    const step = script[requests.length - 1];
    if (step instanceof Error) throw step;
    return typeof step === 'function' ? step() : answer(step, { errors: [refusalOf(step)] });
  };
  const settings = { address: ADDRESS, retry: { baseMs: 1 }, fetch: send, ...options };
  const keyward = new client.Keyward(settings);
  return { keyward, requests, transit: keyward.transit() };
}

function told(url, { headers, body }) {
  const path = new URL(url).pathname;
  return { path, headers, body: body && JSON.parse(decoder.decode(body)) };
}

/** As the server has it: plain words would be about the token. */
function refusalOf(status) {
  return status === 403 ? '1 error occurred:\n\t* permission denied\n\n' : `status ${status}`;
}

function answer(status, body) {
  return new Response(JSON.stringify(body), { status });
}

function OK() {
  return answer(200, { data: { ciphertext: 'vault:v1:x' } });
}

function KEY() {
  return answer(200, { data: { name: 'records', type: 'aes256-gcm96', keys: { 1: 1_700_000_000 } } });
}

function fail(value) {
  throw new Error(`expected a failure, got ${value}`);
}
