/** The container KWE1: its header, its context, records and their text. */

import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { test } from 'node:test';

import { envelope, local, whole } from './envelope-support.mjs';
import { random } from './primitives-support.mjs';

const { canonical, encodeHeader, headerLength, headerOf, parseHeader } = envelope;

const FIELDS = {
  suite: 1,
  key: 'teams/transit/records',
  commitment: new Uint8Array(32).fill(7),
  wrappedKey: 'vault:v3:AAECAw==',
};

test('a header has the documented bytes', () => {
  const expected = Buffer.concat([
    Buffer.from('KWE1'),
    Buffer.from([1, 0, 21]),
    Buffer.from('teams/transit/records'),
    Buffer.alloc(32, 7),
    Buffer.from([0, 17]),
    Buffer.from('vault:v3:AAECAw=='),
  ]);
  const header = encodeHeader(FIELDS);
  assert.deepEqual(Buffer.from(header), expected);
  const { bound, length, ...fields } = parseHeader(header);
  assert.deepEqual(fields, FIELDS);
  assert.equal(length, header.length);
  assert.deepEqual(bound, header.subarray(0, header.length - 19));
});

test('a header that has not come whole asks for more, and never for too much', () => {
  const header = encodeHeader(FIELDS);
  for (let length = 0; length < header.length; length++) {
    const needed = parseHeader(header.subarray(0, length));
    assert.ok(needed > length && needed <= header.length, `${length}: ${needed}`);
    assert.throws(() => headerOf(header.subarray(0, length)), { code: 'truncated_stream' });
  }
});

const bytes = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
const after = (reference, wrapped = [0, 9, ...Buffer.from('vault:v1:AAAA')]) =>
  bytes('KWE1', [1, reference.length >> 8, reference.length & 255], reference, Array(32), wrapped);

const MALFORMED = {
  'another magic': bytes('KWE2'),
  'another first byte': bytes('x'),
  'the reserved suite': bytes('KWE1', [2, 0, 0]),
  'suite 0': bytes('KWE1', [0, 0, 0]),
  'an empty reference': after(Buffer.from('')),
  'a reference without a mount': after(Buffer.from('name')),
  'a reference with an empty name': after(Buffer.from('mount/')),
  'a reference with an empty mount': after(Buffer.from('/name')),
  'a reference with an empty folder': after(Buffer.from('a//name')),
  'a reference that is not UTF-8': after([0x61, 0x2f, 0xff]),
  'no wrapped key': after(Buffer.from('a/b'), [0, 0]),
  'a wrapped key without a payload': after(Buffer.from('a/b'), [0, 9, ...Buffer.from('vault:v1:')]),
  'a wrapped key of version 0': after(Buffer.from('a/b'), [0, 13, ...Buffer.from('vault:v0:AAAA')]),
  'a wrapped key of version 01': after(Buffer.from('a/b'), [
    0,
    14,
    ...Buffer.from('vault:v01:AAAA'),
  ]),
  'a wrapped key that is not Base64': after(Buffer.from('a/b'), [
    0,
    13,
    ...Buffer.from('vault:v1:AA-A'),
  ]),
  'a wrapped key with a line break': after(Buffer.from('a/b'), [
    0,
    14,
    ...Buffer.from('vault:v1:AAAA\n'),
  ]),
};

for (const [what, container] of Object.entries(MALFORMED)) {
  test(`${what} is refused`, () => {
    assert.throws(() => headerOf(container), { code: 'invalid_ciphertext' });
  });
}

test('no bytes make the reader fail otherwise', () => {
  const header = encodeHeader(FIELDS);
  for (let round = 0; round < 20_000; round++) {
    const changed = header.slice(0, 1 + (round % header.length));
    for (const at of random(1 + (round % 3))) changed[at % changed.length] = random(1)[0];
    try {
      headerOf(changed);
    } catch (error) {
      assert.ok(['invalid_ciphertext', 'truncated_stream'].includes(error.code), error);
    }
  }
});

test('a context is written as RFC 8785 has it', () => {
  assert.equal(canonical({}), '{}');
  assert.equal(
    canonical({ b: '2', a: '1', 10: 'x', 9: 'y' }),
    '{"10":"x","9":"y","a":"1","b":"2"}',
  );
  // The strings of section 3.2.2.2, and the order of section 3.2.3 by UTF-16 units.
  assert.equal(
    canonical({ s: '\u20ac$\u000f\nA\'B"\\\\"/' }),
    '{"s":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const names = {
    '\u20ac': '5',
    '\r': '1',
    '\ufb33': '7',
    1: '2',
    '\ud83d\ude00': '6',
    '\u0080': '3',
    '\u00f6': '4',
  };
  assert.equal(
    canonical(names),
    '{"\\r":"1","1":"2","\u0080":"3","ö":"4","€":"5","😀":"6","\ufb33":"7"}',
  );
});

