"""The benchmark scripts on small pictures: their figures, worked out again another way."""

import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec import codec, evaluation
from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation import metrics, peers

RGB = NDArray[np.uint8]
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look for their module there.
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(photo: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three small pictures, and no weights of LPIPS."""
    monkeypatch.delenv(metrics.ENVIRONMENT, raising=False)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, (row, col) in enumerate([(0, 0), (60, 120), (150, 300)]):
        Image.fromarray(photo[row : row + 96, col : col + 80]).save(folder / f"{i + 1}.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def run(name: str, *arguments: object) -> tuple[dict[str, Any], str]:
    """The record that a script writes, and what it prints."""
    folder = Path(str(arguments[0])).parent
    output = folder / "results" / "run.json"
    command = [*map(str, arguments), "-o", str(output)]
    done = CliRunner().invoke(script(name).main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = output.read_text()
    assert str(folder) not in text
    record = json.loads(text)
    assert record["schema"] == evaluation.SCHEMA
    assert record["benchmark"] == name
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["xcodec"] == xcodec.__version__
    return record, done.output


def loaded(folder: Path) -> list[RGB]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def test_rate_distortion_reports_real_files(folder: Path) -> None:
    record, output = run(
        "rate_distortion", folder, "--rates", "0.02,0.1", "--decoders", "classical",
        "--peers", "jpeg,webp", "--at", "0.5,99", "--jobs", 1, "--label", "crops",
    )  # fmt: skip
    pictures = loaded(folder)
    assert record["label"] == "crops"
    assert list(record["pictures"]) == ["1.png", "2.png", "3.png"]
    own, jpeg, webp = record["figures"]["curves"]
    assert [curve["codec"] for curve in (own, jpeg, webp)] == [
        "xcodec, classical fill",
        "jpeg",
        "webp",
    ]

    files = [xcodec.encode(rgb, 0.1) for rgb in pictures]
    decoded = [np.asarray(xcodec.decode(data, decoder="classical")) for data in files]
    point = own["points"][1]
    assert point["pictures"]["bytes"] == [len(data) for data in files]
    assert point["bpp"] == pytest.approx(np.mean([len(data) for data in files]) / 960, rel=1e-5)
    psnrs = [metrics.psnr(a, b) for a, b in zip(pictures, decoded, strict=True)]
    assert point["psnr"] == pytest.approx(np.mean(psnrs), rel=1e-5)
    assert point["pictures"]["psnr"] == pytest.approx(psnrs, rel=1e-5)
    assert point["lpips"] is None

    (peer,) = peers.codecs(["jpeg"])
    of_five = [metrics.psnr(rgb, peer.decode(peer.encode(rgb, 5))) for rgb in pictures]
    five = next(p for p in jpeg["points"] if p["setting"] == 5)
    assert five["psnr"] == pytest.approx(np.mean(of_five), rel=1e-5)

    rows = {(row["codec"], row["bpp"]): row for row in record["figures"]["beside"]}
    curve = [(p["bpp"], p["psnr"]) for p in jpeg["points"]]
    assert rows["jpeg", 0.5]["psnr"] == pytest.approx(metrics.at_bpp(curve, 0.5), rel=1e-4)
    assert rows["jpeg", 99]["psnr"] is None
    # JPEG's smallest file is far above xcodec's at 2 %: nothing to set beside it.
    assert rows["jpeg", own["points"][0]["bpp"]]["psnr"] is None
    assert rows["xcodec, classical fill", point["bpp"]]["psnr"] == point["psnr"]
    assert f"{point['psnr']:.2f}" in output


def test_rate_distortion_hands_arguments_to_the_encoder(folder: Path) -> None:
    record, _ = run(
        "rate_distortion", folder, "--rates", "0.05", "--decoders", "classical", "--peers", "",
        "-E", "tone=point", "-E", "lossless=true", "--only", "2", "--jobs", 1,
    )  # fmt: skip
    data = xcodec.encode(loaded(folder)[1], 0.05, tone="point", lossless=True)
    assert list(record["pictures"]) == ["2.png"]
    assert record["figures"]["encode"] == {"tone": "point", "lossless": True}
    assert record["figures"]["curves"][0]["points"][0]["pictures"]["bytes"] == [len(data)]


def test_faces_keep_to_their_bytes(folder: Path) -> None:
    record, _ = run(
        "faces", folder, "--bytes", "160,250", "--decoders", "classical",
        "--peers", "jpeg,webp", "--positions", "odd", "--jobs", 1,
    )  # fmt: skip
    rows = {(row["codec"], row["budget"]): row for row in record["figures"]["rows"]}
    assert list(record["pictures"]) == ["1.png", "3.png"]
    for (_, budget), row in rows.items():
        sizes = [size for size in row["pictures"]["bytes"] if size is not None]
        assert row["files"] == len(sizes)
        assert row["largest"] == max(sizes) <= budget
    picture = loaded(folder)[2]
    own = np.asarray(xcodec.decode(xcodec.encode(picture, size=250), decoder="classical"))
    row = rows["xcodec, classical fill", 250]
    assert row["pictures"]["psnr"][1] == pytest.approx(metrics.psnr(picture, own), rel=1e-5)
    assert rows["best peer for PSNR", 250]["psnr"] >= rows["webp for PSNR", 250]["psnr"]
    assert ("jpeg for PSNR", 160) not in rows  # Its headers alone are larger.
    assert ("webp for LPIPS", 250) not in rows


def test_lossless_samples_are_set_beside_zstandard(folder: Path) -> None:
    import zstandard

    record, _ = run("lossless_samples", folder, "--rates", "0.1", "--jobs", 1, "--only", "1,2")
    rows = {row["mask"]: row for row in record["figures"]["rows"]}
    assert set(rows) == {
        "random", "random, Sobel", "blue noise, Sobel", "explicit (random, Sobel)"
    }  # fmt: skip
    picture = loaded(folder)[0]
    data = codec.encode(picture, 0.1, tone="point", lossless=True, mask="random", density="uniform")
    points, values = codec.decode_samples(data)
    order = np.lexsort((points[:, 1], points[:, 0]))
    bitmap = np.zeros(picture.shape[:2], np.uint8)
    bitmap[tuple(points.T)] = 1
    raw = np.packbits(bitmap).tobytes() + values[order].tobytes()
    row = rows["random"]
    assert row["pictures"]["xcodec"][0] == len(data)
    assert row["pictures"]["samples"][0] == len(points)
    assert row["pictures"]["zstandard"][0] <= len(zstandard.compress(raw, 19))
    assert row["pictures"]["zstandard"][0] > len(raw) / 3
    share = sum(row["pictures"]["xcodec"]) / sum(row["pictures"]["zstandard"])
    assert row["saved"] == pytest.approx(1 - share, rel=1e-4)
    explicit, sobel = rows["explicit (random, Sobel)"], rows["random, Sobel"]
    assert explicit["pictures"]["samples"] == sobel["pictures"]["samples"]
    assert explicit["xcodec"] > sobel["xcodec"]


def test_lossless_samples_that_come_back_wrong_are_noticed(small: RGB) -> None:
    data = codec.encode(small, 0.05, tone="point", lossless=True)
    with pytest.raises(XcodecError, match=r"a\.png: a sample came back wrong"):
        script("lossless_samples").returned(data, 255 - small, "a.png")


def test_timing_takes_the_median_and_watches_imports(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = script("timing")
    ticks = iter([0, 9, 10, 11, 20, 25, 30, 33])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    assert timing.seconds([sys.executable, "-c", ""], tmp_path, 3) == [1, 5, 3]
    monkeypatch.undo()
    with pytest.raises(XcodecError, match="went wrong"):
        timing.seconds([sys.executable, "-c", "raise SystemExit('went wrong')"], tmp_path, 1)
    (tmp_path / "torch.py").touch()
    assert timing.imports_torch([sys.executable, "-c", "import torch"], tmp_path)
    assert not timing.imports_torch([sys.executable, "-c", "import json"], tmp_path)


def test_timing_runs_xcodec(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timing = script("timing")
    every = timing.commands
    monkeypatch.setattr(
        timing,
        "commands",
        lambda *args: {k: v for k, v in every(*args).items() if "generator" not in k},
    )
    monkeypatch.setattr(evaluation, "weights", lambda *_: {})
    output = folder.parent / "timing.json"
    timing.run(folder / "1.png", 0.02, "photo", 1, None, output)
    figures = json.loads(output.read_text())["figures"]
    assert [row["command"] for row in figures["rows"]] == [
        "help",
        "encode",
        "decode, classical fill",
    ]
    assert not any(row["torch"] for row in figures["rows"])
    assert all(row["median"] > 0 for row in figures["rows"])
    assert figures["bytes"] == len(xcodec.encode(loaded(folder)[0], 0.02))
    assert "encode" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("rate_distortion", ["--peers", "gif"], "no codec 'gif'"),
        ("rate_distortion", ["--decoders", "magic"], "decoders are"),
        ("rate_distortion", ["--lpips"], "--lpips needs weights"),
        ("rate_distortion", ["--only", "4"], "none at place 4"),
        ("rate_distortion", ["--rates", "many"], "not numbers between commas"),
        ("rate_distortion", ["-E", "tone"], "not NAME=VALUE"),
        ("faces", ["--model", "unheard-of"], "no model 'unheard-of'"),
        ("lossless_samples", ["--only", "2", "--positions", "odd"], "no such pictures"),
    ],
)
def test_mistakes_become_one_line(
    folder: Path, name: str, arguments: list[str], message: str
) -> None:
    arguments = [str(folder), *arguments]
    if name != "lossless_samples" and not {"--model", "--decoders"} & set(arguments):
        arguments += ["--decoders", "classical"]
    done = CliRunner().invoke(script(name).main, arguments)
    assert done.exit_code == 1
    assert done.output.startswith(f"{name}: ")
    assert message in done.output
    assert done.output.count("\n") == 1


def test_pictures_are_chosen_by_place(folder: Path) -> None:
    def names(*arguments: Any) -> str:
        return "".join(path.stem for path in evaluation.pictures(folder, *arguments))

    assert names() == "123"
    assert names("odd") == "13"
    assert names("even") == "2"
    assert names("all", [3, 1]) == "31"
    assert names("odd", [2, 3]) == "3"
    with pytest.raises(InputError, match="not a folder"):
        evaluation.pictures(folder / "1.png")


def test_work_is_shared_among_processes_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert evaluation.each(math.sqrt, [9.0, 4.0, 1.0], 2) == [3, 2, 1]
    threads = evaluation.each(os.getenv, ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], 2)
    assert threads == ["1", "1"]


def test_commands_hold_names_in_place_of_paths() -> None:
    arguments = ["/data/kodak/", "--weights=/some/where", "-o", "results/a.json", "-E", "tone=mean"]
    assert evaluation.command_line("faces", arguments) == (
        "python benchmarks/faces.py kodak --weights=where -o a.json -E tone=mean"
    )


def test_weights_that_change_during_a_run_spoil_it(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"before")
    weights = {path: evaluation.digest(path)}
    record = evaluation.record("faces", "", [], [], weights, {})
    assert record["weights"] == {"model.safetensors": evaluation.digest(path)}
    path.write_bytes(b"after")
    with pytest.raises(ModelError, match="changed during the run"):
        evaluation.record("faces", "", [], [], weights, {})


def test_records_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "record.json"
    evaluation.save(path, {"a": (1.23456789, math.inf, None), "b": {0.02: "[1,  2]"}, "c": True})
    text = path.read_text()
    assert json.loads(text) == {"a": [1.23457, None, None], "b": {"0.02": "[1,  2]"}, "c": True}
    assert "[ 1.23457, null, null ]" in text


def test_tables_line_up() -> None:
    assert evaluation.table(["codec", "dB"], [["a", "1.00"], ["longer", "22.00"]]).split("\n") == [
        "| codec  |    dB |",
        "| ------ | ----: |",
        "| a      |  1.00 |",
        "| longer | 22.00 |",
    ]


def test_a_mean_needs_every_value() -> None:
    assert evaluation.mean([1.0, 2.0]) == 1.5
    assert evaluation.mean([1.0, None]) is None
    assert evaluation.mean([]) is None
