"""Files and pictures are those on record (tests/golden/digests.py)."""

from collections.abc import Iterable, Iterator

import pytest

from tests.golden import digests

SLOW_FILES = {
    "alpha-e4",
    "alpha-e7",
    "bpp-e4",
    "bpp-e7",
    "bytes-alpha-e4",
    "bytes-e4",
    "bytes-e7",
    "explicit-bytes",
    "lossless-bytes",
    "psnr-e4",
    "tiles-e4",
    "tiles-e7",
    "tiles-jobs",
}
"""Files that take more than a second to make. Pictures of these take as long."""
QUICK_CLASSICAL = {
    "alpha-e0",
    "canny-mean",
    "explicit",
    "grey-e0",
    "lossless",
    "random",
    "rate-e0",
    "tiles-e0",
}
"""Files that ``make test`` decodes by the classical decoder; the long tests decode all."""
FILES = list(digests.FILES)


def slow_pictures() -> Iterator[str]:
    for name, (file, _) in digests.PICTURES.items():
        way = name.removeprefix(f"{file}:")
        if file in SLOW_FILES or (way == "classical" and file not in QUICK_CLASSICAL):
            yield name


def marked(names: Iterable[str], slow: Iterable[str]) -> list[object]:
    """Parameters, of which the slow ones are for the long tests."""
    slow = set(slow)
    return [pytest.param(n, marks=pytest.mark.long if n in slow else ()) for n in names]


def compare(name: str, found: str) -> None:
    expected = digests.recorded()[name]
    assert found == expected, (
        f"{name} is not what it was: its digest is {found}, not {expected}. If it was meant to "
        f"change, record it anew; see tests/golden/digests.py"
    )


@pytest.fixture
def known() -> None:
    """Skips where the arithmetic is not that of any record."""
    if not digests.recorded():
        pytest.skip("digests.json has no record of this machine's arithmetic")


def test_every_case_is_recorded(known: None) -> None:
    assert {*FILES, *digests.PICTURES} == set(digests.recorded())
    assert set(digests.FILES) >= SLOW_FILES | QUICK_CLASSICAL


@pytest.mark.parametrize("name", marked(FILES, SLOW_FILES))
def test_files(known: None, name: str) -> None:
    compare(name, digests.digest_of_file(name))


@pytest.mark.parametrize("name", marked(digests.PICTURES, slow_pictures()))
def test_pictures(known: None, name: str) -> None:
    compare(name, digests.digest_of_picture(name))
