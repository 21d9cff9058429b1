/** The module within the script, for bundlers that lose files. */

import text from '#inline';

import { fromBase64 } from '../../bytes.js';
import type { WasmSource } from '../load.js';

export function find(): WasmSource {
  return fromBase64(text);
}
