"""Conformance files (tests/golden): a changed byte is a change of the format."""

import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

import xcodec
from tests import reference, reference_packets
from tests.golden.regenerate import (
    FOLDER,
    MAX_PIXELS,
    PACKET_FACTS,
    PACKETS,
    cases,
    digest,
    facts,
    frozen,
    outcome,
    packet_facts,
    to_freeze,
    written,
)
from xcodec.coding import container, network, packets, payload, primitives
from xcodec.coding.header import ALPHA, MASKS, read_header
from xcodec.decoder import inspection, reading
from xcodec.links import receiving

ROOT = FOLDER.parent.parent
NAMES = sorted(cases())
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())
OUTCOMES: dict[str, dict[str, float]] = json.loads((FOLDER / "encoder.json").read_text())
BY_ZSTANDARD = {"bitmap", "runs", "mean", "metadata"}
"""Files that hold a zstandard frame, whose bytes may differ between releases of that library."""


def stored(name: str) -> bytes:
    return (FOLDER / f"{name}.xgc").read_bytes()


@cache
def by_reference(name: str) -> reference.File:
    return reference.read(stored(name))


def test_files_and_expectations_belong_together() -> None:
    files = {path.stem for path in FOLDER.glob("*.xgc")}
    assert set(NAMES) == set(EXPECTED) == set(OUTCOMES) == files
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 100_000
    assert {EXPECTED[name]["layers"] > 1 for name in NAMES} == {True, False}
    assert {by_reference(name).fields["mask"] for name in NAMES} == {0, 1, 2}
    assert {stored(name)[1] >> 7 for name in NAMES} == {0, 1}
    assert {len(stored(name)) < primitives.SHORT for name in NAMES} == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_bytes_to_symbols(name: str) -> None:
    picture, _ = cases()[name]
    found, expected = facts(stored(name), picture), EXPECTED[name]
    assert found.pop("psnr") == pytest.approx(expected["psnr"], abs=0.05)
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize("name", NAMES)
def test_bytes_to_symbols_by_the_reference_decoder(name: str) -> None:
    file = by_reference(name)
    assert digest(file.points) == EXPECTED[name]["points"]
    assert digest(file.symbols) == EXPECTED[name]["symbols"]


@pytest.mark.parametrize("name", NAMES)
def test_symbols_to_bytes(name: str) -> None:
    contents = reading.opened(stored(name), MAX_PIXELS)
    tiles = [(t.density, t.points, t.tree, t.symbols, t.contexts) for t in reading.tiles(contents)]
    if contents.finest is None:
        (file,) = tiles
        written = container.write(contents.header, payload.write(contents.header, *file))
    else:
        pieces = [payload.write_tile(contents.header, *t, contents.layers) for t in tiles]
        side = contents.grid.side
        written = container.write_tiled(contents.header, side, contents.finest, pieces)
    if name in BY_ZSTANDARD:
        file = reading.single(stored(name), MAX_PIXELS, partial=False)
        again = reading.single(written, MAX_PIXELS, partial=False)
        assert again.header == file.header
        assert np.array_equal(again.points.rows, file.points.rows)
        assert np.array_equal(again.points.cols, file.points.cols)
        assert np.array_equal(again.symbols, file.symbols)
    else:
        assert written == stored(name)


@pytest.mark.parametrize("name", NAMES)
def test_sections(name: str) -> None:
    expected = {int(tag): bytes.fromhex(each) for tag, each in EXPECTED[name]["sections"].items()}
    file = by_reference(name)
    assert file.sections == expected
    assert inspection.peek(stored(name)).mode == EXPECTED[name]["mode"]
    if ALPHA not in expected:
        return
    fields = file.fields
    found = reference.read_alpha(expected[ALPHA], fields["height"], fields["width"])
    if isinstance(found, reference.File):
        assert found.fields["grey"] == 1
        assert found.fields["width"] == fields["width"]
        assert found.fields["height"] == fields["height"]
    else:
        alpha = xcodec.decode(stored(name), decoder="classical").getchannel("A")
        assert np.array_equal(np.asarray(alpha), found)


@pytest.mark.parametrize("name", NAMES)
def test_pixels_to_bytes(name: str) -> None:
    """Floats choose the symbols here: nearly the same size and picture."""
    picture, _ = cases()[name]
    found, expected = outcome(written(name), picture), OUTCOMES[name]
    assert found["size"] == pytest.approx(expected["size"], rel=0.01, abs=1)
    assert found["psnr"] == pytest.approx(expected["psnr"], abs=0.05)
    assert found["samples"] == pytest.approx(expected["samples"], rel=0.01, abs=1)


