"""The page as an app: served by https, it can be installed, works offline, and takes what is shared
to it."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.golden.regenerate import FOLDER
from tests.web.pages import LOCAL, Opened


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder in silence."""

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


@pytest.fixture
def server(built: Path, certificate: ssl.SSLContext) -> Iterator[ThreadingHTTPServer]:
    handler = partial(Handler, directory=str(built / "dist"))
    started = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    started.socket = certificate.wrap_socket(started.socket, server_side=True)
    thread = threading.Thread(target=started.serve_forever)
    thread.start()
    yield started
    started.shutdown()
    thread.join(10)
    started.server_close()


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
