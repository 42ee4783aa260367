"""docs/how-it-works.md names every module of the package, and none that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "xcodec"
PAGE = (ROOT / "docs" / "how-it-works.md").read_text()
SECTIONS = {
    title: text.split("\n## ")[0]
    for title, text in re.findall(r"^### `([a-z/]+)/`[^\n]*\n(.*?)(?=^### |\Z)", PAGE, re.M | re.S)
}
"""Text about a folder, by its name."""


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")}


@pytest.mark.parametrize(
    "folder",
    sorted(
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("__init__.py")
        if path.parent != PACKAGE and modules(path.parent)
    ),
)
def test_every_module_has_its_question(folder: str) -> None:
    title = folder if folder in SECTIONS else folder.partition("/")[0]
    inside = folder.removeprefix(title).strip("/")
    named = set(re.findall(r"`([a-z0-9_/]+)`", SECTIONS[title]))
    wanted = {f"{inside}/{name}" if inside else name for name in modules(PACKAGE / folder)}
    assert wanted - named == set()


@pytest.mark.parametrize("folder", SECTIONS)
def test_every_question_has_its_module(folder: str) -> None:
    cells = re.findall(r"^\| (`.*?`) \|", SECTIONS[folder], re.M)
    for name in re.findall(r"`([^`]+)`", " ".join(cells)):
        assert (PACKAGE / folder / f"{name}.py").is_file(), name
