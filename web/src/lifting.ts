/** The hierarchical transform of scattered samples (docs/format.md, sections 4, 6 and 7). */

import { exactWeights, WEIGHT_BITS } from "./exact";
import { Raster, Tree } from "./neighbours";
import type { Points } from "./types";

/** Points of coarser levels that are known of each point. */
export const NEIGHBOURS = 16;
/** How many of them give a context by magnitudes alone, and predict lossless values. */
export const NEAR = 8;
/** Levels of an octave. */
export const PARTS = 4;
/** Points of coarser octaves that a value is predicted from. */
const PREDICTORS = 6;
const MAX_FOLLOW = 255;
const SLOPE_FLOOR = 300;
/** Share of the residuals around a coarse point that it takes up. */
const UPDATE = 0.6;
const COARSEST_BITS = 9;
const WEIGHT = 1 << WEIGHT_BITS;

/** A range of levels or points: start, and end, which is excluded. */
export interface Span {
  start: number;
  end: number;
}

/** The levels of a set of points, and the nearest coarser points of each. */
export class Hierarchy {
  /** Level i has the points bounds[i] .. bounds[i + 1] - 1; no level is empty. */
  readonly bounds: number[];
  /** Octave of each level, counted from the coarsest; octaves without points count. */
  readonly depths: number[];
  /** Depth of the finest octave of the whole picture. */
  readonly finest: number;
  /** The levels of each octave that has points. */
  readonly octaves: Span[] = [];
  /** (n, NEIGHBOURS), the last one repeated if there are fewer; 0 in the coarsest level. */
  readonly neighbours: Int32Array;
  /** (n, NEAR), squared distances to the nearest of them; 0 where there are fewer. */
  readonly distances: Float64Array;
  /** Root of the mean squared distance to all of them, rounded down, at least 1. */
  readonly spacing: Int32Array;
  private readonly trees = new Map<number, Tree>();

  /** @param finest depth of the picture's finest octave; by default that of these points */
  constructor(
    readonly points: Points,
    finest: number | null = null,
  ) {
    const count = points.rows.length;
    [this.bounds, this.depths] = levels(points.ranks);
    this.finest = finest ?? this.depths.at(-1) ?? 0;
    this.depths.forEach((depth, level) => {
      if (level && depth === this.depths[level - 1]) this.octaves.at(-1)!.end++;
      else this.octaves.push({ start: level, end: level + 1 });
    });
    this.neighbours = new Int32Array(count * NEIGHBOURS);
    this.distances = new Float64Array(count * NEAR);
    this.spacing = new Int32Array(count).fill(1);
    const raster = Raster.suits(points, count) ? new Raster(points) : null;
    for (const [octave, levels] of this.octaves.entries()) {
      for (let level = Math.max(1, levels.start); level < levels.end; level++) {
        const isDense = raster && Raster.suits(points, this.bounds[level]!);
        this.look(level, octave, isDense ? raster : null);
      }
    }
  }

  /** Find the neighbours of a level's points. */
  private look(level: number, octave: number, raster: Raster | null): void {
    const { points, neighbours, distances } = this;
    const { start, end } = this.span(level);
    for (let point = start; point < end; point++) {
      const [row, col] = [points.rows[point]!, points.cols[point]!];
      const isClose = raster?.nearest(row, col, NEIGHBOURS, start);
      const tree = isClose ? null : this.treeOf(octave);
      const known = tree ? tree.nearest(row, col, NEIGHBOURS, start) : NEIGHBOURS;
      const { found, squares } = tree ?? raster!;
      let sum = 0;
      for (let i = 0; i < NEIGHBOURS; i++) {
        const from = Math.min(i, known - 1);
        neighbours[point * NEIGHBOURS + i] = found[from]!;
        sum += squares[from]!;
        if (i < Math.min(known, NEAR)) distances[point * NEAR + i] = squares[i]!;
      }
      this.spacing[point] = Math.max(1, Math.floor(Math.sqrt(Math.floor(sum / NEIGHBOURS))));
    }
  }

