/** The header of a .xgc file, field by field (docs/format.md, section 1). */

import { FormatError, LimitError } from "./errors";
import { Reader, unpack } from "./primitives";

export const VERSION = 5;
/** The first byte of a file. */
export const START = 0xb0 | VERSION;
export const MASKS = ["blue", "random", "explicit"] as const;
export const TONES = ["least-squares", "mean", "point"] as const;
/** Names of models by their number in the file; the rest of 0..7 is reserved. */
export const MODELS = ["photo", "face"] as const;
/** Widths and heights that have a number in the file: their place, counted from 1. */
export const SIZES: readonly (readonly [number, number])[] = (
  "64x64 128x128 192x192 256x256 320x320 384x384 512x512 1024x1024 320x256 160x120 256x192 " +
  "320x240 640x480 800x600 1024x768 120x160 192x256 240x320 480x640 600x800 768x1024 384x256 " +
  "768x512 640x360 1280x720 1920x1080 256x384 512x768 360x640 720x1280 1080x1920"
)
  .split(" ")
  .map((size) => {
    const [width, height] = size.split("x").map(Number);
    return [width!, height!];
  });
export const [COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE] = [1, 2, 3, 4, 5, 6] as const;
export const MAX_SCALE = 38 * 128;
export const MAX_STEP_INDEX = 191;
const PACKED = 64;
const NEEDED = 128;
const MAX_SIDE = 2 ** 20;
const MAX_SEED = 2 ** 32 - 1;
const MAX_SECTION = 2 ** 26;
/** Added to the size in the long form: the original's size follows. */
const SCALED = 32;
/** In the short form, the logarithm of a block that says the same, and the one that it stands for. */
const SCALED_BLOCK = 5;
const DEFAULT_BLOCK = 3;
const MAX_UNPACKED = 2 ** 22;
const RANGE = "damaged: a field of the header is out of range";
const LONGER = "damaged: a header that is longer than necessary";

/** The fields of a file before its payload.
 *
 * block is in pixels; step is an index, null if the samples are lossless; sections hold their
 * contents, uncompressed, by tag. */
export interface Header {
  width: number;
  height: number;
  mask: (typeof MASKS)[number];
  tone: (typeof TONES)[number];
  lossless: boolean;
  uniform: boolean;
  model: number;
  block: number;
  grey: boolean;
  scale: number;
  seed: number;
  step: number | null;
  sections: Map<number, Uint8Array>;
  /** Of the picture before it was scaled down to be coded; null if it was not. */
  original: Size | null;
}

/** Width and height in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** The number of planes that are coded: luma, and chroma unless the picture is grey. */
export function planesOf(header: Header): number {
  return header.grey ? 1 : 3;
}

/** Read the header of a file; also return whether an index follows it. */
export function readHeader(reader: Reader, maxPixels: number): [Header, boolean] {
  const version = versionOf(reader.data);
  if (version === null) throw new FormatError("not an xcodec file");
  if (version !== VERSION) {
    throw new FormatError(`format version ${version}: this release reads ${VERSION} only`);
  }
  reader.take(1);
  const short = reader.at < reader.data.length && reader.data[reader.at]! < 128;
  const [header, layered] = short
    ? [readShort(reader, maxPixels), false]
    : readLong(reader, maxPixels);
  if (header.scale > MAX_SCALE || (header.step ?? 0) > MAX_STEP_INDEX) {
    throw new FormatError("damaged: the scale or the step is out of range");
  }
  return [header, layered];
}

/** The version of the format by the first bytes of a file; null if it is no .xgc file. */
export function versionOf(start: Uint8Array): number | null {
  const [first, second, third] = start;
  if (first === 0x58 && second === 0x47 && third! > 0xc0 && third! < 0xc4) return third! & 15;
  return first !== undefined && (first & 0xf0) === 0xb0 ? first & 15 : null;
}

function readShort(reader: Reader, maxPixels: number): Header {
  const bits = reader.number(4);
  const [width, height] = readSize(reader, (bits >>> 21) & 31, maxPixels);
  const block = (bits >>> 26) & 7;
  const isScaled = block === SCALED_BLOCK;
  return {
    width,
    height,
    mask: "blue",
    tone: "least-squares",
    lossless: false,
    uniform: ((bits >>> 29) & 1) === 1,
    model: (bits >>> 30) & 1,
    block: blockSide(isScaled ? DEFAULT_BLOCK : block),
    grey: false,
    scale: (bits >>> 8) & 8191,
    seed: 0,
    step: bits & 255,
    sections: new Map(),
    original: isScaled ? readOriginal(reader, width, height) : null,
  };
}

