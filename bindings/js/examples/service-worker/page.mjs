/** Encrypts a field with a client that has no token: the service worker adds it. */

import { Keyward, serviceWorker } from '@keyward/client';

const address = document.querySelector('meta[name=keyward-address]').content;
const keyward = new Keyward({
  address,
  auth: serviceWorker({ url: `/worker.mjs?server=${encodeURIComponent(address)}` }),
});
const result = document.getElementById('result');

document.getElementById('field').addEventListener('submit', async (event) => {
  event.preventDefault();
  const value = new FormData(event.target).get('value');
  await tell(() => keyward.transit().encrypt('forms', value));
});

async function tell(work) {
  result.className = '';
  try {
    result.value = await work();
  } catch (error) {
    result.className = 'failed';
    result.value = `${error.name}: ${error.message}`;
  }
}
