/** The building blocks of files and packets: varints, checksums, zstandard frames. */

import { ZSTDDecoder } from "zstddec";

import { FormatError, TruncatedError } from "./errors";

/** Bytes of a CRC-32C. */
export const CHECKSUM = 4;
/** Bytes of a CRC-16. */
export const SHORT_CHECKSUM = 2;
/** A file ends with a CRC-16 if fewer bytes than this come before it, otherwise with a CRC-32C. */
export const SHORT = 510;

const CASTAGNOLI = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  CASTAGNOLI[byte] = crc;
}

/** The CRC-32C of bytes. */
export function crc32c(data: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < data.length; i++) {
    crc = (crc >>> 8) ^ CASTAGNOLI[(crc ^ data[i]!) & 255]!;
  }
  return ~crc >>> 0;
}

/** The CRC-16/GENIBUS of bytes. */
export function crc16(data: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return ~crc & 0xffff;
}

/** A number as bytes, big-endian. */
export function bigEndian(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--, value = Math.floor(value / 256)) bytes[i] = value % 256;
  return bytes;
}

/** The CRC-32C of bytes, big-endian. */
export function checksum(data: Uint8Array): Uint8Array {
  return bigEndian(crc32c(data), CHECKSUM);
}

/** The checksum at the end of a file or packet; `content` is all that comes before it. */
export function ending(content: Uint8Array): Uint8Array {
  return content.length < SHORT ? bigEndian(crc16(content), SHORT_CHECKSUM) : checksum(content);
}

/** The bytes of the checksum after so many bytes of a file. */
export function endingSize(content: number): number {
  return content < SHORT ? SHORT_CHECKSUM : CHECKSUM;
}

/** The bytes before the checksum of a file of so many bytes. If the file was cut, these are the
 * bytes that cannot belong to a checksum, whatever was lost. */
export function contentSize(file: number): number {
  return Math.max(0, Math.min(file - SHORT_CHECKSUM, Math.max(file - CHECKSUM, SHORT)));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads bytes from front to back. Throws TruncatedError if they end too early. */
export class Reader {
  at = 0;

  constructor(readonly data: Uint8Array) {}

  take(count: number): Uint8Array {
    if (this.at + count > this.data.length) {
      throw new TruncatedError("cut short: the file ends before its payload");
    }
    return this.data.subarray(this.at, (this.at += count));
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** A number of `size` bytes, big-endian. */
  number(size: number): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A varint of at most `limit`; `what` is its name in messages. */
  varint(limit: number, what: string): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; ; count++, scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > limit || (byte === 0 && count > 1)) {
          throw new FormatError(`damaged: ${what} is out of range`);
        }
        return value;
      }
      if (count > 5) throw new FormatError(`damaged: ${what} has too many bytes`);
    }
  }
}

// So marked, it is left out of programs that unpack nothing.
const zstandard = /* @__PURE__ */ new ZSTDDecoder();

/** Must have come to pass before anything is unpacked. */
export function ready(): Promise<void> {
  return zstandard.init();
}

/** The content of a zstandard frame that states its size, at most `limit` bytes. */
export function unpack(packed: Uint8Array, limit: number, what = "a section"): Uint8Array {
  const size = frameContentSize(packed);
  if (size === null || size > limit) {
    throw new FormatError(`damaged: ${what} has no size or is too large`);
  }
  let content = new Uint8Array(0);
  try {
    // Of a frame of nothing, the library would look for the size itself.
    if (size > 0) content = new Uint8Array(zstandard.decode(packed, size));
  } catch {
    // A trap of WebAssembly; the length tells.
  }
  if (content.length !== size) throw new FormatError(`damaged: ${what} cannot be unpacked`);
  return content;
}

/** The size that a zstandard frame states (RFC 8878, 3.1.1.1), or null. */
function frameContentSize(frame: Uint8Array): number | null {
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  if (frame.length < 6 || magic.some((byte, i) => frame[i] !== byte)) return null;
  const descriptor = frame[4]!;
  const single = descriptor & 32;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  if (!sizeBytes || frame.length < at + sizeBytes) return null;
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + frame[at + i]!;
  return sizeBytes === 2 ? size + 256 : size;
}
