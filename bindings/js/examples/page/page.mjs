/** Encrypts a field in the server, and a file here, with a data key of the server. */

import { Keyward, ProofKey, mintedBy } from '@keyward/client';

const $ = (id) => document.getElementById(id);

const keyward = new Keyward({
  address: document.querySelector('meta[name=keyward-address]').content,
  auth: mintedBy('/token'),
  // The token that `/token` gives is bound to this key: nobody else can use it.
  proof: await ProofKey.generate(),
});
const transit = keyward.transit();
const files = transit.envelope('files');

let ciphertext;
let file;
let sealed;

$('field').addEventListener('submit', async (event) => {
  event.preventDefault();
  const value = new FormData(event.target).get('value');
  await tell('field-result', async () => {
    ciphertext = await transit.encrypt('forms', value);
    $('reveal').disabled = false;
    return ciphertext;
  });
});

$('reveal').addEventListener('click', () =>
  tell('field-result', async () => {
    const bytes = await transit.decrypt('forms', ciphertext);
    return new TextDecoder().decode(bytes);
  }),
);

$('file').addEventListener('change', () => choose($('file').files[0]));

$('make').addEventListener('click', () => {
  const piece = crypto.getRandomValues(new Uint8Array(1 << 16));
  choose(new File(Array(1600).fill(piece), 'random.bin'));
});

$('seal').addEventListener('click', () =>
  tell('file-result', async () => {
    const start = performance.now();
    // The name is bound to the contents: under another one they do not open.
    const context = { name: file.name };
    const stream = file
      .stream()
      .pipeThrough(counted(file.size))
      .pipeThrough(files.encryptStream({ context, size: file.size }));
    sealed = await new Response(stream).blob();
    $('open').disabled = false;
    return `${sealed.size} bytes encrypted, ${speed(file.size, start)}`;
  }),
);

$('open').addEventListener('click', () =>
  tell('file-result', async () => {
    const start = performance.now();
    const stream = sealed
      .stream()
      .pipeThrough(counted(sealed.size))
      .pipeThrough(files.decryptStream({ context: { name: file.name } }));
    const opened = await new Response(stream).blob();
    const same = (await digest(opened)) === (await digest(file));
    if (!same) throw new Error('what was decrypted is another file');
    return `${opened.size} bytes decrypted, the same as before, ${speed(opened.size, start)}`;
  }),
);

function choose(chosen) {
  file = chosen;
  $('seal').disabled = file === undefined;
  $('open').disabled = true;
  $('progress').value = 0;
  $('file-result').value = file === undefined ? '' : `${file.name}, ${file.size} bytes`;
}

/** Moves the bar as bytes pass. */
function counted(total) {
  let passed = 0;
  return new TransformStream({
    transform(chunk, controller) {
      passed += chunk.length;
      $('progress').value = passed / total;
      controller.enqueue(chunk);
    },
  });
}

/** Shows what came of some work, or why nothing did. */
async function tell(id, work) {
  const output = $(id);
  output.className = '';
  try {
    output.value = await work();
  } catch (error) {
    output.className = 'failed';
    output.value = `${error.name}: ${error.message}`;
  }
}

function speed(bytes, start) {
  const seconds = (performance.now() - start) / 1000;
  return `${seconds.toFixed(1)} s, ${Math.round(bytes / 1e6 / seconds)} MB/s`;
}

async function digest(blob) {
  const bytes = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return new Uint8Array(bytes).join();
}
