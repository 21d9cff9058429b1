/** A site of one folder, with the package below `/client/`, and tokens at `/token`. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

import { Application } from './application.mjs';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const CLIENT = new URL('../dist/', import.meta.url);

/** Serves `folder` until the process is stopped, and says where. */
export async function serve(folder) {
  const server = createServer();
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const application = await Application.open(origin);
  server.on('request', (request, response) => {
    answer(request, response, folder, application).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  console.log(`Open ${origin}/ in a browser. Ctrl-C stops it.`);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      server.close();
      server.closeAllConnections();
      await application.close();
    });
  }
}

async function answer(request, response, folder, application) {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  if (pathname === '/token' && request.method === 'POST') {
    // Here an application looks who the user is.
    const { client_key: clientKey } = JSON.parse(await read(request));
    const token = await application.mint(clientKey);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
    return;
  }
  if (pathname === '/') {
    const page = await readFile(new URL('index.html', folder), 'utf8');
    const headers = {
      'content-type': TYPES['.html'],
      'content-security-policy': policy(page, application.address),
    };
    response.writeHead(200, headers).end(page.replaceAll('KEYWARD_ADDRESS', application.address));
    return;
  }
  const file = pathname.startsWith('/client/')
    ? new URL(pathname.slice('/client/'.length), CLIENT)
    : new URL(`.${pathname}`, folder);
  try {
    const contents = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[extname(pathname)] }).end(contents);
  } catch {
    response.writeHead(404).end();
  }
}

/** Allows the scripts of the site, WebAssembly, and calls to the server; nothing else. */
function policy(page, address) {
  const [, map] = /<script type="importmap">(.*?)<\/script>/s.exec(page) ?? [];
  const hash = createHash('sha256').update(map ?? '').digest('base64');
  return [
    "default-src 'self'",
    `script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'`,
    `connect-src 'self' ${address}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
  ].join('; ');
}

async function read(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