  /** The points of an octave and of coarser ones. */
  treeOf(octave: number): Tree {
    const { trees, points } = this;
    if (!trees.has(octave)) {
      const { end } = this.across(octave);
      trees.set(octave, new Tree(points.rows.subarray(0, end), points.cols.subarray(0, end)));
    }
    return trees.get(octave)!;
  }

  get length(): number {
    return this.depths.length;
  }

  /** The points of a level. */
  span(level: number): Span {
    return { start: this.bounds[level]!, end: this.bounds[level + 1]! };
  }

  /** The points of an octave. */
  across(octave: number): Span {
    const { start, end } = this.octaves[octave]!;
    return { start: this.bounds[start]!, end: this.bounds[end]! };
  }

  /** How many coarser points a level's points have, at most NEAR. */
  near(level: number): number {
    return Math.min(NEAR, this.bounds[level]!);
  }
}

/** The bounds and depths of the levels of points with these ascending ranks. */
function levels(ranks: Int32Array): [number[], number[]] {
  const bounds = [0];
  const depths: number[] = [];
  let limits = [1 << COARSEST_BITS];
  let end = 0;
  for (let depth = 0; end < ranks.length; depth++) {
    for (const limit of limits) {
      while (end < ranks.length && ranks[end]! < limit) end++;
      if (end > bounds.at(-1)!) {
        bounds.push(end);
        depths.push(depth);
      }
    }
    const octave = limits.at(-1)!;
    limits = [1, 2, 3, 4].map((part) => octave + Math.floor((octave * part) / PARTS));
  }
  return [bounds, depths];
}

/** What an octave is predicted from. */
export class Links {
  /** (m, k) points of coarser octaves, nearest first. */
  readonly sites: Int32Array;
  /** (m, k) in units of 2 ** -WEIGHT_BITS; each row sums to 1. */
  readonly weights: Float64Array;
  /** For each coarser point, the sum of the magnitudes of its weights, at least 1. */
  readonly around: Float64Array;
  /** k */
  readonly each: number;

  readonly span: Span;

  constructor(hierarchy: Hierarchy, octave: number) {
    const { start, end } = (this.span = hierarchy.across(octave));
    const { rows, cols } = hierarchy.points;
    const each = (this.each = Math.min(PREDICTORS, start));
    const sites = new Int32Array(each);
    this.sites = new Int32Array((end - start) * each);
    this.weights = new Float64Array((end - start) * each);
    this.around = new Float64Array(start);
    for (let point = start, at = 0; point < end; point++, at += each) {
      const [row, col] = [rows[point]!, cols[point]!];
      // Mostly, enough of the neighbours are of coarser octaves.
      const first = point * NEIGHBOURS;
      let known = 0;
      for (let i = first; i < first + NEIGHBOURS && known < each; i++) {
        if (hierarchy.neighbours[i]! < start) sites[known++] = hierarchy.neighbours[i]!;
      }
      if (known < each) {
        const tree = hierarchy.treeOf(octave);
        tree.nearest(row, col, each, start);
        sites.set(tree.found.subarray(0, each));
      }
      this.sites.set(sites, at);
      exactWeights(rows, cols, sites, each, row, col, this.weights, at);
      for (let i = at; i < at + each; i++) {
        this.around[this.sites[i]!]! += Math.abs(this.weights[i]!);
      }
    }
    for (let i = 0; i < start; i++) this.around[i] = Math.max(this.around[i]!, WEIGHT);
  }

  /** Predict the octave from coarser values (n, planes), rounded, into `predicted`. */
  predict(values: Float64Array, planes: number, predicted: Float64Array): void {
    const { start, end } = this.span;
    for (let point = start, at = 0; point < end; point++, at += this.each) {
      for (let plane = 0; plane < planes; plane++) {
        let total = WEIGHT / 2;
        for (let i = at; i < at + this.each; i++) {
          total += this.weights[i]! * values[this.sites[i]! * planes + plane]!;
        }
        predicted[point * planes + plane] = Math.floor(total / WEIGHT);
      }
    }
  }

