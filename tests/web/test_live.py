"""``receive --serve``: a picture grows on a page in Chromium while its packets arrive."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import xcodec
from tests.cli.test_link_commands import free_port, listening
from tests.web.pages import LOCAL, Opened
from xcodec.__main__ import main

SECONDS = 30


def test_a_picture_grows_on_the_page(
    browser: Any, built: Path, small: NDArray[np.uint8], tmp_path: Path
) -> None:
    packets = xcodec.encode_packets(small, 90, 10, loss=0.2, effort=0)
    port = free_port()
    command = [sys.executable, "-m", "xcodec", "receive", "--via", f"udp://127.0.0.1:{port}"]
    command += ["--serve", "0", "-o", "in", "--decoder", "classical", "--idle", str(SECONDS)]
    receiver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert receiver.stderr is not None
        url = re.match("(http://127.0.0.1:[0-9]+/.live): the page", receiver.stderr.readline())
        assert url is not None
        listening(port)
        page = Opened(browser, url[1])
        seen = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            for count in (2, 5, 10):
                for packet in packets[:count]:
                    link.sendto(packet, ("127.0.0.1", port))
                page.says("body", f"{count} packets")
                end = time.monotonic() + SECONDS
                while (shot := page.page.locator("canvas").first.screenshot()) in seen:
                    assert time.monotonic() < end
                    time.sleep(0.2)
                seen.append(shot)
        page.close()
        assert all(url.startswith(LOCAL) or "127.0.0.1" in url for url in page.asked)
    finally:
        receiver.terminate()
        receiver.communicate(timeout=SECONDS)


def test_the_page_is_written(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "xcodec.html"
    assert main(["page", "-o", str(out)]) == 0
    assert out.read_bytes() == (built / "dist" / "xcodec.html").read_bytes()
    assert main(["page", "-o", str(out)]) == 1
