// The demo's chapter in JavaScript: `node demo/wasm-demo.mjs SEALED PLAIN`.
//
// SEALED holds one ciphertext a line, PLAIN the lines they were made of; their key is at version 2.
// KEYWARD_ADDR and KEYWARD_TOKEN say where the server is, as for the command line.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { InvalidCiphertextError, Keyward } from "../bindings/js/dist/node/index.mjs";

const [sealedFile, plainFile] = process.argv.slice(2);
const sealed = (await readFile(sealedFile, "utf8")).split("\n");
const plain = (await readFile(plainFile, "utf8")).split(/(?<=\n)/);
const text = (bytes) => new TextDecoder().decode(bytes);

const keyward = new Keyward({
  address: process.env.KEYWARD_ADDR,
  token: process.env.KEYWARD_TOKEN,
});
const transit = keyward.transit("demo");

// What the command line sealed, JavaScript opens: a hundred records in one request.
const some = sealed.slice(0, 100);
const opened = await transit.decryptMany("records", some);
assert.deepEqual(opened.map(({ value }) => text(value)), plain.slice(0, 100));
console.log(`decrypt  ${opened.length} records in one request; the second: ${plain[1].trimEnd()}`);

// A ciphertext that is bound to its row opens for that row alone.
const record = plain[1];
const row = { associatedData: "row 1" };
const old = await transit.encrypt("records", record, { ...row, keyVersion: 1 });
console.log(`encrypt  ${old.slice(0, 60)}…`);
const renewed = await transit.rewrap("records", old, row);
assert.match(renewed, /^vault:v2:/);
assert.equal(text(await transit.decrypt("records", renewed, row)), record);
console.log(`rewrap   ${renewed.slice(0, 60)}…`);
await assert.rejects(
  transit.decrypt("records", renewed, { associatedData: "row 2" }),
  InvalidCiphertextError,
);
console.log("decrypt  refused for another row");

const signature = await transit.sign("manifest", record);
assert.equal(await transit.verify("manifest", record, signature), true);
assert.equal(await transit.verify("manifest", `${record}forged`, signature), false);
console.log(`sign     ${signature.slice(0, 60)}…`);
console.log("verify   true for the record, false for a forged one");

// The rest is computed here, in WebAssembly.
const keys = await transit.publicKeys("manifest");
assert.equal(await keys.verify(record, signature), true);
assert.equal(await keys.verify(`${record}forged`, signature), false);
console.log("verify   the same with the public key, without asking the server");

const envelope = transit.envelope("records");
const context = { row: "1" };
const sealedHere = await envelope.sealText(record, { context });
assert.equal(text(await envelope.openText(sealedHere, { context })), record);
console.log(`seal     ${sealedHere.slice(0, 60)}…`);
console.log("open     the record, with a data key that the server unwraps");
