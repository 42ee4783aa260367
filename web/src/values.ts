/** Sample values in integers, as far as they are known while symbols are read: multiples of 1/16
 * grey level (docs/format.md, section 7). */

import type { Hierarchy, Lifting } from "./lifting";
import { exactSteps } from "./quantizer";

const LARGEST = 2 ** 24;
const ROUNDED = 2 ** 12;

/** The values of samples, from coarse to fine. All arrays are (n, planes). */
export class Values {
  /** First sample of the octave at hand. */
  start = 0;
  /** Steps by level and plane in units of 2 ** -16 grey levels. */
  readonly steps: number[][];
  /** Of coarser octaves, as known before the octave at hand is; of that one, its prediction, and
   * its coefficients as far as they were given. */
  readonly known: Float64Array;
  /** The prediction of the octave at hand. */
  readonly predicted: Float64Array;
  private readonly own: Float64Array;

  constructor(
    private readonly tree: Hierarchy,
    private readonly lifting: Lifting,
    readonly step: number,
    readonly planes: number,
  ) {
    this.steps = exactSteps(step, tree, planes);
    const size = tree.points.rows.length * planes;
    this.known = new Float64Array(size);
    this.predicted = new Float64Array(size);
    this.own = new Float64Array(size);
  }

  /** Predict an octave from coarser ones. */
  begin(octave: number): void {
    const { start, end } = this.tree.across(octave);
    this.start = start;
    if (octave) {
      this.lifting.links[octave - 1]!.predict(this.known, this.planes, this.predicted);
      const part = this.predicted.subarray(start * this.planes, end * this.planes);
      this.known.set(part, start * this.planes);
    }
  }

  /** Take in the symbol of a sample in a level and plane of the octave at hand. */
  put(level: number, plane: number, sample: number, symbol: number): void {
    const at = sample * this.planes + plane;
    let size = 0;
    if (symbol) {
      // A magnitude m stands for m + 1/20 steps.
      const steps = (20 * Math.abs(symbol) + 1) * this.steps[level]![plane]!;
      size = Math.floor((Math.floor(steps / 20) + ROUNDED / 2) / ROUNDED);
      size = Math.sign(symbol) * Math.min(size, LARGEST);
    }
    this.own[at] = size;
    this.known[at] = this.predicted[at]! + size;
  }

  /** Undo the update of coarser values by an octave, all of whose symbols are known. */
  finish(octave: number): void {
    if (!octave) return;
    const { planes, known } = this;
    const links = this.lifting.links[octave - 1]!;
    const total = links.gathered(this.own, planes);
    for (let i = 0; i < total.length; i++) {
      const around = links.around[Math.floor(i / planes)]!;
      const less = Math.floor((3 * total[i]!) / (5 * around));
      known[i] = Math.max(-LARGEST, Math.min(LARGEST, known[i]! - less));
    }
    links.predict(known, planes, known);
    const { start, end } = links.span;
    for (let i = start * planes; i < end * planes; i++) known[i]! += this.own[i]!;
  }
}
