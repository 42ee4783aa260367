/** Explicit masks, coded in one of three ways (docs/format.md, section 3). */

import { FormatError } from "./errors";
import { readGrid } from "./planes";
import { unpack } from "./primitives";
import { Decoder, TABLE_BITS, cumulate } from "./rangecoder";

const BLOCK = 16;

/** The mask: a byte for each pixel, 1 on samples. */
export function readMask(data: Uint8Array, height: number, width: number): Uint8Array {
  const body = data.subarray(1);
  switch (data[0]) {
    case 0:
      return readBitmap(body, height * width);
    case 1:
      return readRuns(body, height * width);
    case 2:
      return readBlocks(body, height, width);
    default:
      throw new FormatError("damaged: the mask is coded in no known way");
  }
}

function readBitmap(body: Uint8Array, area: number): Uint8Array {
  const bits = unpack(body, Math.floor((area + 7) / 8), "the mask");
  if (bits.length * 8 < area) throw new FormatError("damaged: the mask is too short");
  return Uint8Array.from({ length: area }, (_, i) => (bits[i >> 3]! >> (7 - (i & 7))) & 1);
}

function readRuns(body: Uint8Array, area: number): Uint8Array {
  const mask = new Uint8Array(area);
  let at = 0;
  for (const gap of unpack(body, area + Math.floor(area / 255) + 1, "the mask")) {
    at += gap;
    if (gap === 255) continue;
    if (at >= area) throw new FormatError("damaged: the mask is longer than the picture");
    mask[at++] = 1;
  }
  return mask;
}

function readBlocks(body: Uint8Array, height: number, width: number): Uint8Array {
  const coder = new Decoder(body);
  const [high, wide] = [Math.ceil(height / BLOCK), Math.ceil(width / BLOCK)];
  const { values: samples } = readGrid(coder, high, wide, "counts");
  const pixels = new Int32Array(high * wide);
  for (let block = 0; block < pixels.length; block++) {
    const [row, col] = [Math.floor(block / wide), block % wide];
    pixels[block] = Math.min(BLOCK, height - row * BLOCK) * Math.min(BLOCK, width - col * BLOCK);
  }
  if (samples.some((count, i) => count < 0 || count > pixels[i]!)) {
    throw new FormatError("damaged: a block of the mask holds more samples than pixels");
  }
  const mask = new Uint8Array(height * width);
  for (let place = 0; place < BLOCK * BLOCK; place++) {
    const [row, col] = [place >> 4, place & 15];
    // Blocks by their remaining samples and pixels: most samples first decide.
    const groups = new Map<number, number[]>();
    for (let block = 0; block < pixels.length; block++) {
      if (!isInside(block, row, col)) continue;
      const key = samples[block]! * 512 + pixels[block]!;
      const group = groups.get(key);
      if (group) group.push(block);
      else groups.set(key, [block]);
    }
    for (const key of [...groups.keys()].sort((a, b) => a - b)) {
      const [left, area] = [Math.floor(key / 512), key % 512];
      const share = Math.floor((left * 2 ** TABLE_BITS) / area);
      const cumulative = cumulate([2 ** TABLE_BITS - share, share]);
      for (const block of groups.get(key)!) {
        const certain = left === 0 || left === area;
        const marked = certain ? left > 0 : coder.symbol(cumulative) === 1;
        pixels[block]!--;
        if (!marked) continue;
        samples[block]!--;
        const [y, x] = [Math.floor(block / wide) * BLOCK, (block % wide) * BLOCK];
        mask[(y + row) * width + x + col] = 1;
      }
    }
  }
  return mask;

  function isInside(block: number, row: number, col: number): boolean {
    const [y, x] = [Math.floor(block / wide) * BLOCK, (block % wide) * BLOCK];
    return y + row < height && x + col < width;
  }
}
