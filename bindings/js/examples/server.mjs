/** The server of an example: the one that the environment names, or one of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Finds a server, or starts `keyward server -dev` on a free port. */
export async function findServer() {
  const { KEYWARD_ADDR: address, KEYWARD_TOKEN: token } = process.env;
  if (address !== undefined) return { address, token, close: async () => undefined };
  return startServer();
}

/** Starts a development server; everything in it is gone when it stops. */
export async function startServer() {
  const child = spawn(
    binary(),
    ['server', '-dev', '-dev-root-token-id=root', '-dev-listen-address=127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  const address = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        const started = /server started! Listening on (http:\S+)/.exec(said);
        if (started !== null) resolve(started[1]);
      });
    }
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the server stopped:\n${said}`)));
  });
  const close = async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  return { address, token: 'root', close };
}

function binary() {
  const built = ['release', 'debug'].map((profile) =>
    fileURLToPath(new URL(`../../../target/${profile}/keyward`, import.meta.url)),
  );
  const found = process.env.KEYWARD_BIN ?? built.find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error('there is no server: run `cargo build --bin keyward`, or set KEYWARD_BIN');
  }
  return found;
}
