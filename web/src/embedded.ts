/** Symbols as an embedded stream, of which every prefix decodes to a picture (section 11). */

import { DIRECT, type Tables, contexts, tables } from "./context";
import { FormatError } from "./errors";
import type { Hierarchy } from "./lifting";
import { readPlane } from "./planes";
import { Decoder, TABLE_BITS, cumulate } from "./rangecoder";

const PLANES = 3;
const ONE = 2 ** TABLE_BITS;

/** The bits of symbols that a prefix of a stream determines.
 *
 * symbols (n, 3): the known high bits with the sign, zeros below; missing (n, 3): the number of
 * unknown low bits; levels: the number of levels with known bits. */
export interface KnownBits {
  symbols: Int32Array;
  missing: Uint8Array;
  levels: number;
}

/** Decode a stream, or a prefix of it. */
export function readEmbedded(data: Uint8Array, tree: Hierarchy, stages: number): KnownBits {
  const coder = new Decoder(data, false);
  const model = tables("coefficients");
  const size = tree.points.rows.length * PLANES;
  const symbols = new Int32Array(size);
  const missing = new Uint8Array(size).fill(stages);
  let levels = 0;
  let before = symbols;
  let started = 0;
  for (let shift = stages - 1; shift >= 0; shift--) {
    const now = new Int32Array(size);
    const count = Math.max(1, tree.octaves.length - shift);
    for (const [place, octave] of tree.octaves.slice(0, count).entries()) {
      for (let level = octave.start; level < octave.end; level++) {
        for (let plane = 0; plane < PLANES; plane++) {
          try {
            if (place >= started) readPlane(coder, now, PLANES, tree, level, plane, model);
            else refine(coder, now, before, tree, level, plane, model);
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
            return { symbols, missing, levels }; // The end of the prefix.
          }
          const { start, end } = tree.span(level);
          for (let at = start * PLANES + plane; at < end * PLANES; at += PLANES) {
            symbols[at] = now[at]! * 2 ** shift;
            missing[at] = shift;
          }
          levels = Math.max(levels, level + 1);
        }
      }
    }
    before = now;
    started = count;
  }
  return { symbols, missing, levels };
}

/** One more bit of each magnitude of a level and plane. Nothing changes at the end of the data. */
function refine(
  coder: Decoder,
  now: Int32Array,
  before: Int32Array,
  tree: Hierarchy,
  level: number,
  plane: number,
  model: Tables,
): void {
  const { start } = tree.span(level);
  const bins = contexts(model, tree, level, plane, now, PLANES);
  const found = new Int32Array(bins.length);
  const fresh: number[] = [];
  for (let i = 0; i < found.length; i++) {
    const known = before[(start + i) * PLANES + plane]!;
    const low = 2 * Math.abs(known);
    let chance = ONE / 2;
    if (low < DIRECT) {
      const table = model.frequencies[plane]![bins[i]!]!;
      const [zero, one] = [table[low]!, table[low + 1]!];
      chance = Math.min(ONE - 1, Math.max(1, Math.floor((one * ONE) / (zero + one))));
    }
    const bit = coder.symbol(cumulate([ONE - chance, chance]));
    found[i] = known < 0 ? -(low + bit) : low + bit;
    if (bit && !known) fresh.push(i);
  }
  for (const i of fresh) if (coder.bits(1)) found[i] = -found[i]!;
  for (let i = 0; i < found.length; i++) now[(start + i) * PLANES + plane] = found[i]!;
}
