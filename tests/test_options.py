"""The options of encoding and decoding (xcodec/options.py)."""

import pickle
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
import xcodec.pillow
from xcodec import types
from xcodec.__main__ import main
from xcodec.choices import MAX_EFFORT
from xcodec.encoder.effort import EFFORTS, table
from xcodec.errors import ConflictError, InputError
from xcodec.options import REALS, WHOLES, DecodeOptions, EncodeOptions

RGB = NDArray[np.uint8]
CLASH = r"^rate and max_bytes exclude each other$"
MASK = np.zeros((8, 8), np.bool_)
CONFLICTS: list[dict[str, Any]] = [
    {"rate": 0.1, "max_bytes": 300},
    {"max_bytes": 300, "bpp": 0.1},
    {"bpp": 0.1, "psnr": 30},
    {"rate": 0.1, "psnr": 30},
    {"mask": MASK, "rate": 0.1},
    {"mask": MASK, "density": "uniform"},
    {"mask": MASK, "strength": 0.5},
    {"mask": MASK, "floor": 0.5},
    {"mask": MASK, "block": 16},
    {"mask": MASK, "seed": 3},
    {"seed": 0},
    {"density": "uniform", "strength": 0.5},
    {"density": "uniform", "floor": 0.5},
    {"psnr": 30, "decoder": "generator"},
    {"lossless_samples": True},
    {"lossless_samples": True, "tone": "point", "step": 20},
    {"lossless_samples": True, "tone": "point", "psnr": 30},
    {"lossless_samples": True, "tone": "point", "mask": MASK, "max_bytes": 300},
]


@pytest.mark.parametrize("given", CONFLICTS, ids=lambda given: "-".join(given))
def test_what_contradicts_itself_is_an_error(given: dict[str, Any], small: RGB) -> None:
    with pytest.raises(ConflictError) as caught:
        EncodeOptions(**given)
    assert all(name in given for name in caught.value.names)
    assert all(name in str(caught.value) for name in caught.value.names)
    with pytest.raises(InputError, match=str(caught.value)[:20]):
        xcodec.encode(small, **given)


