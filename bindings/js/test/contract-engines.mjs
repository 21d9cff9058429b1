/** The contract of the calls beside encryption and signatures: keys, streams, KV, leases, tokens. */

import { equal, is, matches, rejects, throws, values } from './expect.mjs';

const decoder = new TextDecoder();

export const engines = {
  async 'keys are made, read, listed, rotated, configured, trimmed and deleted'({ transit }) {
    const { keys } = transit;
    const name = `made-${Math.random().toString(36).slice(2)}`;
    const made = await keys.create(name, { type: 'ecdsa-p256' });
    equal([made.name, made.type, made.latestVersion], [name, 'ecdsa-p256', 1]);
    matches(made.versions[1].publicKey, /BEGIN PUBLIC KEY/);
    equal(Number.isNaN(made.versions[1].createdAt.getTime()), false);
    equal((await keys.rotate(name)).latestVersion, 2);
    const rules = { minDecryptionVersion: 2, minEncryptionVersion: 2, deletionAllowed: true };
    const configured = await keys.config(name, rules);
    equal([configured.minDecryptionVersion, configured.deletionAllowed], [2, true]);
    equal((await keys.trim(name, 2)).minAvailableVersion, 2);
    equal((await keys.list()).includes(name), true);
    await keys.delete(name);
    await rejects(keys.read(name), 'NotFoundError');
    const { versions } = await keys.read('records');
    equal(versions[1].createdAt.getUTCFullYear() > 2020, true);
  },

  async 'what an old version may no longer do is said'({ transit }) {
    const name = `aged-${Math.random().toString(36).slice(2)}`;
    await transit.keys.create(name);
    const old = await transit.encrypt(name, 'x');
    await transit.keys.rotate(name);
    await transit.keys.config(name, { minDecryptionVersion: 2 });
    await rejects(transit.decrypt(name, old), 'KeyVersionError');
  },

  async 'a message authentication code fits its data and no other'({ transit }) {
    const hmac = await transit.hmac('records', 'data');
    matches(hmac, /^vault:v1:/);
    equal(await transit.verifyHmac('records', 'data', hmac), true);
    equal(await transit.verifyHmac('records', 'other', hmac), false);
    const strong = await transit.hmac('records', 'data', { algorithm: 'sha2-512' });
    equal(await transit.verifyHmac('records', 'data', strong, { algorithm: 'sha2-512' }), true);
    equal(values(await transit.hmacMany('records', ['data']))[0], hmac);
  },

  async 'a data key comes with its ciphertext'({ transit }) {
    const keys = await transit.dataKeys('records', 3, { associatedData: 'file 1' });
    equal(keys.map(({ plaintext }) => plaintext.length), [32, 32, 32]);
    const [{ plaintext, ciphertext }] = keys;
    const opened = await transit.decrypt('records', ciphertext, { associatedData: 'file 1' });
    equal([...opened], [...plaintext]);
  },

  async 'public keys verify without the server'({ transit }) {
    const keys = await transit.publicKeys('signing');
    const signature = await transit.sign('signing', 'a contract');
    equal(await keys.verify('a contract', signature), true);
    equal(await keys.verify('another contract', signature), false);
  },

  async 'a Blob is data too'({ transit }) {
    const blob = new Blob(['in ', 'parts']);
    const ciphertext = await transit.encrypt('records', blob, { associatedData: new Blob(['7']) });
    const opened = await transit.decrypt('records', ciphertext, { associatedData: '7' });
    equal(decoder.decode(opened), 'in parts');
  },

  async 'a stream of ciphertexts is rewrapped in its order'({ transit }) {
    const texts = Array.from({ length: 25 }, (_, index) => `row ${index}`);
    const items = texts.map((data) => ({ data, keyVersion: 1 }));
    const old = values(await transit.encryptMany('rotated', items));
    old[7] = 'garbled';
    const stream = transit.rewrapStream('rotated', { batchSize: 10 });
    const writer = stream.writable.getWriter();
    const written = Promise.all([...old.map((item) => writer.write(item)), writer.close()]);
    const results = [];
    const reader = stream.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      results.push(value);
    }
    await written;
    equal(results.length, 25);
    is(results[7].reason, 'InvalidCiphertextError');
    matches(results[8].value, /^vault:v2:/);
    equal(decoder.decode(await transit.decrypt('rotated', results[24].value)), 'row 24');
  },

  async 'all or nothing of a batch'({ client, transit }) {
    const good = await transit.encrypt('records', 'good');
    const [bytes] = client.values(await transit.decryptMany('records', [good]));
    equal(decoder.decode(bytes), 'good');
    const results = await transit.decryptMany('records', [good, 'garbled']);
    let error;
    try {
      client.values(results);
    } catch (thrown) {
      error = thrown;
    }
    is(error, 'PartialBatchError', /1 of 2/);
    equal(error.results.length, 2);
  },

  async 'a value is written, read, changed and deleted'({ keyward, world }) {
    const kv = keyward.kv(world.kvMount);
    const first = await kv.put('app/db', { user: 'a', port: 1 }, { cas: 0 });
    equal(first.version, 1);
    await rejects(kv.put('app/db', {}, { cas: 0 }), 'InvalidRequestError', /check-and-set/);
    await kv.patch('app/db', { port: 2 }, { cas: 1 });
    const { data, version } = await kv.get('app/db');
    equal([data, version.version], [{ port: 2, user: 'a' }, 2]);
    equal((await kv.get('app/db', { version: 1 })).data.port, 1);
    equal(await kv.list(), ['app/']);
    equal(await kv.list('app'), ['db']);
    equal(await kv.list('nothing'), []);
    await kv.delete('app/db');
    equal((await kv.get('app/db')).data, null);
    await kv.undelete('app/db', [2]);
    equal((await kv.get('app/db')).data.port, 2);
    await kv.destroy('app/db', [1]);
    await kv.metadata.put('app/db', { maxVersions: 3, customMetadata: { owner: 'me' } });
    const metadata = await kv.metadata.get('app/db');
    equal([metadata.currentVersion, metadata.maxVersions], [2, 3]);
    equal([metadata.customMetadata.owner, metadata.versions[1].destroyed], ['me', true]);
    await kv.metadata.delete('app/db');
    await rejects(kv.get('app/db'), 'NotFoundError');
    await rejects(kv.get('../sys/seal'), 'InvalidRequestError');
  },

  async 'a value without versions is written, read and deleted'({ keyward, world }) {
    const kv = keyward.kv1(world.kv1Mount);
    await kv.put('a b/c', { user: 'a' });
    equal(await kv.get('a b/c'), { user: 'a' });
    equal(await kv.list(), ['a b/']);
    await kv.delete('a b/c');
    await rejects(kv.get('a b/c'), 'NotFoundError');
    throws(() => keyward.kv1(7), 'InvalidRequestError', /mount/);
  },

  async 'a token looks itself up, is renewed and ends itself'({ client, keyward, world }) {
    const made = await keyward.tokens.create({ policies: ['default'], ttl: '1h' });
    equal([made.ttlMs, made.renewable], [3_600_000, true]);
    const { address } = world;
    const own = new client.Keyward({ address, token: made.token });
    const details = await own.tokens.lookupSelf();
    equal([details.accessor, details.policies], [made.accessor, ['default']]);
    equal((await own.tokens.renewSelf(1800)).ttlMs, 1_800_000);
    await own.tokens.revokeSelf();
    await rejects(own.tokens.lookupSelf(), 'AuthError');

    const other = await keyward.tokens.create({ policies: ['default'] });
    await keyward.tokens.revokeAccessor(other.accessor);
    const ended = new client.Keyward({ address, token: other.token });
    await rejects(ended.tokens.lookupSelf(), 'AuthError');
  },

  async 'an unknown lease is said to be'({ keyward }) {
    await rejects(keyward.leases.lookup('nowhere/lease'), 'InvalidRequestError', /invalid lease/);
    await rejects(keyward.leases.renew('nowhere/lease', 60), 'InvalidRequestError');
    await keyward.leases.revoke('nowhere/lease');
  },
};
