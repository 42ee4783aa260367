/** The classical fill: kriging from scattered samples, in small squares of pixels. */

import { Kriging, Tree, covariance } from "./neighbours";
import type { Fill, Points } from "./types";

/** Samples that each pixel is interpolated from. */
export const NEIGHBOURS = 12;
/** Side, in pixels, of the largest square whose pixels share their neighbours. */
export const LARGEST_SQUARE = 16;
/** Limit on the side of a square, as a multiple of the local spacing of the samples: for the
 * generator, and for viewing. */
export const FINENESS = 1.2;
export const SMOOTH = 0.6;

/** Fills a picture from the values (n, 3) of its points, at least one. */
class Filler {
  readonly rgb: Float32Array;
  readonly deviation: Float32Array;
  private readonly tree: Tree;
  private readonly count: number;
  private readonly kriging: Kriging;
  private readonly rows = new Float64Array(NEIGHBOURS);
  private readonly cols = new Float64Array(NEIGHBOURS);
  private readonly right = new Float64Array(NEIGHBOURS + 1);
  private readonly near = new Float64Array(NEIGHBOURS + 1);
  private readonly inverse = new Float64Array((NEIGHBOURS + 1) ** 2);
  private readonly planes = [0, 1, 2].map(() => new Float64Array(NEIGHBOURS + 1));

  constructor(
    private readonly points: Points,
    private readonly values: Float32Array,
    private readonly fineness: number,
    /** Whether the deviation is computed, too. */
    private readonly deviating: boolean,
  ) {
    const { height, width } = points;
    this.rgb = new Float32Array(height * width * 3);
    this.deviation = new Float32Array(deviating ? height * width : 0);
    // Centres lie between pixels: in units of half a pixel they are integers, and ties exact.
    this.tree = new Tree(points.rows, points.cols, 2);
    this.count = Math.min(NEIGHBOURS, points.rows.length);
    this.kriging = new Kriging(this.count);
  }

  /** Fill a square, or divide it where samples are dense. */
  square(top: number, left: number, side: number): void {
    if (top >= this.points.height || left >= this.points.width) return;
    const { tree, count } = this;
    tree.nearest(2 * top + side - 1, 2 * left + side - 1, count);
    // A disc of this radius holds `count` samples; their spacing follows from its area.
    const radius = Math.sqrt(tree.squares[count - 1]!) / 2;
    const spacing = radius * Math.sqrt(Math.PI / count);
    if (side === 1) {
      if (tree.squares[0] === 0) this.copy(top, left);
      else this.single(top, left);
      return;
    }
    if (side <= this.fineness * spacing) {
      this.take();
      this.paint(top, left, side);
      return;
    }
    const half = side / 2;
    this.square(top, left, half);
    this.square(top, left + half, half);
    this.square(top + half, left, half);
    this.square(top + half, left + half, half);
  }

  /** Set a pixel that is a sample itself. */
  private copy(row: number, col: number): void {
    const { values, tree, points } = this;
    const from = 3 * tree.found[0]!;
    this.set(row * points.width + col, values[from]!, values[from + 1]!, values[from + 2]!);
  }

  /** Set a pixel by its YCoCg. */
  private set(at: number, y: number, co: number, cg: number): void {
    const mean = y - cg / 2;
    this.rgb[3 * at] = mean + co / 2;
    this.rgb[3 * at + 1] = y + cg / 2;
    this.rgb[3 * at + 2] = mean - co / 2;
  }

  /** Set one pixel by the samples that were found last: its weights alone are less work. */
  private single(row: number, col: number): void {
    const { rows, cols, near, count, tree, values } = this;
    this.place();
    for (let i = 0; i < count; i++) {
      const [down, right] = [rows[i]! - row, cols[i]! - col];
      near[i] = covariance(down * down + right * right);
    }
    near[count] = 1;
    const weights = this.kriging.solve(near);
    let [y, co, cg] = [0, 0, 0];
    let variance = 1 - weights[count]!;
    for (let i = 0; i < count; i++) {
      const weight = weights[i]!;
      const from = 3 * tree.found[i]!;
      y += weight * values[from]!;
      co += weight * values[from + 1]!;
      cg += weight * values[from + 2]!;
      variance -= weight * near[i]!;
    }
    const at = row * this.points.width + col;
    this.set(at, y, co, cg);
    if (this.deviating) this.deviation[at] = Math.sqrt(Math.max(0, Math.min(1, variance)));
  }

  /** Take the samples that were found last. */
  private place(): void {
    const { rows, cols, count, points, tree } = this;
    for (let i = 0; i < count; i++) {
      rows[i] = points.rows[tree.found[i]!]!;
      cols[i] = points.cols[tree.found[i]!]!;
    }
    this.kriging.take(rows, cols, count);
  }

  /** Solve for the samples that were found last. */
  private take(): void {
    const { count, tree, kriging, right } = this;
    this.place();
    right[count] = 0;
    for (const [plane, solved] of this.planes.entries()) {
      for (let i = 0; i < count; i++) right[i] = this.values[tree.found[i]! * 3 + plane]!;
      solved.set(kriging.solve(right).subarray(0, count + 1));
    }
    if (!this.deviating) return;
    const size = count + 1;
    for (let i = 0; i < size; i++) {
      right.fill(0);
      right[i] = 1;
      this.inverse.set(kriging.solve(right).subarray(0, size), i * size);
    }
  }

  /** Set the pixels of a square. */
  private paint(top: number, left: number, side: number): void {
    const { rows, cols, near, count } = this;
    const { height, width } = this.points;
    const [luma, orange, green] = this.planes as [Float64Array, Float64Array, Float64Array];
    near[count] = 1;
    for (let row = top; row < Math.min(top + side, height); row++) {
      for (let col = left; col < Math.min(left + side, width); col++) {
        let [y, co, cg] = [luma[count]!, orange[count]!, green[count]!];
        for (let i = 0; i < count; i++) {
          const [down, right] = [rows[i]! - row, cols[i]! - col];
          const c = covariance(down * down + right * right);
          near[i] = c;
          y += c * luma[i]!;
          co += c * orange[i]!;
          cg += c * green[i]!;
        }
        const at = row * width + col;
        this.set(at, y, co, cg);
        if (this.deviating) this.deviation[at] = Math.sqrt(this.variance());
      }
    }
  }

  /** The kriging variance of the pixel whose covariances are in `near`, 0..1. */
  private variance(): number {
    const { near, inverse } = this;
    const size = this.count + 1;
    let variance = 1;
    for (let i = 0, at = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += inverse[at++]! * near[j]!;
      variance -= sum * near[i]!;
    }
    return Math.max(0, Math.min(1, variance));
  }
}

/** The classical fill of a picture, RGB, not clipped.
 *
 * @param values (n, 3) in YCoCg
 * @param deviating whether the deviation is computed, too; otherwise it is empty
 */
export function fill(
  points: Points,
  values: Float32Array,
  fineness: number,
  deviating: boolean,
): Fill {
  const filler = new Filler(points, values, fineness, deviating);
  for (let top = 0; top < points.height; top += LARGEST_SQUARE) {
    for (let left = 0; left < points.width; left += LARGEST_SQUARE) {
      filler.square(top, left, LARGEST_SQUARE);
    }
  }
  const { rgb, deviation } = filler;
  return { height: points.height, width: points.width, rgb, deviation };
}
