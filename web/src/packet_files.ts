/** Packets as files, bundles and lines of text. */

import { isBundle, isSound, unbundle } from "./packets";

/** Split the bytes of one file into packets: a packet, a bundle, or lines of text. Packets are not
 * checked; damaged ones are returned too. */
export function split(data: Uint8Array): Uint8Array[] {
  if (isBundle(data)) return unbundle(data);
  // Printable bytes alone are no packet, though a short checksum may be right by chance.
  if (!isText(data)) return [data];
  return splitText(new TextDecoder().decode(data));
}

/** The packets in lines of text. */
export function splitText(text: string): Uint8Array[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line).map(fromLine);
}

/** Whether all bytes are printable ASCII, or ends of lines. */
export function isText(data: Uint8Array): boolean {
  const isPrintable = (byte: number): boolean =>
    (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13;
  return data.length > 0 && data.every(isPrintable);
}

/** The packet in a line of text: the reading with a valid checksum, else the first one. */
function fromLine(line: string): Uint8Array {
  const readings = [fromBase64(line), fromAscii85(line)].filter((data) => data !== null);
  return readings.find(isSound) ?? readings.find((data) => data.length) ?? new Uint8Array(0);
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
