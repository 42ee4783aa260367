/** Steps of the quantiser (docs/format.md, section 7). */

import type { Hierarchy } from "./lifting";
import { mantissas } from "./mask";

const STEPS_PER_OCTAVE = 16;
const SMALLEST_STEP = 0.5;
const LEVEL_GROWTH = 1.32;
/** Factors on the steps of Y, Co and Cg. */
export const GROWTH = [1, 2.3, 2];
/** Steps that a symbol of magnitude m stands for, above m. */
const EXCESS = 0.05;

const stepMantissas = mantissas(STEPS_PER_OCTAVE);

/** The step of the finest luma level, in grey levels. */
export function stepOf(index: number): number {
  return SMALLEST_STEP * 2 ** (index / STEPS_PER_OCTAVE);
}

/** The depth of a level below the finest octave; the coarsest octave stands for the picture. */
function coarseness(tree: Hierarchy, level: number): number {
  const depth = tree.depths[level]!;
  return tree.finest - (depth === tree.depths[0] ? 0 : depth);
}

/** The step of a level and plane in grey levels. */
export function levelStep(step: number, tree: Hierarchy, level: number, plane: number): number {
  return step * LEVEL_GROWTH ** -coarseness(tree, level) * GROWTH[plane]!;
}

/** The steps in units of 2 ** -16 grey levels, exactly, (levels, planes). */
export function exactSteps(index: number, tree: Hierarchy, planes: number): number[][] {
  const mantissa = stepMantissas[index % STEPS_PER_OCTAVE]!;
  const luma = BigInt(mantissa) << BigInt(Math.floor(index / STEPS_PER_OCTAVE));
  return tree.depths.map((_, level) => {
    const coarser = BigInt(coarseness(tree, level));
    const step = Number((luma * 25n ** coarser) / (2n * 33n ** coarser));
    return [10, 23, 20]
      .slice(0, planes)
      .map((tenths) => Math.max(1, Math.floor((step * tenths) / 10)));
  });
}

/** The coefficient of a magnitude, which may lie between two, in grey levels. */
export function dequantised(symbol: number, step: number): number {
  return symbol === 0 ? 0 : Math.sign(symbol) * (Math.abs(symbol) + EXCESS) * step;
}
