/** From density to mask: which pixels are sampled, in which order (docs/format.md, section 3). */

import blueNoise from "data:blue-noise";

import { LimitError } from "./errors";
import type { Density, Points } from "./types";

const TILE = 128;
const RANK_BITS = 22;
const SCALE_STEPS = 128;
export const MAX_EXPONENT = 15;
/** Limit on the samples of a picture. */
export const MAX_SAMPLES = 2 ** 23;
/** Samples that any file may have, and further ones per byte of its payload. */
export const FREE_SAMPLES = 2 ** 17;
const SAMPLES_PER_BYTE = 64;

const tile = new Uint16Array(TILE * TILE);
for (let i = 0; i < tile.length; i++) tile[i] = blueNoise[2 * i]! | (blueNoise[2 * i + 1]! << 8);

/** Order among 16x16 tiles: a Bayer matrix. */
const bayer = new Uint8Array(256);
for (let place = 0; place < 256; place++) {
  for (let bit = 0; bit < 4; bit++) {
    const row = (place >> (4 + bit)) & 1;
    const col = (place >> bit) & 1;
    bayer[place] = (bayer[place]! << 2) | ((row ^ col) << 1) | row;
  }
}

/** The blue-noise rank of a position, 0 .. 2 ** 22 - 1. */
export function rank(row: number, col: number): number {
  const among = ((row >> 7) & 15) * 16 + ((col >> 7) & 15);
  return tile[(row & 127) * TILE + (col & 127)]! * 256 + bayer[among]!;
}

/** floor(2 ** 16 * 2 ** (i / steps)) for each i below `steps`, a power of two, by integer roots. */
export function mantissas(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => {
    let value = 1n << BigInt(16 * steps + i);
    for (let root = steps; root > 1; root /= 2) value = squareRoot(value);
    return Number(value);
  });
}

