/** The types that several modules share. */

/** The sampled positions of a picture or tile, coarse to fine: rows, columns, and their blue-noise
 * ranks, ascending. */
export interface Points {
  height: number;
  width: number;
  rows: Int32Array;
  cols: Int32Array;
  ranks: Int32Array;
}

/** Points and their values, as a decoder knows them.
 *
 * values are (n, 3): luma and the two chroma planes of YCoCg. step is the quantiser step of the
 * finest luma level in grey levels, 0 if values are exact. */
export interface Samples {
  points: Points;
  values: Float32Array;
  step: number;
  tone: "least-squares" | "mean" | "point";
}

/** Planes of floats, (height, width, channels) in row order. */
export interface Picture {
  height: number;
  width: number;
  rgb: Float32Array;
}

/** A picture interpolated from samples, and its kriging deviation 0..1, (height, width). */
export interface Fill extends Picture {
  deviation: Float32Array;
}

/** The levels of a density: exponents by block in row order. */
export interface Density {
  high: number;
  wide: number;
  exponents: ArrayLike<number>;
  block: number;
  scale: number;
}

/** Integers of a grid in row order. */
export interface Grid {
  high: number;
  wide: number;
  values: Float64Array;
}
