/** Reading the sections of a file: comment, and the mode of the source. */

import { COMMENT, EXIF, type Header, PROFILE, SOURCE, XMP } from "./header";

/** Kinds of sources: 8 bits per channel, black and white, grey with 16 bits, and a colour mode in
 * which every pixel is grey. */
export const [PLAIN, BILEVEL, DEEP, COLOUR] = [0, 1, 2, 3] as const;

/** The comment of a file, if it has one. */
export function commentOf({ sections }: Header): string | null {
  const content = sections.get(COMMENT);
  return content ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(content) : null;
}

/** The kind of the source; PLAIN if it is unknown to this release. */
export function sourceOf({ sections }: Header): number {
  const content = sections.get(SOURCE);
  return content?.length === 1 && content[0]! <= COLOUR ? content[0]! : PLAIN;
}

/** Bytes of EXIF, XMP and ICC profile, unpacked. */
export function metadataBytes({ sections }: Header): number {
  return [EXIF, XMP, PROFILE].reduce((sum, tag) => sum + (sections.get(tag)?.length ?? 0), 0);
}
