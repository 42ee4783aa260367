/** Data files of the format and of the runtime, which build.mjs puts in. */

declare module "data:blue-noise" {
  /** Ranks of 16 bits, little-endian. */
  const bytes: Uint8Array;
  export default bytes;
}

declare module "data:dense" {
  /** dense.wat in binary form. */
  const bytes: Uint8Array;
  export default bytes;
}

declare module "data:network" {
  /** Contexts of values, as a file of safetensors. */
  const bytes: Uint8Array;
  export default bytes;
}

declare module "data:tables" {
  const tables: unknown;
  export default tables;
}

declare module "data:tfjs-wasm" {
  const bytes: Uint8Array;
  export default bytes;
}

declare module "data:worker" {
  /** The program of the worker. */
  const source: string;
  export default source;
}