function squareRoot(value: bigint): bigint {
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

const scaleMantissas = mantissas(SCALE_STEPS);

/** The limit below which ranks are sampled, in a block with this exponent. */
export function threshold(exponent: number, scale: number): number {
  const octave = Math.floor(scale / SCALE_STEPS);
  const raised = scaleMantissas[scale % SCALE_STEPS]! * 2 ** (exponent + octave - 32);
  return Math.min(2 ** RANK_BITS, Math.floor(raised));
}

/** The splitmix64 hash of positions with one seed, 22 bits, in halves of 32 bits. */
class Hash {
  private readonly high: number;
  private readonly low: number;
  private upper = 0;
  private lower = 0;

  constructor(seed: number) {
    const start = BigInt.asUintN(64, (BigInt(seed) + 1n) * 0x9e3779b97f4a7c15n);
    this.high = Number(start >> 32n);
    this.low = Number(start & 0xffffffffn);
  }

  of(row: number, col: number): number {
    const low = this.low + col;
    this.lower = low | 0;
    this.upper = (this.high + row + (low >= 2 ** 32 ? 1 : 0)) | 0;
    this.mix(30);
    this.multiply(0xbf58476d, 0x1ce4e5b9);
    this.mix(27);
    this.multiply(0x94d049bb, 0x133111eb);
    this.mix(31);
    return this.upper >>> (32 - RANK_BITS);
  }

  /** x ^= x >> by */
  private mix(by: number): void {
    this.lower ^= (this.lower >>> by) | (this.upper << (32 - by));
    this.upper ^= this.upper >>> by;
  }

  /** x *= high * 2 ** 32 + low, modulo 2 ** 64 */
  private multiply(high: number, low: number): void {
    const [a0, a1] = [this.lower & 0xffff, this.lower >>> 16];
    const [b0, b1] = [low & 0xffff, low >>> 16];
    const middle = a1 * b0 + Math.floor((a0 * b0) / 65536);
    const rest = a0 * b1 + (middle % 65536);
    const carry = a1 * b1 + Math.floor(middle / 65536) + Math.floor(rest / 65536);
    this.upper = (Math.imul(this.upper, low) + Math.imul(this.lower, high) + carry) | 0;
    this.lower = Math.imul(this.lower, low);
  }
}

/** The limit on the samples of a file with this many bytes of payload. */
export function mostSamples(payload: number): number {
  return Math.min(MAX_SAMPLES, FREE_SAMPLES + SAMPLES_PER_BYTE * payload);
}

export function checkCount(count: number, most: number): void {
  if (count > most) {
    throw new LimitError(`at least ${count} samples, more than the limit of ${most}`);
  }
}

/** Positions in row order, growing as they come. */
class Positions {
  rows = new Int32Array(1024);
  cols = new Int32Array(1024);
  count = 0;

  add(row: number, col: number): void {
    if (this.count === this.rows.length) {
      this.rows = grown(this.rows);
      this.cols = grown(this.cols);
    }
    this.rows[this.count] = row;
    this.cols[this.count++] = col;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** The points that a density marks, in coding order.
 *
 * @param seed of a random mask; null: the mask is blue noise
 * @param most limit on the number of points
 * @param origin row and column of this tile's corner in the whole picture
 */
export function pointsFromDensity(
  density: Density,
  height: number,
  width: number,
  seed: number | null,
  most: number,
  origin: readonly [number, number] = [0, 0],
): Points {
  const limits = Float64Array.from(density.exponents, (e) => threshold(e, density.scale));
  const hash = new Hash(seed ?? 0);
  const found = new Positions();
  const { block, wide } = density;
  for (let row = 0; row < height; row++) {
    const band = Math.floor(row / block) * wide;
    for (let left = 0, i = 0; left < width; left += block, i++) {
      const limit = limits[band + i]!;
      const right = Math.min(left + block, width);
      for (let col = left; col < right; col++) {
        const [r, c] = [row + origin[0], col + origin[1]];
        if ((seed === null ? rank(r, c) : hash.of(r, c)) < limit) found.add(row, col);
      }
    }
    checkCount(found.count, most);
  }
  return orderPoints(height, width, found, origin);
}

/** The points of an explicit mask: a byte per pixel, not 0 on samples. */
export function pointsFromMask(
  mask: Uint8Array,
  height: number,
  width: number,
  origin: readonly [number, number],
): Points {
  const found = new Positions();
  for (let at = mask.indexOf(1); at >= 0; at = mask.indexOf(1, at + 1)) {
    found.add(Math.floor(at / width), at % width);
  }
  return orderPoints(height, width, found, origin);
}

/** Every cell of a grid as a point. */
export function everyPoint(height: number, width: number): Points {
  const found = new Positions();
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) found.add(row, col);
  }
  checkCount(found.count, MAX_SAMPLES);
  return orderPoints(height, width, found, [0, 0]);
}

/** Points in coding order: by rank, then row, then column. */
function orderPoints(
  height: number,
  width: number,
  { rows, cols, count }: Positions,
  origin: readonly [number, number],
): Points {
  const ranks = new Int32Array(count);
  for (let i = 0; i < count; i++) ranks[i] = rank(rows[i]! + origin[0], cols[i]! + origin[1]);
  // Positions are in row order, and a radix sort keeps it among equals.
  let order = Int32Array.from({ length: count }, (_, i) => i);
  for (const shift of [0, 11]) {
    const starts = new Int32Array(2049);
    for (let i = 0; i < count; i++) starts[((ranks[i]! >> shift) & 2047) + 1]!++;
    for (let i = 0; i < 2048; i++) starts[i + 1]! += starts[i]!;
    const sorted = new Int32Array(count);
    for (const i of order) sorted[starts[(ranks[i]! >> shift) & 2047]!++] = i;
    order = sorted;
  }
  const sortedBy = (values: Int32Array): Int32Array => order.map((i) => values[i]!);
  return { height, width, rows: sortedBy(rows), cols: sortedBy(cols), ranks: sortedBy(ranks) };
}
