/** Assertions for the cases of the contract, which run where `node:assert` does not. */

export function values(results) {
  return results.map((result) => {
    if (result.status !== 'fulfilled') throw result.reason;
    return result.value;
  });
}

export async function rejects(promise, name, words = /./) {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  if (!('error' in outcome)) fail(`expected a ${name}, got`, outcome.value);
  is(outcome.error, name, words);
  return outcome.error;
}

export function throws(call, name, words) {
  let thrown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  is(thrown, name, words);
}

export function is(error, name, words = /./) {
  if (error?.name !== name) fail(`expected a ${name}, got`, error);
  matches(error.message, words);
}

export function equal(actual, expected, about = '') {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
  if (left !== right) fail(`${about} expected ${right}, got`, left);
}

export function matches(text, pattern, about = '') {
  if (!pattern.test(text)) fail(`${about} expected a match of ${pattern}, got`, text);
}

function fail(message, value) {
  throw new Error(`${message} ${value?.stack ?? value}`.trim(), { cause: value });
}
