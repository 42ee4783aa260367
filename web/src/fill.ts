/** The classical fill: kriging from scattered samples, in small squares of pixels. */

import { Kriging, Raster, Tree, covariance } from "./neighbours";
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
  private readonly raster: Raster;
  /** Samples above and left of each corner of pixels, (height + 1, width + 1). */
  private readonly sums: Int32Array;
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
    this.raster = new Raster(points);
    this.sums = this.summed();
  }

  /** Fill a square, or divide it where samples are dense. */
  square(top: number, left: number, side: number): void {
    if (top >= this.points.height || left >= this.points.width) return;
    const { tree, count } = this;
    if (side === 1) return this.pixel(top, left);
    if (this.isDense(top, left, side)) return this.quarters(top, left, side / 2);
    tree.nearest(2 * top + side - 1, 2 * left + side - 1, count);
    // A disc of this radius holds `count` samples; their spacing follows from its area.
    const radius = Math.sqrt(tree.squares[count - 1]!) / 2;
    const spacing = radius * Math.sqrt(Math.PI / count);
    if (side <= this.fineness * spacing) {
      this.take(tree.found);
      this.paint(top, left, side);
      return;
    }
    this.quarters(top, left, side / 2);
  }

  private quarters(top: number, left: number, half: number): void {
    this.square(top, left, half);
    this.square(top, left + half, half);
    this.square(top + half, left, half);
    this.square(top + half, left + half, half);
  }

  private summed(): Int32Array {
    const { height, width, rows } = this.points;
    const across = width + 1;
    const sums = new Int32Array((height + 1) * across);
    for (let row = 0; row < height; row++) {
      let at = (row + 1) * across + 1;
      for (let col = 0, line = 0; col < width; col++, at++) {
        if (this.raster.of(row, col) < rows.length) line++;
        sums[at] = line + sums[at - across]!;
      }
    }
    return sums;
  }

  /** Whether a square must be divided, for all that can be told without a search: where it is not
   * divided, the disc that just holds `count` samples is at least as wide as this one. */
  private isDense(top: number, left: number, side: number): boolean {
    const radius = (side / this.fineness) * Math.sqrt(this.count / Math.PI);
    // Pixels in a square within the disc.
    const reach = Math.floor(radius * Math.SQRT1_2 - (side - 1) / 2 - 0.01);
    if (reach < -side / 2) return false;
    const { height, width } = this.points;
    const across = width + 1;
    const above = Math.max(0, top - reach) * across;
    const below = Math.min(height, top + side + reach) * across;
    const before = Math.max(0, left - reach);
    const behind = Math.min(width, left + side + reach);
    const { sums } = this;
    const held = sums[below + behind]! - sums[below + before]! - sums[above + behind]!;
    return held + sums[above + before]! >= this.count;
  }

  /** Fill a pixel by its own nearest samples, or by the one that it is. */
  private pixel(row: number, col: number): void {
    const { tree, raster, count } = this;
    const sample = raster.of(row, col);
    if (sample < this.points.rows.length) return this.copy(row, col, sample);
    if (raster.nearest(row, col, count)) return this.single(row, col, raster.found);
    tree.nearest(2 * row, 2 * col, count);
    this.single(row, col, tree.found);
  }

  /** Set a pixel that is a sample itself. */
  private copy(row: number, col: number, sample: number): void {
    const { values, points } = this;
    const from = 3 * sample;
    this.set(row * points.width + col, values[from]!, values[from + 1]!, values[from + 2]!);
  }

  /** Set a pixel by its YCoCg. */
  private set(at: number, y: number, co: number, cg: number): void {
    const mean = y - cg / 2;
    this.rgb[3 * at] = mean + co / 2;
    this.rgb[3 * at + 1] = y + cg / 2;
    this.rgb[3 * at + 2] = mean - co / 2;
  }

  /** Set one pixel by samples: its weights alone are less work. */
  private single(row: number, col: number, found: Int32Array): void {
    const { rows, cols, near, count, values } = this;
    this.place(found);
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
      const from = 3 * found[i]!;
      y += weight * values[from]!;
      co += weight * values[from + 1]!;
      cg += weight * values[from + 2]!;
      variance -= weight * near[i]!;
    }
    const at = row * this.points.width + col;
    this.set(at, y, co, cg);
    if (this.deviating) this.deviation[at] = Math.sqrt(Math.max(0, Math.min(1, variance)));
  }

  /** Take samples. */
  private place(found: Int32Array): void {
    const { rows, cols, count, points } = this;
    for (let i = 0; i < count; i++) {
      rows[i] = points.rows[found[i]!]!;
      cols[i] = points.cols[found[i]!]!;
    }
    this.kriging.take(rows, cols, count);
  }

  /** Take samples, and solve for their values. */
  private take(found: Int32Array): void {
    const { count, kriging, right } = this;
    this.place(found);
    right[count] = 0;
    for (const [plane, solved] of this.planes.entries()) {
      for (let i = 0; i < count; i++) right[i] = this.values[found[i]! * 3 + plane]!;
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
