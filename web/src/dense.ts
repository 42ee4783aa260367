/** Layers of integers, by WebAssembly with SIMD where there is such a thing, else by JavaScript. */

import binary from "data:dense";

/** Numbers that a row is made a multiple of. */
const EIGHT = 8;
/** Low bits that the sums lose. */
const SHIFT = 8;

/** The numbers of a layer: weights (inputs, units) and biases (units). */
export interface Numbers {
  weights: ArrayLike<number>;
  biases: ArrayLike<number>;
}

/** A chain of layers. All sums are below 2 ** 24, so that any arithmetic gives the same. */
export interface Network {
  /** The inputs of the next `run`, whole numbers. */
  readonly inputs: Int16Array;
  /** The outputs of the last layer; overwritten by the next run. */
  run(): Int32Array;
}

interface Exports {
  memory: WebAssembly.Memory;
  dense(
    inputs: number,
    bytes: number,
    weights: number,
    biases: number,
    units: number,
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
  units: number;
}

export class Vectors implements Network {
  readonly inputs: Int16Array;
  private readonly outputs: Int32Array;
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
    const widest = Math.max(...this.layers.map(({ bytes, units }) => Math.max(bytes, 4 * units)));
    this.between = layers.map(() => this.reserve(widest)).concat(this.reserve(widest));
    const { buffer } = this.exports.memory;
    this.inputs = new Int16Array(buffer, this.between[0]!, this.layers[0]!.bytes / 2);
    this.outputs = new Int32Array(buffer, this.between.at(-1)!, this.layers.at(-1)!.units);
  }

  run(): Int32Array {
    this.layers.forEach(({ bytes, weights, biases, units }, i) => {
      const limit = i + 1 < this.layers.length ? this.limit : 0;
      const [from, to] = [this.between[i]!, this.between[i + 1]!];
      this.exports.dense(from, bytes, weights, biases, units, to, limit);
    });
    return this.outputs;
  }

  private placed({ weights, biases }: Numbers): Placed {
    const units = biases.length;
    const inputs = weights.length / units;
    const row = Math.ceil(inputs / EIGHT) * EIGHT;
    const placed = {
      bytes: 2 * row,
      weights: this.reserve(2 * row * units),
      biases: this.reserve(4 * units),
      units,
    };
    const { buffer } = this.exports.memory;
    const rows = new Int16Array(buffer, placed.weights, row * units);
    for (let at = 0; at < weights.length; at++) {
      rows[(at % units) * row + Math.floor(at / units)] = weights[at]!;
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
  readonly inputs: Int16Array;

  constructor(
    private readonly layers: Numbers[],
    private readonly limit: number,
  ) {
    const { weights, biases } = layers[0]!;
    this.inputs = new Int16Array(weights.length / biases.length);
  }

  run(): Int32Array {
    let known: ArrayLike<number> = this.inputs;
    let sums = new Int32Array(0);
    for (const [place, { weights, biases }] of this.layers.entries()) {
      const units = biases.length;
      sums = Int32Array.from(biases);
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
    return sums;
  }
}
