/** Files of weights: reading them, and mixing two. */

import { ModelError } from "./errors";
import { type Tensor, floats, parse } from "./safetensors";

const FORMATS = ["xcodec generator 2", "xcodec generator 1"];
const STEP = ".step";
const SCALES = 4;
const [MAX_WIDTH, MAX_BLOCKS] = [1024, 32];

/** Widths and depths of the U-Net, as in Python's Architecture. */
export interface Architecture {
  widths: number[];
  down: number[];
  middle: number;
  up: number[];
}

export interface Weight {
  shape: number[];
  values: Float32Array;
}

export interface Model {
  name: string;
  architecture: Architecture;
  weights: Map<string, Weight>;
}

/** Read a file of weights. */
export function readModel(file: Uint8Array): Model {
  const { texts, tensors } = parse(file);
  if (!FORMATS.includes(texts.format!)) {
    throw new ModelError("not weights of an xcodec generator");
  }
  const weights = new Map<string, Weight>();
  for (const [name, tensor] of tensors) {
    if (!name.endsWith(STEP)) weights.set(name, unpacked(name, tensor, tensors.get(name + STEP)));
  }
  return { name: texts.name ?? "", architecture: architectureOf(texts.architecture!), weights };
}

/** Kernels are stored in 8 bits, with a step for each output. */
function unpacked(name: string, tensor: Tensor, step: Tensor | undefined): Weight {
  const { shape, kind } = tensor;
  const values = floats(tensor);
  if (kind === "I8") {
    if (step?.shape.length !== 1 || step.shape[0] !== shape[0]) {
      throw new ModelError(`${name} has no matching steps`);
    }
    const each = values.length / shape[0]!;
    const steps = floats(step);
    for (let i = 0; i < values.length; i++) values[i]! *= steps[Math.floor(i / each)]!;
  }
  return { shape, values };
}

function architectureOf(text: string): Architecture {
  let table: Record<string, unknown> = {};
  try {
    table = JSON.parse(text);
  } catch {
    throw new ModelError("not the architecture of a network");
  }
  const { kind = "u-net", widths, down, middle, up, scale = 1 } = table ?? {};
  const isList = (list: unknown, count: number, low: number, high: number): boolean =>
    Array.isArray(list) &&
    list.length === count &&
    list.every((n) => Number.isInteger(n) && n >= low && n <= high);
  const fits =
    kind === "u-net" &&
    scale === 1 &&
    isList(widths, SCALES, 1, MAX_WIDTH) &&
    isList(down, SCALES - 1, 0, MAX_BLOCKS) &&
    isList(up, SCALES - 1, 0, MAX_BLOCKS) &&
    isList([middle], 1, 0, MAX_BLOCKS);
  if (!fits) throw new ModelError("these weights are of a network that the web decoder lacks");
  return { widths, down, middle, up } as Architecture;
}

/** The weighted mean of two sets of weights; `share` is that of the second, 0..1. */
export function mixed(one: Model, other: Model, share: number): Model {
  const differs =
    JSON.stringify(one.architecture) !== JSON.stringify(other.architecture) ||
    one.weights.size !== other.weights.size;
  const weights = new Map<string, Weight>();
  for (const [name, { shape, values }] of one.weights) {
    const theirs = other.weights.get(name);
    if (differs || theirs?.values.length !== values.length) {
      throw new ModelError(`${one.name} and ${other.name} are different networks`);
    }
    const mean = values.map((value, i) => value + share * (theirs.values[i]! - value));
    weights.set(name, { shape, values: mean });
  }
  return { name: one.name, architecture: one.architecture, weights };
}
