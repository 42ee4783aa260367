/** The built module, whose worker is a thread of Node here. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

declare const ROOT: string;
const path = join(ROOT, "web", "dist", "xcodec.js");
const xcodec = (await import(path)) as typeof import("../src/xcodec");
const { Decoder, FormatError, LimitError, ModelError, XcodecError } = xcodec;
const bytes = (...parts: string[]): Uint8Array =>
  new Uint8Array(readFileSync(join(ROOT, ...parts)));
const golden = (name: string): Uint8Array => bytes("tests", "golden", `${name}.xgc`);

after(() => xcodec.close());

test("a picture has four bytes for each pixel", async () => {
  const { width, height, rgba, decoder, warning } = await xcodec.decode(golden("alpha-mask"));
  assert.deepEqual([width, height, decoder, warning], [96, 72, "classical", null]);
  assert.equal(rgba.length, 96 * 72 * 4);
  assert.deepEqual([...new Set(rgba.filter((_, i) => i % 4 === 3))].sort(), [0, 255]);
});

test("a model paints once its weights are loaded, after the fill", async () => {
  const decoder = new Decoder();
  try {
    await assert.rejects(decoder.decode(golden("plain"), { decoder: "generator" }), ModelError);
    assert.equal(await decoder.load(bytes("models", "photo.safetensors")), "photo");
    const fills: Uint8ClampedArray[] = [];
    const shares: number[] = [];
    const painted = await decoder.decode(golden("plain"), {
      onFill: ({ rgba }) => fills.push(rgba),
      onProgress: (share) => shares.push(share),
    });
    assert.equal(painted.decoder, "generator");
    assert.equal(shares.at(-1), 1);
    const fill = await decoder.decode(golden("plain"), { decoder: "classical" });
    assert.equal(fills.length, 1);
    assert.deepEqual(fills[0], fill.rgba);
    assert.notDeepEqual(painted.rgba, fill.rgba);
    const real = { realism: 0.5 };
    await assert.rejects(decoder.decode(golden("plain"), real), /second set of weights/);
    await decoder.load(bytes("models", "photo.safetensors"), "photo-real");
    // The mean of weights with themselves is themselves.
    assert.deepEqual((await decoder.decode(golden("plain"), real)).rgba, painted.rgba);
    await assert.rejects(decoder.load(golden("plain")), ModelError);
  } finally {
    decoder.close();
  }
});

test("errors have their classes, and one line", async () => {
  const plain = golden("plain");
  const damaged = plain.map((byte, i) => (i === 20 ? byte ^ 1 : byte));
  await assert.rejects(xcodec.decode(damaged), (error: Error) => {
    assert.ok(error instanceof FormatError && error instanceof XcodecError);
    assert.match(error.message, /^[^\n]+$/);
    return true;
  });
  await assert.rejects(xcodec.decode(plain, { maxPixels: 100 }), LimitError);
  await assert.rejects(xcodec.decodePackets([plain]), FormatError);
  const left = await xcodec.decode(plain.subarray(0, 40), { partial: true });
  assert.match(left.warning!, /cut short/);
});

test("facts of a file", async () => {
  const info = await xcodec.info(golden("mean"));
  assert.equal(info.comment, "grüße");
  assert.deepEqual(
    [info.kind, info.model, info.tone, info.packets],
    ["file", "face", "mean", null],
  );
  assert.equal(await xcodec.packets(golden("mean")), null);
  assert.equal((await xcodec.packets("aGVsbG8\nd29ybGQ"))!.length, 2);
});

test("a worker that stops is replaced", async () => {
  class Broken {
    onerror: ((event: object) => void) | null = null;
    postMessage(): void {
      this.onerror?.({ message: "out of memory", preventDefault: () => {} });
    }
    terminate(): void {}
  }
  const decoder = new Decoder();
  Object.assign(globalThis, { Worker: Broken });
  try {
    await assert.rejects(decoder.decode(golden("pixel")), /stopped: out of memory/);
  } finally {
    Object.assign(globalThis, { Worker: undefined });
  }
  assert.equal((await decoder.decode(golden("pixel"))).width, 1);
  decoder.close();
});

test("closing ends what is under way", async () => {
  const decoder = new Decoder();
  const waiting = decoder.decode(golden("grey-layers"));
  setTimeout(() => decoder.close(), 50);
  await assert.rejects(waiting, /closed/);
  assert.equal((await decoder.decode(golden("pixel"))).width, 1);
  decoder.close();
});
