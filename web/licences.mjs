// Which packages a bundle holds, and under which terms.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const PLACE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** The folders of the packages that bundles contain, by esbuild's reports on them. */
function packagesOf(reports) {
  const found = new Set();
  for (const { outputs } of reports) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const name = PLACE.exec(path)?.[1];
        if (name && bytesInOutput) found.add(name);
      }
    }
  }
  return [...found].sort();
}

/** The licences of what bundles contain, as text; `here` is the folder of node_modules. */
export async function licences(here, reports) {
  const texts = [];
  for (const name of packagesOf(reports)) {
    const folder = join(here, "node_modules", name);
    const { version, license, author, homepage } = JSON.parse(
      await readFile(join(folder, "package.json"), "utf8"),
    );
    const by = typeof author === "object" ? author.name : author;
    const head = [`${name} ${version}`, license, by, homepage].filter(Boolean).join(", ");
    const path = join(folder, "LICENSE");
    texts.push(existsSync(path) ? `${head}\n\n${await readFile(path, "utf8")}` : head);
  }
  texts.push(
    `Apache License, of xcodec too\n\n${await readFile(join(here, "../LICENSE"), "utf8")}`,
  );
  return texts.map((text) => text.trim()).join(`\n\n${"-".repeat(60)}\n\n`);
}
