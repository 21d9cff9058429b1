/**
 * A transforming pair of streams whose work runs several pieces at a time and comes out in order.
 *
 * A TransformStream would do, but for two things: it takes no account of the reader inside one
 * chunk, so a chunk of a gigabyte would make a gigabyte of output wait; and it does one piece after
 * the other. Here never more than `width` results exist, being worked on or waiting to be read.
 */

import type { Bytes } from '../bytes.js';
import { aborted } from './abort.js';

/** Starts a piece of work when there is room. The work must have read its input when it returns. */
export type Emit = (work: () => Promise<Bytes>) => Promise<void>;

/** What turns the input into pieces of work. */
export interface Stage {
  write(chunk: Uint8Array, emit: Emit): Promise<void>;
  close(emit: Emit): Promise<void>;
  /** Called once, when the stream is over, however it ended. */
  release(): void;
}

/** Runs `stage` with `width` pieces of work at a time. */
export function ordered(
  stage: Stage,
  width: number,
  signal?: AbortSignal,
): TransformStream<Uint8Array, Bytes> {
  const pipeline = new Pipeline(stage, width, signal);
  return { readable: pipeline.readable, writable: pipeline.writable };
}

class Pipeline {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #results: Promise<Bytes>[] = [];
  readonly #width: number;
  readonly #stage: Stage;
  #output!: ReadableStreamDefaultController<Bytes>;
  #input!: WritableStreamDefaultController;
  #over: { readonly reason?: unknown } | undefined;
  #complete = false;
  /** Who waits for a result, or for room. */
  #waiting: (() => void)[] = [];
  #forget: () => void = () => undefined;

  constructor(stage: Stage, width: number, signal?: AbortSignal) {
    this.#stage = stage;
    this.#width = width;
    const emit: Emit = (work) => this.#emit(work);
    this.readable = new ReadableStream<Bytes>(
      {
        start: (controller) => {
          this.#output = controller;
        },
        pull: () => this.#pull(),
        cancel: (reason) => this.#end(reason),
      },
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#input = controller;
      },
      write: (chunk) => this.#attempt(() => stage.write(chunk, emit)),
      close: () =>
        this.#attempt(async () => {
          await stage.close(emit);
          this.#complete = true;
          this.#wake();
        }),
      abort: (reason) => this.#end(reason),
    });
    if (signal === undefined) return;
    const abort = () => this.#end(aborted(signal));
    this.#forget = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  async #emit(work: () => Promise<Bytes>): Promise<void> {
    while (this.#over === undefined && this.#results.length >= this.#width) await this.#woken();
    if (this.#over !== undefined) throw this.#over.reason;
    const result = work();
    // Its failure is met when its turn comes; if that never comes, nobody needs to hear of it.
    result.catch(() => undefined);
    this.#results.push(result);
    this.#wake();
  }

  async #pull(): Promise<void> {
    while (this.#over === undefined) {
      const [result] = this.#results;
      if (result !== undefined) {
        const bytes = await result.catch((error) => this.#end(error));
        this.#results.shift();
        this.#wake();
        if (this.#over !== undefined || bytes === undefined) return;
        // An empty chunk tells a reader nothing, and a stream of bytes refuses it.
        if (bytes.length === 0) continue;
        this.#output.enqueue(bytes);
        return;
      }
      if (this.#complete) {
        this.#finish();
        this.#output.close();
        return;
      }
      await this.#woken();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Ends both sides with an error, the first time it is called. */
  #end(reason: unknown): void {
    if (this.#over !== undefined) return;
    this.#finish(reason);
    this.#output.error(reason);
    this.#input.error(reason);
  }

  #finish(reason?: unknown): void {
    this.#over = { reason };
    this.#forget();
    this.#stage.release();
    this.#wake();
  }
}
