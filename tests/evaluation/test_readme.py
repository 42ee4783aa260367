"""Each figure in the README is claimed here, and is that of a record."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.evaluation.published import (
    BEST,
    ROOT,
    at_setting,
    headed,
    overtaken,
    shown,
    speed,
    text_of,
    words,
)

README = "README.md"
FIGURE = r"(\d+\.\d+)"
Source = Callable[[], float | None]


@dataclass(frozen=True)
class Claim:
    """What the README says in words.

    pattern : regular expression in which each group is a figure
    sources : for each group, the figures of the records that it stands for
    most    : groups are bounds that the records' figures stay within
    """

    pattern: str
    sources: tuple[tuple[Source, ...], ...]
    most: bool = False

    def holds(self, found: re.Match[str]) -> bool:
        """Whether the records agree with a place of the README."""
        for text, sources in zip(found.groups(), self.sources, strict=True):
            for figure in (source() for source in sources):
                if figure is None:
                    return False
                if figure > float(text) if self.most else shown(figure, text) != text:
                    return False
        return True


def faces(curve: str, *sizes: int) -> tuple[tuple[Source, ...], ...]:
    """PSNR of faces, of the best files within so many bytes."""
    return tuple((lambda size=size: at_setting("faces", curve, size)[0],) for size in sizes)


def loses(codec: str, *metrics: str) -> tuple[tuple[Source, ...], ...]:
    """The bpp from which on a codec is better on Kodak, by each metric."""
    return (tuple(lambda metric=metric: overtaken(codec, metric)[0] for metric in metrics),)


def least_python() -> float:
    """The version that pyproject.toml asks for."""
    text = (ROOT / "pyproject.toml").read_text()
    return float(re.findall(r'requires-python = ">=([\d.]+)"', text)[0])


CLAIMS = [
    Claim(
        rf"{FIGURE} dB in 200 bytes and {FIGURE} dB in 340",
        faces("xcodec, generator photo, fitted", 200, 340),
    ),
    Claim(
        rf"scaled file that Pillow writes has {FIGURE} and {FIGURE} dB",
        faces(BEST["PSNR"], 200, 340),
    ),
    Claim(
        rf"Above {FIGURE} bpp the best scaled file .{{0,40}}better, in PSNR and in LPIPS",
        loses("best scaled file", "psnr", "lpips"),
    ),
    Claim(rf"above {FIGURE} bpp AVIF at full size has the higher PSNR", loses("AVIF", "psnr")),
    Claim(
        rf"generator takes {FIGURE} s a megapixel to decode",
        ((lambda: speed("xcodec generator", "decode"),),),
    ),
    Claim(
        rf"where AVIF takes {FIGURE} s or less", ((lambda: speed("avif", "decode"),),), most=True
    ),
    Claim(rf"Python {FIGURE} or later", ((least_python,),)),
]
NO_FIGURES = (r"Apache-2\.0", r"draft until 1\.0")
"""Numbers with a decimal point that nothing was measured for."""


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.pattern)
def test_claims_hold(claim: Claim) -> None:
    places = list(re.finditer(claim.pattern, words(README)))
    assert places, "the README says this no longer"
    for place in places:
        assert claim.holds(place), place[0]


def test_no_figure_is_unclaimed() -> None:
    """Of tables, test_published.py holds that of Kodak."""
    text = words(README)
    for pattern in (*(claim.pattern for claim in CLAIMS), *NO_FIGURES):
        text = re.sub(pattern, "", text)
    assert re.findall(rf".{{0,60}}{FIGURE}.{{0,20}}", text) == []
    (kodak,) = headed(README, "bpp", "xcodec")
    rows = re.findall(r"^\|.*$", text_of(README), re.MULTILINE)
    other = [row for row in rows if re.search(FIGURE, row)]
    assert len(other) == len(kodak) - 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("23.60 dB in 200 bytes and 25.32 dB in 340", False),
        ("25.32 dB in 200 bytes and 23.60 dB in 340", True),
        ("23.61 dB in 200 bytes and 25.32 dB in 340", True),
    ],
)
def test_a_claim_can_fail(text: str, wrong: bool) -> None:
    found = re.match(CLAIMS[0].pattern, text)
    assert found is not None
    assert CLAIMS[0].holds(found) != wrong
