/** Decodes what a list of jobs names, for the tests in Python.
 *
 * node draw.mjs jobs.json
 *
 * A job has `files` (one .xgc file, or packets), `options`, and `out`, to which the picture is
 * written as RGBA. Prints one line of JSON for each: width, height, decoder, what `info` says, and
 * the milliseconds until the fill and until the end, or an error's name and message.
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

import { Codec } from "../src/codec";
import { XcodecError } from "../src/errors";
import type { DecodeOptions, Decoded } from "../src/interface";
import { ready } from "../src/primitives";

interface Job {
  files: string[];
  packets?: boolean;
  options: DecodeOptions;
  out?: string;
}

const { weights, jobs } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  weights: string[];
  jobs: Job[];
};
const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(name));
await ready();
const codec = new Codec();
for (const name of weights) codec.load(bytes(name));
for (const { files, packets, options, out } of jobs) {
  const start = performance.now();
  let filled = 0;
  const onFill = (): void => {
    filled = performance.now() - start;
  };
  try {
    const data = files.map(bytes);
    const picture: Decoded = packets
      ? await codec.decodePackets(data, options, { onFill })
      : await codec.decode(data[0]!, options, { onFill });
    const took = performance.now() - start;
    const info = await codec.info(packets ? data : data[0]!, options);
    const { rgba, ...rest } = picture;
    if (out) writeFileSync(out, rgba);
    console.log(JSON.stringify({ ...rest, info, filled, took, rss: process.memoryUsage().rss }));
  } catch (error) {
    const took = performance.now() - start;
    const { name, message } = error as Error;
    const expected = error instanceof XcodecError;
    console.log(JSON.stringify({ error: name, message, expected, took }));
  }
}
