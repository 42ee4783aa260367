/** The input of a generator, and the scale of its numbers. */

import type { Fill, Samples } from "./types";

/** Planes of the input: RGB of the fill, deviation, mask, step, tone. */
export const CHANNELS = 7;
/** One grey level on the network's scale. */
const GREY_LEVEL = 2 / 255;

/** Squares of 2x2 pixels as channels: (high, wide, 4 * channels) in row order. */
export interface Squares {
  high: number;
  wide: number;
  data: Float32Array;
}

/** The generator's input for a picture, extended by reflection to a multiple of `multiple`. */
export function conditions(samples: Samples, fill: Fill, multiple: number): Squares {
  const { height, width, rgb, deviation } = fill;
  const mask = new Uint8Array(height * width);
  samples.points.rows.forEach((row, i) => {
    const col = samples.points.cols[i]!;
    if (row >= 0 && row < height && col >= 0 && col < width) mask[row * width + col] = 1;
  });
  const step = Math.log2(1 + samples.step) / 6;
  const tone = samples.tone === "point" ? 1 : 0;
  const rows = reflected(height, multiple);
  const cols = reflected(width, multiple);
  const [high, wide] = [rows.length / 2, cols.length / 2];
  const data = new Float32Array(high * wide * 4 * CHANNELS);
  for (const [y, row] of rows.entries()) {
    for (const [x, col] of cols.entries()) {
      const from = row * width + col;
      // The place of the pixel in its square, of four that each channel has.
      const at = ((y >> 1) * wide + (x >> 1)) * 4 * CHANNELS + (y & 1) * 2 + (x & 1);
      for (let channel = 0; channel < 3; channel++) {
        const level = Math.max(0, Math.min(255, rgb[3 * from + channel]!));
        data[at + 4 * channel] = level * GREY_LEVEL - 1;
      }
      data[at + 12] = deviation[from]!;
      data[at + 16] = mask[from]!;
      data[at + 20] = step;
      data[at + 24] = tone;
    }
  }
  return { high, wide, data };
}

/** Indices that extend 0 .. length - 1 to a multiple by reflection at its end. */
function reflected(length: number, multiple: number): number[] {
  const period = Math.max(2 * (length - 1), 1); // A single pixel is its own reflection.
  return Array.from({ length: Math.ceil(length / multiple) * multiple }, (_, i) =>
    length > 1 ? Math.min(i % period, period - (i % period)) : 0,
  );
}

/** The picture of a residual: RGB (height, width, 3), grey levels, not clipped. */
export function painted({ height, width, rgb }: Fill, residual: Squares): Float32Array {
  const picture = new Float32Array(height * width * 3);
  for (let row = 0, at = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const square = ((row >> 1) * residual.wide + (col >> 1)) * 12 + (row & 1) * 2 + (col & 1);
      for (let channel = 0; channel < 3; channel++, at++) {
        const level = Math.max(0, Math.min(255, rgb[at]!));
        picture[at] = level + residual.data[square + 4 * channel]! / GREY_LEVEL;
      }
    }
  }
  return picture;
}