def test_a_rate_and_a_size_from_everywhere(
    small: RGB, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear error from Python, from Pillow and from the command line."""
    with pytest.raises(xcodec.InputError, match=CLASH):
        xcodec.encode(small, rate=0.1, max_bytes=300)
    target = picture.with_suffix(".xgc")
    with pytest.raises(ValueError, match=CLASH):
        Image.fromarray(small).save(target, rate=0.1, max_bytes=300)
    assert main(["encode", str(picture), "-r", "0.1", "--bytes", "300"]) == 2
    assert "--rate and --bytes exclude each other" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": 0.6}, "rate is 0.6; it must be in 0.001..0.5"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"psnr": -1}, "psnr is -1; it must be in 0.01..99.99 dB"),
        ({"step": 0.1}, "step is 0.1; it must be in 0.5..1961"),
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"bpp": 0}, "bpp is 0"),
        ({"mask": "random", "seed": -1}, "seed is -1"),
        ({"effort": 10}, "effort is 10; it must be in 0..9"),
        ({"alpha_quality": 101}, "alpha_quality is 101"),
        ({"tile": 100}, "tile is 100"),
        ({"jobs": 0}, "jobs is 0"),
        ({"density": "canny2"}, "density is 'canny2'"),
        ({"tone": "median"}, "tone is 'median'"),
        ({"mask": "green"}, "mask is 'green'"),
        ({"model": "dog"}, "model is 'dog'"),
        ({"decoder": "both"}, "decoder is 'both'"),
        ({"strength": 3}, "strength is 3; it must be in 0..2"),
        ({"block": 5}, "block is 5"),
        ({"block": 12}, "block is 12"),
        ({"floor": 0}, "floor is 0"),
        ({"bpp": float("inf")}, "bpp is inf"),
        ({"rate": 10**400}, "rate is huge"),
        ({"max_bytes": -(10**5000)}, "max_bytes is huge; it must be at least 1"),
    ],
)
def test_values_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        EncodeOptions(**given)


@pytest.mark.parametrize(
    "given",
    [
        *({name: "x"} for name in (*REALS, *WHOLES)),
        *({name: True} for name in (*REALS, *WHOLES)),
        {"effort": 1.5},
        {"effort": None},
        {"jobs": None},
        {"comment": 5},
        {"comment": b"text"},
        {"comment": "\ud800"},
        {"density": None},
        {"tone": np.zeros(3)},
        {"mask": None},
        {"mask": 5},
        {"mask": [[True]]},
        {"mask": np.zeros((8, 8))},
        {"mask": np.zeros((80, 80), np.uint8)},
        {"mask": [[True] * 90] * 90},
        {"roi": 5},
        {"roi": [(1, 2)]},
        {"roi": [(1, 2, "x", 4, 4)]},
        {"roi": [(0.5, 0, 10, 10, 2.0)]},
        {"roi": [(0, 0, None, 10, 2.0)]},
        {"roi": [(0, 0, 10, 10, None)]},
        {"roi_mask": 5},
        {"roi_mask": np.ones((96, 120))},
        {"roi_mask": np.ones((96, 120), np.bool_)},
        {"keep": "no"},
        {"saliency": "no"},
        {"lossless_samples": "no", "tone": "point"},
    ],
    ids=str,
)
def test_values_of_other_types(given: dict[str, Any], small: RGB) -> None:
    with pytest.raises(InputError) as error:
        xcodec.encode(small, **given)
    assert len(str(error.value)) < 150
    assert "\n" not in str(error.value)


def test_numbers_of_arrays_are_numbers(small: RGB) -> None:
    of_numpy = EncodeOptions(rate=np.float32(0.03), block=np.int64(32), effort=np.uint8(0))
    assert (type(of_numpy.rate), type(of_numpy.block)) == (float, int)
    assert xcodec.encode(small, options=of_numpy) == xcodec.encode(
        small, float(np.float32(0.03)), block=32, effort=0
    )


@pytest.mark.parametrize(
    "given",
    [
        {"decoder": "classical", "realism": 0.5},
        {"realism": "much"},
        {"max_pixels": 0},
        {"downsample": 2.5},
        {"region": (1, 2, 3)},
        {"region": (0, 0, 5, "x")},
        {"region": (0, 0, 5, None)},
        {"model": None},
        {"model": 5},
        {"partial": "no"},
        {"strip": "no"},
        {"original_size": None},
        {"region": 7},
        {"decoder": "classical", "model": "face"},
        {"realism": 1.5},
        {"downsample": 3},
        {"bit_depth": 12},
        {"device": "tpu"},
        {"region": (0, 0, 0, 5)},
        {"region": (-1, 0, 5, 5)},
        {"jobs": 0},
    ],
)
def test_decoding_that_makes_no_sense(given: dict[str, Any], small: RGB) -> None:
    data = xcodec.encode(small, 0.02, effort=0)
    with pytest.raises(InputError):
        DecodeOptions(**given)
    with pytest.raises(InputError):
        xcodec.decode(data, **given)


def test_keywords_and_fields_agree() -> None:
    """The TypedDicts, with which editors complete keywords, and the dataclasses."""
    fields_of = {
        one: {field.name for field in fields(one)} for one in (EncodeOptions, DecodeOptions)
    }
    encode, decode = (get_type_hints(one) for one in (types.EncodeKeywords, types.DecodeKeywords))
    array = get_type_hints(types.ArrayKeywords)
    assert set(encode) | {"rate"} == fields_of[EncodeOptions]
    assert set(decode) == fields_of[DecodeOptions]
    assert set(array) == fields_of[DecodeOptions] - {"bit_depth", "strip"}
    for keywords, whole in ((encode, EncodeOptions), (decode, DecodeOptions)):
        hints = get_type_hints(whole)
        assert all(hints[name] == hint for name, hint in keywords.items())
    assert all(decode[name] == hint for name, hint in array.items())


def test_every_field_is_documented() -> None:
    for whole in (EncodeOptions, DecodeOptions):
        text = whole.__doc__ or ""
        for field in fields(whole):
            assert f"\n    {field.name} " in text, field.name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"size": 300}, {"max_bytes": 300}),
        (
            {"lossless": True, "tone": "point"},
            {"lossless_samples": True, "tone": "point"},
        ),
    ],
)
def test_old_names_are_accepted(old: dict[str, Any], new: dict[str, Any], small: RGB) -> None:
    with pytest.warns(DeprecationWarning, match="is now called") as caught:
        data = xcodec.encode(small, effort=0, **old)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xcodec.encode(small, effort=0, **new) == data
    with pytest.raises(ConflictError, match="are the same option"):
        EncodeOptions.from_keywords(old | new)


def test_names_that_are_none(small: RGB) -> None:
    with pytest.raises(TypeError, match="no option 'quality'"):
        xcodec.encode(small, quality=3)  # type: ignore[call-arg]


def test_options_as_one_object(small: RGB) -> None:
    data = xcodec.encode(small, options=EncodeOptions(rate=0.03, effort=0))
    assert data == xcodec.encode(small, 0.03, effort=0)
    picture = xcodec.decode(data, options=DecodeOptions("classical", downsample=2))
    assert picture == xcodec.decode(data, decoder="classical", downsample=2)
    with pytest.raises(TypeError, match="not as both"):
        xcodec.encode(small, 0.03, options=EncodeOptions())
    with pytest.raises(TypeError, match="not as both"):
        xcodec.decode(data, options=DecodeOptions(), realism=1)
    for wrong in ({}, {"effort": 0}, EncodeOptions):
        with pytest.raises(TypeError, match="it must be an object of EncodeOptions"):
            xcodec.encode(small, options=wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="it must be an object of DecodeOptions"):
            xcodec.decode(data, options=wrong)  # type: ignore[arg-type]


def test_packets_share_the_options(small: RGB) -> None:
    for given in ({"rate": 0.1}, {"tile": 128}, {"comment": "a"}, {"decoder": "classical"}):
        with pytest.raises(ConflictError, match="is not an option of packets"):
            xcodec.encode_packets(small, 100, 3, **given)  # type: ignore[arg-type]


def test_conflicts_pass_from_worker_to_parent() -> None:
    with pytest.raises(ConflictError) as caught:
        EncodeOptions(rate=0.1, bpp=0.1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.names) == (
        ConflictError,
        str(caught.value),
        ("rate", "bpp"),
    )


def test_options_that_differ_from_their_defaults() -> None:
    assert EncodeOptions().given() == ()
    assert EncodeOptions(mask=MASK, effort=5).given() == ("mask", "effort")
    assert EncodeOptions(roi=()).given() == ()


def test_every_effort_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(EFFORTS) == MAX_EFFORT + 1
    assert main(["encode", "--help-effort"]) == 0
    shown = capsys.readouterr().out
    assert shown == table() + "\n"
    rows = [line.split()[0] for line in shown.splitlines()[1 : len(EFFORTS) + 1]]
    assert rows == [str(level) for level in range(len(EFFORTS))]
