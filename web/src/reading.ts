/** Reading a file tile by tile, whole or damaged. */

import { clipped8, fromYCoCgR, toYCoCg } from "./colour";
import { type Contents, read } from "./container";
import { FormatError } from "./errors";
import { type Header, planesOf } from "./header";
import { restore } from "./lifting";
import { readPoints, readSymbols, type Symbols } from "./payload";
import { GREY, synthesise } from "./synthesis";
import { Box } from "./tiles";
import type { Points, Samples } from "./types";

/** A tile, or a picture that is not tiled; positions count from the corner of the box. */
export class Tile {
  constructor(
    readonly header: Header,
    readonly box: Box,
    readonly points: Points,
    readonly read: Symbols,
  ) {}

  /** RGB, (n, 3), of lossless samples. */
  pixels(): Uint8Array {
    const planes = planesOf(this.header);
    const values = restore(this.read.symbols, planes, this.read.tree);
    const rgb = new Uint8Array(this.points.rows.length * 3);
    for (let i = 0; i < this.points.rows.length; i++) {
      const at = i * planes;
      const chroma = planes > 1 ? [values[at + 1]!, values[at + 2]!] : [0, 0];
      const colour = fromYCoCgR(values[at]! + GREY[0]!, chroma[0]!, chroma[1]!);
      rgb.set(colour.map(clipped8), 3 * i);
    }
    return rgb;
  }

  /** The samples that a picture is reconstructed from. */
  samples(): Samples {
    const { step, tone } = this.header;
    const { tree, lifting, symbols } = this.read;
    if (step === null || !lifting) {
      return { points: this.points, values: toYCoCg(this.pixels()), step: 0, tone: "point" };
    }
    return synthesise(tree, lifting, symbols, planesOf(this.header), step, tone);
  }
}

/** Read a tile; null if it is damaged and nothing is left of it. */
export function readTile(contents: Contents, number = 0): Tile | null {
  const { header, finest } = contents;
  const [layers, whole] = contents.tile(number);
  if (!layers.length) return null;
  const tile = finest === null ? null : contents.grid.box(number);
  const [coder, points] = readPoints(header, layers, whole, tile);
  const read = readSymbols(header, coder, points, layers, contents.layers, whole, finest);
  return new Tile(header, tile ?? new Box(0, 0, header.height, header.width), points, read);
}

/** Read the header and the index of a file.
 *
 * @param partial accept a damaged file
 * @param warn is told what is wrong with it
 */
export function opened(
  data: Uint8Array,
  maxPixels: number,
  partial: boolean,
  warn: (message: string) => void,
): Contents {
  try {
    return read(data, maxPixels, false);
  } catch (error) {
    if (!partial || !(error instanceof FormatError)) throw error;
  }
  const contents = read(data, maxPixels, true);
  const unchecked = contents.finest === null && !contents.tile()[1];
  const which = unchecked ? ", which has no checksum of its own" : "";
  warn(`damaged or cut short: decoded from what is left${which}`);
  return contents;
}
