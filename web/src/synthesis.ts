/** Symbols back to sample values: dequantisation and the inverse transform. */

import type { Hierarchy, Lifting } from "./lifting";
import { dequantised, levelStep, stepOf } from "./quantizer";
import type { Samples } from "./types";

/** The origin: the YCoCg colour that sample values in files are coded as differences from. */
export const GREY = [128, 0, 0];

/** Samples from symbols (n, planes), dequantised and transformed back.
 *
 * @param step index of the quantiser's step
 */
export function synthesise(
  tree: Hierarchy,
  lifting: Lifting,
  symbols: ArrayLike<number>,
  planes: number,
  step: number,
  tone: Samples["tone"],
  origin: ArrayLike<number> = GREY,
): Samples {
  const count = tree.points.rows.length;
  const greyLevels = stepOf(step);
  const found = new Float64Array(count * planes);
  for (let level = 0; level < tree.length; level++) {
    const { start, end } = tree.span(level);
    for (let plane = 0; plane < planes; plane++) {
      const width = levelStep(greyLevels, tree, level, plane);
      for (let at = start * planes + plane; at < end * planes; at += planes) {
        found[at] = dequantised(symbols[at]!, width);
      }
    }
  }
  lifting.inverse(found, planes);
  const values = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    for (let plane = 0; plane < planes; plane++) {
      values[3 * i + plane] = found[i * planes + plane]! + origin[plane]!;
    }
  }
  return { points: tree.points, values, step: greyLevels, tone };
}
