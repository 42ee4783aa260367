/** Context models of magnitudes: which static table codes which symbol (docs/format.md, 5.1). */

import stored from "data:tables";

import { type Hierarchy, NEAR, NEIGHBOURS, PARTS } from "./lifting";

export type Kind = "coefficients" | "pixels" | "density" | "counts";

/** The context model of one kind of symbol; arrays are by plane. */
export interface Tables {
  clip: number;
  hidden: number[][][];
  output: number[][];
  thresholds: number[][];
  frequencies: number[][][];
}

const MEAN_SCALE = 16;
const FINEST = 6;
const PLANES = 3;
const FEATURES = NEAR + PLANES + (PLANES - 1) + 3;
/** Magnitudes below this have tokens of their own; further tokens cover 2, 4, 8, ... of them. */
export const DIRECT = 12;
export const TOKENS = DIRECT + 15;

export function tables(kind: Kind): Tables {
  return (stored as Record<Kind, Tables>)[kind];
}

/** The bin of each symbol of a level and plane.
 *
 * @param symbols (n, planes); only those of coarser levels, and of earlier planes of this level,
 * are used
 */
export function contexts(
  model: Tables,
  tree: Hierarchy,
  level: number,
  plane: number,
  symbols: Int32Array,
  planes: number,
): Uint8Array {
  const { start, end } = tree.span(level);
  const bins = new Uint8Array(end - start);
  const known = new Float64Array(FEATURES);
  const size = (sample: number, of: number): number =>
    Math.min(Math.abs(symbols[sample * planes + of]!), model.clip);
  if (level) {
    const above = tree.bounds[Math.max(0, level - PARTS)]!;
    for (let of = 0; of < planes; of++) {
      let sum = 0;
      for (let i = above; i < start; i++) sum += size(i, of);
      known[NEAR + of] = Math.floor((MEAN_SCALE * sum) / (start - above));
    }
  } else {
    known[FEATURES - 3] = 1;
  }
  known[FEATURES - 2] = Math.min(tree.finest - tree.depths[level]!, FINEST);
  known[FEATURES - 1] = 1;
  const hidden = model.hidden[plane]!;
  const output = model.output[plane]!;
  const thresholds = model.thresholds[plane]!;
  for (let sample = start; sample < end; sample++) {
    if (level) {
      for (let i = 0; i < NEAR; i++) {
        known[i] = size(tree.neighbours[sample * NEIGHBOURS + i]!, plane);
      }
    }
    for (let of = 0; of < plane; of++) known[NEAR + PLANES + of] = size(sample, of);
    let guess = 0;
    for (let unit = 0; unit < output.length; unit++) {
      const weights = hidden[unit]!;
      let sum = 0;
      for (let i = 0; i < FEATURES; i++) sum += weights[i]! * known[i]!;
      if (sum > 0) guess += output[unit]! * Math.floor(sum / 256);
    }
    let bin = 0;
    while (bin < thresholds.length && thresholds[bin]! <= guess) bin++;
    bins[sample - start] = bin;
  }
  return bins;
}

/** The number of plain bits that follow a token. */
export function widthOf(token: number): number {
  return Math.max(0, token - DIRECT + 1);
}

/** The smallest magnitude of a token. */
export function firstOf(token: number): number {
  return token < DIRECT ? token : 2 ** widthOf(token) + DIRECT - 2;
}
