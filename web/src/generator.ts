/** The generator: a U-Net that adds a residual to the classical fill, at half the resolution. */

import * as tf from "@tensorflow/tfjs-core";

import { CHANNELS, type Squares } from "./conditions";
import { ModelError } from "./errors";
import type { Model, Weight } from "./model_files";
import { start } from "./runtime";

/** Slope of the leaky rectifiers below zero. */
const SLOPE = 0.1;

interface Convolution {
  filter: tf.Tensor4D;
  bias: tf.Tensor1D;
  /** Of the square kernel; the stride is the same, but 1 for 3x3. */
  side: number;
}

interface Block {
  first: Convolution;
  second: Convolution;
}

/** A generator whose weights are loaded. */
export class Generator {
  private readonly stem: Convolution;
  private readonly down: Block[][];
  private readonly shrink: Convolution[];
  private readonly middle: Block[];
  private readonly grow: Convolution[];
  private readonly up: Block[][];
  private readonly head: Convolution;
  private readonly loaded: tf.Tensor[] = [];
  /** Until the layers are made. */
  private weights: Map<string, Weight> | null;

  private constructor(model: Model) {
    this.weights = model.weights;
    const { widths, down, middle, up } = model.architecture;
    const finer = widths.slice(0, -1);
    this.stem = this.convolution("stem", widths[0]!, 4 * CHANNELS, 3);
    this.down = finer.map((width, i) => this.blocks(`down.${i}`, down[i]!, width));
    this.shrink = finer.map((width, i) =>
      this.convolution(`shrink.${i}`, widths[i + 1]!, width, 2),
    );
    this.middle = this.blocks("middle", middle, widths.at(-1)!);
    this.grow = finer.map((width, i) => this.convolution(`grow.${i}`, width, widths[i + 1]!, 1));
    this.up = finer.map((width, i) => this.blocks(`up.${i}`, up[i]!, width));
    this.head = this.convolution("head", 12, widths[0]!, 3);
    this.weights = null;
  }

  /** Load weights. Throws ModelError if they do not fit, or the runtime cannot run. */
  static async load(model: Model): Promise<Generator> {
    await start();
    return new Generator(model);
  }

  /** Free the memory of the weights. */
  dispose(): void {
    tf.dispose(this.loaded);
  }

  /** The residual of conditions, 12 channels. */
  paint({ high, wide, data }: Squares): Squares {
    let x = apply(this.stem, tf.tensor4d(data, [1, high, wide, 4 * CHANNELS]), true);
    const skips: tf.Tensor4D[] = [];
    this.down.forEach((blocks, i) => {
      x = through(blocks, x);
      skips.push(x);
      x = apply(this.shrink[i]!, x, false);
    });
    x = through(this.middle, x);
    for (let i = skips.length - 1; i >= 0; i--) {
      const skip = skips[i]!;
      const small = apply(this.grow[i]!, x, true);
      x = tf.tidy(() => {
        const size: [number, number] = [skip.shape[1], skip.shape[2]];
        return tf.add<tf.Tensor4D>(skip, tf.image.resizeNearestNeighbor(small, size));
      });
      tf.dispose([small, skip]);
      x = through(this.up[i]!, x);
    }
    const residual = apply(this.head, x, true);
    const values = residual.dataSync<"float32">().slice();
    residual.dispose();
    return { high, wide, data: values };
  }

  private blocks(key: string, count: number, width: number): Block[] {
    return Array.from({ length: count }, (_, i) => ({
      first: this.convolution(`${key}.${i}.first`, width, width, 3),
      second: this.convolution(`${key}.${i}.second`, width, width, 3, `${key}.${i}.second.scale`),
    }));
  }

  /** @param scale name of the weights that the outputs are multiplied by */
  private convolution(
    key: string,
    out: number,
    channels: number,
    side: number,
    scale?: string,
  ): Convolution {
    const kernel = this.weight(`${key}.weight`, [out, channels, side, side]);
    const bias = this.weight(`${key}.bias`, [out]).slice();
    const scales = scale ? this.weight(scale, [out]) : null;
    // From (out, in, side, side) to (side, side, in, out).
    const filter = new Float32Array(kernel.length);
    const area = side * side;
    for (let o = 0, at = 0; o < out; o++) {
      const factor = scales ? scales[o]! : 1;
      bias[o]! *= factor;
      for (let i = 0; i < channels; i++) {
        for (let place = 0; place < area; place++, at++) {
          filter[(place * channels + i) * out + o] = kernel[at]! * factor;
        }
      }
    }
    const made = {
      filter: tf.tensor4d(filter, [side, side, channels, out]),
      bias: tf.tensor1d(bias),
      side,
    };
    this.loaded.push(made.filter, made.bias);
    return made;
  }

  private weight(name: string, shape: number[]): Float32Array {
    const found = this.weights?.get(name);
    if (!found || found.shape.join() !== shape.join()) {
      throw new ModelError(`no usable weights: ${name} is missing or of another shape`);
    }
    return found.values;
  }
}

/** A convolution of x; `last` says that x is not needed any more. */
function apply(
  { filter, bias, side }: Convolution,
  x: tf.Tensor4D,
  last: boolean,
  activation?: "leakyrelu",
): tf.Tensor4D {
  const [strides, pad] = side === 3 ? ([1, "same"] as const) : ([side, "valid"] as const);
  const found = tf.fused.conv2d({
    x,
    filter,
    strides,
    pad,
    bias,
    activation,
    leakyreluAlpha: SLOPE,
  });
  if (last) x.dispose();
  return found;
}

/** Residual blocks; x is not needed any more. */
function through(blocks: Block[], x: tf.Tensor4D): tf.Tensor4D {
  for (const { first, second } of blocks) {
    const branch = apply(second, apply(first, x, false, "leakyrelu"), true);
    const sum = tf.add<tf.Tensor4D>(x, branch);
    tf.dispose([x, branch]);
    x = sum;
  }
  return x;
}
