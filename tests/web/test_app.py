"""The page as an app: served by https, it can be installed, works offline, and takes what is shared
to it."""

import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.golden.regenerate import FOLDER
from tests.web.pages import LOCAL, Opened


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder in silence, as servers do that let browsers keep files."""

    def end_headers(self) -> None:
        if not self.path.endswith("/service-worker.js"):
            self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody signed."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("needs openssl")
    key, signed = tmp_path / "key.pem", tmp_path / "signed.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [openssl, *made, "-keyout", key, "-out", signed],
        check=True,
        capture_output=True,
        timeout=60,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed, key)
    return context


@contextmanager
def serving(folder: Path, certificate: ssl.SSLContext | None) -> Iterator[ThreadingHTTPServer]:
    """A server of a folder on this machine; by https with a certificate."""
    handler = partial(Handler, directory=str(folder))
    started = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None:
        started.socket = certificate.wrap_socket(started.socket, server_side=True)
    thread = threading.Thread(target=started.serve_forever)
    thread.start()
    yield started
    started.shutdown()
    thread.join(10)
    started.server_close()


@pytest.fixture
def server(built: Path, certificate: ssl.SSLContext) -> Iterator[ThreadingHTTPServer]:
    with serving(built / "dist", certificate) as started:
        yield started


def test_the_app(browser: Any, server: ThreadingHTTPServer) -> None:
    url = f"https://127.0.0.1:{server.server_port}/xcodec.html"
    opened = Opened(browser, url)
    page = opened.page
    active = "navigator.serviceWorker.ready.then((found) => found.active.scriptURL)"
    assert page.evaluate(active).endswith("/service-worker.js")
    devtools = opened.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["url"].endswith("/xcodec.webmanifest")
    assert manifest["errors"] == []
    wrong = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {each["errorId"] for each in wrong} <= {"in-incognito"}

    server.shutdown()  # From here on, there is nobody to ask.
    server.server_close()
    page.goto(url)
    file = list((FOLDER / "plain.xgc").read_bytes())
    page.evaluate(
        """async (file) => {
            const form = new FormData();
            form.append("files", new File([new Uint8Array(file)], "plain.xgc"));
            await fetch("xcodec.html?share", { method: "POST", body: form });
        }""",
        file,
    )
    page.goto(f"{url}?shared")
    opened.says("#status", "^Painted in")
    assert "96 × 72" in page.locator("#facts").inner_text()
    own = url.rsplit("/", 1)[0]
    assert all(asked.startswith((own, *LOCAL)) for asked in opened.asked)
    opened.close()


def test_a_new_version_replaces_the_old_one(browser: Any, built: Path, tmp_path: Path) -> None:
    for name in ("service-worker.js", "xcodec.webmanifest", "icon.svg"):
        shutil.copy(built / "dist" / name, tmp_path)
    html, worker = tmp_path / "xcodec.html", tmp_path / "service-worker.js"
    os.utime(worker, (0, 0))  # Servers tell the times of files in seconds.
    # The page itself is too large for a browser's cache in memory.
    small = '<link rel="icon" href="icon.svg"><title>{}</title>'
    html.write_text(small.format("The old version"))
    # By http, since browsers keep no files of a server whose certificate nobody signed.
    with serving(tmp_path, None) as server:
        opened = Opened(browser, f"http://127.0.0.1:{server.server_port}/xcodec.html")
        page = opened.page
        page.evaluate(
            """async () => {
                await navigator.serviceWorker.register("service-worker.js");
                await navigator.serviceWorker.ready;
            }"""
        )
        html.write_text(small.format("A new version"))
        worker.write_text(worker.read_text().replace('"xcodec ', '"xcodec new ', 1))
        names = page.evaluate(
            """async () => {
                await (await navigator.serviceWorker.ready).update();
                let names = [];
                for (let tries = 0; tries < 100 && !(names.length === 1
                    && names[0].startsWith("xcodec new")); tries++) {
                    await new Promise((resolve) => setTimeout(resolve, 100));
                    names = await caches.keys();
                }
                return names;
            }"""
        )
        assert len(names) == 1
        assert names[0].startswith("xcodec new")
        page.reload()
        assert page.title() == "A new version"
        opened.close()