  /** Sums of weight times coefficient around each coarser point, (start, planes). */
  gathered(own: Float64Array, planes: number): Float64Array {
    const { start, end } = this.span;
    const total = new Float64Array(start * planes);
    for (let point = start, at = 0; point < end; point++) {
      for (let i = 0; i < this.each; i++, at++) {
        const site = this.sites[at]! * planes;
        for (let plane = 0; plane < planes; plane++) {
          total[site + plane]! += this.weights[at]! * own[point * planes + plane]!;
        }
      }
    }
    return total;
  }
}

/** The transform of one set of points. */
export class Lifting {
  /** For each octave but the coarsest. */
  readonly links: Links[];

  constructor(hierarchy: Hierarchy) {
    this.links = hierarchy.octaves.slice(1).map((_, octave) => new Links(hierarchy, octave + 1));
  }

  /** Turn coefficients (n, planes) into values, in place and in floating point. */
  inverse(values: Float64Array, planes: number): void {
    for (const links of this.links) {
      const total = links.gathered(values, planes);
      for (let i = 0; i < total.length; i++) {
        values[i]! -= (UPDATE * total[i]!) / links.around[Math.floor(i / planes)]!;
      }
      const { start, end } = links.span;
      for (let point = start, at = 0; point < end; point++) {
        for (let i = 0; i < links.each; i++, at++) {
          const site = links.sites[at]! * planes;
          const weight = links.weights[at]! / WEIGHT;
          for (let plane = 0; plane < planes; plane++) {
            values[point * planes + plane]! += weight * values[site + plane]!;
          }
        }
      }
    }
  }
}

/** The integer values (n, planes) of residuals: grids, and lossless samples (section 6). */
export function restore(differences: Int32Array, planes: number, tree: Hierarchy): Float64Array {
  // stages[p]: residuals before plane p and later ones served to predict others.
  const stages = Array.from({ length: planes }, () => Float64Array.from(differences));
  for (let level = 1; level < tree.length; level++) {
    const { start, end } = tree.span(level);
    for (let lead = planes - 2; lead >= 0; lead--) {
      const [known, later] = [stages[lead]!, stages[lead + 1]!];
      known.set(later.subarray(start * planes, end * planes), start * planes);
      for (let point = start; point < end; point++) follow(known, planes, tree, level, point, lead);
    }
  }
  const values = stages[0] ?? new Float64Array(0);
  for (let level = 1; level < tree.length; level++) {
    const { start, end } = tree.span(level);
    for (let point = start; point < end; point++) addPrediction(values, planes, tree, level, point);
  }
  return values;
}

/** Add the prediction of the later planes of a point from one plane, by local regression. */
function follow(
  known: Float64Array,
  planes: number,
  tree: Hierarchy,
  level: number,
  point: number,
  lead: number,
): void {
  const near = tree.near(level);
  const at = point * planes;
  let alone = 0;
  for (let i = 0; i < near; i++) {
    alone += known[tree.neighbours[point * NEIGHBOURS + i]! * planes + lead]! ** 2;
  }
  const scale = alone + Math.floor(alone / 2) + SLOPE_FLOOR;
  for (let plane = lead + 1; plane < planes; plane++) {
    let together = 0;
    for (let i = 0; i < near; i++) {
      const site = tree.neighbours[point * NEIGHBOURS + i]! * planes;
      together += known[site + lead]! * known[site + plane]!;
    }
    const moved = Math.floor((2 * together * known[at + lead]! + scale) / (2 * scale));
    known[at + plane]! += Math.max(-MAX_FOLLOW, Math.min(MAX_FOLLOW, moved));
  }
}

/** Add the integer prediction of a point from coarser values, by inverse squared distance. */
function addPrediction(
  values: Float64Array,
  planes: number,
  tree: Hierarchy,
  level: number,
  point: number,
): void {
  const near = tree.near(level);
  let whole = 0;
  for (let i = 0; i < near; i++) whole += Math.floor(2 ** 40 / tree.distances[point * NEAR + i]!);
  for (let plane = 0; plane < planes; plane++) {
    let total = 0;
    for (let i = 0; i < near; i++) {
      const weight = Math.floor(2 ** 40 / tree.distances[point * NEAR + i]!);
      total += weight * values[tree.neighbours[point * NEIGHBOURS + i]! * planes + plane]!;
    }
    values[point * planes + plane]! += Math.floor((2 * total + whole) / (2 * whole));
  }
}
