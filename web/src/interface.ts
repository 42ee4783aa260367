/** What the module takes and gives. */

/** How a picture is decoded.
 *
 * decoder   : "generator" needs weights; by default it is used if the weights are there
 * partial   : draw what is left of a damaged file, with a warning
 * maxPixels : pictures with more pixels are refused; 2 ** 24 by default
 * realism   : 0..1, the share of the realistic weights, which must be loaded
 */
export interface DecodeOptions {
  decoder?: "generator" | "classical";
  partial?: boolean;
  maxPixels?: number;
  realism?: number;
}

/** A decoded picture: 4 bytes per pixel in row order, as `ImageData` takes them. */
export interface Decoded {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
  /** What drew the picture. */
  decoder: "generator" | "classical";
  /** What is wrong with the file, if it was damaged. */
  warning: string | null;
}

/** A picture of packets: `needed` packets would give a better one; null if it is complete. */
export interface Received extends Decoded {
  packets: number;
  needed: number | null;
  damaged: number;
  strays: number;
}

/** What a file or packets say of their picture. */
export interface Info {
  kind: "file" | "packets";
  version: number;
  width: number;
  height: number;
  /** Size of the picture before it was scaled down to be coded; null if it was not. */
  original: { width: number; height: number } | null;
  bytes: number;
  /** Bits per pixel. */
  bpp: number;
  samples: number;
  model: string;
  /** In grey levels; null if samples are lossless or it is unknown yet. */
  step: number | null;
  mask: string;
  tone: string;
  grey: boolean;
  alpha: boolean;
  tiles: number;
  layers: number;
  comment: string | null;
  /** Bytes of EXIF, XMP and ICC profile. */
  metadata: number;
  /** Packets so far, and how many give a better picture; null for a file, or if it is complete. */
  packets: number | null;
  needed: number | null;
}
