"""Puts the web page into the wheel, if it was built (``make web``)."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Adds web/dist/xcodec.html as xcodec/web/xcodec.html."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        page = Path(self.root) / "web" / "dist" / "xcodec.html"
        if version == "standard" and page.is_file():
            build_data["force_include"][str(page)] = "xcodec/web/xcodec.html"
        elif version == "standard":
            self.app.display_warning("the web page is left out: it was not built (make web)")
