/** What the worker does: files, packets and weights to pictures, in its own thread. */

import { readAlpha } from "./alpha";
import { Canvas, type Progress, type Source, drawFill, drawPainted } from "./drawing";
import { FormatError, InputError, ModelError } from "./errors";
import { FINENESS, fill } from "./fill";
import { Generator } from "./generator";
import { ALPHA, type Header, MODELS } from "./header";
import { fileInfo, packetsInfo } from "./inspection";
import { mixed, readModel } from "./model_files";
import { Mosaic } from "./mosaic";
import type { DecodeOptions, Decoded, Info, Received } from "./interface";
import { packetsIn } from "./packet_files";
import { GREY, rgbOf } from "./prefixes";
import { equal, ready } from "./primitives";
import { opened, readTile } from "./reading";
import { Collection, type Joined, samplesIn } from "./receiving";
import { BILEVEL, COLOUR, sourceOf } from "./sections";
import { Box } from "./tiles";
import type { Samples } from "./types";

/** Suffix of the names of realistic weights, after that of the faithful ones. */
const REALISTIC = "-real";
/** Larger pictures are refused unless the caller raises this: a phone has little memory. */
export const MAX_PIXELS = 1 << 24;

/** Told of the fill before the generator's picture, and how far the work is. */
export interface Listener {
  onFill?: (picture: Decoded) => void;
  onProgress?: Progress;
}

/** What was read last: a picture is often drawn twice, its fill and then by the generator. */
interface Last<S extends Source = Source> {
  parts: Uint8Array[];
  partial: boolean;
  maxPixels: number;
  source: S;
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
    if (!parameters || !stream.length) {
      // One colour everywhere: a network could only add errors.
      const colour = parameters ? rgbOf(parameters.colour) : [GREY, GREY, GREY];
      return { ...plain(width, height, flat(width, height, colour)), ...more };
    }
    const read = this.received(received, joined, options);
    return { ...(await this.draw(read, options, listener)), ...more };
  }

  /** What a file says of its picture, or packets do: several, or the bytes of one file of them. */
  async info(given: Uint8Array | Uint8Array[], options: DecodeOptions = {}): Promise<Info> {
    await ready();
    const packets = given instanceof Uint8Array ? packetsIn(given) : given;
    if (!packets)
      return fileInfo(given as Uint8Array, options.partial, options.maxPixels ?? MAX_PIXELS);
    const joined = joinedOf(packets, options);
    const samples = joined.parameters ? this.received(packets, joined, options).source.count : 0;
    return packetsInfo(joined, samples);
  }

  private received(
    packets: Uint8Array[],
    joined: Joined,
    options: DecodeOptions,
  ): Last<Everywhere> {
    const { width, height } = joined;
    return this.once(packets, options, () => ({
      source: new Everywhere(samplesIn(joined)!),
      model: joined.parameters!.model,
      finish: (canvas) => plain(width, height, canvas),
    }));
  }

  /** What `read` gives, unless the same was read just before. */
  private once<S extends Source>(
    parts: Uint8Array[],
    options: DecodeOptions,
    read: (partial: boolean, maxPixels: number) => Pick<Last<S>, "source" | "model" | "finish">,
  ): Last<S> {
    const { partial = false, maxPixels = MAX_PIXELS } = options;
    const { last } = this;
    const isSame =
      last?.partial === partial &&
      last.maxPixels === maxPixels &&
      last.parts.length === parts.length &&
      last.parts.every((part, i) => equal(part, parts[i]!));
    // Files and packets differ in their bytes.
    if (isSame) return last as Last<S>;
    this.last = null;
    const now = { parts, partial, maxPixels, ...read(partial, maxPixels) };
    this.last = now;
    return now;
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

function joinedOf(received: Iterable<Uint8Array>, options: DecodeOptions): Joined {
  const collection = new Collection();
  for (const data of received) collection.add(data);
  return collection.joined(options.maxPixels ?? MAX_PIXELS);
}

/** Samples that lie everywhere, in one piece. */
class Everywhere implements Source {
  readonly whole: Box;
  readonly count: number;

  constructor(private readonly samples: Samples) {
    this.count = samples.points.rows.length;
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

/** A picture of packets. */
function plain(width: number, height: number, canvas: Canvas): Decoded {
  return { width, height, rgba: canvas.data, decoder: "classical", warning: null };
}

/** A picture of one colour. */
function flat(width: number, height: number, colour: number[]): Canvas {
  const canvas = new Canvas(height, width);
  for (let at = 0; at < canvas.data.length; at += 4) canvas.data.set(colour, at);
  return canvas;
}
