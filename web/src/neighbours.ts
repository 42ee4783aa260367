/** The nearest samples of a position, exactly, and kriging weights in floating point. */

import type { Points } from "./types";

/** Points of a leaf of the tree. */
const LEAF = 8;

/** A k-d tree of integer positions. Among the nearest, ties go to the lower index. */
export class Tree {
  /** Of the last query, nearest first: indices, and squared distances. */
  readonly found = new Int32Array(64);
  readonly squares = new Float64Array(64);
  private count = 0;
  private wanted = 0;
  private limit = 0;
  private most = Infinity;
  private readonly places = new Int32Array(64);
  private row = 0;
  private col = 0;
  private readonly index: Int32Array;
  private readonly rows: Int32Array;
  private readonly cols: Int32Array;
  /** By node: rows and columns of its bounds, and its least index. */
  private readonly nodes: Int32Array;

  /** @param scale what positions are multiplied by */
  constructor(rows: Int32Array, cols: Int32Array, scale = 1) {
    const count = rows.length;
    this.index = Int32Array.from({ length: count }, (_, i) => i);
    this.rows = rows.map((row) => row * scale);
    this.cols = cols.map((col) => col * scale);
    let size = 1;
    for (let leaf = count; leaf > LEAF; leaf = (leaf + 1) >> 1) size = 2 * size + 1;
    this.nodes = new Int32Array(5 * size);
    if (count) this.build(0, 0, count);
  }

  private build(node: number, start: number, end: number): void {
    const { index, rows, cols } = this;
    let [top, left, least] = [rows[start]!, cols[start]!, index[start]!];
    let [bottom, right] = [top, left];
    for (let i = start + 1; i < end; i++) {
      const [row, col] = [rows[i]!, cols[i]!];
      if (row < top) top = row;
      if (row > bottom) bottom = row;
      if (col < left) left = col;
      if (col > right) right = col;
      if (index[i]! < least) least = index[i]!;
    }
    const { nodes } = this;
    const at = 5 * node;
    nodes[at] = top;
    nodes[at + 1] = bottom;
    nodes[at + 2] = left;
    nodes[at + 3] = right;
    nodes[at + 4] = least;
    if (end - start <= LEAF) return;
    const middle = (start + end) >> 1;
    this.divide(bottom - top > right - left ? rows : cols, start, end, middle);
    this.build(2 * node + 1, start, middle);
    this.build(2 * node + 2, middle, end);
  }

  /** Quickselect: everything before `middle` is at most what is behind it. */
  private divide(keys: Int32Array, start: number, end: number, middle: number): void {
    let [low, high] = [start, end - 1];
    while (low < high) {
      const pivot = keys[(low + high) >> 1]!;
      let [i, j] = [low, high];
      while (i <= j) {
        while (keys[i]! < pivot) i++;
        while (keys[j]! > pivot) j--;
        if (i <= j) this.swap(i++, j--);
      }
      if (middle <= j) high = j;
      else if (middle >= i) low = i;
      else return;
    }
  }

  private swap(i: number, j: number): void {
    const { index, rows, cols } = this;
    const [kept, row, col] = [index[i]!, rows[i]!, cols[i]!];
    index[i] = index[j]!;
    rows[i] = rows[j]!;
    cols[i] = cols[j]!;
    index[j] = kept;
    rows[j] = row;
    cols[j] = col;
  }

  /** Find up to `wanted` points near a position among those with indices below `limit`; returns
   * their number. */
  nearest(row: number, col: number, wanted: number, limit = this.index.length): number {
    this.row = row;
    this.col = col;
    this.wanted = Math.min(wanted, limit, this.index.length);
    // As many points as are wanted lie within this, often hardly more.
    this.most = this.count === this.wanted && limit >= this.limit ? this.farthest() : Infinity;
    this.limit = limit;
    this.count = 0;
    if (this.wanted) this.visit(0, 0, this.index.length, 0);
    return this.count;
  }

  /** Largest squared distance of what was found last. */
  private farthest(): number {
    let most = 0;
    for (let i = 0; i < this.count; i++) {
      const place = this.places[i]!;
      const [down, right] = [this.rows[place]! - this.row, this.cols[place]! - this.col];
      most = Math.max(most, down * down + right * right);
    }
    return most;
  }

