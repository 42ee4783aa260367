/** Reads files of the safetensors format: named arrays, and texts beside them. */

import { ModelError } from "./errors";

export interface Tensor {
  kind: string;
  shape: number[];
  bytes: Uint8Array;
}

export interface Tensors {
  texts: Record<string, string>;
  tensors: Map<string, Tensor>;
}

/** Bytes of a number, by the name of its kind. */
const WIDTHS: Record<string, number> = { I8: 1, U8: 1, I16: 2, F16: 2, I32: 4, F32: 4, I64: 8 };

/** Parse a file. Throws ModelError if it makes no sense. */
export function parse(file: Uint8Array): Tensors {
  const fail = (): never => {
    throw new ModelError("no usable weights: not a file of safetensors");
  };
  if (file.length < 8) fail();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const size = view.getUint32(0, true);
  if (view.getUint32(4, true) || 8 + size > file.length) fail();
  let head: Record<string, unknown> = {};
  try {
    head = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + size)));
  } catch {
    fail();
  }
  if (typeof head !== "object" || head === null) fail();
  const found: Tensors = { texts: {}, tensors: new Map() };
  for (const [name, entry] of Object.entries(head)) {
    if (name === "__metadata__") {
      found.texts = entry as Record<string, string>;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (!Array.isArray(shape) || !Array.isArray(offsets)) fail();
    const count = (shape as number[]).reduce((product, side) => product * side, 1);
    const [start, end] = offsets as [number, number];
    const width = WIDTHS[dtype as string];
    if (!width || !(start >= 0) || end - start !== count * width || 8 + size + end > file.length) {
      fail();
    }
    const bytes = file.slice(8 + size + start, 8 + size + end);
    found.tensors.set(name, { kind: dtype as string, shape: shape as number[], bytes });
  }
  return found;
}

/** The numbers of a tensor as floats. */
export function floats({ kind, bytes }: Tensor): Float32Array {
  switch (kind) {
    case "I8":
      return Float32Array.from(new Int8Array(bytes.buffer));
    case "I16":
      return Float32Array.from(new Int16Array(bytes.buffer));
    case "I32":
      return Float32Array.from(new Int32Array(bytes.buffer));
    case "F32":
      return new Float32Array(bytes.buffer as ArrayBuffer);
    case "F16":
      return Float32Array.from(new Uint16Array(bytes.buffer), half);
    default:
      throw new ModelError(`no usable weights: numbers of kind ${kind}`);
  }
}

/** A number of 16 bits in IEEE 754's form. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}
