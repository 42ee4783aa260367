/** Symbols by what the values around them tell: a table for each symbol, with its sign (5.2). */

import { firstOf, widthOf } from "./context";
import { SAMPLES } from "./dense";
import type { Hierarchy, Lifting } from "./lifting";
import { SIGNED, frequencies, networkOf } from "./network";
import type { Decoder } from "./rangecoder";
import { Surroundings } from "./surroundings";
import { Values } from "./values";

/** Reads the symbols of a picture, level by level and plane by plane, from the coarsest on. */
export class ValueCoder {
  private readonly values: Values;
  private readonly surroundings: Surroundings;
  private readonly octaves: number[];
  private octave = -1;

  /** @param step index of the quantiser's step */
  constructor(
    private readonly tree: Hierarchy,
    lifting: Lifting,
    step: number,
    private readonly planes: number,
    private readonly symbols: Int32Array,
  ) {
    this.values = new Values(tree, lifting, step, planes);
    this.surroundings = new Surroundings(tree, this.values, symbols);
    this.octaves = tree.octaves.flatMap(({ start, end }, octave) =>
      new Array<number>(end - start).fill(octave),
    );
  }

  /** Decode one level and plane. Nothing changes if the data makes no sense. */
  readPlane(coder: Decoder, level: number, plane: number): void {
    const octave = this.octaves[level]!;
    if (octave !== this.octave) {
      if (this.octave >= 0) this.values.finish(this.octave);
      this.values.begin(octave);
      this.octave = octave;
    }
    const { start, end } = this.tree.span(level);
    const found = new Int32Array(end - start);
    const table = new Int32Array(SIGNED);
    this.surroundings.enter(level);
    const network = networkOf(plane);
    for (let sample = start; sample < end; sample += SAMPLES) {
      const count = Math.min(SAMPLES, end - sample);
      for (let i = 0; i < count; i++) {
        this.surroundings.look(level, plane, sample + i, network.inputs[i]!);
      }
      network.run();
      for (let i = 0; i < count; i++) {
        frequencies(network.outputs[i]!, table);
        found[sample - start + i] = coder.once(table);
      }
    }
    for (let i = 0; i < found.length; i++) {
      const token = (found[i]! + 1) >> 1;
      const width = widthOf(token);
      const magnitude = firstOf(token) + (width ? coder.bits(width) : 0);
      found[i] = found[i]! & 1 ? magnitude : -magnitude;
    }
    for (let sample = start; sample < end; sample++) {
      const symbol = found[sample - start]!;
      this.symbols[sample * this.planes + plane] = symbol;
      this.values.put(level, plane, sample, symbol);
    }
  }
}
