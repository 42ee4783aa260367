/** What is known around a symbol: the inputs of the network that predicts it (section 5.2). */

import { type Hierarchy, NEIGHBOURS, PARTS } from "./lifting";
import type { Values } from "./values";

const LIMIT = 127;
const FACTS = 9;
/** What flags and a distance of one spacing are as an input. */
const ONE = 32;
const OCTAVES = 7;
const FRACTION = 2 ** 16;

/** Sixteenths to a logarithmic scale of whole numbers, by size, up to the first LIMIT. */
const scale = Uint8Array.from({ length: 1 << 13 }, (_, size) => {
  const z = 2 * size + 16;
  const exponent = 31 - Math.clz32(z);
  return Math.min(LIMIT, 16 * (exponent - 5) + ((16 * z) >> exponent));
});

function compressed(size: number): number {
  return scale[size < scale.length ? size : scale.length - 1]!;
}

/** The surroundings of a set of points. */
export class Surroundings {
  private readonly means = [0, 0, 0];

  constructor(
    private readonly tree: Hierarchy,
    private readonly values: Values,
    private readonly symbols: Int32Array,
  ) {}

  /** Prepare for a level: what the levels above tell. */
  enter(level: number): void {
    const { tree, symbols } = this;
    const { planes } = this.values;
    const { start } = tree.span(level);
    const above = tree.bounds[Math.max(0, level - PARTS)]!;
    for (let plane = 0; plane < planes; plane++) {
      let sum = 0;
      for (let i = above; i < start; i++) sum += Math.abs(symbols[i * planes + plane]!);
      this.means[plane] = level ? compressed(Math.floor((16 * sum) / (start - above))) : 0;
    }
  }

  /** Set the inputs for a sample in a plane. */
  look(level: number, plane: number, sample: number, inputs: Int16Array): void {
    const { tree, values, symbols } = this;
    const { planes } = values;
    let at = 3 * NEIGHBOURS;
    if (level) this.place(sample, inputs);
    else inputs.fill(0, 0, at);
    inputs[at] = level ? compressed(4 * tree.spacing[sample]!) : 0;
    inputs[at + 1] = ONE * this.partOf(level);
    inputs[at + 2] = level ? 0 : ONE;
    const depth = tree.depths[level]!;
    inputs[at + 3] = 16 * Math.min(tree.finest - depth, OCTAVES);
    inputs[at + 4] = 16 * Math.min(depth, OCTAVES);
    inputs[at + 5] = values.step >> 1;
    inputs.set(this.means, at + 6);
    at += FACTS;
    if (level) this.compare(level, plane, sample, inputs, at);
    else inputs.fill(0, at, at + NEIGHBOURS * (plane + 2));
    at += NEIGHBOURS * (plane + 2);
    for (let earlier = 0; earlier < plane; earlier++) {
      const symbol = symbols[sample * planes + earlier]!;
      const size = compressed(16 * Math.abs(symbol));
      inputs[at++] = symbol < 0 ? -size : size;
      inputs[at++] = size;
    }
  }

  /** The number of a level within its octave. */
  private partOf(level: number): number {
    const { depths } = this.tree;
    let part = 0;
    while (level - part > 0 && depths[level - part - 1] === depths[level]) part++;
    return part;
  }

  /** Where the neighbours are, and whether they are of the same octave. */
  private place(sample: number, inputs: Int16Array): void {
    const { tree } = this;
    const { rows, cols } = tree.points;
    const spacing = tree.spacing[sample]!;
    const [row, col] = [rows[sample]!, cols[sample]!];
    const start = this.values.start;
    for (let i = 0; i < NEIGHBOURS; i++) {
      const site = tree.neighbours[sample * NEIGHBOURS + i]!;
      inputs[i] = relative(rows[site]! - row, spacing);
      inputs[NEIGHBOURS + i] = relative(cols[site]! - col, spacing);
      inputs[2 * NEIGHBOURS + i] = site >= start ? ONE : 0;
    }
  }

  /** The neighbours' symbols, and their values beside the sample's prediction. */
  private compare(
    level: number,
    plane: number,
    sample: number,
    inputs: Int16Array,
    at: number,
  ): void {
    const { tree, symbols } = this;
    const { planes, known, predicted, steps } = this.values;
    const first = sample * NEIGHBOURS;
    for (let i = 0; i < NEIGHBOURS; i++) {
      const site = tree.neighbours[first + i]!;
      inputs[at + i] = compressed(16 * Math.abs(symbols[site * planes + plane]!));
    }
    for (let each = 0; each <= plane; each++) {
      at += NEIGHBOURS;
      const expected = predicted[sample * planes + each]!;
      const step = steps[level]![each]!;
      for (let i = 0; i < NEIGHBOURS; i++) {
        const apart = known[tree.neighbours[first + i]! * planes + each]! - expected;
        const size = compressed(Math.floor((Math.abs(apart) * FRACTION) / step));
        inputs[at + i] = apart < 0 ? -size : size;
      }
    }
  }
}

/** A distance in units of the spacing, rounded toward zero. */
function relative(apart: number, spacing: number): number {
  return Math.max(-LIMIT, Math.min(LIMIT, Math.trunc((ONE * apart) / spacing)));
}
