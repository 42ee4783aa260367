/** The program of the worker: it answers one request after another. */

import { Codec, type Listener } from "./codec";
import { XcodecError } from "./errors";
import type { Answer, Request, Response } from "./messages";
import { packetsIn } from "./packet_files";
import { ready } from "./primitives";

/** Node's worker threads have a port; those of browsers are one. */
interface Port {
  postMessage(message: Response, transfer: Transferable[]): void;
}

declare const require: (name: string) => { parentPort: Port & NodePort };
declare const importScripts: unknown;

interface NodePort {
  on(event: "message", listener: (message: Request) => void): void;
}

const codec = new Codec();
let port: Port;
if (typeof importScripts === "function") {
  port = self as unknown as Port;
  self.onmessage = ({ data }: MessageEvent<Request>) => take(data);
} else {
  const { parentPort } = require("node:worker_threads");
  port = parentPort;
  parentPort.on("message", take);
}

let last: Promise<void> = Promise.resolve();

function take(request: Request): void {
  last = last.then(() => run(request));
}

async function run(request: Request): Promise<void> {
  const { id } = request;
  try {
    const answer = await answered(request);
    port.postMessage({ id, answer }, buffersOf(answer));
  } catch (error) {
    port.postMessage({ id, error: described(error) }, []);
  }
}

async function answered(request: Request): Promise<Answer> {
  switch (request.kind) {
    case "decode": {
      const { id, given, options, eager } = request;
      const listener: Listener = {
        onProgress: (progress) => port.postMessage({ id, progress }, []),
      };
      if (eager) {
        listener.onFill = (fill) => port.postMessage({ id, fill }, [fill.rgba.buffer]);
      }
      return "file" in given
        ? codec.decode(given.file, options, listener)
        : codec.decodePackets(given.packets, options, listener);
    }
    case "info":
      return codec.info(
        "file" in request.given ? request.given.file : request.given.packets,
        request.options,
      );
    case "packets":
      return packetsIn(request.given);
    case "load":
      await ready();
      return codec.load(request.file, request.name);
  }
}

function buffersOf(answer: Answer): Transferable[] {
  return answer !== null && typeof answer === "object" && "rgba" in answer
    ? [answer.rgba.buffer]
    : [];
}

function described(error: unknown): { name: string; message: string } {
  if (error instanceof XcodecError) return { name: error.name, message: error.message };
  // A fault of ours, or too little memory.
  const text = error instanceof Error ? error.message : String(error);
  return { name: "XcodecError", message: `the decoder failed: ${text.split("\n")[0]}` };
}
