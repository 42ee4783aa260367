/** The size of the picture that a smaller one was made of (docs/format.md, section 1). */

import { FormatError } from "./errors";
import type { Reader } from "./primitives";

/** Largest width and height of a picture and of its original, in pixels. */
export const MAX_SIDE = 2 ** 20;

export interface Size {
  width: number;
  height: number;
}

/** Read the original's size; `coded` is that of the picture itself. */
export function readOriginal(reader: Reader, coded: Size): Size {
  const wide = coded.width >= coded.height;
  const [long, short] = wide ? [coded.width, coded.height] : [coded.height, coded.width];
  const number = reader.varint(2 * MAX_SIDE - 1, "the size of the original");
  const longer = long + (number >>> 1);
  let shorter = Math.floor((2 * longer * short + long) / (2 * long));
  let valid = number > 0;
  if (number & 1) {
    const code = reader.varint(2 * MAX_SIDE - 1, "the size of the original");
    shorter += code & 1 ? (code + 1) / 2 : -code / 2;
    valid &&= code > 0;
  }
  if (!valid || longer > MAX_SIDE || shorter < 1 || shorter > MAX_SIDE) {
    throw new FormatError("damaged: the size of the original is out of range");
  }
  return wide ? { width: longer, height: shorter } : { width: shorter, height: longer };
}