function readLong(reader: Reader, maxPixels: number): [Header, boolean] {
  const bits = reader.number(2);
  const flag = (at: number): boolean => ((bits >> at) & 1) === 1;
  const mask = MASKS[(bits >> 13) & 3];
  const tone = TONES[(bits >> 11) & 3];
  if (!mask || !tone) throw new FormatError(RANGE);
  const [lossless, flagged, layered] = [flag(10), flag(7), flag(6)];
  if (lossless && tone !== "point") {
    throw new FormatError("damaged: lossless samples that are not points");
  }
  const size = reader.byte();
  const [width, height] = readSize(reader, size & ~SCALED, maxPixels);
  const header: Header = {
    width,
    height,
    mask,
    tone,
    lossless,
    uniform: flag(9),
    model: (bits >> 3) & 7,
    block: blockSide(bits & 7),
    grey: flag(8),
    scale: mask === "explicit" ? 0 : reader.varint(MAX_SCALE, "the scale"),
    seed: mask === "random" ? reader.varint(MAX_SEED, "the seed") : 0,
    step: lossless ? null : reader.byte(),
    original: size & SCALED ? readOriginal(reader, width, height) : null,
    sections: flagged ? readSections(reader) : new Map(),
  };
  const unusual = lossless || header.grey || flagged || layered || header.model > 1;
  // The short form has no room for another block beside the size of an original.
  const isRoomy = header.original === null || header.block === blockSide(DEFAULT_BLOCK);
  if (mask === "blue" && tone === "least-squares" && !unusual && isRoomy) {
    throw new FormatError(LONGER);
  }
  return [header, layered];
}

function blockSide(logarithm: number): number {
  if (logarithm > 4) throw new FormatError(RANGE);
  return 8 << logarithm;
}

function readSize(reader: Reader, place: number, maxPixels: number): [number, number] {
  if (place > SIZES.length) throw new FormatError(RANGE);
  let [width, height] = SIZES[place - 1] ?? [0, 0];
  if (!place) {
    width = reader.varint(MAX_SIDE - 1, "the width") + 1;
    height = reader.varint(MAX_SIDE - 1, "the height") + 1;
    if (isNumbered(width, height)) throw new FormatError(LONGER);
  }
  checkPixels(width, height, maxPixels);
  return [width, height];
}

/** The size of the original of a picture: how much longer its longer side is, and how far the shorter
 * one is from the same ratio. */
export function readOriginal(reader: Reader, width: number, height: number): Size {
  const what = "the size of the original";
  const [long, short] = width >= height ? [width, height] : [height, width];
  const more = reader.varint(2 * MAX_SIDE - 1, what);
  const longer = long + (more >> 1);
  let shorter = Math.floor((2 * longer * short + long) / (2 * long));
  let isTold = more > 0;
  if (more & 1) {
    const beside = reader.varint(2 * MAX_SIDE - 1, what);
    isTold = beside > 0;
    shorter += beside & 1 ? (beside + 1) >> 1 : -(beside >> 1);
  }
  if (!isTold || longer > MAX_SIDE || shorter < 1 || shorter > MAX_SIDE) {
    throw new FormatError("damaged: the size of the original is out of range");
  }
  return width >= height ? { width: longer, height: shorter } : { width: shorter, height: longer };
}

/** Whether a size has a number, so that it must not be written otherwise. */
export function isNumbered(width: number, height: number): boolean {
  return SIZES.some(([w, h]) => w === width && h === height);
}

/** Throw LimitError if a picture has too many pixels. */
export function checkPixels(width: number, height: number, maxPixels: number): void {
  if (width * height > maxPixels) {
    throw new LimitError(`${width}x${height} pixels, more than the ${maxPixels} allowed`);
  }
}

function readSections(reader: Reader): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  for (let left = reader.varint(64, "the number of sections"); left > 0; left--) {
    const kind = reader.byte();
    const content = reader.take(reader.varint(MAX_SECTION, "the length of a section"));
    const tag = kind & 63;
    if (sections.has(tag)) throw new FormatError("damaged: a section is there twice");
    if (tag >= COMMENT && tag <= SOURCE) {
      sections.set(tag, kind & PACKED ? unpack(content, MAX_UNPACKED) : content);
    } else if (kind & NEEDED) {
      throw new FormatError(`section ${tag} is needed and unknown to this release`);
    }
  }
  return sections;
}
