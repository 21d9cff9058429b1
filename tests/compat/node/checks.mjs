// What the suites share: the server they are given, a call to it, and a check that has a name.
//
// Each is run as `node SUITE.mjs ADDRESS ROOT_TOKEN`. It prints one line a check; the first failure
// ends the run with the check's name and a status of 1.

import assert from "node:assert/strict";
import process from "node:process";

export const [address, root] = process.argv.slice(2);

/** Calls the server; an answer that is no success is an error. */
export async function call(method, path, body, token = root) {
  const response = await fetch(`${address}/v1/${path}`, {
    method,
    headers: token ? { "X-Vault-Token": token } : {},
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Names what `body` shows. */
export async function check(name, body) {
  try {
    await body();
  } catch (error) {
    console.log(`FAILED ${name}: ${error.stack}`);
    process.exit(1);
  }
  console.log(`ok     ${name}`);
}
