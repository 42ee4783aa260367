/** The byte layout of .xgc files: header, index, payload, checksum (docs/format.md, section 1). */

import { FormatError, TruncatedError } from "./errors";
import { type Header, readHeader } from "./header";
import { CHECKSUM, Reader, checksum, contentSize, ending, endingSize, equal } from "./primitives";
import { TileGrid, UNIT } from "./tiles";

const MAX_LAYERS = 32;
/** Depth of the finest octave that ranks reach. */
const MAX_DEPTH = 13;

/** A tile's part of a layer: where its bytes are, and their CRC-32C if they have one. */
interface Piece {
  start: number;
  length: number;
  checksum: Uint8Array | null;
}

/** A file whose header and index have been read. */
export class Contents {
  constructor(
    readonly header: Header,
    /** The number of layers. */
    readonly layers: number,
    readonly grid: TileGrid,
    /** Depth of the finest octave of a tiled picture, else null. */
    readonly finest: number | null,
    /** By layer, then by tile. */
    private readonly pieces: Piece[][],
    private readonly data: Uint8Array,
    /** Whether the checksum of the whole file is right. */
    private readonly sound: boolean,
    private readonly partial: boolean,
  ) {}

  /** The layers of a tile, and whether all of the returned ones are complete.
   *
   * For damaged files, if `partial`, these are the complete leading layers; if there is none and
   * the picture is not tiled, the rest of the first one. */
  tile(number = 0): [Uint8Array[], boolean] {
    const layers: Uint8Array[] = [];
    for (const { start, length, checksum: expected } of this.pieces.map((row) => row[number]!)) {
      const layer = this.data.subarray(start, start + length);
      if (expected === null) {
        if (this.sound || this.finest !== null) {
          layers.push(layer);
          continue;
        }
        // The last bytes may belong to the checksum: they must not be read as symbols.
        return [[layer], false];
      }
      if (layer.length < length || !equal(checksum(layer), expected)) {
        if (!this.partial) {
          throw new FormatError("damaged: the checksum of a layer does not match");
        }
        if (layers.length) return [layers, true];
        return [this.finest === null ? [layer] : [], false];
      }
      layers.push(layer);
    }
    return [layers, true];
  }
}

/** Read the header and index of a file.
 *
 * @param partial accept a file that is truncated or damaged after the index
 */
export function read(data: Uint8Array, maxPixels: number, partial: boolean): Contents {
  const reader = new Reader(data);
  const [header, layered] = readHeader(reader, maxPixels);
  const side = layered ? reader.byte() * UNIT : 0;
  const grid = new TileGrid(
    header.height,
    header.width,
    side || Math.max(header.height, header.width),
  );
  const count = layered ? reader.varint(MAX_LAYERS, "the number of layers") : 1;
  const finest = side ? reader.byte() : null;
  if (!count || (finest !== null && (finest < count - 1 || finest > MAX_DEPTH))) {
    throw new FormatError("damaged: the number of layers is out of range");
  }
  const pieces = layered
    ? readPieces(reader, count, grid.length, side > 0)
    : [
        [
          {
            start: reader.at,
            length: Math.max(0, contentSize(data.length) - reader.at),
            checksum: null,
          },
        ],
      ];
  const last = pieces.at(-1)!.at(-1)!;
  const content = last.start + last.length;
  const end = content + endingSize(content);
  const whole = data.length >= end;
  const sound = whole && equal(data.subarray(content), ending(data.subarray(0, content)));
  if (!partial) {
    if (layered && !whole) {
      throw new TruncatedError(`cut short: ${data.length} of ${end} bytes are there`);
    }
    if (data.length > end || !sound) {
      const cut = layered ? "" : " or cut short";
      throw new FormatError(`damaged${cut}: the checksum does not match`);
    }
  }
  return new Contents(header, count, grid, finest, pieces, data, sound, partial);
}

function readPieces(reader: Reader, layers: number, tiles: number, tiled: boolean): Piece[][] {
  const found: Piece[] = [];
  let start = 0;
  for (let i = 0; i < layers * tiles; i++) {
    const length = reader.varint(2 ** 32 - 1, "the length of a layer");
    found.push({ start, length, checksum: length || !tiled ? reader.take(CHECKSUM) : null });
    start += length;
  }
  if (tiled) {
    const expected = checksum(reader.data.subarray(0, reader.at));
    if (!equal(reader.take(CHECKSUM), expected)) {
      throw new FormatError("damaged: the checksum of the index does not match");
    }
  }
  for (const piece of found) piece.start += reader.at;
  const rows: Piece[][] = [];
  for (let at = 0; at < found.length; at += tiles) rows.push(found.slice(at, at + tiles));
  return rows;
}
