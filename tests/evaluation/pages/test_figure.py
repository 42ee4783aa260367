"""Figures of records and of training runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from xcodec.__main__ import main
from xcodec.cli import cli
from xcodec.errors import InputError, ModelError
from xcodec.evaluation.pages import figure
from xcodec.evaluation.runs import records
from xcodec.reconstruction import torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.model_files import Card
from xcodec.reconstruction.torch_weights import build

SMALL = Architecture((4, 4, 4, 4), (0, 0, 0), 0, (0, 0, 0))


def curve(name: str, kind: str, points: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "name": name, "kind": kind, "codec": name, "target": "quality", "aim": None,
        "effort": None, "model": None,
        "points": [
            {"setting": 1, "files": 1, "largest": 9, "bytes": 9, "bpp": bpp, "psnr": psnr}
            | {"pictures": {"bytes": [9], "bpp": [bpp], "psnr": [psnr]}}
            for bpp, psnr in points
        ],
    }  # fmt: skip


@pytest.fixture
def record() -> dict[str, Any]:
    curves = [
        curve("own", "xcodec", [(0.01, 20.0), (0.1, 25.0)]),
        curve("JPEG", "peer", [(0.1, 21.0), (0.2, 24.0)]),
    ]
    figures = {
        "square": None, "metrics": ["psnr"], "scales": [], "encode": {}, "curves": curves,
        "beside": [], "deltas": [], "takeovers": [],
    }  # fmt: skip
    return {
        "schema": records.SCHEMA,
        "benchmark": "rd",
        "label": "crops",
        "command": "",
        "versions": {"xcodec": "1", "python": "3"},
        "machine": {"processor": "", "cores": 1, "system": ""},
        "pictures": {"a.png": "0123456789abcdef"},
        "weights": {},
        "figures": figures,
    }


def test_figures_name_their_curves(record: dict[str, Any], tmp_path: Path) -> None:
    source, target = tmp_path / "record.json", tmp_path / "curves.svg"
    records.save(source, record)
    command = ["bench", "plot", str(source), "--metrics", "psnr", "-o", str(target)]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = target.read_text()
    assert text.startswith("<?xml")
    for word in ("own", "JPEG", "crops, 1 picture"):
        assert f"<!-- {word} -->" in text
    assert figure.draw(record, "svg", ("psnr",)) == text.encode()
    assert figure.draw(record, "png", ("psnr",)).startswith(b"\x89PNG")


def test_restoration_is_drawn_over_levels(record: dict[str, Any]) -> None:
    rows = [
        {
            "level": level,
            "distribution": kind,
            "method": method,
            "psnr": 20.0 + level,
            "lpips": None,
        }
        for level in (2, 20)
        for kind in ("random", "sobel")
        for method in ("mine", "kriging")
    ]
    figures = {"task": "points", "trained": [{"model": "mine"}], "rows": rows}
    restored = record | {"benchmark": "restoration", "figures": figures}
    text = figure.draw(restored, "svg", ("psnr",)).decode()
    for word in ("mine", "kriging", "random points", "sobel points", "known pixels, %"):
        assert f"<!-- {word} -->" in text
    with pytest.raises(InputError, match="no curves"):
        figure.draw(restored, "svg", ("lpips",))


def test_trainings_are_drawn_over_hours(tmp_path: Path) -> None:
    """Weights and history files are drawn together, as gains over the networks' input."""
    weights, history = tmp_path / "first.safetensors", tmp_path / "second.history.json"
    found = [
        {
            "steps": n,
            "hours": n / 10,
            "psnr": {"0.1": 20 + n, "0.2": 22},
            "fill": {"0.1": 20, "0.2": 20},
        }
        for n in range(3)
    ]
    torch_weights.save(weights, build(SMALL), Card("first", SMALL, history=found))
    history.write_text(json.dumps(found))
    target = tmp_path / "curves.svg"
    command = ["bench", "plot", str(weights), str(history), "-o", str(target)]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for word in ("first", "second", "hours of training"):
        assert f"<!-- {word} -->" in target.read_text()
    both = figure.histories((weights, history))
    assert both == {"first": found, "second": found}
    with pytest.raises(InputError, match="no curves"):
        figure.draw_trainings({"one": found[:1]}, "svg")
    other = tmp_path / "longer" / "second.history.json"
    other.parent.mkdir()
    other.write_text(json.dumps(found[:2]))
    own, longer = f"{tmp_path.name}/second", "longer/second"
    assert figure.histories((history, other)) == {own: found, longer: found[:2]}
    history.write_text('[{"hours": 1}]')
    with pytest.raises(ModelError, match="not the history"):
        figure.histories((history,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.json", "b.json"], "a figure is of one RECORD, or of training runs"),
        (["a.json", "b.history.json"], "a figure is of one RECORD, or of training runs"),
        (["a.history.json", "--metrics", "ssim"], "--metrics cannot be used with training runs"),
    ],
)
def test_records_and_training_runs_are_drawn_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A second record was called damaged weights, and --metrics was ignored."""
    assert main(["bench", "plot", *arguments, "-o", str(tmp_path / "a.svg")]) == 2
    assert message in capsys.readouterr().err


def test_a_label_may_hold_what_means_a_formula(record: dict[str, Any]) -> None:
    assert b"<!-- 5$ and $^6, " in figure.draw(record | {"label": "5$ and $^6"}, "svg", ("psnr",))


def test_records_without_curves_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no metric"):
        figure.draw(record, "svg", ())
    with pytest.raises(InputError, match="svg or png"):
        figure.draw(record, "gif")
    with pytest.raises(InputError, match="no curves"):
        figure.draw(record, "svg", ("lpips",))
    with pytest.raises(InputError, match="only records of rd and restoration"):
        figure.draw(record | {"benchmark": "speed"}, "svg")
