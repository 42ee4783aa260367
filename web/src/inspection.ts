/** What files and packets say of their pictures. */

import { ALPHA, MODELS, VERSION } from "./header";
import type { Info } from "./interface";
import { VERSION as PACKET_VERSION } from "./packets";
import { readPoints } from "./payload";
import { stepOf } from "./quantizer";
import { opened } from "./reading";
import type { Contents } from "./container";
import type { Joined } from "./receiving";
import { commentOf, metadataBytes } from "./sections";

/** What a file says of its picture: its symbols are not read. */
export function fileInfo(data: Uint8Array, partial = false, maxPixels: number): Info {
  const contents = opened(data, maxPixels, partial, () => {});
  const { header, grid } = contents;
  return {
    kind: "file",
    version: VERSION,
    width: header.width,
    height: header.height,
    original: header.original,
    bytes: data.length,
    bpp: (8 * data.length) / (header.width * header.height),
    samples: sampleCount(contents),
    model: modelName(header.model),
    step: header.step === null ? null : stepOf(header.step),
    mask: header.mask,
    tone: header.tone,
    grey: header.grey,
    alpha: header.sections.has(ALPHA),
    tiles: grid.length,
    layers: contents.layers,
    comment: commentOf(header),
    metadata: metadataBytes(header),
    packets: null,
    needed: null,
  };
}

/** What packets say of their picture.
 *
 * @param samples how many they give
 */
export function packetsInfo(joined: Joined, samples: number): Info {
  const { width, height, parameters } = joined;
  const bytes = joined.packets * joined.length;
  return {
    kind: "packets",
    version: PACKET_VERSION,
    width,
    height,
    original: parameters?.original ?? null,
    bytes,
    bpp: (8 * bytes) / (width * height),
    samples,
    model: parameters ? modelName(parameters.model) : "unknown",
    step: parameters ? stepOf(parameters.step) : null,
    mask: "blue",
    tone: "least-squares",
    grey: false,
    alpha: false,
    tiles: 1,
    layers: 1,
    comment: null,
    metadata: 0,
    packets: joined.packets,
    needed: joined.complete ? null : joined.needed,
  };
}

function modelName(number: number): string {
  return MODELS[number] ?? `model ${number}`;
}

/** The samples of a file, without reading their values. */
function sampleCount(contents: Contents): number {
  let count = 0;
  for (let number = 0; number < contents.grid.length; number++) {
    const [layers, whole] = contents.tile(number);
    if (!layers.length) continue;
    const tile = contents.finest === null ? null : contents.grid.box(number);
    count += readPoints(contents.header, layers, whole, tile)[1].rows.length;
  }
  return count;
}
