/** Random access: opens a piece of a stream and fetches only the segments that hold it. */

import type { Bytes } from '../bytes.js';
import { failure } from '../errors.js';
import { aborted } from './abort.js';
import { SegmentCipher } from './cipher.js';
import { type Context, associatedData } from './context.js';
import { type Header, STREAM, parseHeader } from './header.js';
import type { Lease } from './kept-key.js';
import { HEAD, SEGMENT, layout, segmentAt, segmentStart } from './segments.js';
import type { RangeSource } from './sources.js';
import { IN_FLIGHT, openLast } from './streams.js';

/** What is read first: it holds the header and the head of a container with keys of usual size. */
const FIRST_READ = 4096;

/**
 * Opens `length` bytes from `offset` on, or as many as there are.
 *
 * Each segment is authentic in its place. That a piece is shorter than asked for, because the
 * plaintext ends, is proved by the last segment, which is then read whether needed or not.
 */
export async function openRange(
  source: RangeSource,
  offset: number,
  length: number,
  lease: (header: Header) => Promise<Lease>,
  context?: Context,
  signal?: AbortSignal,
): Promise<Bytes> {
  if (!isLength(offset) || !isLength(length) || !isLength(source.size)) {
    throw failure('invalid_request', 'offset, length and size are whole numbers from 0 on');
  }
  const { header, bytes } = await readHeader(source, HEAD, signal);
  if (header.suite !== STREAM) {
    throw failure('invalid_request', 'this container is a record: call open');
  }
  const head = bytes.slice(header.length, header.length + HEAD);
  const bodySize = source.size - header.length;
  const found = layout(bodySize);
  if (found === undefined) throw failure('truncated_stream', 'the stream ends inside a segment');
  const end = Math.min(offset + length, found.plaintextLength);
  const start = Math.min(offset, end);
  const last = found.segments - 1;
  const from = Math.min(segmentAt(start), last);
  const to = end < offset + length ? last : Math.max(from, segmentAt(end - 1));
  const held = await lease(header);
  try {
    const associated = associatedData(header.bound, context);
    const cipher = await SegmentCipher.open(held.key.stream, head, associated);
    const piece = new Uint8Array(end - start);
    const open = async (index: number) => {
      const at = segmentStart(index);
      const size = Math.min((index + 1) * SEGMENT, bodySize) - at.body;
      const segment = await read(source, header.length + at.body, size, signal);
      held.spend(size);
      const opening = index === last ? openLast : openOther;
      const plaintext = await opening(cipher, index, segment);
      // The part of the segment that lies inside of the piece.
      const skipped = Math.max(0, start - at.plaintext);
      const taken = plaintext.subarray(skipped, Math.max(skipped, end - at.plaintext));
      piece.set(taken, Math.max(0, at.plaintext - start));
    };
    await eachOf(indices(from, to), open);
    return piece;
  } finally {
    held.release();
  }
}

/** Reads the header of a container, and at least so many `more` bytes behind it. */
export async function readHeader(
  source: RangeSource,
  more: number,
  signal?: AbortSignal,
): Promise<{ header: Header; bytes: Bytes }> {
  let bytes = await read(source, 0, Math.min(FIRST_READ, source.size), signal);
  for (;;) {
    const header = parseHeader(bytes);
    const needed = typeof header === 'number' ? header : header.length + more;
    if (typeof header !== 'number' && bytes.length >= needed) return { header, bytes };
    if (needed > source.size) throw failure('truncated_stream', 'it ends before its body');
    bytes = await read(source, 0, needed, signal);
  }
}

async function read(
  source: RangeSource,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Bytes> {
  if (signal?.aborted) throw aborted(signal);
  const bytes = await source.read(offset, length, signal);
  if (bytes.length === length) return bytes;
  throw failure('truncated_stream', 'the source gave fewer bytes than it has');
}

function openOther(cipher: SegmentCipher, index: number, segment: Bytes): Promise<Bytes> {
  return cipher.open(index, false, segment);
}

function* indices(from: number, to: number): Generator<number> {
  for (let index = from; index <= to; index++) yield index;
}

/** Does `act` for each, several at a time; the first failure ends it. */
async function eachOf(
  items: Iterator<number>,
  act: (item: number) => Promise<void>,
): Promise<void> {
  let failed = false;
  const worker = async () => {
    for (let next = items.next(); !next.done && !failed; next = items.next()) {
      try {
        await act(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

function isLength(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
