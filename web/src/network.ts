/** The network that predicts symbols with their signs, in integers (docs/format.md, section 5.2). */

import file from "data:network";

import { TOKENS } from "./context";
import { TABLE_BITS } from "./rangecoder";
import { floats, parse } from "./safetensors";

/** Tokens with a sign: 0, then 1, -1, 2, -2, ... */
export const SIGNED = 2 * TOKENS - 1;
/** Largest output of a hidden unit. */
const ACTIVE = 255;
/** Steps of an output for each doubling of a probability. */
const LOG_STEPS = 32;
const POWER_BITS = 24;

/** Units that are summed together. Doubles add these integers exactly, and faster than integers. */
const TOGETHER = 4;

class Layer {
  /** (units / TOGETHER, inputs, TOGETHER), with units of zeros at the end. */
  private readonly weights: Float64Array;
  private readonly biases: Float64Array;
  private readonly places: Int32Array;
  private readonly values: Float64Array;

  /** @param weights (inputs, units) */
  constructor(
    weights: Int32Array,
    biases: Int32Array,
    private readonly active: number,
  ) {
    const [units, inputs] = [biases.length, weights.length / biases.length];
    const groups = Math.ceil(units / TOGETHER);
    this.weights = new Float64Array(groups * inputs * TOGETHER);
    this.biases = new Float64Array(groups * TOGETHER);
    this.biases.set(biases);
    this.places = new Int32Array(inputs);
    this.values = new Float64Array(inputs);
    weights.forEach((weight, at) => {
      const [input, unit] = [Math.floor(at / units), at % units];
      const group = Math.floor(unit / TOGETHER) * inputs;
      this.weights[(group + input) * TOGETHER + (unit % TOGETHER)] = weight;
    });
  }

  /** The outputs for inputs, many of which are 0. Sums stay below 2 ** 24. */
  run(known: Int32Array, out: Int32Array): void {
    const { weights, biases, places, values, active } = this;
    const inputs = places.length;
    let count = 0;
    for (let i = 0; i < inputs; i++) {
      if (known[i] === 0) continue;
      places[count] = i * TOGETHER;
      values[count++] = known[i]!;
    }
    for (let unit = 0, base = 0; unit < biases.length; unit += 4, base += inputs * TOGETHER) {
      let a = biases[unit]!;
      let b = biases[unit + 1]!;
      let c = biases[unit + 2]!;
      let d = biases[unit + 3]!;
      for (let i = 0; i < count; i++) {
        const value = values[i]!;
        const at = base + places[i]!;
        a += value * weights[at]!;
        b += value * weights[at + 1]!;
        c += value * weights[at + 2]!;
        d += value * weights[at + 3]!;
      }
      out[unit] = limited(a >> 8, active);
      out[unit + 1] = limited(b >> 8, active);
      out[unit + 2] = limited(c >> 8, active);
      out[unit + 3] = limited(d >> 8, active);
    }
  }
}

/** The output of a hidden unit lies in 0..active; that of the last layer has no limit, 0. */
function limited(value: number, active: number): number {
  if (!active) return value;
  return value < 0 ? 0 : value > active ? active : value;
}

let planes: Layer[][] | null = null;

/** The layers for each plane. */
function layers(): Layer[][] {
  if (!planes) {
    const stored = parse(file).tensors;
    const array = (name: string): Int32Array => Int32Array.from(floats(stored.get(name)!));
    planes = [0, 1, 2].map((plane) =>
      [0, 1, 2].map(
        (n) => new Layer(array(`weights${plane}${n}`), array(`biases${plane}${n}`), n < 2 ? ACTIVE : 0),
      ),
    );
  }
  return planes;
}

/** 2 ** (-i / LOG_STEPS) in units of 2 ** -POWER_BITS, rounded; 0 from some i on. */
const powers = Float64Array.from({ length: LOG_STEPS * (POWER_BITS + 2) }, (_, i) =>
  Math.round(2 ** (POWER_BITS - i / LOG_STEPS)),
);

const units = [0, 1].map(() => new Int32Array(256));
const shares = new Float64Array(SIGNED);

/** Write the frequencies of a symbol's signed tokens into `table`, from its inputs in a plane. */
export function frequencies(plane: number, known: Int32Array, table: Float64Array): void {
  const [first, second, last] = layers()[plane]!;
  const [one, other] = [units[0]!, units[1]!];
  first!.run(known, one);
  second!.run(one, other);
  last!.run(other, one);
  let best = 0;
  for (let i = 1; i < SIGNED; i++) if (one[i]! > one[best]!) best = i;
  let total = 0;
  for (let i = 0; i < SIGNED; i++) {
    const share = powers[Math.min(one[best]! - one[i]!, powers.length - 1)]!;
    shares[i] = share;
    total += share;
  }
  let missing = 2 ** TABLE_BITS;
  for (let i = 0; i < SIGNED; i++) {
    const each = 1 + Math.floor((shares[i]! * (2 ** TABLE_BITS - SIGNED)) / total);
    table[i] = each;
    missing -= each;
  }
  table[best]! += missing;
}
