/** Reconstructing pictures window by window, in bounded memory. */

import { conditions, painted } from "./conditions";
import { FINENESS, LARGEST_SQUARE, SMOOTH, fill } from "./fill";
import type { Generator } from "./generator";
import { MULTIPLE, axes, boxOf } from "./tiling";
import { Box } from "./tiles";
import type { Samples } from "./types";

/** The classical decoder fills pictures of at most this many pixels in one piece. */
const WHOLE = 1 << 21;
/** Side in pixels of the windows that larger pictures are filled in. */
const SIDE = 64 * LARGEST_SQUARE;

/** Where samples come from. */
export interface Source {
  readonly whole: Box;
  /** The samples that a window depends on, counted from its corner, and their RGB if they are
   * lossless. */
  around(window: Box): [Samples, Uint8Array | null];
  /** Nothing above this row is asked for any more. */
  forgetAbove(row: number): void;
}

/** Is called now and then with the share of the work that is done, 0..1. */
export type Progress = (share: number) => void;

/** RGB by pixel in row order, written window by window. */
export class Canvas {
  readonly data: Uint8ClampedArray<ArrayBuffer>;

  constructor(
    readonly height: number,
    readonly width: number,
  ) {
    this.data = new Uint8ClampedArray(height * width * 4).fill(255);
  }

  /** Write rows of floats, (height, width, 3), at a place; levels are rounded and clipped. */
  put(rgb: Float32Array, top: number, left: number, height: number, width: number): void {
    for (let row = 0; row < height; row++) {
      let to = 4 * ((top + row) * this.width + left);
      for (let at = 3 * row * width; at < 3 * (row + 1) * width; at += 3, to += 4) {
        this.data[to] = rgb[at]!;
        this.data[to + 1] = rgb[at + 1]!;
        this.data[to + 2] = rgb[at + 2]!;
      }
    }
  }
}

/** Draw the classical fill. */
export function drawFill(source: Source, progress: Progress = () => {}): Canvas {
  const { whole } = source;
  const canvas = new Canvas(whole.height, whole.width);
  const side = whole.height * whole.width > WHOLE ? SIDE : Math.max(whole.height, whole.width);
  for (let top = 0; top < whole.height; top += side) {
    source.forgetAbove(top);
    for (let left = 0; left < whole.width; left += side) {
      const height = Math.min(side, whole.height - top);
      const width = Math.min(side, whole.width - left);
      const [samples, exact] = source.around(new Box(top, left, height, width));
      const { rgb } = fill(samples.points, samples.values, SMOOTH, false);
      canvas.put(putBack(rgb, samples, exact), top, left, height, width);
      progress((top * whole.width + height * (left + width)) / (whole.height * whole.width));
    }
  }
  return canvas;
}

/** Draw the generator's picture. */
export async function drawPainted(
  source: Source,
  generator: Generator,
  progress: Progress = () => {},
): Promise<Canvas> {
  const { height, width } = source.whole;
  const canvas = new Canvas(height, width);
  const [down, right] = axes(height, width);
  let top = 0;
  let strip = new Float32Array(0);
  for (const [number, rows] of down.entries()) {
    source.forgetAbove(rows.start);
    const grown = new Float32Array((rows.stop - top) * width * 3);
    grown.set(strip);
    for (const [place, cols] of right.entries()) {
      const [samples, exact] = source.around(boxOf(rows, cols));
      const filled = fill(samples.points, samples.values, FINENESS, true);
      const residual = generator.paint(conditions(samples, filled, MULTIPLE));
      const rgb = putBack(painted(filled, residual), samples, exact);
      const wide = cols.stop - cols.start;
      for (let row = rows.start; row < rows.stop; row++) {
        const weight = rows.weights[row - rows.start]!;
        const to = 3 * ((row - top) * width + cols.start);
        const from = 3 * (row - rows.start) * wide;
        for (let i = 0; i < 3 * wide; i++) {
          grown[to + i]! += weight * cols.weights[Math.floor(i / 3)]! * rgb[from + i]!;
        }
      }
      progress((number * right.length + place + 1) / (down.length * right.length));
    }
    // The next row of windows still adds to the rows below its start.
    const ready = down[number + 1]?.start ?? height;
    canvas.put(grown, top, 0, ready - top, width);
    strip = grown.slice((ready - top) * width * 3);
    top = ready;
  }
  return canvas;
}

/** A window with its lossless samples put back. */
function putBack(rgb: Float32Array, { points }: Samples, exact: Uint8Array | null): Float32Array {
  const { height, width, rows, cols } = points;
  if (!exact) return rgb;
  rows.forEach((row, i) => {
    const col = cols[i]!;
    if (row < 0 || row >= height || col < 0 || col >= width) return;
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * (row * width + col) + channel] = exact[3 * i + channel]!;
    }
  });
  return rgb;
}
