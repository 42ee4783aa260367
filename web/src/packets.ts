/** The byte layout of .xgp packets (docs/format.md, section 11). */

import { FormatError } from "./errors";
import { SIZES, isNumbered } from "./header";
import { CHECKSUM, Reader, checksum, contentSize, ending, equal } from "./primitives";
import { type Range, type Restored, checked, restored } from "./ranges";

export const VERSION = 4;
/** Its packets have a CRC-32C, whatever their size. */
const LONG_CHECKSUM_VERSION = 1;
export const MIN_SIZE = 40;
const MAX_SIZE = 4096;
/** Samples that a picture may have for each byte of a packet, beside those that any may have. */
export const SAMPLES_PER_PACKET_BYTE = 2048;
/** Packets of up to this many bytes say the columns of the first range in one byte. */
const NARROW = 256;
const START = 4;
const MAGIC = Uint8Array.of(0x58, 0x47, 0x50);

/** A packet with a correct checksum; picture is equal for all packets of a picture. */
export interface Packet {
  width: number;
  height: number;
  picture: string;
  index: number;
  length: number;
  first: Range;
  body: Uint8Array;
}

/** Whether the checksum of a packet is correct, also if it has an older version. */
export function isSound(data: Uint8Array): boolean {
  if (data.length && data[0]! >> 5 === LONG_CHECKSUM_VERSION) {
    const end = Math.max(data.length - CHECKSUM, 0);
    return equal(checksum(data.subarray(0, end)), data.subarray(end));
  }
  const end = contentSize(data.length);
  return end > 0 && equal(ending(data.subarray(0, end)), data.subarray(end));
}

/** Parse a packet. */
export function parsePacket(data: Uint8Array): Packet {
  if (data.length < MIN_SIZE || data.length > MAX_SIZE) {
    throw new FormatError(`not a packet: ${data.length} bytes`);
  }
  if (!isSound(data)) throw new FormatError("damaged: the packet's checksum does not match");
  const version = data[0]! >> 5;
  if (version !== VERSION) {
    throw new FormatError(`packet version ${version}: this release reads ${VERSION} only`);
  }
  const reader = new Reader(data.subarray(0, contentSize(data.length)));
  reader.take(START);
  let [width, height] = SIZES[(data[0]! & 31) - 1] ?? [0, 0];
  if (!width) {
    const sides = reader.number(3);
    width = (sides >> 12) + 1;
    height = (sides & 4095) + 1;
    if (isNumbered(width, height)) {
      throw new FormatError("damaged: a header that is longer than necessary");
    }
  }
  const threshold = reader.byte();
  const columns = reader.number(data.length <= NARROW ? 1 : 2);
  const body = reader.data.subarray(reader.at);
  const first = checked({ threshold, columns }, body.length, { threshold: 1, columns: 1 });
  const shared = [...data.subarray(0, 3), ...data.subarray(START, reader.at), data.length];
  return {
    width,
    height,
    picture: shared.join(),
    index: data[3]!,
    length: data.length,
    first,
    body,
  };
}

/** What packets of one picture, at least one, restore. Duplicates and the order do not matter. */
export function join(packets: Iterable<Packet>): Restored {
  const every = [...packets];
  const bodies = new Map(every.map(({ index, body }) => [index, body]));
  return restored(every[0]!, bodies);
}

/** Whether bytes begin as a bundle of packets does. */
export function isBundle(data: Uint8Array): boolean {
  return equal(data.subarray(0, MAGIC.length), MAGIC);
}

/** The packets of a bundle, without checking them; incomplete ones are left out. */
export function unbundle(data: Uint8Array): Uint8Array[] {
  const reader = new Reader(data);
  reader.take(MAGIC.length);
  const found: Uint8Array[] = [];
  try {
    while (reader.at < data.length) {
      found.push(reader.take(reader.varint(MAX_SIZE, "the length of a packet")));
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return found;
}
