/** The picture on the page: the fill, what the generator painted over it, and facts about it. */

import { type Decoded, type Info, LimitError } from "../src/xcodec";
import { element, show } from "./elements";

const fill = element("fill", "canvas");
const painted = element("painted", "canvas");
const frame = element("frame", "div");
const split = element("split", "input");
const progress = element("progress", "progress");
const status = element("status", "figcaption");
const facts = element("facts", "dl");

/** Canvases of up to this many pixels a side are drawn by all browsers. */
const SURE = 4096;

/** What may be compared, or saved. */
let name = "picture";

split.addEventListener("input", place);

function place(): void {
  frame.style.setProperty("--split", `${split.value}%`);
  show("divider", split.value !== "0" && split.value !== "100" && !painted.hidden);
}

/** Show a picture: a fill, or what was painted over the last one. Throws LimitError if the browser
 * cannot. */
export function present(picture: Decoded): void {
  const canvas = picture.decoder === "generator" ? painted : fill;
  const { width, height, rgba } = picture;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  if (Math.max(width, height) > SURE && !isDrawn(context)) {
    throw new LimitError(`${width}x${height} pixels, more a side than this browser shows`);
  }
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  frame.style.setProperty("--ratio", String(width / height));
  const what = canvas === painted ? "painted by the network" : "filled between its samples";
  canvas.setAttribute("aria-label", `The picture, ${width} by ${height} pixels, ${what}`);
  if (canvas === painted) painted.hidden = false;
  else if (fill.width !== painted.width || fill.height !== painted.height) painted.hidden = true;
  show("compare", !painted.hidden);
  show("viewer", true);
  // What had the focus went away with the ways into the page.
  if (document.activeElement === document.body) element("stage", "figure").focus();
  place();
}

/** Whether anything can be drawn: on a canvas that is too large, browsers draw nothing, in silence. */
function isDrawn(context: CanvasRenderingContext2D): boolean {
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data[3] === 255;
}

/** Forget what was painted: the picture is another one. */
export function unpaint(): void {
  painted.hidden = true;
  split.value = "0";
  show("compare", false);
  place();
}

/** Tell how far the work is; null: there is none. */
export function tell(text: string, share: number | null): void {
  if (status.textContent !== text) status.textContent = text;
  progress.classList.toggle("idle", share === null);
  progress.value = share ?? 0;
}

/** Tell what the picture is. */
export function describe(info: Info, title: string): void {
  name = title;
  const { width, height, bytes, bpp, samples, packets, needed } = info;
  const count = (number: number): string => number.toLocaleString("en");
  const rows: [string, string][] = [
    [
      "Picture",
      `${width} × ${height}${info.grey ? ", grey" : ""}${info.alpha ? ", transparent" : ""}`,
    ],
    ["Bytes", `${count(bytes)} (${bpp.toPrecision(2)} bits per pixel)`],
  ];
  if (info.original) {
    rows.push(["Original", `${info.original.width} × ${info.original.height}`]);
  }
  if (samples) {
    const share = ((100 * samples) / (width * height)).toPrecision(2);
    rows.push(["Samples", `${count(samples)} (${share} %)`], ["Weights", info.model]);
  }
  if (info.step !== null) rows.push(["Step", `${info.step.toPrecision(3)} grey levels`]);
  if (info.tiles > 1) rows.push(["Tiles", count(info.tiles)]);
  if (info.layers > 1) rows.push(["Layers", count(info.layers)]);
  if (info.metadata) rows.push(["Metadata", `${count(info.metadata)} bytes`]);
  if (info.comment) rows.push(["Comment", info.comment]);
  facts.replaceChildren(
    ...rows.flatMap(([term, text]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = term;
      dd.textContent = text;
      return [dt, dd];
    }),
  );
  show("packets", packets !== null);
  if (packets === null) return;
  const here = `${packets} packet${packets === 1 ? "" : "s"}`;
  element("packet-count", "p").textContent =
    needed === null ? `Complete, from ${here}` : `${here}: better with ${needed}`;
  const bar = element("packet-progress", "progress");
  bar.max = needed ?? packets;
  bar.value = packets;
}

/** Save the picture as it is seen: the painted one if there is one. */
export function save(): void {
  const canvas = painted.hidden || split.value === "100" ? fill : painted;
  canvas.toBlob((blob) => {
    if (!blob) return tell("This browser cannot save so large a picture", null);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name.replace(/\.xg[cp]$/i, "")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}
