/** The symbols of one level and plane, and grids of integers, by contexts of magnitudes. */

import { type Kind, type Tables, contexts, firstOf, tables, widthOf } from "./context";
import { Hierarchy, restore } from "./lifting";
import { everyPoint } from "./mask";
import { type Decoder, cumulate } from "./rangecoder";
import type { Grid } from "./types";

/** Yield the samples of a level by their bins: ascending bins, and samples in order. */
export function* byBin(bins: Uint8Array): Generator<[number, Int32Array]> {
  const starts = new Int32Array(257);
  for (const bin of bins) starts[bin + 1]!++;
  for (let bin = 0; bin < 256; bin++) starts[bin + 1]! += starts[bin]!;
  const next = starts.slice();
  const order = new Int32Array(bins.length);
  bins.forEach((bin, i) => (order[next[bin]!++] = i));
  for (let bin = 0; bin < 256; bin++) {
    const [start, end] = [starts[bin]!, starts[bin + 1]!];
    if (end > start) yield [bin, order.subarray(start, end)];
  }
}

/** Decode one level and plane into symbols (n, planes); all that were coded before are there.
 * Nothing changes if the data makes no sense. */
export function readPlane(
  coder: Decoder,
  symbols: Int32Array,
  planes: number,
  tree: Hierarchy,
  level: number,
  plane: number,
  model: Tables,
): void {
  const { start } = tree.span(level);
  const bins = contexts(model, tree, level, plane, symbols, planes);
  const found = new Int32Array(bins.length);
  for (const [bin, samples] of byBin(bins)) {
    const cumulative = cumulate(model.frequencies[plane]![bin]!);
    for (const i of samples) found[i] = coder.symbol(cumulative);
  }
  for (let i = 0; i < found.length; i++) {
    const token = found[i]!;
    if (!token) continue;
    const rest = coder.bits(widthOf(token) + 1);
    const magnitude = firstOf(token) + (rest >> 1);
    found[i] = rest & 1 ? -magnitude : magnitude;
  }
  for (let i = 0; i < found.length; i++) symbols[(start + i) * planes + plane] = found[i]!;
}

/** Decode a grid of integers. */
export function readGrid(coder: Decoder, high: number, wide: number, kind: Kind): Grid {
  const points = everyPoint(high, wide);
  const tree = new Hierarchy(points);
  const differences = new Int32Array(high * wide);
  for (let level = 0; level < tree.length; level++) {
    readPlane(coder, differences, 1, tree, level, 0, tables(kind));
  }
  const restored = restore(differences, 1, tree);
  const values = new Float64Array(high * wide);
  restored.forEach((value, i) => (values[points.rows[i]! * wide + points.cols[i]!] = value));
  return { high, wide, values };
}
