/** xcodec's decoder for browsers and Node: files and packets to pictures, in a worker.
 *
 * @example
 * import { decode } from "./xcodec.js";
 * const { width, height, rgba } = await decode(new Uint8Array(await file.arrayBuffer()));
 * context.putImageData(new ImageData(rgba, width, height), 0, 0);
 */

import source from "data:worker";

import type { DecodeOptions, Decoded, Info, Received } from "./interface";
import { XcodecError, revived } from "./errors";
import type { Answer, Given, Request, Response, Task } from "./messages";

export type { DecodeOptions, Decoded, Info, Received } from "./interface";
export {
  FormatError,
  InputError,
  LimitError,
  ModelError,
  TruncatedError,
  XcodecError,
} from "./errors";

/** What `decode` takes beside its options.
 *
 * onFill     : is given the classical fill, a moment before the generator's picture is ready
 * onProgress : is told the share of the work that is done, 0..1
 */
export interface Listeners {
  onFill?: (picture: Decoded) => void;
  onProgress?: (share: number) => void;
}

const CLOSED = "the decoder was closed";

interface Waiting extends Listeners {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

/** The common part of the workers of browsers and of Node. */
interface Thread {
  postMessage(message: Request): void;
  terminate(): unknown;
  /** In Node: keep the process alive, or do not. */
  ref?(): void;
  unref?(): void;
}

/** A worker that decodes: one thing after another, while its page stays alive. It keeps the
 * weights that were loaded. */
export class Decoder {
  private thread: Promise<Thread> | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;

  /** Load a file of weights (.safetensors); returns its name. Files that ask for the model of this
   * name are painted by it from now on.
   *
   * @param name instead of the one in the file
   */
  load(file: Uint8Array, name?: string): Promise<string> {
    return this.ask({ kind: "load", file, name }) as Promise<string>;
  }

  /** Decode the bytes of a .xgc file. Throws XcodecError, whose message is one line. */
  decode(data: Uint8Array, options: DecodeOptions & Listeners = {}): Promise<Decoded> {
    return this.drawn({ file: data }, options) as Promise<Decoded>;
  }

  /** Decode the best picture that packets allow, in any order, whichever of them arrived.
   *
   * @param packets the bytes of each; `packets()` splits files and texts
   */
  decodePackets(packets: Uint8Array[], options: DecodeOptions & Listeners = {}): Promise<Received> {
    return this.drawn({ packets }, options) as Promise<Received>;
  }

  /** What a file, or packets, say of their picture. */
  info(given: Uint8Array | Uint8Array[], options: DecodeOptions = {}): Promise<Info> {
    const what = given instanceof Uint8Array ? { file: given } : { packets: given };
    return this.ask({ kind: "info", given: what, options }) as Promise<Info>;
  }

  /** The packets in the bytes of a .xgp file, a bundle, or armored text, unchecked; null if the
   * bytes are those of a .xgc file, or of something else. */
  packets(given: Uint8Array | string): Promise<Uint8Array[] | null> {
    return this.ask({ kind: "packets", given }) as Promise<Uint8Array[] | null>;
  }

  /** End the worker, and whatever it is about. It starts again when it is asked again, without
   * weights. */
  close(): void {
    this.end(CLOSED);
  }

  private drawn(given: Given, options: DecodeOptions & Listeners): Promise<Answer> {
    const { onFill, onProgress, ...rest } = options;
    const eager = onFill !== undefined;
    return this.ask({ kind: "decode", given, options: rest, eager }, { onFill, onProgress });
  }

  private async ask(task: Task, listeners: Listeners = {}): Promise<Answer> {
    const starting = (this.thread ??= started(
      (response) => this.hear(response),
      (message) => this.end(message),
    ));
    const thread = await starting;
    if (this.thread !== starting) throw new XcodecError(CLOSED);
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, ...listeners });
      thread.ref?.();
      thread.postMessage({ ...task, id });
    });
  }

  private hear(response: Response): void {
    const waiting = this.waiting.get(response.id);
    if (!waiting) return;
    if ("progress" in response) return waiting.onProgress?.(response.progress);
    if ("fill" in response) return waiting.onFill?.(response.fill);
    this.waiting.delete(response.id);
    if (!this.waiting.size) void this.thread?.then((thread) => thread.unref?.());
    if ("error" in response) {
      waiting.reject(revived(response.error.name, response.error.message));
    } else {
      waiting.resolve(response.answer);
    }
  }

  /** End the worker, and tell why to whoever waits for it. After an error it may not answer any
   * more: another one takes its place when it is asked again. */
  private end(message: string): void {
    void this.thread?.then((thread) => thread.terminate());
    this.thread = null;
    for (const { reject } of this.waiting.values()) reject(new XcodecError(message));
    this.waiting.clear();
  }
}

/** Start a thread: of the browser by a blob, so that pages from files can, or of Node. */
async function started(
  hear: (response: Response) => void,
  fail: (message: string) => void,
): Promise<Thread> {
  if (typeof Worker === "undefined") {
    const threads = await import("node:worker_threads");
    const worker = new threads.Worker(source, { eval: true });
    worker.on("message", hear);
    worker.on("error", (error) => fail(`the decoder stopped: ${error.message}`));
    worker.unref();
    return worker;
  }
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = ({ data }: MessageEvent<Response>) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    fail(`the decoder stopped: ${event.message}`);
  };
  return worker;
}

const shared = new Decoder();

/** `Decoder.load` of a decoder that all callers of these functions share. */
export const load: Decoder["load"] = (...args) => shared.load(...args);
/** `Decoder.decode` of the shared decoder. */
export const decode: Decoder["decode"] = (...args) => shared.decode(...args);
/** `Decoder.decodePackets` of the shared decoder. */
export const decodePackets: Decoder["decodePackets"] = (...args) => shared.decodePackets(...args);
/** `Decoder.info` of the shared decoder. */
export const info: Decoder["info"] = (...args) => shared.info(...args);
/** `Decoder.packets` of the shared decoder. */
export const packets: Decoder["packets"] = (...args) => shared.packets(...args);
/** `Decoder.close` of the shared decoder. */
export const close: Decoder["close"] = () => shared.close();
