/** What a file decodes to before floats begin: positions, and symbols. */

import { planesOf } from "../src/header";
import { opened, readTile } from "../src/reading";

const MAX_PIXELS = 1 << 20;

export interface Facts {
  tiles: number;
  layers: number;
  planes: number;
  sections: Map<number, Uint8Array>;
  /** Rows and columns, in turn. */
  points: number[];
  symbols: number[];
}

export function factsOf(data: Uint8Array): Facts {
  const contents = opened(data, MAX_PIXELS, false, () => {});
  const points: number[] = [];
  const symbols: number[] = [];
  for (let number = 0; number < contents.grid.length; number++) {
    const tile = readTile(contents, number)!;
    const { rows, cols } = tile.points;
    rows.forEach((row, i) => points.push(row + tile.box.top, cols[i]! + tile.box.left));
    for (const symbol of tile.read.symbols) symbols.push(symbol);
  }
  return {
    tiles: contents.grid.length,
    layers: contents.layers,
    planes: planesOf(contents.header),
    sections: contents.header.sections,
    points,
    symbols,
  };
}
