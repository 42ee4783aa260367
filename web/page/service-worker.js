// Keeps the page for use offline, and takes files that are shared to it.

const CACHE = "xcodec /* version */";
const FILES = ["xcodec.html", "xcodec.webmanifest", "icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      // Of this version: the browser's own cache may still have those of another.
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("xcodec ") && name !== CACHE;
  const clear = async () => {
    for (const name of await caches.keys()) if (isOld(name)) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(clear());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === "POST" && url.searchParams.has("share")) {
    event.respondWith(share(request));
  } else if (request.method === "GET" && FILES.some((file) => url.pathname.endsWith(`/${file}`))) {
    event.respondWith(
      caches.match(request, { ignoreSearch: true }).then((found) => found ?? fetch(request)),
    );
  }
});

/** Keep shared files, and show the page, which takes them. */
async function share(request) {
  const form = await request.formData();
  const cache = await caches.open("shared");
  const text = form.get("text");
  const files = form.getAll("files");
  if (text) files.push(new File([text], "text"));
  for (const [number, file] of files.entries()) {
    await cache.put(`shared-${number}#${encodeURIComponent(file.name)}`, new Response(file));
  }
  return Response.redirect("xcodec.html?shared", 303);
}
