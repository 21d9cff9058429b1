/**
 * XAES-256-GCM (c2sp.org/XAES-256-GCM) over WebCrypto.
 *
 * The key of a message is two blocks of AES-CMAC over a counter, the letter X and half of the
 * nonce. WebCrypto has no bare AES; but CBC with a zero IV encrypts its first block like one.
 */

import { type Bytes, concat } from '../bytes.js';
import { failure } from '../errors.js';

const BLOCK = 16;
const HALF = 12;

export async function xaesSeal(
  key: Bytes,
  nonce: Bytes,
  additionalData: Bytes,
  plaintext: Bytes,
): Promise<Bytes> {
  const derived = await messageKey(key, nonce, 'encrypt');
  const how = { name: 'AES-GCM', iv: nonce.subarray(HALF), additionalData };
  return new Uint8Array(await crypto.subtle.encrypt(how, derived, plaintext));
}

export async function xaesOpen(
  key: Bytes,
  nonce: Bytes,
  additionalData: Bytes,
  ciphertext: Bytes,
): Promise<Bytes> {
  const derived = await messageKey(key, nonce, 'decrypt');
  const how = { name: 'AES-GCM', iv: nonce.subarray(HALF), additionalData };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, derived, ciphertext));
  } catch {
    throw failure(
      'invalid_ciphertext',
      'the ciphertext is cut or changed, or was made with another key or context',
    );
  }
}

async function messageKey(
  key: Bytes,
  nonce: Bytes,
  usage: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  if (key.length !== 32 || nonce.length !== 2 * HALF) {
    throw failure('invalid_request', 'a key has 32 bytes and a nonce 24');
  }
  const aes = await crypto.subtle.importKey('raw', key, 'AES-CBC', false, ['encrypt']);
  const subkey = doubled(await block(aes, new Uint8Array(BLOCK)));
  const half = async (counter: number) => {
    const input = concat(Uint8Array.of(0, counter, 0x58, 0), nonce.subarray(0, HALF));
    for (let at = 0; at < BLOCK; at++) input[at] = byte(input, at) ^ byte(subkey, at);
    return block(aes, input);
  };
  const derived = concat(...(await Promise.all([half(1), half(2)])));
  try {
    return await crypto.subtle.importKey('raw', derived, 'AES-GCM', false, [usage]);
  } finally {
    derived.fill(0);
    subkey.fill(0);
  }
}

async function block(aes: CryptoKey, input: Bytes): Promise<Bytes> {
  const how = { name: 'AES-CBC', iv: new Uint8Array(BLOCK) };
  // What follows the first block is the padding's.
  return new Uint8Array(await crypto.subtle.encrypt(how, aes, input)).subarray(0, BLOCK);
}

/** Doubles in GF(2^128), as CMAC makes its first subkey (RFC 4493 section 2.3). */
function doubled(bytes: Bytes): Bytes {
  const carry = byte(bytes, 0) >> 7;
  const shifted = bytes.map((value, at) => (value << 1) | ((bytes[at + 1] ?? 0) >> 7));
  shifted[BLOCK - 1] = byte(shifted, BLOCK - 1) ^ (carry * 0x87);
  return shifted;
}

function byte(bytes: Bytes, at: number): number {
  return bytes[at] as number;
}
