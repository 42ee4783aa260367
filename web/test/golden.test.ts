/** Every golden file gives the symbols that tests/golden/expected.json says. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";

import { ready } from "../src/primitives";
import { factsOf } from "./symbols";

declare const ROOT: string;
const FOLDER = join(ROOT, "tests", "golden");
const expected = JSON.parse(readFileSync(join(FOLDER, "expected.json"), "utf8"));

before(ready);

function digest(values: number[]): string {
  return createHash("sha256")
    .update(new Uint8Array(Int32Array.from(values).buffer))
    .digest("hex");
}

test("there is an expectation for each file", () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".xgc"));
  assert.deepEqual(names.map((name) => name.slice(0, -4)).sort(), Object.keys(expected).sort());
});

for (const [name, facts] of Object.entries<Record<string, unknown>>(expected)) {
  test(`${name}: points, symbols and sections`, () => {
    const data = new Uint8Array(readFileSync(join(FOLDER, `${name}.xgc`)));
    const found = factsOf(data);
    assert.equal(data.length, facts.size);
    assert.equal(found.points.length / 2, facts.samples);
    assert.equal(found.symbols.length, (found.points.length / 2) * found.planes);
    assert.equal(found.tiles, facts.tiles);
    assert.equal(found.layers, facts.layers);
    const sections = [...found.sections].sort(([a], [b]) => a - b);
    assert.deepEqual(
      Object.fromEntries(sections.map(([tag, each]) => [tag, Buffer.from(each).toString("hex")])),
      facts.sections,
    );
    assert.equal(digest(found.points), facts.points);
    assert.equal(digest(found.symbols), facts.symbols);
  });
}
