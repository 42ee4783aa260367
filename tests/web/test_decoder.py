"""The decoder in web/ against the package: symbols, pictures, damaged files."""

import base64
import random
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import xcodec
from tests.decoder.test_hostile import damaged, files, mended
from tests.golden import pictures
from tests.golden.regenerate import FOLDER
from tests.web.conftest import Run, node
from xcodec.coding import primitives
from xcodec.coding.header import MODELS
from xcodec.reconstruction import integer_painter, model_files

MAX_PIXELS = 1 << 15
SECONDS = 5.0
FILES = 2000
ALIKE = 250
"""Damaged files that the package decodes, too."""
SETS = 100
FACTS = (
    *("version", "width", "height", "bytes", "bpp", "samples", "model", "step"),
    *("mask", "tone", "tiles", "layers", "comment"),
)
"""What the package's ``info`` says, too."""


def test_node_runs_the_tests_of_its_own(built: Path) -> None:
    names = sorted((built / "build" / "tests").glob("*.test.mjs"))
    done = node("--test", *names)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) > len(list(FOLDER.glob("*.xgc")))


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page paints in float32, wherever it is."""
    monkeypatch.setattr(integer_painter, "painter", lambda paths: None)


def weights() -> list[str]:
    return [str(model_files.find(name)) for name in MODELS]


def expected(data: bytes | list[bytes], decoder: str) -> NDArray[np.uint8]:
    if isinstance(data, list):
        return np.asarray(xcodec.decode_packets(data, decoder=decoder).convert("RGBA"))
    options: Any = {"decoder": decoder, "bit_depth": 8, "strip": True}
    return np.asarray(xcodec.decode(data, **options).convert("RGBA"))


def check(run: Run, cases: dict[str, list[bytes]], decoder: str, folder: Path) -> None:
    """The pictures of files, or of packets, are those of the package."""
    jobs = []
    for name, parts in cases.items():
        paths = [folder / f"{name}.{number}" for number in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_bytes(part)
        out = str(folder / f"{name}.rgba")
        job = {"files": [*map(str, paths)], "packets": len(parts) > 1, "out": out}
        jobs.append(job | {"options": {"decoder": decoder}})
    found = run("draw", {"weights": weights(), "jobs": jobs})
    assert len(found) == len(jobs)
    for (name, parts), job, said in zip(cases.items(), jobs, found, strict=True):
        assert said.get("error") is None, (name, said)
        picture = np.fromfile(job["out"], np.uint8).reshape(said["height"], said["width"], 4)
        target = expected(parts if len(parts) > 1 else parts[0], decoder)
        assert picture.shape == target.shape, name
        apart = np.abs(picture.astype(int) - target)
        assert np.array_equal(picture[..., 3], target[..., 3]), name
        assert apart.max() <= (1 if decoder == "classical" else 3), name
        # At most 0.05 dB of any PSNR up to 60 dB.
        assert (apart**2).mean() < 0.0005, name
        if len(parts) == 1 and decoder == "classical":
            facts = xcodec.info(parts[0])
            original = said["info"]["original"]
            assert (original and (original["width"], original["height"])) == facts.original
            assert {key: said["info"][key] for key in FACTS} == pytest.approx(
                {key: getattr(facts, key) for key in FACTS}
            ), name


def golden(*names: str) -> dict[str, list[bytes]]:
    """Golden files by name; all without names."""
    paths = sorted(FOLDER.glob("*.xgc"))
    return {path.stem: [path.read_bytes()] for path in paths if not names or path.stem in names}


def test_fills_are_those_of_the_package(run: Run, tmp_path: Path) -> None:
    check(run, golden(), "classical", tmp_path)


def test_a_comment_is_that_of_the_package(run: Run, tmp_path: Path) -> None:
    data = xcodec.encode(pictures.scene(20, 30), comment="\ufeffgrüße\n", effort=0)
    check(run, {"comment": [data]}, "classical", tmp_path)


def test_painted_pictures_are_those_of_the_package(run: Run, tmp_path: Path) -> None:
    names = (
        "plain",
        "reduced",
        "pixel",
        "strip",
        "mean",
        "canny",
        "grey",
        "lossless",
        "tiles",
        "alpha-samples",
    )
    check(run, golden(*names), "generator", tmp_path)


def test_any_packets_give_the_pictures_of_the_package(
    run: Run, packets: list[bytes], tmp_path: Path
) -> None:
    chosen = {
        "all": packets,
        "few": packets[:3],
        "some": packets[5:12],
        "others": packets[::-2],
        "damaged": [*packets[:9], packets[9][:-1] + b"?", b"no packet"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check(run, chosen, "classical", tmp_path)
        check(run, {"some": chosen["some"], "all": chosen["all"]}, "generator", tmp_path)


def case(parts: list[bytes], packets: bool = False, partial: bool = False) -> dict[str, Any]:
    coded = [base64.b64encode(part).decode() for part in parts]
    return {"parts": coded, "packets": packets, "partial": partial}


def drawn(count: int) -> list[tuple[bytes, bool]]:
    """Damaged files, most of them with a right checksum, and whether what is left is drawn."""
    found: list[tuple[bytes, bool]] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(), st.integers(0, 3), st.booleans())
    def collect(data: bytes, mend: int, partial: bool) -> None:
        found.append((mended(data) if mend else data, partial))

    collect()
    return found


def outcome(data: bytes, partial: bool) -> str:
    """What the package makes of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            options: Any = {"decoder": "classical", "max_pixels": MAX_PIXELS}
            xcodec.decode(data, partial=partial, bit_depth=8, strip=True, **options)
        return "picture"
    except xcodec.XcodecError as error:
        return type(error).__name__


def test_damaged_files_give_pictures_or_errors_soon(run: Run) -> None:
    every = drawn(FILES) + [(data, False) for data in files()]
    assert len(every) >= FILES
    (found,) = run(
        "endure",
        {"cases": [case([data], partial=partial) for data, partial in every]}
        | {"maxPixels": MAX_PIXELS},
    )
    assert found["unexpected"] == []
    assert found["slowest"] < 1000 * SECONDS
    assert set(found["outcomes"]) >= {"picture", "FormatError", "TruncatedError", "LimitError"}
    assert found["outcomes"][-len(files()) :] == ["picture"] * len(files())
    theirs = [outcome(*each) for each in every[:ALIKE]]
    assert found["outcomes"][:ALIKE] == theirs


def sets(packets: list[bytes]) -> Iterator[list[bytes]]:
    """Sets of packets of which some are damaged below a right checksum."""
    generator = random.Random(0)
    for _ in range(SETS):
        some = generator.sample(packets, generator.randint(1, len(packets)))
        for number, packet in enumerate(some):
            if generator.random() < 0.3:
                body = bytearray(packet[: primitives.content_size(len(packet))])
                body[generator.randrange(len(body))] = generator.randrange(256)
                some[number] = bytes(body) + primitives.ending(bytes(body))
            elif generator.random() < 0.1:
                some[number] = generator.randbytes(generator.randint(0, 80))
        yield some


def test_random_sets_of_packets_give_pictures_or_errors_soon(
    run: Run, packets: list[bytes]
) -> None:
    cases = [case(some, packets=True) for some in sets(packets)]
    (found,) = run("endure", {"cases": cases, "maxPixels": MAX_PIXELS})
    assert found["unexpected"] == []
    assert found["slowest"] < 1000 * SECONDS
    assert set(found["outcomes"]) >= {"picture", "FormatError"}
