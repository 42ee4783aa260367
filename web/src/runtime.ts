/** TensorFlow.js on WebAssembly with SIMD: on the processor, in one thread, without any request. */

import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import binary from "data:tfjs-wasm";

import { ModelError } from "./errors";

let started: Promise<void> | null = null;

/** Start the runtime once. Throws ModelError where the browser lacks what it needs. */
export function start(): Promise<void> {
  return (started ??= load());
}

async function load(): Promise<void> {
  tf.env().platform = {
    // Its binary is part of this program.
    fetch: async () =>
      ({ ok: true, arrayBuffer: async () => binary.slice().buffer }) as unknown as Response,
    now: () => performance.now(),
    encode: (text) => new TextEncoder().encode(text),
    decode: (bytes) => new TextDecoder().decode(bytes),
    isTypedArray: (value): value is Uint8Array => ArrayBuffer.isView(value),
  };
  // Threads need shared memory, which pages opened from files do not have.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  const name = "tfjs-backend-wasm";
  setWasmPaths(
    { [`${name}.wasm`]: "-", [`${name}-simd.wasm`]: "-", [`${name}-threaded-simd.wasm`]: "-" },
    true,
  );
  const able = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  if (!able || !(await tf.setBackend("wasm"))) {
    throw new ModelError("this browser cannot run the network: it needs WebAssembly with SIMD");
  }
}
