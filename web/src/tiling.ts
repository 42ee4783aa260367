/** Overlapping windows: a generator on pictures of any size, in bounded memory, without seams. */

import { Box } from "./tiles";

/** Side of a pixel at the generator's coarsest resolution, in pixels of the picture. */
export const MULTIPLE = 16;
/** Pictures of at most this many pixels are one window. */
const WHOLE = 1024 * 1024;
/** Largest side of a window in pixels. */
const TILE = 1024;
/** Pixels dropped at the inner borders of a window. */
const MARGIN = 32;
/** Pixels over which neighbouring windows are blended. */
const RAMP = 64;
const OVERLAP = 2 * MARGIN + RAMP;

/** A window's part of an axis, and the weight of the window at each of its pixels. */
export interface Span {
  start: number;
  stop: number;
  weights: Float32Array;
}

/** The spans of a picture's rows, and those of its columns. */
export function axes(height: number, width: number): [Span[], Span[]] {
  if (height * width <= WHOLE) return [[all(height)], [all(width)]];
  return [spans(height), spans(width)];
}

/** The box of a window. */
export function boxOf(rows: Span, cols: Span): Box {
  return new Box(rows.start, cols.start, rows.stop - rows.start, cols.stop - cols.start);
}

function all(length: number): Span {
  return { start: 0, stop: length, weights: new Float32Array(length).fill(1) };
}

/** Spans of at most TILE pixels, about equally long, that cover an axis. */
function spans(length: number): Span[] {
  if (length <= TILE) return [all(length)];
  let count = Math.ceil((length - OVERLAP) / (TILE - OVERLAP));
  let each = Math.ceil((length + (count - 1) * OVERLAP) / count);
  each = Math.ceil(each / MULTIPLE) * MULTIPLE;
  count = Math.ceil((length - OVERLAP) / (each - OVERLAP)); // Fewer may suffice after rounding.
  const total = new Float32Array(length);
  const found = Array.from({ length: count }, (_, number) => {
    const start = number * (each - OVERLAP);
    const stop = Math.min(start + each, length);
    const weights = Float32Array.from({ length: stop - start }, (_, here) => {
      const rising = start > 0 ? (here + 0.5 - MARGIN) / RAMP : 1;
      const falling = stop < length ? (stop - start - 1 - here + 0.5 - MARGIN) / RAMP : 1;
      return Math.max(0, Math.min(1, rising, falling));
    });
    weights.forEach((weight, here) => (total[start + here]! += weight));
    return { start, stop, weights };
  });
  for (const { start, weights } of found) {
    weights.forEach((weight, here) => (weights[here] = weight / total[start + here]!));
  }
  return found;
}
