"""Measure the web page in headless Chromium, on the processor: time until the fill and until the
painted picture, and the memory of the page.

    python benchmarks/web.py PICTURE... [--rate 0.02] [--square 256]

Needs web/dist/xcodec.html (make web), playwright, and Chromium. Each file is opened twice: once in
a page that was just loaded, and once more.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

import xcodec

PAGE = Path(__file__).parent.parent / "web" / "dist" / "xcodec.html"
FLAGS = ["--no-sandbox", "--disable-gpu"]
POLL = 0.05
"""Seconds between looks at the page."""
WATCH = """() => {
    window.times = {};
    const status = document.getElementById("status");
    const note = () => {
        const name = { The: "fill", Painted: "painted" }[status.textContent.split(" ")[0]];
        if (name) times[name] ??= performance.now() - times.start;
    };
    new MutationObserver(note).observe(status, { childList: true });
    const start = () => (times.start = performance.now());
    document.getElementById("files").addEventListener("change", start, true);
}"""


def memory() -> float:
    """Megabytes that the largest page alone holds."""
    largest = 0.0
    for process in psutil.Process().children(recursive=True):
        if any("--type=renderer" in word for word in process.cmdline()):
            largest = max(largest, process.memory_full_info().uss / 1e6)
    return largest


def measured(page: Any, name: str, data: bytes) -> tuple[float, float, float]:
    """Milliseconds until the fill and until the painted picture, and megabytes."""
    page.evaluate(WATCH)
    payload = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.set_input_files("#files", payload)
    most = 0.0
    while "painted" not in (times := page.evaluate("times")):
        most = max(most, memory())
        time.sleep(POLL)
    return times["fill"], times["painted"], most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--square", type=int, help="the middle, scaled to this side")
    options = parser.parse_args()
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not PAGE.exists() or browser_path is None:
        sys.exit("needs web/dist/xcodec.html (make web) and Chromium (or its path in CHROMIUM)")
    from playwright.sync_api import sync_playwright

    print("picture          size     bytes         fill ms  painted ms   MB")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=browser_path, args=FLAGS)
        for path in options.pictures:
            image = Image.open(path).convert("RGB")
            if options.square:
                side = min(image.size)
                left, top = ((length - side) // 2 for length in image.size)
                middle = image.crop((left, top, left + side, top + side))
                image = middle.resize((options.square, options.square))
            data = xcodec.encode(image, options.rate, effort=2)
            page = browser.new_page()
            page.goto(PAGE.as_uri())
            page.wait_for_timeout(2000)  # The page prepares itself.
            for when in ("first", "again"):
                fill, painted, most = measured(page, f"{path.stem}.xgc", data)
                size = f"{image.width}x{image.height}"
                print(
                    f"{path.stem[:16]:16} {size:9} {len(data):6} {when}"
                    f" {fill:8.0f} {painted:11.0f} {most:5.0f}"
                )
                page.get_by_role("button", name="Start over").click()
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
