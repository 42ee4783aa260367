/** What the worker does: files, packets and weights to pictures, in its own thread. */

import { readAlpha } from "./alpha";
import type { Contents } from "./container";
import { Canvas, type Progress, type Source, drawFill, drawPainted } from "./drawing";
import { FormatError, InputError, ModelError } from "./errors";
import { FINENESS, fill } from "./fill";
import { Generator } from "./generator";
import { ALPHA, type Header, MODELS, VERSION, versionOf } from "./header";
import { mixed, readModel } from "./model_files";
import { Mosaic } from "./mosaic";
import { readPoints } from "./payload";
import { isBundle, isSound } from "./packets";
import { isText, split, splitText } from "./packet_files";
import type { DecodeOptions, Decoded, Info, Received } from "./interface";
import { GREY, rgbOf } from "./prefixes";
import { equal, ready } from "./primitives";
import { stepOf } from "./quantizer";
import { opened, readTile } from "./reading";
import { Collection, type Joined, samplesIn } from "./receiving";
import { BILEVEL, COLOUR, commentOf, metadataBytes, sourceOf } from "./sections";
import { Box } from "./tiles";
import type { Samples } from "./types";

/** Suffix of the names of realistic weights, after that of the faithful ones. */
const REALISTIC = "-real";
/** Pictures with more pixels are refused unless the caller raises this: a phone has little memory. */
export const MAX_PIXELS = 1 << 24;

/** Told of the fill before the generator's picture, and how far the work is. */
export interface Listener {
  onFill?: (picture: Decoded) => void;
  onProgress?: Progress;
}

/** What was read last: a picture is often drawn twice, its fill and then by the generator. */
interface Last {
  parts: Uint8Array[];
  partial: boolean;
  maxPixels: number;
  source: Source;
  /** Number of the model. */
  model: number;
  finish: (canvas: Canvas) => Decoded;
}

/** Decodes one thing after another. */
export class Codec {
  /** Files of weights by name: a third of the memory that they take once they are unpacked. */
  private readonly models = new Map<string, Uint8Array>();
  private generator: { key: string; loaded: Generator } | null = null;
  private last: Last | null = null;

  /** Take the bytes of a file of weights; returns its name, which is in it unless it is given. */
  load(file: Uint8Array, name?: string): string {
    const model = readModel(file);
    const key = name ?? model.name;
    this.models.set(key, file);
    if (this.generator?.key.startsWith(key.replace(REALISTIC, ""))) this.forget();
    return key;
  }

  /** Decode a file. */
  async decode(
    data: Uint8Array,
    options: DecodeOptions = {},
    listener: Listener = {},
  ): Promise<Decoded> {
    await ready();
    const read = this.once([data], options, (partial, maxPixels) => {
      let warning: string | null = null;
      const contents = opened(data, maxPixels, partial, (text) => (warning = text));
      const { header } = contents;
      const alpha = alphaOf(header, maxPixels);
      const finish = (canvas: Canvas): Decoded => finished(canvas, header, alpha, warning);
      return { source: new Mosaic(contents), model: header.model, finish };
    });
    return this.draw(read, options, listener);
  }

  /** Decode the picture that packets give: their bytes, in any order; damaged ones are left out. */
  async decodePackets(
    received: Uint8Array[],
    options: DecodeOptions = {},
    listener: Listener = {},
  ): Promise<Received> {
    await ready();
    const joined = joinedOf(received, options);
    const { width, height, parameters, stream, packets, damaged, strays } = joined;
    const needed = joined.complete ? null : joined.needed;
    const more = { packets, needed, damaged, strays };
    const finish = ({ data: rgba }: Canvas): Decoded => {
      return { width, height, rgba, decoder: "classical", warning: null };
    };
    if (!parameters || !stream.length) {
      // One colour everywhere: a network could only add errors.
      const colour = parameters ? rgbOf(parameters.colour) : [GREY, GREY, GREY];
      return { ...finish(flat(width, height, colour)), ...more };
    }
    const read = this.once(received, options, () => {
      const source = new Everywhere(samplesIn(joined)!);
      return { source, model: parameters.model, finish };
    });
    return { ...(await this.draw(read, options, listener)), ...more };
  }

  /** What `read` gives, unless the same was read just before. */
  private once(
    parts: Uint8Array[],
    options: DecodeOptions,
    read: (partial: boolean, maxPixels: number) => Pick<Last, "source" | "model" | "finish">,
  ): Last {
    const { partial = false, maxPixels = MAX_PIXELS } = options;
    const { last } = this;
    const isSame =
      last?.partial === partial &&
      last.maxPixels === maxPixels &&
      last.parts.length === parts.length &&
      last.parts.every((part, i) => equal(part, parts[i]!));
    if (isSame) return last;
    this.last = null;
    return (this.last = { parts, partial, maxPixels, ...read(partial, maxPixels) });
  }

  private async draw(
    { source, model: number, finish }: Last,
    options: DecodeOptions,
    { onFill, onProgress }: Listener,
  ): Promise<Decoded> {
    const realism = options.realism ?? 0;
    if (!(realism >= 0 && realism <= 1)) throw new InputError("realism must be in 0..1");
    const name = MODELS[number];
    const able = name !== undefined && this.models.has(name);
    const wanted = options.decoder ?? (able ? "generator" : "classical");
    if (wanted === "classical") return finish(drawFill(source, onProgress));
    const generator = await this.generatorOf(name, number, realism);
    if (onFill) onFill(finish(drawFill(source)));
    const canvas = await drawPainted(source, generator, onProgress);
    return { ...finish(canvas), decoder: "generator" };
  }