  private visit(node: number, start: number, end: number, apart: number): void {
    if (apart > this.most) return;
    if (end - start <= LEAF) {
      for (let i = start; i < end; i++) {
        const index = this.index[i]!;
        if (index >= this.limit) continue;
        const down = this.rows[i]! - this.row;
        const right = this.cols[i]! - this.col;
        const square = down * down + right * right;
        if (square <= this.most) this.offer(index, i, square);
      }
      return;
    }
    const middle = (start + end) >> 1;
    const [one, other] = [2 * node + 1, 2 * node + 2];
    const first = this.apart(one);
    const second = this.apart(other);
    if (first <= second) {
      if (first < Infinity) this.visit(one, start, middle, first);
      if (second < Infinity) this.visit(other, middle, end, second);
    } else {
      this.visit(other, middle, end, second);
      if (first < Infinity) this.visit(one, start, middle, first);
    }
  }

  /** Squared distance to the bounds of a node; infinite if no point of it counts. */
  private apart(node: number): number {
    const at = 5 * node;
    const nodes = this.nodes;
    if (nodes[at + 4]! >= this.limit) return Infinity;
    const down = Math.max(nodes[at]! - this.row, 0, this.row - nodes[at + 1]!);
    const right = Math.max(nodes[at + 2]! - this.col, 0, this.col - nodes[at + 3]!);
    return down * down + right * right;
  }

  private offer(index: number, place: number, square: number): void {
    const { found, squares, places } = this;
    let at = this.count;
    if (at === this.wanted) {
      const worst = squares[at - 1]!;
      if (square > worst || (square === worst && index > found[at - 1]!)) return;
      at--;
    } else {
      this.count++;
    }
    while (at > 0) {
      const before = squares[at - 1]!;
      if (before < square || (before === square && found[at - 1]! < index)) break;
      squares[at] = before;
      found[at] = found[at - 1]!;
      places[at] = places[at - 1]!;
      at--;
    }
    squares[at] = square;
    found[at] = index;
    places[at] = place;
    if (this.count === this.wanted) this.most = squares[this.count - 1]!;
  }
}

/** How far, in pixels, a raster is searched. */
const REACH = 24;
/** Number of no point. */
const NOTHING = 2 ** 31 - 1;
/** Points are dense where there is one for this many pixels. */
const DENSE = 24;

/** Steps to the pixels within REACH, nearest first. */
const steps = (() => {
  const all: { down: number; right: number; square: number }[] = [];
  for (let down = -REACH; down <= REACH; down++) {
    for (let right = -REACH; right <= REACH; right++) {
      const square = down * down + right * right;
      if (square <= REACH * REACH) all.push({ down, right, square });
    }
  }
  return all.sort((a, b) => a.square - b.square);
})();
const stepSquares = Int32Array.from(steps, ({ square }) => square);

/** Dense points, pixel by pixel: where a tree would be slower. */
export class Raster {
  /** As in a tree. */
  readonly found = new Int32Array(128);
  readonly squares = new Float64Array(128);
  /** The point of each pixel, and of REACH pixels more on every side; a large number elsewhere. */
  private readonly points: Int32Array;
  private readonly across: number;
  private readonly moves: Int32Array;

  constructor({ height, width, rows, cols }: Points) {
    this.across = width + 2 * REACH;
    this.points = new Int32Array((height + 2 * REACH) * this.across).fill(NOTHING);
    this.moves = Int32Array.from(steps, ({ down, right }) => down * this.across + right);
    for (let i = 0; i < rows.length; i++) {
      const [row, col] = [rows[i]!, cols[i]!];
      const isNear = Math.max(-row, -col, row - height + 1, col - width + 1) <= REACH;
      if (isNear) this.points[this.at(row, col)] = i;
    }
  }

  /** The point of a pixel, or a number that is no point's. */
  of(row: number, col: number): number {
    return this.points[this.at(row, col)]!;
  }

  private at(row: number, col: number): number {
    return (row + REACH) * this.across + col + REACH;
  }

