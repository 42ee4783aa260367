/** The page: what it was given, and what follows from it. */

import { Decoder, FormatError, XcodecError } from "../src/xcodec";
import { element, show } from "./elements";
import { type Item, listen, read } from "./intake";
import * as viewer from "./viewer";
import { Weights, held } from "./weights";

/** What is shown: a file, or the packets so far. */
type Shown = { title: string; file: Uint8Array } | { title: string; packets: Uint8Array[] };

const decoder = new Decoder();
const weights = new Weights(decoder);
let shown: Shown | null = null;
let partial = false;
/** Counts what was shown: results of what is not shown any more are dropped. */
let turn = 0;
let busy = false;
let again = false;

async function take(items: Item[]): Promise<void> {
  complain(null);
  for (const { name, data } of items) {
    try {
      await takeOne(name, data);
    } catch (error) {
      complain(error);
    }
  }
}

async function takeOne(name: string, data: Uint8Array | string): Promise<void> {
  if (!data.length) return;
  if (typeof data !== "string" && name.endsWith(".safetensors")) {
    const model = await weights.take(data);
    viewer.tell(`Weights loaded: ${model}`, null);
    return draw();
  }
  const packets =
    typeof data !== "string" && name.endsWith(".xgp")
      ? ((await decoder.packets(data)) ?? [data])
      : await decoder.packets(data);
  if (!packets) {
    begin({ title: name, file: data as Uint8Array });
  } else if (shown && "packets" in shown) {
    shown.packets.push(...packets);
    void draw();
  } else {
    begin({ title: name, packets });
  }
}

/** Show something else, and leave unfinished work. */
function begin(next: Shown | null): void {
  shown = next;
  partial = false;
  turn++;
  if (busy) {
    decoder.close();
    weights.forget();
  }
  viewer.unpaint();
  show("intake", next === null);
  show("another", next !== null);
  show("viewer", false);
  if (next) void draw();
}

/** Draw what is shown; if that is under way, once more afterwards. */
async function draw(): Promise<void> {
  again = true;
  if (busy) return;
  busy = true;
  while (again && shown) {
    again = false;
    const mine = turn;
    try {
      await drawOnce(shown, () => mine === turn);
    } catch (error) {
      if (mine === turn) complain(error);
      else again = true;
    }
  }
  busy = false;
}

async function drawOnce(what: Shown, isCurrent: () => boolean): Promise<void> {
  const given = "file" in what ? what.file : [...what.packets];
  const info = await decoder.info(given, { partial });
  if (!isCurrent()) return;
  complain(null);
  viewer.describe(info, what.title);
  show("realism-control", weights.isRealistic(info.model));
  viewer.tell("Drawing …", 0);
  const start = performance.now();
  await weights.prepare(info.model);
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  let progress = "Drawing …";
  const options = {
    partial,
    realism: weights.isRealistic(info.model) ? Number(element("realism", "input").value) : 0,
    onFill: (picture: Parameters<typeof viewer.present>[0]) => {
      if (!isCurrent()) return;
      viewer.present(picture);
      progress = "The network is painting …";
      viewer.tell(progress, 0);
    },
    onProgress: (share: number) => isCurrent() && viewer.tell(progress, share),
  };
  const picture = given instanceof Uint8Array
    ? await decoder.decode(given, options)
    : await decoder.decodePackets(given, options);
  if (!isCurrent()) return;
  viewer.present(picture);
  const how = picture.decoder === "generator" ? "Painted" : "Filled, without a network";
  viewer.tell(`${how} in ${seconds()}${picture.warning ? `: ${picture.warning}` : ""}`, null);
}

/** Show an error, or none; a damaged file can be shown in part. */
function complain(error: unknown): void {
  const box = element("error", "p");
  box.hidden = !error;
  if (!error) return;
  viewer.tell("", null);
  const text = error instanceof Error ? error.message : String(error);
  box.textContent = text.charAt(0).toUpperCase() + text.slice(1);
  if (!(error instanceof XcodecError)) console.error(error);
  if (error instanceof FormatError && shown && "file" in shown && !partial) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Show what is left of it";
    button.addEventListener("click", () => {
      partial = true;
      void draw();
    });
    box.append(button);
  }
}

listen((items) => void take(items), () => begin(null));
element("another", "button").addEventListener("click", () => {
  begin(null);
  element("files", "input").focus();
});
element("save", "button").addEventListener("click", viewer.save);
element("example", "button").addEventListener("click", async () => {
  const data = await held("example");
  if (data) await take([{ name: "example.xgc", data }]);
});
const chosen = element("weights", "input");
chosen.addEventListener("change", async () => {
  await take(await read(chosen.files!));
  chosen.value = "";
});
const realism = element("realism", "input");
realism.addEventListener("input", () => {
  element("realism-value", "output").textContent = `${Math.round(100 * Number(realism.value))} %`;
});
realism.addEventListener("change", () => void draw());

if (location.protocol === "https:" && "serviceWorker" in navigator) {
  // Beside the page lie what makes it an app that can be installed, and works offline.
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = "xcodec.webmanifest";
  document.head.append(link);
  navigator.serviceWorker.register("service-worker.js").catch(() => {});
}