  /** The generator of a model, loaded. */
  private async generatorOf(
    name: string | undefined,
    number: number,
    realism: number,
  ): Promise<Generator> {
    if (name === undefined) {
      throw new ModelError(`the file names model ${number}, unknown to this release`);
    }
    const key = `${name} ${realism}`;
    if (this.generator?.key !== key) {
      const faithful = this.models.get(name);
      if (!faithful) throw new ModelError(`the weights of model "${name}" are not loaded`);
      const realistic = realism ? this.models.get(name + REALISTIC) : faithful;
      if (!realistic) {
        throw new ModelError(`realism needs a second set of weights: "${name}${REALISTIC}"`);
      }
      this.forget();
      const [one, other] = [readModel(faithful), readModel(realistic)];
      const model = realism ? mixed(one, other, realism) : one;
      this.generator = { key, loaded: await Generator.load(model) };
    }
    return this.generator.loaded;
  }

  private forget(): void {
    this.generator?.loaded.dispose();
    this.generator = null;
  }
}

/** What a file says of its picture, or packets do: several, or the bytes of one file of them. */
export async function info(
  given: Uint8Array | Iterable<Uint8Array>,
  options: DecodeOptions = {},
): Promise<Info> {
  await ready();
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  if (!(given instanceof Uint8Array)) return packetInfo(given, options);
  if (!isFile(given)) return packetInfo(split(given), options);
  const contents = opened(given, maxPixels, options.partial ?? false, () => {});
  const { header, grid } = contents;
  return {
    kind: "file",
    version: VERSION,
    width: header.width,
    height: header.height,
    bytes: given.length,
    bpp: (8 * given.length) / (header.width * header.height),
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

/** The packets in the bytes of a .xgp file, a bundle, or armored text; null if the bytes are those
 * of a .xgc file, or of something else. */
export function packetsIn(given: Uint8Array | string): Uint8Array[] | null {
  if (typeof given === "string") return splitText(given);
  return isFile(given) ? null : split(given);
}

/** Whether bytes are to be read as a file rather than as packets. */
function isFile(data: Uint8Array): boolean {
  if (versionOf(data) !== null) return true;
  return !isBundle(data) && !isText(data) && !isSound(data);
}

function packetInfo(packets: Iterable<Uint8Array>, options: DecodeOptions): Info {
  const every = [...packets];
  const joined = joinedOf(every, options);
  const { width, height, parameters } = joined;
  const bytes = joined.packets * joined.length;
  return {
    kind: "packets",
    version: every.find((each) => isSound(each))![0]! >> 5,
    width,
    height,
    bytes,
    bpp: (8 * bytes) / (width * height),
    samples: samplesIn(joined)?.points.rows.length ?? 0,
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

function joinedOf(received: Iterable<Uint8Array>, options: DecodeOptions): Joined {
  const collection = new Collection();
  for (const data of received) collection.add(data);
  return collection.joined(options.maxPixels ?? MAX_PIXELS);
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

/** Samples that lie everywhere, in one piece. */
class Everywhere implements Source {
  readonly whole: Box;

  constructor(private readonly samples: Samples) {
    this.whole = new Box(0, 0, samples.points.height, samples.points.width);
  }

  around({ top, left, height, width }: Box): [Samples, null] {
    const { rows, cols, ranks } = this.samples.points;
    const points = {
      height,
      width,
      rows: rows.map((row) => row - top),
      cols: cols.map((col) => col - left),
      ranks,
    };
    return [{ ...this.samples, points }, null];
  }

  forgetAbove(): void {}
}

function alphaOf(header: Header, maxPixels: number): Uint8Array | null {
  const section = header.sections.get(ALPHA);
  if (!section) return null;
  const { height, width } = header;
  return readAlpha(section, height, width, (data) => {
    const contents = opened(data, maxPixels, false, () => {});
    if (contents.finest !== null) throw new FormatError("damaged: the alpha has tiles");
    if (contents.header.width !== width || contents.header.height !== height) {
      throw new FormatError("damaged: the alpha does not have the size of the picture");
    }
    const { points, values } = readTile(contents)!.samples();
    return fill(points, values, FINENESS, false).rgb.filter((_, i) => i % 3 === 0);
  });
}

/** A picture in the mode of its source, with its alpha. */
function finished(
  canvas: Canvas,
  header: Header,
  alpha: Uint8Array | null,
  warning: string | null,
): Decoded {
  const { data, width, height } = canvas;
  const source = sourceOf(header);
  if (header.grey && source !== COLOUR) {
    for (let at = 0; at < data.length; at += 4) {
      const level = data[at]!;
      const shown = source === BILEVEL && !alpha ? (level > 127 ? 255 : 0) : level;
      data[at] = data[at + 1] = data[at + 2] = shown;
    }
  }
  if (alpha) alpha.forEach((opacity, i) => (data[4 * i + 3] = opacity));
  return { width, height, rgba: data, decoder: "classical", warning };
}

/** A picture of one colour. */
function flat(width: number, height: number, colour: number[]): Canvas {
  const canvas = new Canvas(height, width);
  for (let at = 0; at < canvas.data.length; at += 4) canvas.data.set(colour, at);
  return canvas;
}
