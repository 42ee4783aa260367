/** Packets as files, bundles and lines of text. */

import { versionOf } from "./header";
import { MIN_SIZE, isBundle, isSound, unbundle } from "./packets";

/** The packets in the bytes of a .xgp file, a bundle, or armored text; null if the bytes are those
 * of a .xgc file, or of something else. */
export function packetsIn(given: Uint8Array | string): Uint8Array[] | null {
  if (typeof given === "string") return splitText(given);
  if (versionOf(given) !== null) return null;
  if (isBundle(given) || isText(given) || isSound(given)) return split(given);
  const found = soundPackets(decoded(given) ?? "");
  return found.length ? found : null;
}

/** Split the bytes of one file into packets: a packet, a bundle, or lines of text. Packets are not
 * checked; damaged ones are returned too. */
export function split(data: Uint8Array): Uint8Array[] {
  if (isBundle(data)) return unbundle(data);
  // Printable bytes alone are no packet, though a short checksum may be right by chance.
  if (!isText(data)) return [data];
  return splitText(new TextDecoder().decode(data));
}

/** Lines that a packet may have been broken into on its way. */
const MOST_LINES = 12;
/** Signs of a quotation before a line. */
const QUOTES = /^[>|\s]+/;
/** What may stand around a packet. */
const MARKS = /^["'“”„«»<([]+|["'“”„«»>)\].,;]+$/g;
/** Characters that take no room. */
const WIDTHLESS = /[\u00ad\u200b\u2060\ufeff]/g;

/** The packets in a text: one a line, or among other words, quoted, or broken into several lines. If
 * none is whole, what its lines hold. */
export function splitText(text: string): Uint8Array[] {
  const found = soundPackets(text);
  if (found.length) return found;
  return linesOf(text).map((line) => readings(line)[0] ?? new Uint8Array(0));
}

/** The packets in a text whose checksums are right. */
function soundPackets(text: string): Uint8Array[] {
  const lines = linesOf(text);
  const bare = lines.map((line) => line.replace(QUOTES, ""));
  const found: Uint8Array[] = [];
  for (let start = 0; start < lines.length;) {
    const packets = soundIn(lines[start]!);
    let taken = 1;
    const most = Math.min(MOST_LINES, lines.length - start);
    for (let count = 2; !packets.length && count <= most; count++) {
      const whole = soundOf(bare.slice(start, start + count).join(""));
      if (!whole) continue;
      packets.push(whole);
      taken = count;
    }
    found.push(...packets);
    start += taken;
  }
  return found;
}

/** The lines of a text that are not empty. */
function linesOf(text: string): string[] {
  const lines = text.replace(WIDTHLESS, "").split(/[\r\n]+/);
  return lines.map((line) => line.trim()).filter((line) => line);
}

/** The packets in a line: it is one, or words of it are. */
function soundIn(line: string): Uint8Array[] {
  const whole = soundOf(line);
  if (whole) return [whole];
  return line
    .split(/\s+/)
    .map((word) => soundOf(word) ?? soundOf(word.replace(MARKS, "")))
    .filter((packet) => packet !== null);
}

/** The packet that text stands for, if its checksum is right. */
function soundOf(text: string): Uint8Array | null {
  const isPacket = (data: Uint8Array): boolean =>
    // Printable bytes alone are no packet, though a short checksum may be right by chance.
    data.length >= MIN_SIZE && isSound(data) && !isText(data);
  return readings(text).find(isPacket) ?? null;
}

/** Bytes as text, if they are any. */
function decoded(data: Uint8Array): string | null {
  const mark = data.subarray(0, 2).join();
  const name = mark === "255,254" ? "utf-16le" : mark === "254,255" ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(name, { fatal: true }).decode(data);
  } catch {
    return null;
  }
}

/** Whether all bytes are printable ASCII, or ends of lines. */
export function isText(data: Uint8Array): boolean {
  const isPrintable = (byte: number): boolean =>
    (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13;
  return data.length > 0 && data.every(isPrintable);
}

/** What text may stand for. */
function readings(text: string): Uint8Array[] {
  const every = [fromBase64(text), fromAscii85(text), fromBase32(text)];
  return every.filter((data) => data !== null && data.length > 0) as Uint8Array[];
}

/** Five bits a character, of the alphabet A-Z and 2-7. */
function fromBase32(text: string): Uint8Array | null {
  const digits = text.toUpperCase().replace(/=*$/, "");
  if (!/^[A-Z2-7]+$/.test(digits)) return null;
  const bytes: number[] = [];
  let [bits, count] = [0, 0];
  for (const digit of digits) {
    bits = (bits << 5) | (digit > "7" ? digit.charCodeAt(0) - 65 : Number(digit) + 24);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 255);
    bits &= 255;
  }
  return Uint8Array.from(bytes);
}

function fromBase64(line: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(line)) return null;
  try {
    return Uint8Array.from(atob(line.replace(/=*$/, "")), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Groups of five digits to the base 85, `!` to `u`, are four bytes; `z` is four zeros. */
function fromAscii85(line: string): Uint8Array | null {
  const bytes: number[] = [];
  let group: number[] = [];
  const flush = (count: number): boolean => {
    const value = group.reduce((sum, digit) => sum * 85 + digit, 0);
    if (value >= 2 ** 32) return false;
    const four = [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256);
    bytes.push(...four.slice(0, count));
    group = [];
    return true;
  };
  for (const character of line.replace(/\s/g, "")) {
    if (character === "z" && !group.length) {
      bytes.push(0, 0, 0, 0);
      continue;
    }
    if (character < "!" || character > "u") return null;
    group.push(character.charCodeAt(0) - 33);
    if (group.length === 5 && !flush(4)) return null;
  }
  const rest = group.length;
  if (rest) {
    while (group.length < 5) group.push(84);
    if (!flush(rest - 1)) return null;
  }
  return Uint8Array.from(bytes);
}
