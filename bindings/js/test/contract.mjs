/**
 * What the client must do wherever it runs: named cases over a live server. They use nothing that a
 * browser lacks, so Node and a page run the same ones.
 *
 * A case gets the package and a world: `address` and `token` of the server, the `mount` of its own
 * transit engine with the keys that `server.mjs` makes there, `scripted` (a server that answers
 * what its path says) and `nobody` (an address where nothing listens).
 */

import { calls } from './contract-calls.mjs';
import { engines } from './contract-engines.mjs';
import { equal, is, matches, rejects, throws, values } from './expect.mjs';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const contract = {
  ...calls,
  ...engines,

  async 'bytes of every kind come back as they were'({ transit }) {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const kinds = {
      'a string': ['héllo 🔑 \u0000', encoder.encode('héllo 🔑 \u0000')],
      'no byte at all': ['', new Uint8Array()],
      'a Uint8Array': [every, every],
      'an ArrayBuffer': [every.buffer, every],
      'a part of a buffer': [every.subarray(7, 11), every.slice(7, 11)],
      'a DataView': [new DataView(every.buffer, 3, 5), every.slice(3, 8)],
      'wider elements': [new Uint16Array(every.buffer, 2, 4), every.slice(2, 10)],
    };
    for (const [kind, [data, expected]] of Object.entries(kinds)) {
      const ciphertext = await transit.encrypt('records', data);
      matches(ciphertext, /^vault:v\d+:/, kind);
      const plaintext = await transit.decrypt('records', ciphertext);
      equal(plaintext.constructor.name, 'Uint8Array', kind);
      equal([...plaintext], [...expected], kind);
    }
  },

  async 'a megabyte comes back as it was'({ transit }) {
    const data = Uint8Array.from({ length: 1 << 20 }, (_, index) => (index * 2654435761) >>> 24);
    const ciphertext = await transit.encrypt('records', data);
    const plaintext = await transit.decrypt('records', ciphertext);
    equal(plaintext.length, data.length);
    equal(plaintext.every((byte, index) => byte === data[index]), true);
  },

  async 'a string that is no Unicode is refused and not changed'({ transit }) {
    await rejects(transit.encrypt('records', 'half \ud83d'), 'InvalidRequestError', /surrogate/);
    const replaced = await transit.encrypt('records', 'a real \ufffd');
    equal(decoder.decode(await transit.decrypt('records', replaced)), 'a real \ufffd');
  },

  async 'associated data must be presented again'({ transit }) {
    const associatedData = 'row 7';
    const ciphertext = await transit.encrypt('records', 'secret', { associatedData });
    const plaintext = await transit.decrypt('records', ciphertext, {
      associatedData: encoder.encode(associatedData),
    });
    equal(decoder.decode(plaintext), 'secret');
    for (const options of [undefined, {}, { associatedData: 'row 8' }]) {
      const wrong = transit.decrypt('records', ciphertext, options);
      await rejects(wrong, 'InvalidCiphertextError');
    }
  },

  async 'rewrap keeps what a ciphertext is bound to'({ transit }) {
    const associatedData = 'row 7';
    const old = await transit.encrypt('rotated', 'secret', { associatedData, keyVersion: 1 });
    await rejects(transit.rewrap('rotated', old), 'InvalidCiphertextError');
    const renewed = await transit.rewrap('rotated', old, { associatedData });
    matches(renewed, /^vault:v2:/);
    const plaintext = await transit.decrypt('rotated', renewed, { associatedData });
    equal(decoder.decode(plaintext), 'secret');
    await rejects(transit.decrypt('rotated', renewed), 'InvalidCiphertextError');
  },

  async 'a derived key needs its context'({ transit }) {
    const ciphertext = await transit.encrypt('derived', 'secret', { context: 'tenant 1' });
    const plaintext = await transit.decrypt('derived', ciphertext, { context: 'tenant 1' });
    equal(decoder.decode(plaintext), 'secret');
    const another = transit.decrypt('derived', ciphertext, { context: 'tenant 2' });
    await rejects(another, 'InvalidCiphertextError');
    await rejects(transit.decrypt('derived', ciphertext), 'InvalidRequestError', /context/);
  },

  async 'rewrap brings a ciphertext to the newest version'({ transit }) {
    const old = await transit.encrypt('rotated', 'secret', { keyVersion: 1 });
    matches(old, /^vault:v1:/);
    const renewed = await transit.rewrap('rotated', old);
    matches(renewed, /^vault:v2:/);
    for (const ciphertext of [old, renewed]) {
      equal(decoder.decode(await transit.decrypt('rotated', ciphertext)), 'secret');
    }
    matches(await transit.rewrap('rotated', renewed, { keyVersion: 1 }), /^vault:v1:/);
  },

  async 'a signature fits its data and no other'({ transit }) {
    const signature = await transit.sign('signing', 'a contract');
    matches(signature, /^vault:v1:/);
    equal(await transit.verify('signing', 'a contract', signature), true);
    equal(await transit.verify('signing', encoder.encode('a contract'), signature), true);
    equal(await transit.verify('signing', 'another contract', signature), false);
    const other = await transit.sign('signing', 'another contract');
    equal(await transit.verify('signing', 'a contract', other), false);
    const garbled = transit.verify('signing', 'a contract', 'garbled');
    await rejects(garbled, 'InvalidRequestError');
  },

  async 'a batch keeps its order'({ transit }) {
    const data = Array.from({ length: 100 }, (_, index) => `record ${index}`);
    const sealed = values(await transit.encryptMany('rotated', data));
    const renewed = values(await transit.rewrapMany('rotated', sealed));
    const opened = values(await transit.decryptMany('rotated', renewed));
    equal(opened.map((bytes) => decoder.decode(bytes)), data);

    const signatures = values(await transit.signMany('signing', data));
    const items = data.map((text, index) => ({ data: text, signature: signatures[index] }));
    equal(values(await transit.verifyMany('signing', items)), data.map(() => true));
  },

  async 'the items of a batch have options of their own'({ transit }) {
    const sealed = values(
      await transit.encryptMany('rotated', [
        { data: 'one', keyVersion: 1 },
        { data: encoder.encode('two'), associatedData: 'row 2' },
      ]),
    );
    equal(sealed.map((text) => text.slice(0, 9)), ['vault:v1:', 'vault:v2:']);
    const opened = values(
      await transit.decryptMany('rotated', [
        sealed[0],
        { ciphertext: sealed[1], associatedData: 'row 2' },
      ]),
    );
    equal(opened.map((bytes) => decoder.decode(bytes)), ['one', 'two']);

    const derived = values(
      await transit.encryptMany('derived', [{ data: 'three', context: 'tenant 3' }]),
    );
    const renewed = values(
      await transit.rewrapMany('derived', [{ ciphertext: derived[0], context: 'tenant 3' }]),
    );
    const plaintext = await transit.decrypt('derived', renewed[0], { context: 'tenant 3' });
    equal(decoder.decode(plaintext), 'three');

    const signed = values(await transit.signMany('signing', ['a'], { keyVersion: 1 }));
    equal(await transit.verify('signing', 'a', signed[0]), true);
  },

  async 'a bad item spoils only itself'({ transit }) {
    const good = await transit.encrypt('records', 'good');
    const results = await transit.decryptMany('records', [good, 'garbled', good]);
    equal(results.map((result) => result.status), ['fulfilled', 'rejected', 'fulfilled']);
    equal(decoder.decode(results[2].value), 'good');
    is(results[1].reason, 'InvalidCiphertextError');
    equal(typeof results[1].reason.requestId, 'string');

    const all = await transit.decryptMany('records', ['garbled', 'vault:v1:AAAA']);
    equal(all.map((result) => result.reason.name), Array(2).fill('InvalidCiphertextError'));

    const signature = await transit.sign('signing', 'a');
    const verdicts = await transit.verifyMany('signing', [
      { data: 'a', signature },
      { data: 'b', signature },
      { data: 'a', signature: 'garbled' },
    ]);
    equal(verdicts[0].value, true);
    equal(verdicts[1].value, false);
    is(verdicts[2].reason, 'InvalidRequestError');
  },

  async 'garbled ciphertexts are told apart from other faults'({ transit }) {
    const ciphertext = await transit.encrypt('records', 'secret');
    const flipped = ciphertext.slice(0, -6) + (ciphertext.at(-6) === 'A' ? 'B' : 'A') +
      ciphertext.slice(-5);
    for (const garbled of ['', 'garbled', 'vault:v9:AAAA', ciphertext.slice(0, 20), flipped]) {
      const error = await rejects(transit.decrypt('records', garbled), garbled === ''
        ? 'InvalidRequestError'
        : 'InvalidCiphertextError');
      equal(error.status, 400, garbled);
      equal(error.retryable, false, garbled);
    }
  },

  async 'an unknown key and an unknown mount are not found'({ keyward, transit }) {
    await rejects(transit.decrypt('nowhere', 'vault:v1:AAAA'), 'NotFoundError');
    await rejects(transit.sign('nowhere', 'data'), 'NotFoundError');
    await rejects(keyward.transit('nowhere').encrypt('records', 'data'), 'NotFoundError');
  },

  async 'a key that does not do what is asked says so'({ transit }) {
    await rejects(transit.encrypt('signing', 'data'), 'InvalidRequestError', /ed25519/);
    await rejects(transit.sign('records', 'data'), 'InvalidRequestError', /aes256-gcm96/);
  },

  async 'a token that is wrong, missing or too weak is denied'({ client, world }) {
    for (const [token, name] of [
      ['wrong', 'AuthError'],
      [undefined, 'AuthError'],
      [world.weakToken, 'PermissionDeniedError'],
    ]) {
      const { address, mount } = world;
      const transit = new client.Keyward({ address, token }).transit(mount);
      const error = await rejects(transit.encrypt('records', 'data'), name);
      equal(error.status, 403);
      equal(error.message, 'permission denied');
    }
    const weak = new client.Keyward({ address: world.address, token: world.weakToken });
    matches(await weak.transit(world.mount).sign('signing', 'data'), /^vault:v1:/);
  },

  async 'a name never leads to another path'({ keyward, transit }) {
    for (const name of ['', '.', '..', '../../sys/seal', 'records/rotate', 'a//b']) {
      const error = await rejects(transit.encrypt(name, 'data'), 'InvalidRequestError');
      equal(error.status, undefined, name);
    }
    for (const mount of ['', '..', 'a/../b']) {
      const call = keyward.transit(mount).encrypt('records', 'data');
      await rejects(call, 'InvalidRequestError');
    }
    await rejects(transit.decrypt('records?list=true#', 'vault:v1:AAAA'), 'NotFoundError');
  },

  async 'slashes around a mount are not part of it'({ keyward, world }) {
    matches(await keyward.transit(`/${world.mount}/`).encrypt('records', ''), /^vault:/);
  },

  async 'an argument of another type is refused by its name'({ client, keyward, transit }) {
    const refused = [
      [transit.encrypt(7, 'data'), /key is no string/],
      [transit.encrypt('records', 7), /data is neither bytes nor a string/],
      [transit.encrypt('records'), /data/],
      [transit.encrypt('records', { data: 'x' }), /data/],
      [transit.encrypt('records', 'x', { context: 7 }), /context/],
      [transit.encrypt('records', 'x', { associatedData: [1] }), /associatedData/],
      [transit.encrypt('records', 'x', { keyVersion: 1.5 }), /keyVersion is no whole number/],
      [transit.decrypt('records', new Uint8Array(1)), /ciphertext is no string/],
      [transit.verify('signing', 'data', null), /signature is no string/],
      [transit.encryptMany('records', 'letters'), /items is no array/],
      [transit.encryptMany('records', ['x', null]), /items\[1\]: an item is no object/],
      [transit.encryptMany('records', [{}]), /items\[0\]: data/],
      [transit.decryptMany('records', [new Uint8Array(1)]), /items\[0\]: an item is no object/],
      [transit.verifyMany('signing', [{ data: 'x' }]), /items\[0\]: signature/],
    ];
    for (const [call, words] of refused) {
      const error = await rejects(call, 'InvalidRequestError', words);
      equal(error.status, undefined);
    }
    throws(() => keyward.transit(7), 'InvalidRequestError', /mount/);
    for (const address of [undefined, '', 'keyward', 'ftp://127.0.0.1', 7]) {
      throws(() => new client.Keyward({ address }), 'InvalidRequestError', /address/);
    }
    const address = 'http://127.0.0.1';
    throws(() => new client.Keyward({ address, token: 7 }), 'InvalidRequestError', /token/);
    for (const timeoutMs of [0, -1, Number.NaN, Infinity, '5']) {
      throws(() => new client.Keyward({ address, timeoutMs }), 'InvalidRequestError', /timeoutMs/);
    }
    throws(() => new client.Keyward(), 'InvalidRequestError', /address/);
  },

  async 'an empty batch is what the server says of it'({ transit }) {
    await rejects(transit.encryptMany('records', []), 'InvalidRequestError', /batch/);
  },

  async 'an address may be a URL and may lie in a folder'({ client, world }) {
    const { token, mount } = world;
    for (const address of [new URL(world.address), `${world.address}/`]) {
      const transit = new client.Keyward({ address, token }).transit(mount);
      matches(await transit.encrypt('records', ''), /^vault:/);
    }
    const folder = scripted({ client, world }, 'folder/200/%7B%22data%22%3Anull%7D');
    await rejects(folder.encrypt('records', ''), 'UnexpectedAnswerError');
  },

  async 'a server that does not answer is a network error'({ client, world }) {
    const transit = new client.Keyward({ address: world.nobody }).transit();
    const error = await rejects(transit.encrypt('records', ''), 'NetworkError', /127\.0\.0\.1/);
    equal(error.retryable, true);
    equal(error.cause instanceof Error, true);
  },

  async 'an answer that does not come in time is a timeout'({ client, world }) {
    const keyward = new client.Keyward({ address: `${world.scripted}/silence`, timeoutMs: 200 });
    const call = keyward.transit().encrypt('records', '');
    const error = await rejects(call, 'TimeoutError', /within 200 ms/);
    equal(error.retryable, true);
    equal(error.cause.name, 'TimeoutError');
  },

  async 'a connection that breaks within the answer is a network error'(cx) {
    await rejects(scripted(cx, 'cut').encrypt('records', ''), 'NetworkError');
  },

  async 'a redirect is not followed'(cx) {
    const error = await rejects(scripted(cx, 'redirect').encrypt('records', ''), 'NetworkError');
    matches(error.message, /redirects/);
  },

  async 'each status has its error'(cx) {
    const refusal = (text) => JSON.stringify({ errors: text === '' ? [] : [text] });
    for (const [status, text, name, retryable] of [
      [400, 'missing plaintext to encrypt', 'InvalidRequestError', false],
      [403, '1 error occurred:\n\t* permission denied\n\n', 'PermissionDeniedError', false],
      [404, '', 'NotFoundError', false],
      [405, 'unsupported operation', 'InvalidRequestError', false],
      [413, '', 'InvalidRequestError', false],
      [429, '', 'RateLimitedError', true],
      [500, 'internal error', 'ServerError', false],
      [502, '', 'UnavailableError', true],
      [503, 'Vault is sealed', 'SealedError', true],
      [503, '', 'UnavailableError', true],
    ]) {
      const path = `${status}/${encodeURIComponent(refusal(text))}`;
      const error = await rejects(scripted(cx, path).encrypt('records', ''), name);
      equal(error.status, status);
      equal(error.retryable, retryable, `${status} ${text}`);
      equal(error.requestId, '7d1c', 'the header is read');
      matches(error.message, /\S/);
      equal(error.message.includes('\n'), false);
    }
  },

  async 'an answer of another program is unexpected'(cx) {
    for (const body of ['<html>', '{}', '[]', '{"data":{}}', '{"data":{"batch_results":[]}}']) {
      const call = scripted(cx, `200/${encodeURIComponent(body)}`).encrypt('records', '');
      await rejects(call, 'UnexpectedAnswerError');
    }
    await rejects(scripted(cx, '204/').encrypt('records', ''), 'UnexpectedAnswerError');
    const item = encodeURIComponent('{"data":{"batch_results":[{}]}}');
    const [result] = await scripted(cx, `200/${item}`).encryptMany('records', ['']);
    is(result.reason, 'UnexpectedAnswerError');
  },

  async 'every error is a KeywardError with a name and a code'({ client, transit }) {
    const error = await rejects(transit.decrypt('nowhere', 'vault:v1:AAAA'), 'NotFoundError');
    equal(error instanceof client.NotFoundError, true);
    equal(error instanceof client.KeywardError, true);
    equal(error instanceof Error, true);
    equal(client.isKeywardError(error), true);
    equal(error.code, 'not_found');
    equal(String(error), 'NotFoundError: encryption key not found');
    for (const other of [new Error('x'), null, undefined, 'not_found', {}]) {
      equal(client.isKeywardError(other), false);
    }
  },

  async 'one client carries many calls at once'({ transit }) {
    const texts = Array.from({ length: 100 }, (_, index) => `call ${index}`);
    const sealed = await Promise.all(texts.map((text) => transit.encrypt('records', text)));
    const opened = await Promise.all(sealed.map((text) => transit.decrypt('records', text)));
    equal(opened.map((bytes) => decoder.decode(bytes)), texts);
  },

};

/** Runs the case named `name`. */
export async function run(name, client, world) {
  const { address, token } = world;
  const keyward = new client.Keyward({ address, token });
  await contract[name]({ client, world, keyward, transit: keyward.transit(world.mount) });
}

function scripted({ client, world }, path) {
  return new client.Keyward({ address: `${world.scripted}/${path}` }).transit();
}
