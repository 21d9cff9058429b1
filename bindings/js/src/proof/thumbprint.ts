/** The name of a public key that is made of the key itself (RFC 7638). */

import { toBase64Url, utf8 } from '../bytes.js';
import { failure } from '../errors.js';

/** Computes the SHA-256 thumbprint of a public key, in Base64url. */
export async function thumbprint(jwk: JsonWebKey): Promise<string> {
  const { kty, crv, x, y } = jwk;
  // The members that the key needs, in the order of their names, and no spaces (section 3.3).
  const members = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  if ((kty !== 'EC' && kty !== 'OKP') || Object.values(members).includes(undefined)) {
    throw failure('invalid_request', 'this is no public key of an elliptic curve');
  }
  const digest = await crypto.subtle.digest('SHA-256', utf8(JSON.stringify(members)));
  return toBase64Url(new Uint8Array(digest));
}
