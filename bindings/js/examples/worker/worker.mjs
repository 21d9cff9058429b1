/**
 * A worker at the edge: `PUT /NAME` is answered with the body, encrypted while it passes; `POST
 * /NAME` with such a container, decrypted. Neither is ever held whole.
 */

import { Keyward, isKeywardError } from '@keyward/client';

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    const keyward = new Keyward({ address: env.KEYWARD_ADDR, token: env.KEYWARD_TOKEN });
    const files = keyward.transit().envelope('files');
    // Bound to the contents: a container does not open under another name.
    const context = { name };
    switch (request.method) {
      case 'PUT':
        return stream(request.body.pipeThrough(files.encryptStream({ context })));
      case 'POST':
        return stream(request.body.pipeThrough(files.decryptStream({ context })));
      default:
        return new Response('PUT a file to encrypt it, POST it to decrypt it\n', { status: 405 });
    }
  },
};

/** Answers once the first bytes are there, so that a refusal has a status of its own. */
async function stream(bytes) {
  const reader = bytes.getReader();
  let first;
  try {
    first = await reader.read();
  } catch (error) {
    if (!isKeywardError(error)) throw error;
    const status = error.code === 'invalid_ciphertext' ? 422 : 502;
    return new Response(`${error.code}: ${error.message}\n`, { status });
  }
  const rest = new ReadableStream({
    start(controller) {
      if (first.value !== undefined) controller.enqueue(first.value);
      if (first.done) controller.close();
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(rest, { headers: { 'content-type': 'application/octet-stream' } });
}
