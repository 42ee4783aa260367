/** Layers of integers, by WebAssembly with SIMD where there is such a thing, else by JavaScript. */

import binary from "data:dense";

/** Samples that go through the layers together. */
export const SAMPLES = 4;
/** Units of a block, whose sums are made together. */
const BLOCK = 8;
/** Bytes from the numbers of one sample to those of the next. */
const ROW = 512;
/** Low bits that the sums lose. */
const SHIFT = 8;

/** The numbers of a layer: weights (inputs, units) and biases (units). */
export interface Numbers {
  weights: ArrayLike<number>;
  biases: ArrayLike<number>;
}

/** A chain of layers. All sums are below 2 ** 24, so that any arithmetic gives the same. */
export interface Network {
  /** The inputs of the next run, whole numbers, of up to SAMPLES samples. */
  readonly inputs: Int16Array[];
  /** The outputs of the last layer in the last run, for each sample. */
  readonly outputs: Int32Array[];
  run(): void;
}

interface Exports {
  memory: WebAssembly.Memory;
  dense(
    inputs: number,
    bytes: number,
    weights: number,
    biases: number,
    blocks: number,
    outputs: number,
    limit: number,
  ): void;
}

/** A chain of layers whose outputs, but the last one's, are clipped to 0..limit. */
export function network(layers: Numbers[], limit: number): Network {
  return hasSimd() ? new Vectors(layers, limit) : new Scalars(layers, limit);
}

function hasSimd(): boolean {
  try {
    return WebAssembly.validate(binary as BufferSource);
  } catch {
    return false;
  }
}

interface Placed {
  bytes: number;
  weights: number;
  biases: number;
  blocks: number;
}

export class Vectors implements Network {
  readonly inputs: Int16Array[];
  readonly outputs: Int32Array[];
  private readonly exports: Exports;
  private readonly layers: Placed[] = [];
  private end = 0;
  private readonly between: number[];

  constructor(
    layers: Numbers[],
    private readonly limit: number,
  ) {
    const module = new WebAssembly.Module(binary as BufferSource);
    this.exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    for (const layer of layers) this.layers.push(this.placed(layer));
    this.between = [null, ...layers].map(() => this.reserve(SAMPLES * ROW));
    const { buffer } = this.exports.memory;
    const [first, last] = [this.between[0]!, this.between.at(-1)!];
    const samples = Array.from({ length: SAMPLES }, (_, sample) => sample * ROW);
    const inputs = layers[0]!.weights.length / layers[0]!.biases.length;
    const units = layers.at(-1)!.biases.length;
    this.inputs = samples.map((row) => new Int16Array(buffer, first + row, inputs));
    this.outputs = samples.map((row) => new Int32Array(buffer, last + row, units));
  }

  run(): void {
    for (let i = 0; i < this.layers.length; i++) {
      const { bytes, weights, biases, blocks } = this.layers[i]!;
      const limit = i + 1 < this.layers.length ? this.limit : 0;
      const [from, to] = [this.between[i]!, this.between[i + 1]!];
      this.exports.dense(from, bytes, weights, biases, blocks, to, limit);
    }
  }

  private placed({ weights, biases }: Numbers): Placed {
    const units = biases.length;
    const inputs = weights.length / units;
    const pairs = Math.ceil(inputs / 2);
    const blocks = Math.ceil(units / BLOCK);
    const placed = {
      bytes: 4 * pairs,
      weights: this.reserve(4 * pairs * BLOCK * blocks),
      biases: this.reserve(4 * BLOCK * blocks),
      blocks,
    };
    const { buffer } = this.exports.memory;
    const stored = new Int16Array(buffer, placed.weights, 2 * pairs * BLOCK * blocks);
    for (let input = 0, at = 0; input < inputs; input++) {
      for (let unit = 0; unit < units; unit++, at++) {
        const step = Math.floor(unit / BLOCK) * pairs + (input >> 1);
        stored[2 * (step * BLOCK + (unit % BLOCK)) + (input & 1)] = weights[at]!;
      }
    }
    new Int32Array(buffer, placed.biases, units).set(biases);
    return placed;
  }

  private reserve(bytes: number): number {
    const start = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    const { memory } = this.exports;
    const missing = Math.ceil((this.end - memory.buffer.byteLength) / 65536);
    if (missing > 0) memory.grow(missing);
    return start;
  }
}

export class Scalars implements Network {
  readonly inputs: Int16Array[];
  readonly outputs: Int32Array[];

  constructor(
    private readonly layers: Numbers[],
    private readonly limit: number,
  ) {
    const { weights, biases } = layers[0]!;
    const samples = Array.from({ length: SAMPLES });
    this.inputs = samples.map(() => new Int16Array(weights.length / biases.length));
    this.outputs = samples.map(() => new Int32Array(layers.at(-1)!.biases.length));
  }

  run(): void {
    for (let sample = 0; sample < SAMPLES; sample++) this.one(sample);
  }

  private one(sample: number): void {
    let known: ArrayLike<number> = this.inputs[sample]!;
    for (const [place, { weights, biases }] of this.layers.entries()) {
      const units = biases.length;
      const sums = Int32Array.from(biases);
      for (let i = 0, at = 0; at < weights.length; i++, at += units) {
        const value = known[i]!;
        if (value === 0) continue;
        for (let unit = 0; unit < units; unit++) {
          sums[unit]! += Math.imul(value, weights[at + unit]!);
        }
      }
      const last = place + 1 === this.layers.length;
      for (let unit = 0; unit < units; unit++) {
        const value = sums[unit]! >> SHIFT;
        sums[unit] = last ? value : Math.max(0, Math.min(this.limit, value));
      }
      known = sums;
    }
    this.outputs[sample]!.set(known);
  }
}
