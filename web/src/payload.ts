/** The payload of a file: density or mask, then the symbols, level by level. */

import { tables } from "./context";
import { FormatError } from "./errors";
import { readMask } from "./explicit_mask";
import { type Header, planesOf } from "./header";
import { Hierarchy, Lifting, type Span } from "./lifting";
import {
  MAX_EXPONENT,
  MAX_SAMPLES,
  checkCount,
  mostSamples,
  pointsFromDensity,
  pointsFromMask,
} from "./mask";
import { readGrid, readPlane } from "./planes";
import { Reader } from "./primitives";
import { Decoder } from "./rangecoder";
import { Box } from "./tiles";
import type { Points } from "./types";
import { ValueCoder } from "./value_contexts";

/** What the symbols of a file or tile are.
 *
 * lifting is null if samples are lossless; symbols are (n, planes), 0 beyond the layers that are
 * there. */
export interface Symbols {
  tree: Hierarchy;
  lifting: Lifting | null;
  symbols: Int32Array;
}

/** Read the points of a file or tile; also return the decoder of layer 0, before its symbols.
 *
 * @param layers those that are present
 * @param whole whether all layers are present and complete
 * @param tile the pixels of a tile, which may have no samples; null if the picture is not tiled
 */
export function readPoints(
  header: Header,
  layers: Uint8Array[],
  whole: boolean,
  tile: Box | null,
): [Decoder, Points] {
  const { top, left, height, width } = tile ?? new Box(0, 0, header.height, header.width);
  const layer = layers[0]!;
  const bytes = layers.reduce((sum, each) => sum + each.length, 0);
  const most = whole ? mostSamples(bytes) : MAX_SAMPLES;
  let coder: Decoder;
  let points: Points;
  if (header.mask === "explicit") {
    const reader = new Reader(layer);
    let mask = new Uint8Array(0);
    if (layer.length || !tile) {
      const length = reader.varint(layer.length, "the length of the mask");
      mask = new Uint8Array(readMask(reader.take(length), height, width));
    }
    checkCount(
      mask.reduce((sum, mark) => sum + mark, 0),
      most,
    );
    points = pointsFromMask(mask, height, width, [top, left]);
    coder = new Decoder(layer.subarray(reader.at), whole);
  } else {
    coder = new Decoder(layer, whole);
    const { block, scale } = header;
    const [high, wide] = [Math.ceil(height / block), Math.ceil(width / block)];
    let exponents = new Float64Array(high * wide);
    if (!header.uniform) {
      exponents = new Float64Array(readGrid(coder, high, wide, "density").values);
      if (exponents.some((each) => each < 0 || each > MAX_EXPONENT)) {
        throw new FormatError("damaged: a density is out of range");
      }
    }
    const density = { high, wide, exponents, block, scale };
    const seed = header.mask === "random" ? header.seed : null;
    points = pointsFromDensity(density, height, width, seed, most, [top, left]);
  }
  if (!points.rows.length && !tile) throw new FormatError("damaged: the file holds no sample");
  return [coder, points];
}

/** Read the symbols of a file or tile.
 *
 * @param coder as returned by readPoints
 * @param count the number of layers in the index
 * @param whole whether the present layers are complete; if not, symbols are read as far as possible
 * @param finest depth of the picture's finest octave; null if the picture is not tiled
 */
export function readSymbols(
  header: Header,
  coder: Decoder,
  points: Points,
  layers: Uint8Array[],
  count: number,
  whole: boolean,
  finest: number | null,
): Symbols {
  const tree = new Hierarchy(points, finest);
  const shares = sharesOf(tree, count, finest);
  const planes = planesOf(header);
  const symbols = new Int32Array(points.rows.length * planes);
  const lifting = header.lossless ? null : new Lifting(tree);
  const values = lifting && new ValueCoder(tree, lifting, header.step!, planes, symbols);
  for (const [layer, octaves] of shares.slice(0, layers.length).entries()) {
    if (layer) coder = new Decoder(layers[layer]!);
    for (const { start, end } of octaves) {
      for (let level = start; level < end; level++) {
        for (let plane = 0; plane < planes; plane++) {
          try {
            if (values) values.readPlane(coder, level, plane);
            else readPlane(coder, symbols, planes, tree, level, plane, tables("pixels"));
          } catch (error) {
            if (whole || !(error instanceof FormatError)) throw error;
            return { tree, lifting, symbols };
          }
        }
      }
    }
  }
  return { tree, lifting, symbols };
}

/** The octaves of each layer: one in each but the first, which has the rest. */
function sharesOf(tree: Hierarchy, count: number, finest: number | null): Span[][] {
  const { octaves, depths } = tree;
  if (finest === null) {
    if (count < 1 || count > octaves.length) {
      throw new FormatError("damaged: more layers than octaves");
    }
    const coarse = octaves.length - count + 1;
    return [octaves.slice(0, coarse), ...octaves.slice(coarse).map((octave) => [octave])];
  }
  if (depths.length && depths.at(-1)! > finest) {
    throw new FormatError("damaged: a sample is finer than the finest octave");
  }
  // By depth, so that all tiles agree.
  const shares: Span[][] = Array.from({ length: count }, () => []);
  for (const octave of octaves) {
    shares[Math.max(0, count - 1 - finest + depths[octave.start]!)]!.push(octave);
  }
  return shares;
}
