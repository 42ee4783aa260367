"""Helpers for pages in the system's Chromium."""

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser import WIDE

LOCAL = ("file:", "data:", "blob:")
WAIT = 30_000
"""Milliseconds that a picture may take on a busy machine."""


class Opened:
    """A page that was opened, what it asked for, and what went wrong."""

    def __init__(
        self, browser: Any, url: str, viewport: dict[str, int] = WIDE, dark: bool = False
    ) -> None:
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(
            viewport=viewport, color_scheme=scheme, offline=url.startswith("file:")
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url[:99]))
        self.page.goto(url)

    def give(self, *files: tuple[str, bytes]) -> None:
        """Choose files in the page."""
        payloads = [
            {"name": name, "mimeType": "application/octet-stream", "buffer": data}
            for name, data in files
        ]
        self.page.set_input_files("#files", payloads)

    def says(self, selector: str, text: str) -> Any:
        """Wait until an element says something, by a regular expression."""
        found = self.page.locator(selector).filter(has_text=re.compile(text))
        found.wait_for(state="visible")
        return found

    def saved(self) -> Image.Image:
        """The picture that the page saves."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Save as PNG").click()
        assert download.value.suggested_filename.endswith(".png")
        return Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))

    def close(self) -> None:
        assert self.wrong == []
        self.context.close()