test('a context that has no canonical form is refused', () => {
  for (const context of [
    'text',
    null,
    ['a'],
    { a: 1 },
    { a: null },
    { a: undefined },
    { a: '\ud800' },
    { '\udc00': '' },
  ]) {
    assert.throws(() => canonical(context), { code: 'invalid_request' });
  }
});

test('a container commits to its data key', async () => {
  const sealer = local();
  const record = headerOf(await sealer.seal('x'));
  const stream = headerOf(await whole(sealer.encryptStream(), random(1)));
  for (const header of [record, stream]) {
    const dataKey = Buffer.from(header.wrappedKey.slice('vault:v1:'.length), 'base64');
    const info = Buffer.from(`keyward envelope commitment v1${String.fromCharCode(header.suite)}`);
    const expected = hkdfSync('sha256', dataKey, '', info, 32);
    assert.deepEqual(header.commitment, new Uint8Array(expected));
  }
  assert.notEqual(record.wrappedKey, stream.wrappedKey);
});

test('records of any size and kind come back, as bytes and as text', async () => {
  const sealer = local();
  for (const data of ['', 'a', 'grüße', random(100_000), random(3).buffer, new Blob(['blob'])]) {
    const expected = new Uint8Array(await new Blob([data]).arrayBuffer());
    assert.deepEqual(await sealer.open(await sealer.seal(data)), expected);
    const text = await sealer.sealText(data);
    assert.match(text, /^kwe:1:[A-Za-z0-9_-]+$/);
    assert.deepEqual(await sealer.openText(text), expected);
  }
  assert.equal(sealer.keys.created.length, 1);
  assert.notDeepEqual(await sealer.seal('x'), await sealer.seal('x'));
});

test('a record is refused with a flipped bit anywhere, cut, or under another context', async () => {
  const sealer = local();
  const context = { row: '7' };
  const record = await sealer.seal('a record', { context });
  const { bound, length } = headerOf(record);
  for (let at = 0; at < record.length; at++) {
    if (at >= bound.length && at < length) continue;
    const changed = record.slice();
    changed[at] ^= 0x10;
    await assert.rejects(sealer.open(changed, { context }), { name: /./ }, `at ${at}`);
  }
  for (let at = 0; at < record.length; at++) {
    await assert.rejects(sealer.open(record.subarray(0, at), { context }), { name: /./ });
  }
  for (const other of [undefined, {}, { row: '8' }]) {
    const code = 'invalid_ciphertext';
    await assert.rejects(sealer.open(record, { context: other }), { code });
  }
});

test('a text has one form', async () => {
  const sealer = local();
  const texts = await Promise.all(['', 'a', 'ab'].map((data) => sealer.sealText(data)));
  const padded = texts.find((text) => (text.length - 6) % 4 !== 0);
  const last = padded.at(-1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const unused = alphabet[alphabet.indexOf(last) + 1];
  for (const text of [
    `${padded}=`,
    padded.slice(0, -1) + unused,
    padded.replace('kwe:1:', 'kwe:2:'),
    padded.replace('kwe:1:', 'KWE:1:'),
    `${padded}\n`,
    ` ${padded}`,
    '',
    undefined,
  ]) {
    await assert.rejects(sealer.openText(text), { code: 'invalid_ciphertext' });
  }
});

test('rewrapping changes the wrapped key and not a byte of the rest', async () => {
  const sealer = local();
  const data = random(1_500_000);
  const sealed = await whole(sealer.encryptStream(), data);
  const header = await sealer.rewrapHeader(sealed);
  const length = await headerLength(sealed);
  const rewrapped = new Uint8Array(Buffer.concat([header, sealed.subarray(length)]));
  assert.match(headerOf(header).wrappedKey, /^vault:v12:/);
  assert.deepEqual(headerOf(header).bound, headerOf(sealed).bound);
  assert.deepEqual(await whole(sealer.decryptStream(), rewrapped), data);
  const text = await sealer.sealText('row');
  const again = await sealer.rewrapText(text);
  assert.notEqual(again, text);
  assert.equal(Buffer.from(await sealer.openText(again)).toString(), 'row');
});
