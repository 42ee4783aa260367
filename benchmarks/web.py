"""Measure the web page in headless Chromium, on the processor: time until the fill and until the
painted picture, and the memory of the page.

    python benchmarks/web.py DIR [--only 2,18] --bytes 200,600,1000 [--square 256] [-o web.json]

Needs web/dist/xcodec.html (make web), playwright, and Chromium. Each file is opened twice: once in
a page that was just loaded, and once more.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import psutil

import xcodec
from xcodec.__main__ import main as run
from xcodec.cli.bench import folder, only, output, positions, square
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.measuring import load
from xcodec.evaluation.runs.options import numbers, pictures
from xcodec.system.packages import require
from xcodec.types import RGB

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
REFUSED = """() => {
    const error = document.getElementById("error");
    if (!error.hidden) return error.firstChild.textContent;
    const told = document.getElementById("status").textContent;
    return /^(Filled|Only)/.test(told) ? told : null;
}"""
"""What the page says if it paints nothing; a button may follow the text of an error."""


def memory() -> float:
    """Megabytes that the largest page alone holds."""
    largest = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # It may end meanwhile.
            if any("--type=renderer" in word for word in process.cmdline()):
                largest = max(largest, process.memory_full_info().uss / 1e6)
    return largest


def measured(page: Any, name: str, data: bytes) -> tuple[float, float, float]:
    """Milliseconds until the fill and until the painted picture, and megabytes.

    Raises XcodecError if the page paints nothing.
    """
    page.evaluate(WATCH)
    payload = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.set_input_files("#files", payload)
    most = 0.0
    while "painted" not in (times := page.evaluate("times")):
        if refused := page.evaluate(REFUSED):
            raise xcodec.XcodecError(f"{name}: the page says: {refused}")
        most = max(most, memory())
        time.sleep(POLL)
    return times["fill"], times["painted"], most


def opened(browser: Any, name: str, rgb: RGB, budget: int) -> Iterator[dict[str, Any]]:
    """Open a picture's file in a new page twice; yield a row each time."""
    data = xcodec.encode(rgb, max_bytes=budget, max_side=0, effort=2)
    page = browser.new_page()
    page.goto(PAGE.as_uri())
    page.wait_for_timeout(2000)  # The page prepares itself.
    for when in ("first", "again"):
        fill, painted, most = measured(page, f"{name}.xgc", data)
        row: dict[str, Any] = {"picture": name, "size": [rgb.shape[1], rgb.shape[0]]}
        row |= {"budget": budget, "bytes": len(data), "when": when}
        yield row | {"fill": fill / 1e3, "painted": painted / 1e3, "mb": most}
        page.get_by_role("button", name="Start over").click()
    page.close()


@click.command(help="Open files of the pictures in DIR in the web page.")
@folder
@positions
@only
@click.option("--bytes", "budgets", default="200,600,1000", show_default=True, help="Of a file.")
@square
@click.option("--label", help="What was measured.  [default: the folder's name]")
@output
def main(
    folder: Path,
    positions: str,
    only: str,
    budgets: str,
    square: int | None,
    label: str | None,
    output: Path | None,
) -> None:
    """Measure, print the table and write the record."""
    records.prepare(output)
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not PAGE.exists() or browser_path is None:
        raise xcodec.XcodecError(
            "needs web/dist/xcodec.html (make web) and Chromium (or its path in CHROMIUM)"
        )
    playwright = require("playwright.sync_api", "dev")
    chosen = pictures(folder, positions, numbers(only, int))
    rows: list[dict[str, Any]] = []
    try:
        with playwright.sync_playwright() as running:
            browser = running.chromium.launch(executable_path=browser_path, args=FLAGS)
            for path in chosen:
                rgb = load(path, square)
                for size in numbers(budgets, int):
                    rows += opened(browser, path.stem, rgb, size)
            browser.close()
    except playwright.Error as error:
        raise xcodec.XcodecError(f"Chromium: {str(error).splitlines()[0]}") from error
    lines = [
        [
            *(row["picture"], "x".join(map(str, row["size"])), str(row["bytes"]), row["when"]),
            *(records.number(row[name], 2) for name in ("fill", "painted")),
            f"{row['mb']:.0f}",
        ]
        for row in rows
    ]
    head = ["picture", "size", "bytes", "", "fill, s", "painted, s", "MB"]
    print(records.table(head, lines))
    if output:
        command = records.command_line("python benchmarks/web.py", sys.argv[1:])
        weights = records.weights(["photo"], None, ())
        label = label or folder.resolve().name
        record = records.record("web", label, command, chosen, weights, {"rows": rows})
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
