/** Collecting the samples around any part of a picture, tile by tile. */

import type { Contents } from "./container";
import type { Source } from "./drawing";
import { FormatError } from "./errors";
import { NEIGHBOURS } from "./fill";
import { Tree } from "./neighbours";
import { stepOf } from "./quantizer";
import { readTile } from "./reading";
import { joined } from "./seams";
import type { Box } from "./tiles";
import type { Samples } from "./types";

/** Initial margin in pixels around a window from which samples are taken. */
const MARGIN = 64;
/** Distance in pixels of the border positions at which the margin is checked. */
const SPACING = 32;

/** The samples of one tile or several; exact: RGB if they are lossless. */
interface TileSamples {
  tiles: Int32Array;
  rows: Int32Array;
  cols: Int32Array;
  ranks: Int32Array;
  values: Float32Array;
  exact: Uint8Array | null;
}

/** A file whose tiles are read when a window needs them, and dropped when they are done with. */
export class Mosaic implements Source {
  private readonly tiles = new Map<number, TileSamples>();
  private readonly step: number;
  readonly whole: Box;

  constructor(private readonly contents: Contents) {
    this.whole = contents.grid.whole;
    const { step } = contents.header;
    this.step = step === null ? 0 : stepOf(step);
  }

  /** Drop tiles that end above a row. */
  forgetAbove(row: number): void {
    for (const number of [...this.tiles.keys()]) {
      if (this.contents.grid.box(number).bottom <= row) this.tiles.delete(number);
    }
  }

  /** The samples that a window depends on, counted from its corner, and their RGB if they are
   * lossless. */
  around(window: Box): [Samples, Uint8Array | null] {
    const { whole } = this;
    let known: TileSamples;
    for (let margin = MARGIN; ; margin *= 2) {
      const near = window.grown(margin, whole);
      known = this.samplesIn(near);
      if (near.equals(whole) || isEnough(known, window, margin)) break;
    }
    if (!known.rows.length) throw new FormatError("damaged: the file holds no sample");
    const points = {
      height: window.height,
      width: window.width,
      rows: known.rows.map((row) => row - window.top),
      cols: known.cols.map((col) => col - window.left),
      ranks: known.ranks,
    };
    const values = this.step
      ? joined(known.rows, known.cols, known.tiles, known.values, this.step)
      : known.values;
    const { tone } = this.contents.header;
    return [{ points, values, step: this.step, tone }, known.exact];
  }

  private samplesIn(box: Box): TileSamples {
    const { grid, header } = this.contents;
    const parts = grid.touching(box).map((number) => {
      const found = this.tiles.get(number) ?? this.read(number);
      this.tiles.set(number, found);
      return found;
    });
    if (parts.length === 1 && box.equals(grid.whole)) return parts[0]!;
    const inside = parts.map(({ rows, cols }) => {
      const kept: number[] = [];
      rows.forEach((row, i) => {
        const col = cols[i]!;
        const within = row >= box.top && row < box.bottom && col >= box.left && col < box.right;
        if (within) kept.push(i);
      });
      return kept;
    });
    const count = inside.reduce((sum, each) => sum + each.length, 0);
    const found: TileSamples = {
      tiles: new Int32Array(count),
      rows: new Int32Array(count),
      cols: new Int32Array(count),
      ranks: new Int32Array(count),
      values: new Float32Array(3 * count),
      exact: header.lossless ? new Uint8Array(3 * count) : null,
    };
    let at = 0;
    parts.forEach((part, place) => {
      for (const i of inside[place]!) {
        found.tiles[at] = part.tiles[i]!;
        found.rows[at] = part.rows[i]!;
        found.cols[at] = part.cols[i]!;
        found.ranks[at] = part.ranks[i]!;
        for (let plane = 0; plane < 3; plane++) {
          found.values[3 * at + plane] = part.values[3 * i + plane]!;
          if (found.exact) found.exact[3 * at + plane] = part.exact![3 * i + plane]!;
        }
        at++;
      }
    });
    return found;
  }

  private read(number: number): TileSamples {
    const tile = readTile(this.contents, number);
    const { header } = this.contents;
    if (!tile) {
      const [nothing, exact] = [new Int32Array(0), header.lossless ? new Uint8Array(0) : null];
      const values = new Float32Array(0);
      return { tiles: nothing, rows: nothing, cols: nothing, ranks: nothing, values, exact };
    }
    const { points, box } = tile;
    return {
      tiles: new Int32Array(points.rows.length).fill(number),
      rows: points.rows.map((row) => row + box.top),
      cols: points.cols.map((col) => col + box.left),
      ranks: points.ranks,
      values: tile.samples().values,
      exact: header.lossless ? tile.pixels() : null,
    };
  }
}

/** Whether the margin holds every neighbour that the window's pixels need. */
function isEnough(known: TileSamples, window: Box, margin: number): boolean {
  if (known.rows.length < NEIGHBOURS) return false;
  const tree = new Tree(known.rows, known.cols);
  const reach = (row: number, col: number): boolean => {
    tree.nearest(row, col, NEIGHBOURS);
    return Math.sqrt(tree.squares[NEIGHBOURS - 1]!) + SPACING / 2 <= margin;
  };
  // If the margin suffices for the border, it suffices for the inside.
  const [bottom, right] = [window.bottom - 1, window.right - 1];
  const along = (start: number, last: number): number[] => {
    const places = [];
    for (let place = start; place < last; place += SPACING) places.push(place);
    return [...places, last];
  };
  return (
    along(window.left, right).every((col) => reach(window.top, col) && reach(bottom, col)) &&
    along(window.top, bottom).every((row) => reach(row, window.left) && reach(row, right))
  );
}
