/** Joins tiles: moves sample values near a border toward their neighbours across it. */

import { Kriging, Tree, covariance } from "./neighbours";
import { GROWTH } from "./quantizer";

/** Neighbours that a value is predicted from. */
const AROUND = 8;
/** Fraction of the way to the prediction, for a value with all its neighbours in other tiles. */
const PULL = 0.7;
/** Largest difference that counts, in quantiser steps. */
const OPEN = 0.6;

/** Sample values (n, 3) of several tiles, those near borders moved.
 *
 * @param tiles number of each sample's tile
 * @param step of the finest luma level in grey levels
 */
export function joined(
  rows: Int32Array,
  cols: Int32Array,
  tiles: Int32Array,
  values: Float32Array,
  step: number,
): Float32Array {
  const count = rows.length;
  if (count <= AROUND || tiles.every((tile) => tile === tiles[0])) return values;
  const tree = new Tree(rows, cols);
  const kriging = new Kriging(AROUND);
  const [nearRows, nearCols] = [new Float64Array(AROUND), new Float64Array(AROUND)];
  const right = new Float64Array(AROUND + 1).fill(1);
  const moved = values.slice();
  for (let sample = 0; sample < count; sample++) {
    const [row, col, tile] = [rows[sample]!, cols[sample]!, tiles[sample]!];
    tree.nearest(row, col, AROUND + 1);
    const around = tree.found.subarray(1, AROUND + 1); // The first one is the sample itself.
    if (around.every((site) => tiles[site] === tile)) continue;
    around.forEach((site, i) => {
      nearRows[i] = rows[site]!;
      nearCols[i] = cols[site]!;
      right[i] = covariance((rows[site]! - row) ** 2 + (cols[site]! - col) ** 2);
    });
    kriging.take(nearRows, nearCols, AROUND);
    const weights = kriging.solve(right);
    let [size, across] = [0, 0];
    around.forEach((site, i) => {
      size += Math.abs(weights[i]!);
      if (tiles[site] !== tile) across += Math.abs(weights[i]!);
    });
    for (let plane = 0; plane < 3; plane++) {
      let expected = 0;
      around.forEach((site, i) => (expected += weights[i]! * values[3 * site + plane]!));
      const most = OPEN * step * GROWTH[plane]!;
      const apart = expected - values[3 * sample + plane]!;
      moved[3 * sample + plane]! += PULL * (across / size) * Math.max(-most, Math.min(most, apart));
    }
  }
  return moved;
}
