/** Samples from a prefix of an embedded stream. */

import { toYCoCg } from "./colour";
import type { KnownBits } from "./embedded";
import { type Hierarchy, Lifting } from "./lifting";
import { levelStep, stepOf } from "./quantizer";
import { synthesise } from "./synthesis";
import type { Samples } from "./types";

/** Place within its interval at which a magnitude with unknown low bits is reconstructed. */
const HALF = 0.5;
/** Level of all pixels where too few packets arrived for the first range. */
export const GREY = 128;

/** RGB of a colour in 16 bits. */
export function rgbOf(colour: number): number[] {
  return [
    ((colour >> 11) * 255) / 31,
    (((colour >> 5) & 63) * 255) / 63,
    ((colour & 31) * 255) / 31,
  ];
}

/** The samples that a prefix gives: those of the levels that it reaches.
 *
 * @param step index of the quantiser's step
 * @param colour mean colour in 16 bits, which coefficients code differences from
 */
export function samplesOf(
  known: KnownBits,
  tree: Hierarchy,
  step: number,
  colour: number,
): Samples {
  const magnitudes = Float64Array.from(known.symbols, (symbol, i) =>
    symbol ? symbol + Math.sign(symbol) * (2 ** known.missing[i]! - 1) * HALF : 0,
  );
  const origin = toYCoCg(rgbOf(colour));
  const all = synthesise(tree, new Lifting(tree), magnitudes, 3, step, "least-squares", origin);
  const last = Math.max(known.levels, 1) - 1;
  const { start, end } = tree.span(last);
  const missing = known.missing.subarray(3 * start, 3 * end).reduce((a, b) => Math.min(a, b));
  const { height, width, rows, cols, ranks } = tree.points;
  const points = {
    height,
    width,
    rows: rows.slice(0, end),
    cols: cols.slice(0, end),
    ranks: ranks.slice(0, end),
  };
  const finest = levelStep(stepOf(step), tree, last, 0) * 2 ** missing;
  return { points, values: all.values.slice(0, 3 * end), step: finest, tone: all.tone };
}
