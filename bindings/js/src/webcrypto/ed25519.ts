/**
 * Strict verification of Ed25519 over WebCrypto.
 *
 * Implementations differ in what they let pass (RFC 8032 leaves it open, and WebCrypto with it):
 * scalars and points written in two ways, and points of small order, with which one signature
 * verifies under many messages. So those are refused here, before WebCrypto is asked.
 */

import type { Bytes } from '../bytes.js';
import { unsupported } from './unsupported.js';

const LENGTH = 32;
/** 2^255 - 19, which coordinates are below. */
const FIELD = 2n ** 255n - 19n;
/** The order of the base point, which the scalar of a signature is below (RFC 8032 section 5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** An y-coordinate of points of order 8; the other is its negative. */
const EIGHTH = 2707385501144840649318225287225658788936804267575313519463743609750303021222n;
/** The y-coordinates of all points of an order below 9. */
const SMALL = new Set([0n, 1n, FIELD - 1n, EIGHTH, FIELD - EIGHTH]);

export async function ed25519Verify(
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  if (publicKey.length !== LENGTH || signature.length !== 2 * LENGTH) return false;
  if (!isPoint(publicKey) || !isPoint(signature.subarray(0, LENGTH))) return false;
  if (number(signature.subarray(LENGTH)) >= ORDER) return false;
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  } catch (cause) {
    // Some look whether the point is on the curve here, which the last call does for the others.
    if (cause instanceof DOMException && cause.name === 'DataError') return false;
    throw unsupported('Ed25519', cause);
  }
  return crypto.subtle.verify('Ed25519', key, signature, message);
}

/** Whether these bytes are the one way to write an y-coordinate, of a point of large order. */
function isPoint(bytes: Bytes): boolean {
  const y = number(bytes) & (2n ** 255n - 1n);
  return y < FIELD && !SMALL.has(y);
}

/** Reads a number, its lowest byte first. */
function number(bytes: Bytes): bigint {
  let read = 0n;
  for (const value of bytes.slice().reverse()) read = (read << 8n) | BigInt(value);
  return read;
}
