/** Parts of the decoder by themselves. */

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { SAMPLES, Scalars, Vectors } from "../src/dense";
import { FormatError, InputError, ModelError, XcodecError, revived } from "../src/errors";
import { readOriginal } from "../src/header";
import { mantissas, rank, threshold } from "../src/mask";
import { Raster, Tree } from "../src/neighbours";
import { packetsIn, splitText } from "../src/packet_files";
import { Reader, concat, crc16, crc32c, ending, ready, unpack } from "../src/primitives";
import { restored } from "../src/ranges";
import { parse } from "../src/safetensors";

before(ready);

/** Whole numbers below a limit: always the same ones. */
function numbers(count: number, limit: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  });
}

/** RFC 4648, without padding. */
function inBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g)!.map((group) => parseInt(group.padEnd(5, "0"), 2));
  return groups.map((group) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[group]).join("");
}

const digits = new TextEncoder().encode("123456789");

test("checksums are those of the catalogue", () => {
  assert.equal(crc16(digits), 0xd64e);
  assert.equal(crc32c(digits), 0xe3069283);
});

test("varints have a limit and one form", () => {
  const of = (...bytes: number[]): number =>
    new Reader(Uint8Array.from(bytes)).varint(1000, "a number");
  assert.equal(of(0), 0);
  assert.equal(of(0xe8, 7), 1000);
  assert.throws(() => of(0xe9, 7), FormatError);
  assert.throws(() => of(0x80, 0), FormatError);
  assert.throws(() => of(0x80), FormatError);
  assert.throws(() => of(...Array(9).fill(0xff)), FormatError);
});

test("the nearest points are those of looking at every point, ties included", () => {
  for (const [count, side] of [
    [400, 25],
    [300, 1000],
    [7, 3],
  ] as const) {
    const places = [...new Set(numbers(count, side * side))];
    const rows = Int32Array.from(places, (place) => Math.floor(place / side));
    const cols = Int32Array.from(places, (place) => place % side);
    const tree = new Tree(rows, cols);
    for (const [query, place] of numbers(60, side * side, 9).entries()) {
      const [row, col] = [Math.floor(place / side), place % side];
      const limit = 1 + ((query * 37) % places.length);
      const square = (i: number): number => (rows[i]! - row) ** 2 + (cols[i]! - col) ** 2;
      const all = places.map((_, i) => i).slice(0, limit);
      const expected = all.sort((a, b) => square(a) - square(b) || a - b).slice(0, 16);
      const found = tree.nearest(row, col, 16, limit);
      assert.deepEqual([...tree.found.subarray(0, found)], expected);
      assert.deepEqual([...tree.squares.subarray(0, found)], expected.map(square));
    }
  }
});

test("a raster finds what a tree does", () => {
  const [height, width] = [50, 60];
  const places = [...new Set(numbers(800, (height + 80) * (width + 80), 3))];
  // Some points lie around the picture, near and far.
  const rows = Int32Array.from(places, (place) => Math.floor(place / (width + 80)) - 40);
  const cols = Int32Array.from(places, (place) => (place % (width + 80)) - 40);
  const points = { height, width, rows, cols, ranks: rows };
  const [raster, tree] = [new Raster(points), new Tree(rows, cols)];
  const missed = numbers(300, height * width, 5).filter((place, query) => {
    const [row, col] = [Math.floor(place / width), place % width];
    const limit = query % 3 ? places.length : 40 + query;
    tree.nearest(row, col, 16, limit);
    if (!raster.nearest(row, col, 16, limit)) return true;
    assert.deepEqual(raster.found.subarray(0, 16), tree.found.subarray(0, 16));
    assert.deepEqual(raster.squares.subarray(0, 16), tree.squares.subarray(0, 16));
    return false;
  });
  assert.ok(missed.length > 0 && missed.length < 100);
});

test("layers by vectors and by single numbers agree", () => {
  const layer = (inputs: number, units: number, seed: number) => ({
    weights: numbers(inputs * units, 1200, seed).map((n) => n - 600),
    biases: numbers(units, 9000, seed + 1).map((n) => n - 4500),
  });
  const layers = [layer(89, 30, 1), layer(30, 17, 3), layer(17, 53, 5)];
  const [vectors, scalars] = [new Vectors(layers, 255), new Scalars(layers, 255)];
  for (let seed = 1; seed < 20; seed++) {
    for (let sample = 0; sample < SAMPLES; sample++) {
      const inputs = numbers(89, 255, seed + 20 * sample).map((n) => n - 127);
      vectors.inputs[sample]!.set(inputs);
      scalars.inputs[sample]!.set(inputs);
    }
    vectors.run();
    scalars.run();
    assert.deepEqual(vectors.outputs, scalars.outputs);
  }
});

test("any shares give a range", () => {
  const picture = { width: 9, height: 9, first: { threshold: 2, columns: 4 } };
  const body = (index: number): Uint8Array => {
    const parameters = [0, 100, 0x12, 0x34, 0xab, 0xcd];
    // Four columns: the parameters and two bytes of the stream, in two parts.
    const parts = [...parameters, 7, 9];
    return Uint8Array.from({ length: 4 }, (_, column) => {
      const [a, b] = [parts[column]!, parts[4 + column]!];
      const x = [0, 1, 2][index]!;
      // Share 2 lies on the line through the parts: at x, which is 2.
      const slope = a ^ b;
      return x === 0 ? a : x === 1 ? b : a ^ (slope << 1) ^ (slope & 128 ? 0x11d : 0);
    });
  };
  for (const pair of [
    [0, 1],
    [0, 2],
    [2, 1],
  ]) {
    const bodies = new Map(pair.map((index) => [index, body(index)]));
    const found = restored(picture, bodies);
    assert.deepEqual([...found.stream], [7, 9]);
    assert.equal(found.complete, true);
    assert.deepEqual(found.parameters, {
      model: 0,
      step: 100,
      scale: 582,
      stages: 5,
      colour: 0xabcd,
      original: null,
    });
  }
  const alone = restored(picture, new Map([[0, body(0)]]));
  assert.equal(alone.parameters, null);
  assert.equal(alone.needed, 2);
});

