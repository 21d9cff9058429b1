/**
 * `npm run example:node -- FILE`: encrypts a file into `FILE.kwe`, rotates the key, rewraps the
 * header in its place, decrypts, and compares.
 */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Writable } from 'node:stream';

import { Keyward, headerLength } from '@keyward/client';

import { Application } from '../application.mjs';

/** More than any header has. */
const BEGINNING = 8192;

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: npm run example:node -- FILE');
  process.exit(2);
}

const application = await Application.open();
try {
  const { token } = await application.mint();
  const keyward = new Keyward({ address: application.address, token });
  const files = keyward.transit().envelope('files');
  const context = { name: basename(path) };
  const { size } = await stat(path);
  const sealed = `${path}.kwe`;

  const before = createHash('sha256');
  await Readable.toWeb(createReadStream(path, { highWaterMark: 1 << 20 }))
    .pipeThrough(progress('encrypting', size, before))
    .pipeThrough(files.encryptStream({ context, size }))
    .pipeTo(Writable.toWeb(createWriteStream(sealed)));

  await application.rotate();
  await rewrap(files, sealed);
  console.log('The key was rotated, and the header rewrapped: the rest of the file is as it was.');

  const after = createHash('sha256');
  await Readable.toWeb(createReadStream(sealed, { highWaterMark: 1 << 20 }))
    .pipeThrough(files.decryptStream({ context }))
    .pipeThrough(progress('decrypting', size, after))
    .pipeTo(new WritableStream());
  if (before.digest('hex') !== after.digest('hex')) throw new Error('another file came back');
  console.log(`${sealed} decrypts to ${path}, bit for bit.`);
  keyward.close();
} finally {
  await application.close();
}

/** Wraps the data key of a container anew. */
async function rewrap(files, path) {
  const file = await open(path, 'r+');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0);
    const old = buffer.subarray(0, bytesRead);
    const header = await files.rewrapHeader(old);
    // Versions of as many digits have headers of the same length; else the file is written anew.
    if (header.length !== (await headerLength(old))) throw new Error('the header has grown');
    await file.write(header, 0, header.length, 0);
  } finally {
    await file.close();
  }
}

/** Shows how far it is, and hashes what passes. */
function progress(what, total, hash) {
  let passed = 0;
  const bar = process.stderr.isTTY;
  return new TransformStream({
    transform(chunk, controller) {
      passed += chunk.length;
      hash.update(chunk);
      const percent = total === 0 ? 100 : Math.floor((passed / total) * 100);
      if (bar) process.stderr.write(`\r${what} ${'█'.repeat(percent / 4).padEnd(25, '░')} ${percent} %`);
      controller.enqueue(chunk);
    },
    flush() {
      if (bar) process.stderr.write('\n');
    },
  });
}