def test_packets_to_symbols() -> None:
    bundle = PACKETS.read_bytes()
    expected = json.loads(PACKET_FACTS.read_text())
    assert json.loads(json.dumps(packet_facts(bundle))) == expected
    assert len(expected) > 2
    assert expected[-1]["complete"]
    for each in expected:
        fields, stream = reference_packets.join(packets.unbundle(bundle)[: each["packets"]])
        assert {name: each[name] for name in fields if name in each} == {
            name: value for name, value in fields.items() if name in each
        }
        assert ("step" in fields) == ("symbols" in each)
    points, symbols = reference_packets.read_symbols(fields, stream)
    assert digest(points) == expected[-1]["points"]
    every = [packets.parse(each) for each in packets.unbundle(bundle)]
    _, _, known = receiving.symbols_in(packets.restored(every, reading.LIMITS), every[0].length)
    exact = known.missing == 0  # The stream was cut to the room that packets have.
    assert 0.5 < exact.mean() < 1
    assert np.array_equal(np.array(symbols)[exact], known.symbols[exact])


def test_what_a_release_wrote_is_read_by_later_ones_of_its_series() -> None:
    """No file and no expectation of these may change; new files may come."""
    now = to_freeze()
    for known in frozen().values():
        assert (known["version"], known["packets"]) == (now["version"], now["packets"])
        for kind in ("files", "facts"):
            assert {name: now[kind].get(name) for name in known[kind]} == known[kind]


def test_a_share_of_a_half_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file tells a reader that rounds it up."""
    exponent = 25 * network.LOG_STEPS
    powers = network._powers()
    assert powers[exponent - 1 : exponent + 1].tolist() == [1, 0]
    wrong = powers.copy()
    wrong[exponent] = 1
    monkeypatch.setattr(network, "_powers", lambda: wrong)
    assert facts(stored("half"), cases()["half"][0])["symbols"] != EXPECTED["half"]["symbols"]


def test_each_way_to_write_a_mask_is_among_the_files() -> None:
    for mode, name in enumerate(("bitmap", "runs", "blocks")):
        reader = primitives.Reader(stored(name))
        header, _ = read_header(reader, MAX_PIXELS, reading.LIMITS)
        assert header.mask == "explicit"
        reader.varint(1 << 20, "the length of the mask")
        assert reader.byte() == mode


def test_each_way_to_write_alpha_is_among_the_files() -> None:
    kinds = {EXPECTED[name]["sections"].get("2", "--")[:2] for name in NAMES}
    assert kinds == {"--", "00", "01", "02", "03"}


def test_the_reference_reads_the_fields() -> None:
    for name in NAMES:
        header = reading.opened(stored(name), MAX_PIXELS).header
        fields = by_reference(name).fields
        assert (fields["width"], fields["height"]) == (header.width, header.height)
        assert MASKS[fields["mask"]] == header.mask
        assert fields["block"] == header.block
        assert fields["model"] == header.model
        assert fields["grey"] == header.grey
        assert fields.get("scale", 0) == header.scale
        assert fields.get("seed", 0) == header.seed
        assert fields.get("step") == header.step
        original = fields.get("original_width"), fields.get("original_height")
        assert original == (header.original or (None, None))


def test_each_way_to_tell_the_original_is_among_the_files() -> None:
    headers = {name: reading.opened(stored(name), MAX_PIXELS).header for name in NAMES}
    assert headers["reduced"].original == (400, 300)  # In proportion, in the short form.
    assert headers["grey-reduced"].original == (301, 497)  # Not quite, in the long one.
    assert stored("reduced")[1] < 128 <= stored("grey-reduced")[1]


def test_the_tutorial_begins_with_the_first_byte() -> None:
    page = (ROOT / "docs" / "tutorials" / "format.md").read_text()
    assert f"The first byte, `{stored('plain')[0]:02x}`, is" in page


def test_the_data_files_are_those_that_the_format_names() -> None:
    page = (ROOT / "docs" / "format.md").read_text()
    for name in (
        "xcodec/sampling/blue_noise.npy",
        "xcodec/coding/tables.json",
        "xcodec/coding/network.npz",
    ):
        line = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() in line
