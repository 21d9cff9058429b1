/** The package as a site serves it, without a bundler: an import map, the entry and the module. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

import { listen } from '../server.mjs';

const PACKAGE = new URL('../..', import.meta.url);
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves the files of the package and, at `/`, a page with the policy that its query asks for. */
export async function serve() {
  const page = await blank();
  return listen(
    createServer(async (request, response) => {
      const url = new URL(request.url, 'http://127.0.0.1');
      const policy = url.searchParams.get('csp');
      const headers = policy === null ? {} : { 'content-security-policy': policy };
      if (url.pathname === '/') {
        response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(page);
        return;
      }
      try {
        const file = await readFile(new URL(`.${url.pathname}`, PACKAGE));
        response.writeHead(200, { 'content-type': TYPES[extname(url.pathname)] }).end(file);
      } catch {
        response.writeHead(404).end();
      }
    }),
  );
}

/** A page that knows where `@keyward/client` and its other entries are, as `exports` says. */
async function blank() {
  const { exports } = JSON.parse(await readFile(new URL('package.json', PACKAGE), 'utf8'));
  const imports = {};
  for (const [name, target] of Object.entries(exports)) {
    const file = inBrowser(target);
    if (file?.endsWith('.mjs')) imports[`@keyward/client${name.slice(1)}`] = file.slice(1);
  }
  const map = JSON.stringify({ imports });
  return `<!doctype html><title>test</title><script type="importmap">${map}</script>`;
}

/** The file that a bundler for browsers would take. */
function inBrowser(target) {
  if (typeof target === 'string') return target;
  for (const [condition, inner] of Object.entries(target)) {
    if (['browser', 'default', 'import'].includes(condition)) return inBrowser(inner);
  }
  return undefined;
}
