/** What packets carry: parameters and a stream, in ranges that are protected one by one by
 * Reed-Solomon shares over GF(256) (docs/format.md, section 11). */

import { FormatError, TruncatedError } from "./errors";
import { MAX_SCALE, MAX_STEP_INDEX, type Size, readOriginal } from "./header";
import { Reader, concat } from "./primitives";

const MAX_COUNT = 255;
const MAX_MODEL = 7;
/** Added to the model: the original's size follows the parameters. */
const SCALED = 128;

/** What the first range says of a picture; step is an index, colour has 5 + 6 + 5 bits; original is
 * null unless the picture was scaled down. */
export interface Parameters {
  model: number;
  step: number;
  scale: number;
  stages: number;
  colour: number;
  original: Size | null;
}

/** A part of what packets carry: how many packets restore it, and the bytes of each share. */
export interface Range {
  threshold: number;
  columns: number;
}

/** What some packets of a picture restore.
 *
 * parameters are null if there are too few packets for the first range; stream is a prefix of the
 * stream; needed is the number of packets that would restore more, or, if complete, all. */
export interface Restored {
  parameters: Parameters | null;
  stream: Uint8Array;
  complete: boolean;
  needed: number;
}

/** Restore what packets carry.
 *
 * @param picture its size, and its first range
 * @param bodies shares of each packet, by its index
 */
export function restored(
  picture: Size & { first: Range },
  bodies: Map<number, Uint8Array>,
): Restored {
  const indices = [...bodies.keys()].sort((a, b) => a - b);
  const length = bodies.get(indices[0]!)!.length;
  const parts: Uint8Array[] = [];
  let parameters: Parameters | null = null;
  let each = picture.first;
  for (let at = 0; each.threshold <= indices.length;) {
    const chosen = indices.slice(0, each.threshold);
    const shares = chosen.map((index) => bodies.get(index)!.subarray(at, at + each.columns));
    const reader = new Reader(decoded(chosen, shares));
    at += each.columns;
    const last = at === length;
    let following = each;
    try {
      parameters ??= readParameters(reader, picture);
      if (!last) following = readRange(reader, length - at, each);
    } catch (error) {
      if (!(error instanceof TruncatedError)) throw error;
      throw new FormatError("damaged: a range is too short for what it begins with");
    }
    parts.push(reader.data.subarray(reader.at));
    if (last) return { parameters, stream: concat(parts), complete: true, needed: each.threshold };
    each = following;
  }
  return { parameters, stream: concat(parts), complete: false, needed: each.threshold };
}

/** A range as it was described; `left` bytes of shares remain for it, `before` comes before it. */
export function checked(each: Range, left: number, before: Range): Range {
  if (each.threshold < before.threshold || each.columns < 1 || each.columns > left) {
    throw new FormatError("damaged: a range is out of range");
  }
  return each;
}

function readParameters(reader: Reader, { width, height }: Size): Parameters {
  const [flags, step] = [reader.byte(), reader.byte()];
  const model = flags & ~SCALED;
  const [grid, colour] = [reader.number(2), reader.number(2)];
  const scale = grid >> 3;
  if (model > MAX_MODEL || scale > MAX_SCALE || step > MAX_STEP_INDEX) {
    throw new FormatError("damaged: a parameter of the packets is out of range");
  }
  const original = flags & SCALED ? readOriginal(reader, width, height) : null;
  return { model, step, scale, stages: (grid & 7) + 1, colour, original };
}

function readRange(reader: Reader, left: number, before: Range): Range {
  const threshold = reader.varint(MAX_COUNT, "a threshold");
  const columns = reader.varint(left, "a range");
  return checked({ threshold, columns }, left, before);
}

/** Powers of the generator x of GF(2 ** 8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
const powers = new Uint8Array(510);
const logarithms = new Uint8Array(256);
for (let i = 0, value = 1; i < 255; i++) {
  powers[i] = powers[i + 255] = value;
  logarithms[value] = i;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}

function over(a: number, b: number): number {
  return a ? powers[logarithms[a]! + 255 - logarithms[b]!]! : 0;
}

function times(a: number, b: number): number {
  return a && b ? powers[logarithms[a]! + logarithms[b]!]! : 0;
}

/** The abscissa of a share. */
function abscissa(index: number): number {
  return index ? powers[index - 1]! : 0;
}

/** The parts of a range, end to end, from as many shares: by Lagrange's polynomials. */
function decoded(indices: number[], shares: Uint8Array[]): Uint8Array {
  const places = indices.map(abscissa);
  const parts = indices.map((_, part) => {
    const given = indices.indexOf(part);
    if (given >= 0) return shares[given]!;
    const at = abscissa(part);
    const sum = new Uint8Array(shares[0]!.length);
    places.forEach((place, i) => {
      let factor = 1;
      for (const other of places) {
        if (other !== place) factor = times(factor, over(at ^ other, place ^ other));
      }
      shares[i]!.forEach((byte, column) => (sum[column]! ^= times(factor, byte)));
    });
    return sum;
  });
  return concat(parts);
}
