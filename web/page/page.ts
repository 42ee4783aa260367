/** The page: what it was given, and what follows from it. */

import { versionOf } from "../src/header";
import { packetsIn } from "../src/packet_files";
import { parsePacket } from "../src/packets";
import { type Decoded, Decoder, FormatError, type Info, XcodecError } from "../src/xcodec";
import { element, show } from "./elements";
import { type Item, listen, read } from "./intake";
import * as viewer from "./viewer";
import { Weights, held } from "./weights";

/** What is shown: a file, or the packets so far. */
type Shown = { title: string; file: Uint8Array } | { title: string; packets: Uint8Array[] };

const FILLING = "Drawing …";
const PAINTING = "The network is painting …";

const decoder = new Decoder();
const weights = new Weights(decoder);
let shown: Shown | null = null;
let partial = false;
/** Counts what was shown: results of what is not shown any more are dropped. */
let turn = 0;
let busy = false;
let again = false;

async function take(items: Item[] | Promise<Item[]>): Promise<void> {
  complain(null);
  let given: Item[] = [];
  try {
    given = await items;
  } catch (error) {
    complain(error);
  }
  for (const { name, data } of given) {
    try {
      await takeOne(name, data);
    } catch (error) {
      complain(error);
    }
  }
}

/** Take a file or text. One that holds no picture leaves what is shown as it is. */
async function takeOne(name: string, data: Uint8Array | string): Promise<void> {
  if (!data.length) return;
  if (typeof data !== "string" && /\.safetensors$/i.test(name)) {
    const model = await weights.take(data);
    viewer.tell(`Weights loaded: ${model}`, null);
    return draw();
  }
  // Not in the worker, which may be painting for a minute.
  const packets = packetsIn(data);
  if (!packets) {
    const file = data as Uint8Array;
    if (/\.xgp$/i.test(name)) check([file]);
    if (versionOf(file) === null) throw new FormatError("not an xcodec file");
    return begin({ title: name, file });
  }
  check(packets);
  if (shown && "packets" in shown) {
    // A server sends everything again when a connection broke.
    const known = new Set(shown.packets.map(String));
    const fresh = packets.filter((packet) => !known.has(String(packet)));
    shown.packets.push(...fresh);
    if (fresh.length) void draw();
  } else {
    begin({ title: name, packets });
  }
}

/** Throw what is wrong with packets, unless one of them is right. */
function check(packets: Uint8Array[]): void {
  let wrong: unknown = new FormatError("there is no packet in it");
  for (const packet of packets) {
    try {
      parsePacket(packet);
      return;
    } catch (error) {
      wrong = error;
    }
  }
  throw wrong;
}

/** Show something else, and leave unfinished work. */
function begin(next: Shown | null): void {
  complain(null);
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
      weights.forget(); // The decoder may have stopped.
      if (mine === turn) complain(error, true);
      else again = true;
    }
  }
  busy = false;
}

/** Draw the fill, then what the network makes of it. */
async function drawOnce(what: Shown, isCurrent: () => boolean): Promise<void> {
  const given = "file" in what ? what.file : [...what.packets];
  const draw = (options: Parameters<Decoder["decode"]>[1]): Promise<Decoded> =>
    given instanceof Uint8Array
      ? decoder.decode(given, { partial, ...options })
      : decoder.decodePackets(given, options);
  const told = (text: string) => (share: number) => isCurrent() && viewer.tell(text, share);
  const start = performance.now();
  viewer.tell(FILLING, 0);
  const fill = await draw({ decoder: "classical", onProgress: told(FILLING) });
  if (!isCurrent()) return;
  complain(null);
  viewer.present(fill);
  viewer.tell(PAINTING, 0);
  const info = await decoder.info(given, { partial });
  if (!isCurrent()) return;
  viewer.describe(info, what.title);
  await weights.prepare(info.model);
  const isRealistic = weights.isRealistic(info.model);
  show("realism-control", isRealistic);
  const realism = isRealistic ? Number(element("realism", "input").value) : 0;
  const picture = await draw({ realism, onProgress: told(PAINTING) });
  if (!isCurrent()) return;
  viewer.present(picture);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  viewer.tell(summary(picture, info, seconds), null);
}

/** What came of it, as a line of text. */
function summary(picture: Decoded, info: Info, seconds: string): string {
  if (!info.samples) return "Only the size is known yet";
  const warning = picture.warning ? `: ${picture.warning}` : "";
  if (picture.decoder === "generator") return `Painted in ${seconds} s${warning}`;
  return `Filled in ${seconds} s, without a network${warning}`;
}

/** Show an error, or none.
 *
 * @param isOfShown whether it is of what is shown: if that is a damaged file, it can be shown in part
 */
function complain(error: unknown, isOfShown = false): void {
  const box = element("error", "p");
  box.hidden = !error;
  if (!error) return;
  if (isOfShown) viewer.tell("", null);
  const text = error instanceof Error ? error.message : String(error);
  box.textContent = text.charAt(0).toUpperCase() + text.slice(1);
  if (!(error instanceof XcodecError)) console.error(error);
  if (isOfShown && error instanceof FormatError && shown && "file" in shown && !partial) {
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

listen(
  (items) => void take(items),
  () => begin(null),
);
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

/** The usual weights, and code that has run before, make the first picture faster. */
async function warmUp(): Promise<void> {
  await weights.prepare("photo");
  for (const name of ["example", "warming"]) {
    const file = await held(name);
    if (file && !shown) await decoder.decode(file, { decoder: "classical" });
  }
}

warmUp().catch(() => {}); // What fails will fail again when it is needed.

if (location.protocol === "https:" && "serviceWorker" in navigator) {
  // Beside the page lie what makes it an app that can be installed, and works offline.
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = "xcodec.webmanifest";
  document.head.append(link);
  navigator.serviceWorker.register("service-worker.js").catch(() => {});
}
