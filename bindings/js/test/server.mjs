/**
 * The live server that the tests call: `keyward server -dev` on a free port, or the one that
 * KEYWARD_ADDR and KEYWARD_TOKEN name, which may be any server of the same API.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';

import { findServer, startServer } from '../examples/server.mjs';

/** What the cases of the contract are given: servers, addresses and tokens. */
export class World {
  #servers;

  /** Prepares a world whose mount is named after `runtime`. */
  static async open(runtime) {
    const [server, script] = await Promise.all([Server.find(), scripted()]);
    const world = new World();
    world.#servers = [server, script];
    world.address = server.address;
    world.token = server.token;
    world.mount = `js-${runtime}-${process.pid}`;
    world.kvMount = `${world.mount}-kv`;
    world.kv1Mount = `${world.mount}-kv1`;
    world.scripted = script.address;
    try {
      world.weakToken = await server.prepare(world.mount);
      world.nobody = await nobody();
    } catch (error) {
      // A server left running would keep the tests from ending.
      await world.close();
      throw error;
    }
    return world;
  }

  /** The server, for an operator's calls. */
  get server() {
    return this.#servers[0];
  }

  async close() {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

/** A server and what the contract needs in it. */
export class Server {
  #close;

  constructor({ address, token, close }) {
    this.address = address;
    this.token = token;
    this.#close = close;
  }

  /** Starts a server of our own, or takes the one that the environment names. */
  static async find() {
    return new Server(await findServer());
  }

  /** Starts a server of our own. */
  static async start() {
    return new Server(await startServer());
  }

  /** Makes a transit engine at `mount` with the keys that the contract names. */
  async prepare(mount) {
    await this.admin('POST', `sys/mounts/${mount}`, { type: 'transit' });
    const versions = (version) => ({ type: 'kv', options: { version } });
    await this.admin('POST', `sys/mounts/${mount}-kv`, versions('2'));
    await this.admin('POST', `sys/mounts/${mount}-kv1`, versions('1'));
    await this.admin('POST', `${mount}/keys/records`);
    await this.admin('POST', `${mount}/keys/derived`, { derived: true });
    await this.admin('POST', `${mount}/keys/rotated`);
    await this.admin('POST', `${mount}/keys/rotated/rotate`);
    await this.admin('POST', `${mount}/keys/signing`, { type: 'ed25519' });
    // So that an unknown key is unknown and is not made by the first encryption.
    await this.admin('POST', `${mount}/config/keys`, { disable_upsert: true });
    await this.admin('PUT', `sys/policies/acl/${mount}`, {
      policy: `path "${mount}/sign/signing" { capabilities = ["update"] }`,
    });
    const { auth } = await this.admin('POST', 'auth/token/create', { policies: [mount] });
    return auth.client_token;
  }

  /** Calls the API as an operator would. */
  async admin(method, path, body = {}) {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { 'X-Vault-Token': this.token },
      body: method === 'GET' ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Tells what the server knows of a token. */
  async lookup(token) {
    const { data } = await this.admin('POST', 'auth/token/lookup', { token });
    return data;
  }

  /** Stops it, if it is ours. */
  async close() {
    await this.#close();
  }
}

/**
 * A server that answers what its path says: `/STATUS/BODY/v1/…` that status and body,
 * `/redirect/v1/…` with a redirect, `/cut/v1/…` with half an answer, `/silence/v1/…` never.
 */
async function scripted() {
  const server = createServer((request, response) => {
    const [script, body] = request.url.replace(/^\/folder/, '').split('/').slice(1);
    const cors = {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'content-type, x-vault-request, x-vault-token',
      'access-control-expose-headers': 'x-request-id',
      'x-request-id': '7d1c',
    };
    if (request.method === 'OPTIONS') {
      response.writeHead(200, cors).end();
    } else if (script === 'silence') {
      // Nothing: the client must give up.
    } else if (script === 'redirect') {
      response.writeHead(307, { ...cors, location: '/200/%7B%7D' }).end();
    } else if (script === 'cut') {
      response.writeHead(200, { ...cors, 'content-length': '100' });
      response.write('{"data"', () => response.destroy());
    } else {
      response.writeHead(Number(script), cors).end(decodeURIComponent(body));
    }
  });
  return listen(server);
}

/** Starts an HTTP server on a free port; gives its address, and what closes it. */
export async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** An address where nothing listens: that of a server which has been closed. */
async function nobody() {
  const { address, close } = await listen(createServer());
  await close();
  return address;
}
