/** Reading the alpha section of a file. */

import { clipped8 } from "./colour";
import { FormatError } from "./errors";
import { readMask } from "./explicit_mask";
import { START } from "./header";
import { concat, ending, unpack } from "./primitives";

/** The alpha of a section, (height, width).
 *
 * @param lumaOf decodes a grey file of the same size to its luma
 */
export function readAlpha(
  section: Uint8Array,
  height: number,
  width: number,
  lumaOf: (data: Uint8Array) => Float32Array,
): Uint8Array {
  const body = section.subarray(1);
  const alpha = new Uint8Array(height * width);
  const kind = section[0];
  if (kind === 0) {
    const mask = readMask(body, height, width);
    for (let at = 0; at < alpha.length; at++) {
      const above = at < width ? 0 : alpha[at - width]!;
      alpha[at] = mask[at] ? 255 - above : above;
    }
  } else if (kind === 1) {
    const rows = unpack(body, height * width);
    if (rows.length < alpha.length) throw new FormatError("damaged: the alpha is too short");
    for (let at = 0; at < alpha.length; at++) {
      alpha[at] = rows[at]! + (at < width ? 0 : alpha[at - width]!);
    }
  } else if (kind === 2 || kind === 3) {
    const whole = concat([Uint8Array.of(START), body]);
    const luma = lumaOf(concat([whole, ending(whole)]));
    luma.forEach((level, at) => {
      alpha[at] = kind === 2 ? clipped8(level) : level > 127.5 ? 255 : 0;
    });
  } else {
    throw new FormatError("damaged: unknown kind of alpha");
  }
  return alpha;
}
