// HPKE by an implementation that nobody here wrote: seals to the public half that the server shows,
// and opens with the private key that it exports what the server encrypts.

import assert from "node:assert/strict";

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";

import { call, check } from "./checks.mjs";

const b64 = (bytes) => Buffer.from(bytes).toString("base64");
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** What the server is sent, and shows, for each kind of plaintext. */
const PLAINTEXTS = ["", "hello", "x".repeat(10_000)];

await call("POST", "sys/mounts/hpke", { type: "transit" });

for (const [type, kem] of [
  ["hpke-x25519", new DhkemX25519HkdfSha256()],
  ["hpke-xwing", new XWing()],
]) {
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const aad = new TextEncoder().encode("associated");
  const scope = { associated_data: b64(aad) };
  const encLength = suite.kem.encSize;
  let key;

  await check(`${type}: the public half is readable`, async () => {
    key = (await call("POST", `hpke/keys/${type}`, { type, exportable: true })).data;
    assert.equal(bytes(key.keys["1"].public_key).length, suite.kem.publicKeySize);
  });

  await check(`${type}: the server decrypts what the library seals`, async () => {
    const raw = bytes(key.keys["1"].public_key);
    const recipientPublicKey = await suite.kem.deserializePublicKey(raw);
    for (const plaintext of PLAINTEXTS) {
      const sealed = await suite.seal({ recipientPublicKey }, Buffer.from(plaintext), aad);
      const payload = Buffer.concat([new Uint8Array(sealed.enc), new Uint8Array(sealed.ct)]);
      const ciphertext = `vault:v1:${b64(payload)}`;
      const { data: opened } = await call("POST", `hpke/decrypt/${type}`, { ciphertext, ...scope });
      assert.equal(Buffer.from(opened.plaintext, "base64").toString(), plaintext);
    }
  });

  await check(`${type}: a payload that was changed is refused`, async () => {
    const raw = bytes(key.keys["1"].public_key);
    const recipientPublicKey = await suite.kem.deserializePublicKey(raw);
    const sealed = await suite.seal({ recipientPublicKey }, Buffer.from("hello"), aad);
    const payload = Buffer.concat([new Uint8Array(sealed.enc), new Uint8Array(sealed.ct)]);
    for (const at of [0, encLength - 1, encLength, payload.length - 1]) {
      const changed = Buffer.from(payload);
      changed[at] ^= 1;
      const body = { ciphertext: `vault:v1:${b64(changed)}`, ...scope };
      await assert.rejects(call("POST", `hpke/decrypt/${type}`, body), /: 400 /);
    }
  });

  await check(`${type}: the library opens what the server encrypts`, async () => {
    const { data: exported } = await call("GET", `hpke/export/encryption-key/${type}`);
    const raw = bytes(exported.keys["1"]);
    const recipientKey = await suite.kem.deserializePrivateKey(raw);
    for (const plaintext of PLAINTEXTS) {
      const body = { plaintext: b64(Buffer.from(plaintext)), ...scope };
      const { ciphertext } = (await call("POST", `hpke/encrypt/${type}`, body)).data;
      const payload = bytes(ciphertext.replace("vault:v1:", ""));
      const enc = payload.slice(0, encLength);
      const opened = await suite.open({ recipientKey, enc }, payload.slice(encLength), aad);
      assert.equal(Buffer.from(opened).toString(), plaintext);
    }
  });
}
