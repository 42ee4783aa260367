/** The network that predicts symbols with their signs, in integers (docs/format.md, 5.2). */

import file from "data:network";

import { TOKENS } from "./context";
import { type Network, network } from "./dense";
import { TABLE_BITS } from "./rangecoder";
import { floats, parse } from "./safetensors";

/** Tokens with a sign: 0, then 1, -1, 2, -2, ... */
export const SIGNED = 2 * TOKENS - 1;
/** Largest output of a hidden unit. */
const ACTIVE = 255;
/** Steps of an output for each doubling of a probability. */
const LOG_STEPS = 32;
const POWER_BITS = 24;

let planes: Network[] | null = null;

/** The network for a plane. */
export function networkOf(plane: number): Network {
  if (!planes) {
    const stored = parse(file).tensors;
    const array = (name: string): Int32Array => Int32Array.from(floats(stored.get(name)!));
    planes = [0, 1, 2].map((p) =>
      network(
        [0, 1, 2].map((n) => ({
          weights: array(`weights${p}${n}`),
          biases: array(`biases${p}${n}`),
        })),
        ACTIVE,
      ),
    );
  }
  return planes[plane]!;
}

/** 2 ** (-i / LOG_STEPS) in units of 2 ** -POWER_BITS, rounded, a half to 0, which that of 800 is;
 * 0 from some i on. */
const powers = Int32Array.from({ length: LOG_STEPS * (POWER_BITS + 2) }, (_, i) =>
  Math.ceil(2 ** (POWER_BITS - i / LOG_STEPS) - 0.5),
);

const shares = new Int32Array(SIGNED);

/** Write the frequencies of a symbol's signed tokens into `table`, by the outputs of a network. */
export function frequencies(outputs: Int32Array, table: Int32Array): void {
  let best = 0;
  for (let i = 1; i < SIGNED; i++) if (outputs[i]! > outputs[best]!) best = i;
  const most = outputs[best]!;
  let total = 0;
  for (let i = 0; i < SIGNED; i++) {
    const apart = most - outputs[i]!;
    const share = apart < powers.length ? powers[apart]! : 0;
    shares[i] = share;
    total = (total + share) | 0;
  }
  const free = 2 ** TABLE_BITS - SIGNED;
  // Most shares are too small to be worth a division.
  const least = Math.ceil(total / free);
  let missing = free;
  for (let i = 0; i < SIGNED; i++) {
    const share = shares[i]!;
    const more = share < least ? 0 : Math.floor((share * free) / total);
    table[i] = 1 + more;
    missing -= more;
  }
  table[best]! += missing;
}
