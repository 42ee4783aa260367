/** The weights that the page holds, packed by gzip and base64 in its last elements. */

import type { Decoder } from "../src/xcodec";

/** Unpack the bytes that this page holds by a name; null if there are none. */
export async function held(name: string): Promise<Uint8Array | null> {
  const text = document.getElementById(`held-${name}`)?.textContent?.trim();
  if (!text) return null;
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Which weights a decoder has, and loading them when they are needed. */
export class Weights {
  private readonly loaded = new Map<string, Promise<unknown>>();
  /** Realistic weights that the user chose, by name. */
  private readonly chosen = new Map<string, Uint8Array>();

  constructor(private readonly decoder: Decoder) {}

  /** The decoder was closed: it has nothing left. */
  forget(): void {
    this.loaded.clear();
  }

  /** Whether pictures of a model can be made more realistic. */
  isRealistic(model: string): boolean {
    return this.chosen.has(`${model}-real`);
  }

  /** Take a file of weights that the user chose. Throws ModelError if it is none. */
  async take(file: Uint8Array): Promise<string> {
    const name = await this.decoder.load(file);
    this.chosen.set(name, file);
    this.loaded.set(name, Promise.resolve());
    return name;
  }

  /** Load what pictures of a model need. */
  async prepare(model: string): Promise<void> {
    for (const name of [model, `${model}-real`]) {
      let loading = this.loaded.get(name);
      if (!loading) this.loaded.set(name, (loading = this.load(name)));
      await loading;
    }
  }

  private async load(name: string): Promise<void> {
    const file = this.chosen.get(name) ?? (await held(name));
    if (file) await this.decoder.load(file, name);
  }
}
