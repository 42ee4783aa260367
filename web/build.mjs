// Builds the decoder: dist/xcodec.js, a module for other programs, and dist/xcodec.html, the page.
//
// node build.mjs           both
// node build.mjs --tests   what the tests need, into build/tests, and the module and the page

import { build, transform } from "esbuild";
import wabt from "wabt";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync, inflateRawSync } from "node:zlib";

import { licences } from "./licences.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const at = (...parts) => join(root, ...parts);
const TSC = join(here, "node_modules/typescript/bin/tsc");
/** Weights that the page holds. */
const MODELS = ["photo", "face"];
/** What the page shows as an example, of tests/golden. */
const EXAMPLE = "layers.xgc";
/** What warms it up: a file that runs all that is slow. */
const WARMING = "dense.xgc";
/** Largest size of the page in bytes. */
const MOST = 12_000_000;
const TFJS = join(here, "node_modules/@tensorflow/tfjs-backend-wasm/dist");

/** The files of a ZIP archive, by name. */
function unzipped(archive) {
  const files = new Map();
  let end = archive.length - 22;
  while (archive.readUInt32LE(end) !== 0x06054b50) end--;
  let entry = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size] = [archive.readUInt16LE(entry + 10), archive.readUInt32LE(entry + 20)];
    const [name, extra, comment] = [28, 30, 32].map((place) => archive.readUInt16LE(entry + place));
    const local = archive.readUInt32LE(entry + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const data = archive.subarray(start, start + size);
    files.set(
      archive.toString("utf8", entry + 46, entry + 46 + name),
      method ? inflateRawSync(data) : data,
    );
    entry += 46 + name + extra + comment;
  }
  return files;
}

/** Numbers of a table, which go down the columns, in row order. */
function transposed(data, [high, wide], width) {
  const rows = Buffer.alloc(data.length);
  for (let row = 0; row < high; row++) {
    for (let col = 0; col < wide; col++) {
      const from = (col * high + row) * width;
      data.copy(rows, (row * wide + col) * width, from, from + width);
    }
  }
  return rows;
}

/** Arrays in numpy's .npz as a file of safetensors, which the decoder reads anyway. */
function safetensors(archive) {
  const [head, parts] = [{}, []];
  let length = 0;
  for (const [name, file] of unzipped(archive)) {
    const size = file.readUInt16LE(8);
    const text = file.toString("latin1", 10, 10 + size);
    const width = Number(/'descr': '<i(\d)'/.exec(text)[1]);
    const listed = /'shape': \(([\d, ]*)\)/.exec(text)[1].split(",");
    const shape = listed.filter((side) => side.trim()).map(Number);
    let data = file.subarray(10 + size);
    if (/'fortran_order': True/.test(text)) data = transposed(data, shape, width);
    head[name.replace(".npy", "")] = {
      dtype: `I${8 * width}`,
      shape,
      data_offsets: [length, length + data.length],
    };
    parts.push(data);
    length += data.length;
  }
  const json = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(8);
  start.writeUInt32LE(json.length);
  return Buffer.concat([start, json, ...parts]);
}

/** A program in the text form of WebAssembly in its binary form. */
async function assembled(path) {
  const { parseWat } = await wabt();
  const module = parseWat(path, await readFile(path), { simd: true });
  return module.toBinary({}).buffer;
}

/** Gives the modules `data:...` their contents. */
const data = {
  name: "data",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^data:/ }, ({ path }) => ({ path, namespace: "data" }));
    onLoad({ filter: /.*/, namespace: "data" }, async ({ path }) => {
      switch (path) {
        case "data:blue-noise":
          return {
            contents: (await readFile(at("xcodec/sampling/blue_noise.npy"))).subarray(128),
            loader: "binary",
          };
        case "data:dense":
          return { contents: await assembled(join(here, "src/dense.wat")), loader: "binary" };
        case "data:network":
          return {
            contents: safetensors(await readFile(at("xcodec/coding/network.npz"))),
            loader: "binary",
          };
        case "data:tables":
          return { contents: await readFile(at("xcodec/coding/tables.json")), loader: "json" };
        case "data:tfjs-wasm":
          return {
            contents: await readFile(join(TFJS, "tfjs-backend-wasm-simd.wasm")),
            loader: "binary",
          };
        case "data:worker":
          return { contents: await worker(), loader: "text" };
      }
    });
  },
};