  /** As in a tree, but false unless all `wanted` points are close by. */
  nearest(row: number, col: number, wanted: number, limit = NOTHING): boolean {
    const { found, squares, points, moves } = this;
    const from = this.at(row, col);
    let count = 0;
    let last = 2 * REACH * REACH;
    for (let i = 0; i < moves.length && stepSquares[i]! <= last; i++) {
      const point = points[from + moves[i]!]!;
      if (point >= limit) continue;
      const square = stepSquares[i]!;
      let at = count++;
      while (at > 0 && squares[at - 1] === square && found[at - 1]! > point) {
        found[at] = found[at - 1]!;
        at--;
      }
      found[at] = point;
      squares[count - 1] = square;
      if (count === wanted) last = square;
    }
    return count >= wanted;
  }

  /** Whether a raster serves the first `count` points of a picture. */
  static suits({ height, width }: Points, count: number): boolean {
    return count * DENSE >= height * width;
  }
}

const CORRELATION_LENGTH = 60;
const CORRELATION_POWER = 1.4;
/** Squared distances from this one on count as one less. */
const FAR = 1 << 16;

const covariances = Float64Array.from({ length: FAR }, (_, squared) =>
  Math.exp(-((squared / CORRELATION_LENGTH ** 2) ** (CORRELATION_POWER / 2))),
);

/** The covariance of pixels by squared distance. */
export function covariance(squared: number): number {
  return covariances[squared < FAR ? squared : FAR - 1]!;
}

/** Solves the equations of ordinary kriging: by Cholesky's decomposition of the covariances, and
 * one more solution, of ones, for the sum that the weights must have. */
export class Kriging {
  private readonly rows: Float64Array;
  private readonly ones: Float64Array;
  private readonly solved: Float64Array;
  private count = 0;
  private sum = 0;

  /** @param most largest number of sites */
  constructor(most: number) {
    this.rows = new Float64Array(most * most);
    this.ones = new Float64Array(most);
    this.solved = new Float64Array(most + 1);
  }

  /** Take sites, all different. */
  take(siteRows: Float64Array, siteCols: Float64Array, count: number): void {
    this.count = count;
    const { rows, ones, solved } = this;
    for (let i = 0, at = 0; i < count; i++, at += count) {
      const [row, col] = [siteRows[i]!, siteCols[i]!];
      for (let j = 0, other = 0; j < i; j++, other += count) {
        const down = siteRows[j]! - row;
        const right = siteCols[j]! - col;
        let rest = covariance(down * down + right * right);
        for (let k = 0; k < j; k++) rest -= rows[at + k]! * rows[other + k]!;
        rows[at + j] = rest * rows[other + j]!;
      }
      let rest = 1;
      for (let k = 0; k < i; k++) rest -= rows[at + k]! ** 2;
      // The diagonal holds reciprocals.
      rows[at + i] = 1 / Math.sqrt(rest);
    }
    solved.fill(1);
    this.substitute();
    this.sum = 0;
    for (let i = 0; i < count; i++) this.sum += ones[i] = solved[i]!;
  }

  /** The solution for right sides, of which the last is what the weights must sum to: the weights,
   * then the multiplier. Overwritten by the next. */
  solve(right: Float64Array): Float64Array {
    const { count, ones, solved } = this;
    for (let i = 0; i < count; i++) solved[i] = right[i]!;
    this.substitute();
    let total = -right[count]!;
    for (let i = 0; i < count; i++) total += solved[i]!;
    const multiplier = total / this.sum;
    for (let i = 0; i < count; i++) solved[i]! -= multiplier * ones[i]!;
    solved[count] = multiplier;
    return solved;
  }

  /** Multiply `solved` by the inverse of the covariances. */
  private substitute(): void {
    const { count, rows, solved } = this;
    for (let i = 0, at = 0; i < count; i++, at += count) {
      let sum = solved[i]!;
      for (let k = 0; k < i; k++) sum -= rows[at + k]! * solved[k]!;
      solved[i] = sum * rows[at + i]!;
    }
    for (let i = count - 1, at = i * count; i >= 0; i--, at -= count) {
      const value = (solved[i] = solved[i]! * rows[at + i]!);
      for (let k = 0; k < i; k++) solved[k]! -= rows[at + k]! * value;
    }
  }
}
