/** Ways into the page: chosen, dropped, pasted and shared files, text, and a server's packets. */

import { InputError } from "../src/errors";
import { element, show } from "./elements";

/** Something to show: a file's bytes with its name, or text. */
export interface Item {
  name: string;
  data: Uint8Array | string;
}

type Take = (items: Item[] | Promise<Item[]>) => void;

/** Hear of everything that the user, or a server, gives.
 *
 * @param take is given them, or files that are still being read: it hears of those that cannot be
 * @param clear is called before a server begins another picture
 */
export function listen(take: Take, clear: () => void): void {
  const files = element("files", "input");
  files.addEventListener("change", () => {
    take(read(files.files!));
    files.value = "";
  });
  for (const id of ["files", "weights"]) mirrorFocus(id);
  const text = element("text", "textarea");
  element("add-text", "button").addEventListener("click", () => {
    take([{ name: "text", data: text.value }]);
    text.value = "";
  });
  addEventListener("paste", (event) => {
    const { clipboardData, target } = event;
    if (!clipboardData || target instanceof HTMLTextAreaElement) return;
    if (clipboardData.files.length) take(read(clipboardData.files));
    else take([{ name: "text", data: clipboardData.getData("text") }]);
  });
  let depth = 0;
  addEventListener("dragenter", () => show("drop", ++depth > 0));
  addEventListener("dragleave", () => show("drop", --depth > 0));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show("drop", false);
    if (event.dataTransfer) take(read(event.dataTransfer.files));
  });
  opened(take);
  void shared(take);
  live(take, clear);
}

/** The bytes of files. Throws InputError if one cannot be read: it may be a folder. */
export function read(files: FileList | File[]): Promise<Item[]> {
  return Promise.all(
    Array.from(files, async (file) => {
      const { name } = file;
      const data = await file.arrayBuffer().catch(() => {
        throw new InputError(`${name}: cannot be read`);
      });
      return { name, data: new Uint8Array(data) };
    }),
  );
}

/** Inputs of files are invisible: their labels show the focus. */
function mirrorFocus(id: string): void {
  const input = element(id, "input");
  const mark = (focused: boolean): void =>
    document
      .querySelectorAll(`label[for=${id}]`)
      .forEach((label) => label.classList.toggle("focused", focused));
  input.addEventListener("focus", () => mark(input.matches(":focus-visible")));
  input.addEventListener("blur", () => mark(false));
}

/** Files that an installed page is opened with. */
function opened(take: Take): void {
  interface Launch {
    files: { getFile(): Promise<File> }[];
  }
  const { launchQueue } = window as unknown as {
    launchQueue?: { setConsumer(consumer: (launch: Launch) => void): void };
  };
  launchQueue?.setConsumer(async ({ files }) => {
    if (files.length) take(Promise.all(files.map((file) => file.getFile())).then(read));
  });
}

/** Files that were shared to an installed page: its service worker kept them. */
async function shared(take: Take): Promise<void> {
  if (!new URLSearchParams(location.search).has("shared")) return;
  const cache = await caches.open("shared");
  const items: Item[] = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    const name = decodeURIComponent(new URL(request.url).hash.slice(1)) || "shared";
    if (response) items.push({ name, data: new Uint8Array(await response.arrayBuffer()) });
    await cache.delete(request);
  }
  if (items.length) take(items);
}

/** With `?live` in its address, the page hears packets from the server that it came from, as
 * server-sent events of the address `live`: each message is packets as lines of base64, and an
 * event `clear` begins another picture. */
function live(take: Take, clear: () => void): void {
  if (!new URLSearchParams(location.search).has("live")) return;
  const source = new EventSource("live");
  source.addEventListener("clear", clear);
  source.addEventListener("message", ({ data }: MessageEvent<string>) =>
    take([{ name: "received", data }]),
  );
}