/** Modules of Node that TensorFlow.js asks for, and does not need here. */
const nothing = {
  name: "nothing",
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^(fs|path|crypto|util|os|perf_hooks|worker_threads|node-fetch)$/ },
      ({ path }) => ({ path, namespace: "nothing" }),
    );
    onLoad({ filter: /.*/, namespace: "nothing" }, () => ({
      contents: "module.exports = {}",
      loader: "js",
    }));
  },
};

const common = {
  bundle: true,
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  // To TensorFlow.js, Node must look like a browser.
  define: { "process.versions": "undefined" },
  plugins: [data, nothing],
  logLevel: "warning",
};

/** What esbuild says that the worker and the page contain. */
const reports = [];

/** The program of the worker, which runs in browsers and in Node. */
async function worker() {
  const { outputFiles, metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: [join(here, "src/worker.ts")],
    format: "iife",
    platform: "browser",
    external: ["node:*"],
    write: false,
  });
  reports.push(metafile);
  return outputFiles[0].text;
}

/** The tests, and programs that those in Python run in Node or, `*.browser.ts`, in a browser. */
async function tests() {
  const names = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".ts"));
  const paths = (inBrowser) =>
    names
      .filter((name) => name.endsWith(".browser.ts") === inBrowser)
      .map((name) => join(here, "test", name));
  const shared = { ...common, minify: false, outdir: join(here, "build/tests") };
  await build({
    ...shared,
    entryPoints: paths(false),
    outExtension: { ".js": ".mjs" },
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*"],
    sourcemap: "inline",
    define: { ...common.define, ROOT: JSON.stringify(root) },
  });
  await build({ ...shared, entryPoints: paths(true), format: "iife", platform: "browser" });
}

async function library() {
  await build({
    ...common,
    entryPoints: [join(here, "src/xcodec.ts")],
    outfile: join(here, "dist/xcodec.js"),
    format: "esm",
    platform: "browser",
    external: ["node:*"],
  });
  // Types, after everything was checked.
  const types = join(here, "build/types");
  const options = [
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    "--outDir",
    types,
  ];
  await promisify(execFile)(process.execPath, [TSC, "-p", here, ...options]).catch((error) => {
    throw new Error(error.stdout || error.message);
  });
  for (const name of ["xcodec", "interface", "errors"]) {
    await copyFile(join(types, `src/${name}.d.ts`), join(here, `dist/${name}.d.ts`));
  }
}

/** An element that holds bytes, packed. */
function holding(name, bytes) {
  const packed = gzipSync(bytes, { level: 9 }).toString("base64");
  return `<script type="application/octet-stream" id="held-${name}">${packed}</script>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** The page in one file, and beside it what makes it an app where it is served. */
async function page() {
  const { outputFiles, metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: [join(here, "page/page.ts")],
    format: "iife",
    platform: "browser",
    external: ["node:*"],
    write: false,
  });
  const style = await transform(await readFile(join(here, "page/style.css"), "utf8"), {
    loader: "css",
    minify: true,
  });
  const parts = { style: style.code, script: outputFiles[0].text };
  const terms = escaped(await licences(here, [...reports, metafile]));
  const models = MODELS.map(async (name) =>
    holding(name, await readFile(at("models", `${name}.safetensors`))),
  );
  const files = [
    ["example", EXAMPLE],
    ["warming", WARMING],
  ].map(async ([name, file]) => holding(name, await readFile(at("tests/golden", file))));
  const held = (await Promise.all([...models, ...files])).join("\n");
  const template = await readFile(join(here, "page/index.html"), "utf8");
  const html = template
    .replace("<!-- licences -->", () => terms)
    .replace("<!-- data -->", () => held)
    .replace(/\/\* (style|script) \*\//g, (_, part) => parts[part]);
  if (html.length > MOST) throw new Error(`the page has ${html.length} bytes`);
  await writeFile(join(here, "dist/xcodec.html"), html);
  const version = createHash("sha256").update(html).digest("hex").slice(0, 12);
  const worker = await readFile(join(here, "page/service-worker.js"), "utf8");
  await writeFile(join(here, "dist/service-worker.js"), worker.replace("/* version */", version));
  for (const name of ["xcodec.webmanifest", "icon.svg"]) {
    await copyFile(join(here, "page", name), join(here, "dist", name));
  }
}

await mkdir(join(here, "dist"), { recursive: true });
if (process.argv.includes("--tests")) await tests();
await library();
await page();
