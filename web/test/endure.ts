/** Decodes damaged files and sets of packets, for the tests in Python.
 *
 * node endure.mjs cases.json
 *
 * A case has `parts`, a file or packets in base64. Prints one line of JSON: what came of each case
 * ("picture", or the name of an error), what was no error of the decoder's, and the longest time in
 * milliseconds.
 */

import { readFileSync } from "node:fs";
import process from "node:process";

import { Codec } from "../src/codec";
import { XcodecError } from "../src/errors";

interface Case {
  parts: string[];
  packets: boolean;
  partial: boolean;
}

const { cases, maxPixels } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  cases: Case[];
  maxPixels: number;
};
const codec = new Codec();
const outcomes: string[] = [];
const unexpected: string[] = [];
let slowest = 0;
for (const { parts, packets, partial } of cases) {
  const data = parts.map((part) => new Uint8Array(Buffer.from(part, "base64")));
  const options = { decoder: "classical", partial, maxPixels } as const;
  const start = performance.now();
  try {
    const { width, height, rgba } = packets
      ? await codec.decodePackets(data, options)
      : await codec.decode(data[0]!, options);
    if (rgba.length !== 4 * width * height) unexpected.push("a picture of another size");
    await codec.info(packets ? data : data[0]!, options);
    outcomes.push("picture");
  } catch (error) {
    const { name, message, stack } = error as Error;
    outcomes.push(name);
    if (!(error instanceof XcodecError)) unexpected.push(stack ?? String(error));
    else if (!message || message.includes("\n")) unexpected.push(`${name}: ${message}`);
  }
  slowest = Math.max(slowest, performance.now() - start);
}
console.log(JSON.stringify({ outcomes, unexpected, slowest }));
