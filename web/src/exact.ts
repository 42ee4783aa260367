/** Kriging weights in integers, on which parsing depends (docs/format.md, section 7). */

import { covariance } from "./neighbours";

/** Weights are multiples of 2 ** -WEIGHT_BITS. */
export const WEIGHT_BITS = 14;
const ONE = 1 << WEIGHT_BITS;
const FACTOR = 2 ** 16;
const LEAST_PIVOT = 256;
const LARGEST = 2 ** 26;
const LARGEST_WEIGHT = 2 ** 16;
const EXACT = 2 ** 53;

const variogram = Int32Array.from({ length: 1 << 16 }, (_, squared) =>
  Math.round((1 - covariance(squared)) * 2 ** 22),
);

function between(rowA: number, colA: number, rowB: number, colB: number): number {
  const [down, right] = [rowA - rowB, colA - colB];
  return variogram[Math.min(down * down + right * right, variogram.length - 1)]!;
}

/** a * b >> 16; only strange arrangements of sites need more than doubles. */
function scaled(a: number, b: number): number {
  const product = a * b;
  if (Math.abs(product) < EXACT) return Math.floor(product / FACTOR);
  return Number((BigInt(a) * BigInt(b)) >> 16n);
}

function limited(value: number, limit: number): number {
  return value < -limit ? -limit : value > limit ? limit : value;
}

const system = new Float64Array(64);
const fromFirst = new Float64Array(8);
const right = new Float64Array(8);
const pivots = new Float64Array(8);

/** Write the weights of a target from its sites, nearest first and at most eight, into `weights`
 * from `at` on; they sum to 2 ** 14. */
export function exactWeights(
  rows: Int32Array,
  cols: Int32Array,
  sites: Int32Array,
  count: number,
  row: number,
  col: number,
  weights: Float64Array,
  at: number,
): void {
  const others = count - 1;
  const first = sites[0]!;
  const toFirst = between(rows[first]!, cols[first]!, row, col);
  for (let i = 0; i < others; i++) {
    const site = sites[i + 1]!;
    const [r, c] = [rows[site]!, cols[site]!];
    fromFirst[i] = between(rows[first]!, cols[first]!, r, c);
    right[i] = toFirst + fromFirst[i]! - between(r, c, row, col);
    for (let j = 0; j < i; j++) {
      const other = sites[j + 1]!;
      const apart = between(rows[other]!, cols[other]!, r, c);
      system[j * 8 + i] = fromFirst[i]! + fromFirst[j]! - apart;
    }
    system[i * 9] = 2 * fromFirst[i]!;
  }
  for (let i = 0; i < others; i++) {
    const pivot = (pivots[i] = Math.max(system[i * 9]!, LEAST_PIVOT));
    for (let j = i + 1; j < others; j++) {
      const factor = Math.floor((system[i * 8 + j]! * FACTOR) / pivot);
      for (let k = j; k < others; k++) {
        const less = scaled(factor, system[i * 8 + k]!);
        system[j * 8 + k] = limited(system[j * 8 + k]! - less, LARGEST);
      }
      right[j] = limited(right[j]! - scaled(factor, right[i]!), LARGEST);
    }
  }
  let sum = 0;
  for (let i = others - 1; i >= 0; i--) {
    let rest = right[i]! * ONE;
    for (let j = i + 1; j < others; j++) rest -= system[i * 8 + j]! * weights[at + j + 1]!;
    const weight = limited(Math.floor(rest / pivots[i]!), LARGEST_WEIGHT);
    weights[at + i + 1] = weight;
    sum += weight;
  }
  weights[at] = ONE - sum;
}
