"""Each figure in the README is claimed here, and is that of a record."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.evaluation.published import (
    ROOT,
    headed,
    only,
    shown,
    speed,
    text_of,
    words,
)

README, RESULTS = "README.md", "docs/results.md"
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


def least_python() -> float:
    """The version that pyproject.toml asks for."""
    text = (ROOT / "pyproject.toml").read_text()
    return float(re.findall(r'requires-python = ">=([\d.]+)"', text)[0])


CLAIMS = [
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
    """Except for what the script writes, which test_published.py repeats."""
    text = re.sub(r"<!-- readme:.*?<!-- end -->", "", words(README))
    for pattern in (*(claim.pattern for claim in CLAIMS), *NO_FIGURES):
        text = re.sub(pattern, "", text)
    assert re.findall(rf".{{0,60}}{FIGURE}.{{0,20}}", text) == []
    rows = re.sub(r"<!-- readme:.*?<!-- end -->", "", text_of(README), flags=re.S)
    assert re.findall(rf"^\|.*{FIGURE}.*$", rows, re.MULTILINE) == []


SMALL, LOSSES = ("", "200 bytes"), ("better than xcodec from",)


def test_small_pictures() -> None:
    """As docs/results.md has them, whose tables test_published.py holds to the records."""
    _, rows = only(README, *SMALL)
    assert len(rows) == 8
    section = ""
    for title, *cells in rows:
        if "above" not in title:
            section = title.partition(":")[0].capitalize()
            _, figures = only(RESULTS, "bytes", "xcodec", section=section)
            assert cells == [f"{row[1].partition(' ')[0]} dB" for row in figures]
        else:
            _, leads = only(RESULTS, "xcodec above", section=section)
            name = title.removeprefix("above ").removeprefix("the ")
            assert [name, *cells] in leads


def test_where_it_loses() -> None:
    """As docs/results.md says."""
    _, rows = only(README, *LOSSES)
    (_, *known), *_ = headed(RESULTS, "pictures", "peer", "compared")
    assert len(rows) == 6
    for peer, *cells in rows:
        told = [row for row in known if re.sub(r" \(.*", "", row[1]) == peer]
        assert cells == [each for row in told for each in (row[3], row[5])]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("generator takes 0.89 s a megapixel to decode", False),
        ("generator takes 0.91 s a megapixel to decode", True),
    ],
)
def test_a_claim_can_fail(text: str, wrong: bool) -> None:
    found = re.match(CLAIMS[0].pattern, text)
    assert found is not None
    assert CLAIMS[0].holds(found) != wrong
