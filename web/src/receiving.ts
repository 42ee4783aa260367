/** Which picture the packets give that have arrived, in any order, with any number lost. */

import { FormatError } from "./errors";
import { readEmbedded } from "./embedded";
import { checkPixels } from "./header";
import { Hierarchy } from "./lifting";
import { FREE_SAMPLES, MAX_SAMPLES, pointsFromDensity } from "./mask";
import { type Packet, SAMPLES_PER_PACKET_BYTE, join, parsePacket } from "./packets";
import { samplesOf } from "./prefixes";
import type { Restored } from "./ranges";
import type { Samples } from "./types";

/** Side of a density block in pixels; any would do, since density is uniform. */
const BLOCK = 128;

/** What the packets so far restore, and how many there are. */
export interface Joined extends Restored {
  width: number;
  height: number;
  /** Size of a packet in bytes. */
  length: number;
  packets: number;
  damaged: number;
  strays: number;
}

/** The packets received so far. */
export class Collection {
  private readonly pictures = new Map<string, Map<number, Packet>>();
  private damaged = 0;
  private error: Error = new FormatError("no packet received");

  /** Add the bytes of a packet; returns whether it is undamaged and new. */
  add(data: Uint8Array): boolean {
    let packet: Packet;
    try {
      packet = parsePacket(data);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.damaged++;
      this.error = error;
      return false;
    }
    const ofPicture = this.pictures.get(packet.picture) ?? new Map<number, Packet>();
    this.pictures.set(packet.picture, ofPicture);
    if (ofPicture.has(packet.index)) return false;
    ofPicture.set(packet.index, packet);
    return true;
  }

  /** What the packets of the picture with most of them restore. */
  joined(maxPixels: number): Joined {
    let best = new Map<number, Packet>();
    let count = 0;
    for (const each of this.pictures.values()) {
      count += each.size;
      if (each.size > best.size) best = each;
    }
    const [one] = best.values();
    if (!one) throw this.error;
    const found = join(best.values());
    checkPixels(one.width, one.height, maxPixels);
    return {
      ...found,
      width: one.width,
      height: one.height,
      length: one.length,
      packets: best.size,
      damaged: this.damaged,
      strays: count - best.size,
    };
  }
}

/** The samples that packets give; null if they are too few for the parameters. */
export function samplesIn(joined: Joined): Samples | null {
  const { parameters, height, width, stream, length } = joined;
  if (!parameters) return null;
  const [high, wide] = [Math.ceil(height / BLOCK), Math.ceil(width / BLOCK)];
  const points = pointsFromDensity(
    { high, wide, exponents: new Uint8Array(high * wide), block: BLOCK, scale: parameters.scale },
    height,
    width,
    null,
    Math.min(MAX_SAMPLES, FREE_SAMPLES + SAMPLES_PER_PACKET_BYTE * length),
  );
  if (!points.rows.length) throw new FormatError("damaged: the packets hold no sample");
  const tree = new Hierarchy(points);
  const known = readEmbedded(stream, tree, parameters.stages);
  return samplesOf(known, tree, parameters.step, parameters.colour);
}