test("text is read as base64, as Ascii85, or by a checksum as base32", () => {
  const [base64, ascii85] = ["TWFuIGlz", "9jqo^BlbD-"];
  assert.deepEqual(
    splitText(`${base64}\n\n  ${ascii85}\r\n`).map((bytes) => Buffer.from(bytes).toString()),
    ["Man is", "Man is d"],
  );
  const content = Uint8Array.of(130, ...numbers(60, 256));
  const packet = concat([content, ending(content)]);
  const base32 = inBase32(packet);
  const text = Buffer.from(packet).toString("base64");
  for (const given of [
    base32,
    base32.toLowerCase(),
    text.replace(/=*$/, ""),
    `Anna: ${text} ok?`,
    `hello\n${text.slice(0, 30)}\n${text.slice(30, 50)}\n${text.slice(50)}\nbye`,
    `> ${text.slice(0, 30)}\r> ${text.slice(30)}\r> bye`,
    `Anna wrote: “${text.slice(0, 9)}\u200b${text.slice(9)}”`,
  ]) {
    assert.deepEqual(splitText(given), [packet], given);
  }
  assert.deepEqual(splitText(`${text}\nand\n${base32}`), [packet, packet]);
  assert.deepEqual(splitText(`${text} ${base32}`), [packet, packet]);
  const mail = `\ufeffGrüße!\n${text}\n`;
  const wide = new Uint8Array(Uint16Array.from(mail, (sign) => sign.charCodeAt(0)).buffer);
  for (const bytes of [new TextEncoder().encode(mail), wide]) {
    assert.deepEqual(packetsIn(bytes), [packet]);
  }
  assert.equal(packetsIn(new TextEncoder().encode("Grüße!")), null);
});

test("the size of an original follows from that of the picture", () => {
  const of = (width: number, height: number, ...bytes: number[]): number[] => {
    const size = readOriginal(new Reader(Uint8Array.from(bytes)), width, height);
    return [size.width, size.height];
  };
  assert.deepEqual(of(64, 48, 0x80, 1), [128, 96]);
  assert.deepEqual(of(48, 64, 0x80, 1), [96, 128]);
  // 2 * 65 * 48 + 64 = 6304, of which 128 make 49.
  assert.deepEqual(of(64, 48, 2), [65, 49]);
  assert.deepEqual(of(64, 48, 3, 1), [65, 50]);
  assert.deepEqual(of(64, 48, 3, 2), [65, 48]);
  assert.deepEqual(of(48, 64, 3, 4), [47, 65]);
  assert.deepEqual(of(64, 48, 1, 1), [64, 49]);
  for (const wrong of [[0], [1, 0], [3, 0], [3, 100], [0xfe, 0xff, 0x7f]]) {
    assert.throws(() => of(64, 48, ...wrong), FormatError);
  }
});

test("ranks and thresholds have their limits", () => {
  assert.equal(mantissas(16)[0], 65536);
  assert.equal(mantissas(128)[64], 92681);
  assert.equal(threshold(0, 38 * 128), 2 ** 22);
  assert.equal(threshold(15, 0), 0);
  assert.equal(threshold(15, 128), 1);
  const all = new Set<number>();
  for (let at = 0; at < 128 * 128; at++) all.add(rank(at >> 7, at & 127));
  assert.equal(all.size, 128 * 128);
  assert.equal(rank(5, 7) >> 8, rank(133, 7 + 16 * 128) >> 8);
});

test("frames without a size, or with too large a one, are refused", () => {
  const frame = (...bytes: number[]): Uint8Array => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...bytes);
  assert.deepEqual([...unpack(frame(0x20, 2, 0x11, 0, 0, 65, 66), 2)], [65, 66]);
  assert.throws(() => unpack(frame(0x20, 2, 0x11, 0, 0, 65, 66), 1), FormatError);
  assert.throws(() => unpack(frame(0x20, 3, 0x11, 0, 0, 65, 66), 9), FormatError);
  assert.throws(() => unpack(frame(0, 0x40, 0x11, 0, 0, 65, 66), 9), FormatError);
  assert.throws(() => unpack(Uint8Array.of(1, 2, 3), 9), FormatError);
});

test("what is no file of weights is refused", () => {
  for (const length of [0, 8, 40]) {
    assert.throws(() => parse(Uint8Array.from(numbers(length, 256))), ModelError);
  }
  const text = new TextEncoder().encode('{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}');
  const file = Uint8Array.of(text.length, 0, 0, 0, 0, 0, 0, 0, ...text);
  assert.throws(() => parse(file), ModelError);
  assert.equal(
    parse(Uint8Array.of(...file, ...Array(36).fill(0))).tensors.get("a")!.bytes.length,
    36,
  );
});

test("errors keep their classes across the border of a worker", () => {
  const found = revived("ModelError", "no weights");
  assert.ok(found instanceof ModelError && found instanceof XcodecError);
  assert.equal(found.message, "no weights");
  assert.ok(!(revived("TypeError", "") instanceof InputError));
});
