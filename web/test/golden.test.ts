/** Every golden file gives the symbols that tests/golden/expected.json says. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";

import { planesOf } from "../src/header";
import { ready } from "../src/primitives";
import { opened, readTile } from "../src/reading";

declare const ROOT: string;
const FOLDER = join(ROOT, "tests", "golden");
const MAX_PIXELS = 1 << 20;
const expected = JSON.parse(readFileSync(join(FOLDER, "expected.json"), "utf8"));

before(ready);

function digest(values: number[]): string {
  return createHash("sha256").update(new Uint8Array(Int32Array.from(values).buffer)).digest("hex");
}

test("there is an expectation for each file", () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".xgc"));
  assert.deepEqual(names.map((name) => name.slice(0, -4)).sort(), Object.keys(expected).sort());
});

for (const [name, facts] of Object.entries<Record<string, unknown>>(expected)) {
  test(`${name}: points, symbols and sections`, () => {
    const data = new Uint8Array(readFileSync(join(FOLDER, `${name}.xgc`)));
    const contents = opened(data, MAX_PIXELS, false, assert.fail);
    const points: number[] = [];
    const symbols: number[] = [];
    for (let number = 0; number < contents.grid.length; number++) {
      const tile = readTile(contents, number)!;
      const { rows, cols } = tile.points;
      rows.forEach((row, i) => points.push(row + tile.box.top, cols[i]! + tile.box.left));
      for (const symbol of tile.read.symbols) symbols.push(symbol);
    }
    assert.equal(data.length, facts.size);
    assert.equal(points.length / 2, facts.samples);
    assert.equal(symbols.length, (points.length / 2) * planesOf(contents.header));
    assert.equal(contents.grid.length, facts.tiles);
    assert.equal(contents.layers, facts.layers);
    const sections = [...contents.header.sections].sort(([a], [b]) => a - b);
    assert.deepEqual(
      Object.fromEntries(sections.map(([tag, each]) => [tag, Buffer.from(each).toString("hex")])),
      facts.sections,
    );
    assert.equal(digest(points), facts.points);
    assert.equal(digest(symbols), facts.symbols);
  });
}
