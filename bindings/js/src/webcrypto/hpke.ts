/**
 * HPKE (RFC 9180) over WebCrypto: base mode, single shot, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256
 * and AES-256-GCM, with an empty `info`.
 */

import { type Bytes, concat, utf8 } from '../bytes.js';
import { failure } from '../errors.js';
import { unsupported } from './unsupported.js';

const LENGTH = 32;
const NONCE = 12;
const EMPTY: Bytes = new Uint8Array();
const KEM = concat(utf8('KEM'), Uint8Array.of(0, 0x20));
const SUITE = concat(utf8('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, 2));
/** A private key of X25519 in PKCS#8 is this and its 32 bytes (RFC 8410 section 7). */
const PKCS8 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32);

/** Seals; `seed` are 32 random bytes, of which the ephemeral key is derived (section 7.1.3). */
export async function hpkeSeal(
  publicKey: Bytes,
  additionalData: Bytes,
  plaintext: Bytes,
  seed: Bytes,
): Promise<Bytes> {
  if (publicKey.length !== LENGTH || seed.length !== LENGTH) {
    throw failure('invalid_request', 'a public key of X25519 has 32 bytes');
  }
  const ephemeral = await expand(KEM, await extract(KEM, EMPTY, 'dkp_prk', seed), 'sk', EMPTY);
  const [enc, dh] = await agree(ephemeral, publicKey);
  ephemeral.fill(0);
  const shared = await expand(
    KEM,
    await extract(KEM, EMPTY, 'eae_prk', dh),
    'shared_secret',
    concat(enc, publicKey),
  );
  dh.fill(0);
  const [psk, info, secret] = await Promise.all([
    extract(SUITE, EMPTY, 'psk_id_hash', EMPTY),
    extract(SUITE, EMPTY, 'info_hash', EMPTY),
    extract(SUITE, shared, 'secret', EMPTY),
  ]);
  const context = concat(Uint8Array.of(0), psk, info);
  const key = await expand(SUITE, secret, 'key', context);
  const iv = await expand(SUITE, secret, 'base_nonce', context, NONCE);
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  for (const used of [shared, secret, key]) used.fill(0);
  const how = { name: 'AES-GCM', iv, additionalData };
  return concat(enc, new Uint8Array(await crypto.subtle.encrypt(how, aes, plaintext)));
}

/** Gives the public half of a private key, and the secret it shares with another's. */
async function agree(privateKey: Bytes, publicKey: Bytes): Promise<[Bytes, Bytes]> {
  const wrapped = concat(PKCS8, privateKey);
  const base = new Uint8Array(LENGTH);
  base[0] = 9;
  const own = await crypto.subtle
    .importKey('pkcs8', wrapped, 'X25519', false, ['deriveBits'])
    .catch((cause: unknown) => {
      throw unsupported('X25519', cause);
    });
  wrapped.fill(0);
  const multiply = async (point: Bytes) => {
    const other = await crypto.subtle.importKey('raw', point, 'X25519', false, []);
    const how = { name: 'X25519', public: other };
    return new Uint8Array(await crypto.subtle.deriveBits(how, own, 8 * LENGTH));
  };
  try {
    const [enc, dh] = await Promise.all([multiply(base), multiply(publicKey)]);
    if (dh.some((byte) => byte !== 0)) return [enc, dh];
  } catch {
    // Refused, as zeros are below: a point of small order agrees on a secret that everyone knows.
  }
  throw failure('invalid_request', 'the public key cannot be encrypted to');
}

async function extract(suite: Bytes, salt: Bytes, label: string, input: Bytes): Promise<Bytes> {
  // No salt is a salt of zeros (RFC 5869), and WebCrypto takes no empty key.
  const key = salt.length === 0 ? new Uint8Array(LENGTH) : salt;
  return hmac(key, concat(utf8('HPKE-v1'), suite, utf8(label), input));
}

/** Expands to at most 32 bytes, which is one block. */
async function expand(
  suite: Bytes,
  secret: Bytes,
  label: string,
  info: Bytes,
  length = LENGTH,
): Promise<Bytes> {
  const start = concat(Uint8Array.of(0, length), utf8('HPKE-v1'));
  const input = concat(start, suite, utf8(label), info, Uint8Array.of(1));
  return (await hmac(secret, input)).subarray(0, length);
}

async function hmac(key: Bytes, input: Bytes): Promise<Bytes> {
  const how = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, how, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, input));
}
