"""Write the tables of README.md, docs/ and models/ from the records: python -m scripts.results

A table stands between ``<!-- NAME: ... -->`` and ``<!-- end -->``; functions of BLOCKS make them.
Pages without such a comment keep their text.
"""

import re
from collections.abc import Callable

from scripts.results import large, links, losses, others, rates, readme, realistic
from scripts.results.sets import ROOT
from xcodec.system.files import write_atomic

PAGES = (
    "README.md",
    "docs/results.md",
    "docs/links.md",
    "docs/large.md",
    *(f"models/{name}.md" for name in ("face", "face-real", "photo-real")),
)
BLOCK = re.compile(r"(<!-- ([a-z-]+): [^>]*-->\n).*?(<!-- end -->)", re.S)
BLOCKS: dict[str, Callable[[], list[str]]] = {
    "peers": rates.peers,
    "kodak": rates.kodak,
    "kodak-records": lambda: rates.sources("kodak"),
    "faces-records": lambda: rates.sources("faces"),
    "photos-records": lambda: rates.sources("photos"),
    "kodak-leads": rates.kodak_leads,
    "losses": losses.losses,
    "jpeg": rates.jpeg,
    "generator": rates.generator,
    "faces": lambda: rates.budgets("faces"),
    "faces-leads": lambda: rates.leads("faces"),
    "photos": lambda: rates.budgets("photos"),
    "photos-leads": lambda: rates.leads("photos"),
    "realistic": realistic.realistic,
    "face": others.face,
    "face-real": lambda: realistic.card("faces", "face", "photo-real"),
    "photo-real": lambda: realistic.card("photos", "photo", "photo"),
    "all-faces": others.all_faces,
    "effort": others.effort,
    "large": large.large,
    "lossless": others.lossless,
    "sound": others.sound,
    "commands": others.commands,
    "codecs": others.codecs,
    "packets": links.summary,
    "links": links.tables,
    "links-leads": links.leads,
    "links-costs": links.costs,
    "readme": readme.readme,
}


def written(text: str) -> str:
    """The text of a page with its tables as the records have them."""

    def block(match: re.Match[str]) -> str:
        lines = "\n".join(BLOCKS[match[2]]())
        return f"{match[1]}\n{lines}\n\n{match[3]}"

    return BLOCK.sub(block, text)


def main() -> None:
    """Write the pages whose tables the records change."""
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = written(before)
        if after != before:
            write_atomic(path, after.encode(), overwrite=True)
            print(f"{page}: written again")


if __name__ == "__main__":
    main()
