/** The range decoder (docs/format.md, section 2): 64 bits as two halves of 32 in doubles. */

import { FormatError, TruncatedError } from "./errors";

/** Frequencies of a table sum to 2 ** TABLE_BITS. */
export const TABLE_BITS = 15;
const TWO_20 = 2 ** 20;
const TWO_32 = 2 ** 32;
const TOTAL = 2 ** 24;

/** One reading of a stream. Instead of `point` and `lower`, which only matter by their difference,
 * it keeps that: `offset`, below `range` unless the data is damaged. */
class Stream {
  private at = 0;
  private rangeHigh = TWO_32 - 1;
  private rangeLow = TWO_32 - 1;
  private offsetHigh: number;
  private offsetLow: number;
  private scale = 0;
  private quantile = 0;
  /** offset - quantile * scale */
  private rest = 0;

  constructor(
    private readonly data: Uint8Array,
    /** What follows the last byte. */
    private readonly fill: number,
  ) {
    this.offsetHigh = this.word();
    this.offsetLow = this.word();
  }

  private word(): number {
    let word = 0;
    for (let i = 0; i < 4; i++, this.at++) word = word * 256 + (this.data[this.at] ?? this.fill);
    return word;
  }

  /** Where the next symbol lies, of 2 ** 24; `take` must follow. */
  look(): number {
    const scale = this.rangeHigh * 256 + Math.floor(this.rangeLow / TOTAL);
    // Off by one at most: the quotient has 24 bits and the double 53.
    let quantile = Math.floor((this.offsetHigh * TWO_32 + this.offsetLow) / scale);
    const upper = Math.floor(scale / TWO_20);
    const product = quantile * upper;
    const carry = Math.floor(product / 4096);
    let rest =
      (this.offsetHigh - carry) * TWO_32 +
      (this.offsetLow - (product - carry * 4096) * TWO_20 - quantile * (scale - upper * TWO_20));
    if (rest < 0) {
      quantile--;
      rest += scale;
    } else if (rest >= scale) {
      quantile++;
      rest -= scale;
    }
    if (quantile >= TOTAL) {
      throw new FormatError("damaged: the entropy-coded data makes no sense");
    }
    this.scale = scale;
    this.rest = rest;
    return (this.quantile = quantile);
  }

  /** Narrow the range to a symbol's share, `left` .. `right` of 2 ** 24. */
  take(left: number, right: number): void {
    const upper = Math.floor(this.scale / TWO_20);
    const lower = this.scale - upper * TWO_20;
    const before = this.quantile - left;
    let product = before * upper;
    let carry = Math.floor(product / 4096);
    let low = (product - carry * 4096) * TWO_20 + before * lower + this.rest;
    let over = Math.floor(low / TWO_32);
    this.offsetHigh = carry + over;
    this.offsetLow = low - over * TWO_32;
    const size = right - left;
    product = size * upper;
    carry = Math.floor(product / 4096);
    low = (product - carry * 4096) * TWO_20 + size * lower;
    over = Math.floor(low / TWO_32);
    this.rangeHigh = carry + over;
    this.rangeLow = low - over * TWO_32;
    if (this.rangeHigh === 0) {
      this.rangeHigh = this.rangeLow;
      this.rangeLow = 0;
      this.offsetHigh = this.offsetLow;
      this.offsetLow = this.word();
    }
  }
}

/** Cumulative probabilities, of 2 ** 24, of a table of frequencies. */
export function cumulate(frequencies: ArrayLike<number>): Float64Array {
  const count = frequencies.length;
  const result = new Float64Array(count + 1);
  for (let i = 0, sum = 0; i < count; sum += frequencies[i++]!) {
    result[i] = Math.floor((sum * (TOTAL - count)) / 2 ** TABLE_BITS) + i;
  }
  result[count] = TOTAL;
  return result;
}

/** Bytes to symbols. Throws FormatError if the bytes cannot have come from an encoder.
 *
 * From a stream that was cut, symbols are returned as long as they do not depend on what followed;
 * then TruncatedError is thrown. */
export class Decoder {
  private readonly streams: Stream[];

  constructor(data: Uint8Array, whole = true) {
    this.streams = (whole ? [0] : [0, 255]).map((fill) => new Stream(data, fill));
  }

  /** The next symbol of a table, by its cumulative probabilities. */
  symbol(cumulative: Float64Array): number {
    let found = -1;
    for (const stream of this.streams) {
      const quantile = stream.look();
      let symbol = 0;
      while (cumulative[symbol + 1]! <= quantile) symbol++;
      stream.take(cumulative[symbol]!, cumulative[symbol + 1]!);
      found = agreed(found, symbol);
    }
    return found;
  }

  /** The next symbol of a table that serves once: as `symbol` of `cumulate`. */
  once(frequencies: Int32Array): number {
    let found = -1;
    const count = frequencies.length;
    const each = (TOTAL - count) / 2 ** TABLE_BITS;
    for (const stream of this.streams) {
      const quantile = stream.look();
      let symbol = 0;
      let sum = frequencies[0]!;
      let left = 0;
      let right = Math.floor(sum * each) + 1;
      while (right <= quantile && ++symbol < count - 1) {
        sum += frequencies[symbol]!;
        left = right;
        right = Math.floor(sum * each) + symbol + 1;
      }
      if (symbol === count - 1) [left, right] = [right, TOTAL];
      stream.take(left, right);
      found = agreed(found, symbol);
    }
    return found;
  }

  /** The next number of `width` plain bits. */
  bits(width: number): number {
    let found = -1;
    const each = 2 ** (24 - width);
    for (const stream of this.streams) {
      const value = Math.floor(stream.look() / each);
      stream.take(value * each, (value + 1) * each);
      found = agreed(found, value);
    }
    return found;
  }
}

function agreed(before: number, now: number): number {
  if (before >= 0 && before !== now) {
    throw new TruncatedError("cut short: the entropy-coded data ends early");
  }
  return now;
}
