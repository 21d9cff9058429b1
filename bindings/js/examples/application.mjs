/**
 * The backend of an application: it has a token with which it sets up the server once, and makes
 * tokens for its users. It never has a key.
 */

import { Keyward } from '@keyward/client';

import { findServer } from './server.mjs';

/** What a page of the examples may do: encrypt a form, and files with data keys. */
const POLICY = `
path "transit/encrypt/forms" { capabilities = ["update"] }
path "transit/decrypt/forms" { capabilities = ["update"] }
path "transit/datakeys/plaintext/files" { capabilities = ["update"] }
path "transit/decrypt/files" { capabilities = ["update"] }
path "transit/rewrap/files" { capabilities = ["update"] }
`;

/** An application with its own server. */
export class Application {
  #keyward;
  #server;

  /** Sets up a server: an engine, two keys, a policy, and a role for the pages of `origin`. */
  static async open(origin) {
    const application = new Application();
    application.#server = await findServer();
    const { address, token } = application.#server;
    application.address = address;
    application.#keyward = new Keyward({ address, token });
    try {
      await application.#prepare(origin);
    } catch (error) {
      await application.close();
      throw error;
    }
    return application;
  }

  async #prepare(origin) {
    const mounts = await this.#operator('GET', 'sys/mounts');
    if (!('transit/' in mounts.data)) {
      await this.#operator('POST', 'sys/mounts/transit', { type: 'transit' });
    }
    const { keys } = this.#keyward.transit();
    await Promise.all([keys.create('forms'), keys.create('files')]);
    await this.#operator('PUT', 'sys/policies/acl/examples', { policy: POLICY });
    // Tokens of this role end soon. Those of a page are good for pages of its origin and with the
    // key that asked alone, for these keys and this use of them.
    await this.#operator('POST', 'auth/token/roles/examples', {
      allowed_policies: ['examples'],
      orphan: true,
      token_explicit_max_ttl: '15m',
      require_pop: origin !== undefined,
      bound_origins: origin === undefined ? [] : [origin],
      allowed_keys: ['transit/forms', 'transit/files'],
      allowed_operations: ['encrypt', 'decrypt', 'datakeys', 'rewrap'],
    });
  }

  /** Makes a token for a user whom the application has recognised, bound to the key of the page. */
  async mint(clientKey) {
    const token = await this.#keyward.tokens.create({
      role: 'examples',
      policies: ['examples'],
      ...(clientKey !== undefined && { clientKey }),
    });
    return { token: token.token, ttlMs: token.ttlMs, renewable: token.renewable };
  }

  /** Rotates the key of the files, as an operator does. */
  async rotate() {
    await this.#keyward.transit().keys.rotate('files');
  }

  async close() {
    this.#keyward.close();
    await this.#server.close();
  }

  /** What an operator does with the command line, once. */
  async #operator(method, path, body) {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { 'X-Vault-Token': this.#server.token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
