"""The page in the system's Chromium: opened from a file, offline, and from a server."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest

import xcodec
from tests.browser import NARROW, WIDE
from tests.golden import pictures
from tests.golden.regenerate import FOLDER, digest
from tests.web.pages import LOCAL, Opened

PAINTED = "^Painted in"


@pytest.fixture
def page(browser: Any, built: Path) -> Iterator[Opened]:
    opened = Opened(browser, (built / "dist" / "xcodec.html").as_uri())
    yield opened
    opened.close()
    assert all(url.startswith(LOCAL) for url in opened.asked)


def paste(page: Opened, text: str) -> None:
    page.page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.setData("text", text);
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        text,
    )


def golden(name: str) -> tuple[str, bytes]:
    return f"{name}.xgc", (FOLDER / f"{name}.xgc").read_bytes()


def test_the_symbols_of_all_golden_files(browser: Any, built: Path) -> None:
    page = browser.new_page()
    page.add_script_tag(path=str(built / "build" / "tests" / "symbols.browser.js"))
    expected = json.loads((FOLDER / "expected.json").read_text())
    for name, facts in expected.items():
        data = base64.b64encode(golden(name)[1]).decode()
        found = page.evaluate("data => symbolsOf(data)", data)
        assert digest(found["points"]) == facts["points"], name
        assert digest(found["symbols"]) == facts["symbols"], name
    page.close()


@pytest.mark.parametrize(("viewport", "dark"), [(WIDE, False), (NARROW, True)])
def test_an_example_by_keyboard_alone(
    browser: Any, built: Path, viewport: dict[str, int], dark: bool
) -> None:
    opened = Opened(browser, (built / "dist" / "xcodec.html").as_uri(), viewport, dark)
    page = opened.page
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "example":
            break
    page.keyboard.press("Enter")
    opened.says("#status", PAINTED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_role("img", name="painted by the network").is_visible()
    slider = page.get_by_label("Before and after the network")
    slider.focus()
    slider.press("End")
    assert page.evaluate("getComputedStyle(document.getElementById('painted')).clipPath") == (
        "inset(0px 0px 0px 100%)"
    )
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, button, textarea, progress, canvas")]
            .filter((e) => !(e.labels?.length || e.textContent.trim() || e.hidden
                || e.getAttribute("aria-label")))
            .map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    assert all(url.startswith(LOCAL) for url in opened.asked)
    opened.close()


def test_a_file_and_what_is_saved(page: Opened) -> None:
    page.give(golden("alpha-plane"))
    page.says("#status", PAINTED)
    facts = page.page.locator("#facts").inner_text()
    assert all(text in facts for text in ("96 × 72", "transparent", "photo"))
    saved = np.asarray(page.saved())
    options: Any = {"bit_depth": 8, "strip": True}
    expected = np.asarray(xcodec.decode(golden("alpha-plane")[1], **options))
    assert saved.shape == expected.shape
    assert np.array_equal(saved[..., 3], expected[..., 3])
    # Canvases keep colours multiplied by alpha.
    opaque = expected[..., 3] > 200
    assert np.abs(saved.astype(int) - expected)[opaque].max() <= 3


def test_the_picture_of_a_face_is_painted_by_its_model(page: Opened) -> None:
    page.give(golden("mean"))
    page.says("#status", PAINTED)
    facts = page.page.locator("#facts").inner_text()
    assert all(text in facts for text in ("face", "grüße"))


def test_a_picture_grows_as_packets_are_added(page: Opened, packets: list[bytes]) -> None:
    page.give(*[(f"{i:03}.xgp", packet) for i, packet in enumerate(packets[:3])])
    page.says("#packet-count", r"^3 packets: better with \d+$")
    page.says("#status", "^(Painted|Filled|Only)")
    lines = "\n".join(base64.a85encode(packet).decode() for packet in packets[3:])
    paste(page, lines)
    page.says("#packet-count", "^Complete, from 16 packets$")
    page.says("#status", PAINTED)
    expected = np.asarray(xcodec.decode_packets(packets))
    assert np.abs(np.asarray(page.saved())[..., :3].astype(int) - expected).max() <= 3


def test_damaged_files(page: Opened) -> None:
    name, data = golden("plain")
    page.give((name, data[:40]))
    page.says("#error", "^Damaged or cut short: the checksum does not match")
    page.page.get_by_role("button", name="Show what is left").click()
    page.says("#status", "^Painted in .* decoded from what is left")
    assert page.page.locator("#error").is_hidden()
    page.give(("picture.jpg", b"\xff\xd8\xff\xe0" * 20))
    page.says("#error", "^Not an xcodec file")


def test_what_holds_no_picture_leaves_what_is_shown(page: Opened) -> None:
    page.give(golden("plain"))
    page.says("#status", PAINTED)
    page.give(("picture.jpg", b"\xff\xd8\xff\xe0" * 20))
    page.says("#error", "^Not an xcodec file$")
    page.give(("000.XGP", b"\xff" * 60))
    page.says("#error", "^Damaged: the packet's checksum does not match$")
    paste(page, "Not what I meant to paste")
    page.says("#error", "^(Not a packet|There is no packet)")
    page.page.evaluate(
        """() => {
            const folder = new File([], "folder");
            folder.arrayBuffer = () => Promise.reject(new DOMException("", "NotFoundError"));
            const event = new Event("drop", { cancelable: true });
            dispatchEvent(Object.assign(event, { dataTransfer: { files: [folder] } }));
        }"""
    )
    page.says("#error", "^Folder: cannot be read$")
    assert page.page.locator("#viewer").is_visible()
    assert "96 × 72" in page.page.locator("#facts").inner_text()
    assert page.page.get_by_role("button", name="Show what is left").count() == 0


def test_another_picture_does_not_wait_for_the_one_before(page: Opened) -> None:
    page.give(("large.xgc", xcodec.encode(pictures.scene(1000, 1000), rate=0.01, effort=0)))
    page.says("#status", "^The network is painting")
    page.page.evaluate(
        """() => {
            const status = document.getElementById("status");
            window.told = [];
            const keep = () => window.told.push(status.textContent);
            new MutationObserver(keep).observe(status, { childList: true });
        }"""
    )
    page.give(golden("plain"))
    page.says("#facts", "96 × 72")
    page.says("#status", PAINTED)
    told = page.page.evaluate("window.told")
    assert len([text for text in told if text.startswith("Painted")]) == 1


def test_a_picture_that_is_too_wide_for_the_browser(page: Opened) -> None:
    page.give(("line.xgc", xcodec.encode(pictures.scene(1, 70_000), rate=0.001, effort=0)))
    page.says("#error", "^70000x1 pixels, more a side than this browser shows$")


def test_realistic_weights_add_a_slider(page: Opened, built: Path) -> None:
    weights = (built.parent / "models" / "photo.safetensors").read_bytes()
    # Their names tell what they are; these were faithful.
    realistic = weights.replace(b'"name":"photo"', b'"name":"photo-real"', 1)
    page.give(golden("plain"))
    page.says("#status", PAINTED)
    assert page.page.get_by_label("Realism").is_hidden()
    length = int.from_bytes(weights[:8], "little") + len(realistic) - len(weights)
    realistic = length.to_bytes(8, "little") + realistic[8:]
    page.page.set_input_files(
        "#weights",
        {"name": "photo-real.safetensors", "mimeType": "", "buffer": realistic},
    )
    slider = page.page.get_by_label("Realism")
    slider.wait_for(state="visible")
    slider.focus()
    slider.press("End")
    page.says("#realism-value", "^100 %$")
    page.says("#status", PAINTED)


class Server:
    """Serves the page, and packets as they are put into a queue; None ends the connection."""

    def __init__(self, folder: Path) -> None:
        self.packets: Queue[str | None] = Queue()
        packets = self.packets

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0].strip("/")
                self.send_response(200)
                if path == "live":
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    while (event := packets.get()) is not None:
                        self.wfile.write(event.encode())
                        self.wfile.flush()
                    return
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((folder / "xcodec.html").read_bytes())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/xcodec.html?live"

    def send(self, packets: list[bytes]) -> None:
        lines = [base64.b64encode(packet).decode().rstrip("=") for packet in packets]
        self.packets.put("".join(f"data: {line}\n" for line in lines) + "\n")

    def close(self) -> None:
        self.packets.put(None)
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


def test_a_server_sends_packets_to_the_page(
    browser: Any, built: Path, packets: list[bytes]
) -> None:
    server = Server(built / "dist")
    try:
        opened = Opened(browser, server.url)
        server.send(packets[:4])
        opened.says("#packet-count", "^4 packets: better with")
        server.send(packets[2:9])
        opened.says("#packet-count", r"^9 packets: better with")
        opened.says("#status", "^(Painted|Filled|Only)")
        server.packets.put("event: clear\ndata:\n\n")
        opened.page.locator("#intake").wait_for(state="visible")
        server.send(packets)
        opened.says("#packet-count", "^Complete, from 16 packets$")
        opened.says("#status", PAINTED)
        own = server.url.rsplit("/", 1)[0]
        assert all(url.startswith((own, *LOCAL)) for url in opened.asked)
        opened.close()
    finally:
        server.close()
