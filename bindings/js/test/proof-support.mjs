/** What tests of proofs share: a server's side of them, made with the standard alone. */

import { createHash } from 'node:crypto';

import { createSignature, webcrypto } from 'http-message-sig';

import { source } from './source.mjs';

export const proof = await source(
  'proof/base.ts',
  'proof/proof.ts',
  'proof/proof-key.ts',
  'proof/request.ts',
  'proof/response.ts',
  'proof/thumbprint.ts',
  'webcrypto/primitives.ts',
);

/** What a signed answer covers, in its order. */
export const COVERED = [
  '@status',
  'content-digest',
  { name: '@method', parameters: { req: true } },
  { name: '@target-uri', parameters: { req: true } },
  { name: 'signature', parameters: { req: true, key: 'pop' } },
];

/** A key that answers are signed with. */
export async function responseKey() {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const { kty, crv, x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  const kid = await proof.thumbprint({ kty, crv, x });
  return { pair, kid, seed: d, jwks: { keys: [{ kty, crv, x, kid, use: 'sig' }] } };
}

export function digest(body) {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/** A request as http-message-sig takes it. */
export function descriptor({ method, url, token, headers }) {
  const fields = Object.entries({ ...headers, 'X-Vault-Token': token });
  const named = fields.map(([name, value]) => ({ name: name.toLowerCase(), value }));
  return { kind: 'request', method, targetUri: url, fields: named };
}

/** Signs an answer as the server does, with what `change` says otherwise. */
export async function answer(key, request, status, body, change = {}) {
  const { components = COVERED, label = 'keyward', parameters = {} } = change;
  const fields = [{ name: 'content-digest', value: digest(body) }];
  const message = { kind: 'response', status, fields, request: descriptor(request) };
  const { signature, signatureInput } = await createSignature(message, {
    label,
    components,
    parameters: {
      created: Math.floor(Date.now() / 1000),
      keyid: key.kid,
      alg: 'ed25519',
      tag: 'keyward-response',
      ...parameters,
    },
    signer: webcrypto.signer(key.pair.privateKey),
  });
  const headers = new Headers({
    'content-digest': fields[0].value,
    'signature-input': signatureInput,
    signature,
  });
  return { status, headers, body: new Uint8Array(Buffer.from(body)) };
}
