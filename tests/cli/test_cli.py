"""The command line, from arguments to files and exit codes (xcodec/cli/, xcodec/__main__.py)."""

import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.conftest import Run
from xcodec.__main__ import main
from xcodec.pictures import loading

Capture = pytest.CaptureFixture[str]


def decoded(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


# Starting


def test_help_starts_at_once(xcodec_process: Run) -> None:
    """In little more processor time than the command-line library takes by itself."""
    done = xcodec_process("--help")
    assert done.returncode == 0
    for command in (b"encode", b"decode", b"info", b"train"):
        assert command in done.stdout
    commands = {
        "ours": [sys.executable, "-m", "xcodec", "--help"],
        "library": [sys.executable, "-c", "import cloup"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(4):  # By turns: the machine may be busy.
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds[name].append(
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            )
    assert min(seconds["ours"]) < 2 * min(seconds["library"]), seconds


@pytest.mark.parametrize("command", ["encode", "decode", "info", "train"])
def test_every_command_explains_itself(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    assert "Usage: xcodec " + command in capsys.readouterr().out


def test_help_encode_and_info_never_import_what_starts_slowly(picture: Path) -> None:
    code = f"""
import sys
from xcodec.__main__ import main
assert main(["--help"]) == 0
assert not {{"numpy", "rich", "PIL"}} & set(sys.modules)
assert main(["encode", "missing.png"]) == 1
assert main(["decode", "missing.xgc"]) == 1
assert not {{"scipy.sparse", "torch"}} & set(sys.modules)
assert main(["encode", {str(picture)!r}]) == 0
assert main(["info", {str(picture.with_suffix(".xgc"))!r}]) == 0
assert main(["decode", {str(picture.with_suffix(".xgc"))!r}, "--decoder", "classical", "-f"]) == 0
assert not {{"torch", "scipy.spatial"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"xcodec {xcodec.__version__}\n"


def test_choices_are_those_of_the_api() -> None:
    # The command line can't import them: they live beside numpy and torch.
    from xcodec.choices import DENSITIES, TONES
    from xcodec.cli import cli

    command = cli.commands["encode"]
    choices = {p.name: p.type.choices for p in command.params if isinstance(p.type, click.Choice)}
    assert sorted(choices["density"]) == sorted(DENSITIES)
    assert sorted(choices["tone"]) == sorted(TONES)


# There and back


def test_default_names(picture: Path, capsys: Capture) -> None:
    original = picture.read_bytes()
    assert main(["encode", str(picture)]) == 0
    file = picture.with_suffix(".xgc")
    size, facts = file.stat().st_size, xcodec.info(file.read_bytes())
    assert facts.samples == pytest.approx(0.02 * 96 * 120, rel=0.01)
    assert capsys.readouterr().out == (
        f"{file}: {size} bytes, {8 * size / (96 * 120):.3f} bpp,"
        f" {facts.samples} samples ({100 * facts.rate:.2f} %)\n"
    )

    result = picture.with_name("photo.decoded.png")
    assert main(["decode", str(file), "--decoder", "classical"]) == 0
    assert picture.read_bytes() == original
    assert decoded(result).shape == (96, 120, 3)
    assert capsys.readouterr().out == f"{result}: 120x96 pixels\n"


def test_options_reach_the_codec(picture: Path, capsys: Capture) -> None:
    def facts(*options: str) -> dict[str, object]:
        capsys.readouterr()
        assert main(["encode", str(picture), "-f", "--json", *options]) == 0
        result: dict[str, object] = json.loads(capsys.readouterr().out)
        return result

    default = facts()
    assert default["samples"] == pytest.approx(230.4, rel=0.01)
    assert facts("-r", "0.05")["samples"] == pytest.approx(576, abs=6)
    assert facts("--bytes", "200")["bytes"] <= 200  # type: ignore[operator]
    assert facts("--step", "8")["bytes"] > default["bytes"]  # type: ignore[operator]
    for option, value in [
        ("--density", "canny"),
        ("--density", "uniform"),
        ("--mask", "random"),
        ("--tone", "mean"),
        ("--tone", "point"),
        ("--strength", "1.5"),
        ("--floor", "4"),
        ("--block", "16"),
    ]:
        facts("--block", "32")
        before = picture.with_suffix(".xgc").read_bytes()
        facts(*(() if option == "--block" else ("--block", "32")), option, value)
        assert picture.with_suffix(".xgc").read_bytes() != before, option
        facts()
        assert xcodec.info(picture.with_suffix(".xgc").read_bytes()).samples == default["samples"]
    facts("--mask", "random", "--seed", "1")
    one = picture.with_suffix(".xgc").read_bytes()
    facts("--mask", "random", "--seed", "2")
    assert picture.with_suffix(".xgc").read_bytes() != one


def test_lossless_samples_of_an_explicit_mask(
    picture: Path, small: NDArray[np.uint8], tmp_path: Path
) -> None:
    chosen = np.zeros(small.shape[:2], bool)
    chosen[3::11, 5::7] = True
    Image.fromarray(chosen).save(tmp_path / "mask.png")
    options = ["--mask", str(tmp_path / "mask.png"), "--tone", "point", "--lossless-samples"]
    assert main(["encode", str(picture), *options]) == 0
    out = tmp_path / "out.png"
    file = str(picture.with_suffix(".xgc"))
    assert main(["decode", file, "-o", str(out), "--decoder", "classical"]) == 0
    assert np.array_equal(decoded(out)[chosen], small[chosen])


def test_pipes(picture: Path, small: NDArray[np.uint8], xcodec_process: Run) -> None:
    encoded = xcodec_process("encode", "-", data=picture.read_bytes())
    assert encoded.returncode == 0
    assert encoded.stdout == xcodec.encode(small)
    assert encoded.stderr.startswith(b"-: %d bytes" % len(encoded.stdout))
    painted = xcodec_process("decode", "-", "--decoder", "classical", data=encoded.stdout)
    assert painted.returncode == 0
    assert np.asarray(Image.open(io.BytesIO(painted.stdout))).shape == small.shape
    described = xcodec_process("info", "-", "--json", data=encoded.stdout)
    assert json.loads(described.stdout)["bytes"] == len(encoded.stdout)


def test_json_steps_aside_for_data(picture: Path, xcodec_process: Run) -> None:
    done = xcodec_process("encode", picture, "-o", "-", "--json")
    assert json.loads(done.stderr)["bytes"] == len(done.stdout)
    assert done.stdout == xcodec.encode(Image.open(picture))


def test_quiet(picture: Path, capsys: Capture) -> None:
    assert main(["encode", str(picture), "-q"]) == 0
    file = str(picture.with_suffix(".xgc"))
    assert main(["decode", file, "-q", "-f", "--decoder", "classical"]) == 0
    assert capsys.readouterr() == ("", "")


def test_info(picture: Path, capsys: Capture) -> None:
    assert main(["encode", str(picture), "-q", "--block", "16"]) == 0
    file = picture.with_suffix(".xgc")
    assert main(["info", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["width"], facts["height"]) == (120, 96)
    assert facts["samples"] == pytest.approx(230.4, rel=0.01)
    parts = [facts[part] for part in ("container", "density", "luma", "chroma")]
    assert facts["bytes"] == sum(parts) == file.stat().st_size
    assert min(parts) > 0
    assert main(["info", str(file)]) == 0
    table = capsys.readouterr().out
    for word in ("container", "density", "luma", "chroma", "120", "96", str(facts["samples"])):
        assert word in table


def test_the_generator_paints(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from xcodec.reconstruction import model_files, torch_weights
    from xcodec.reconstruction.generator import Generator

    torch.manual_seed(0)
    generator = Generator()
    for weights in generator.parameters():  # An untrained generator would repeat the fill.
        torch.nn.init.normal_(weights, std=0.05)
    (tmp_path / "models").mkdir()
    weights_file = tmp_path / "models" / "mine.safetensors"
    torch_weights.save(weights_file, generator, model_files.Card("mine"))
    assert main(["encode", str(picture)]) == 0
    file = str(picture.with_suffix(".xgc"))

    def decode(name: str, *options: str) -> NDArray[np.uint8]:
        assert main(["decode", file, "-o", str(tmp_path / name), *options]) == 0
        return decoded(tmp_path / name)

    classical = decode("a.png", "--decoder", "classical")
    by_path = decode("b.png", "--model", str(weights_file), "--device", "cpu")
    monkeypatch.setenv("XCODEC_MODELS", str(tmp_path / "models"))
    by_name = decode("c.png", "--model", "mine", "--device", "cpu")
    assert by_path.shape == classical.shape
    assert not np.array_equal(by_path, classical)
    assert np.array_equal(by_path, by_name)


def test_training_options_reach_the_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    from xcodec.reconstruction.model_files import Card
    from xcodec.training import trainer
    from xcodec.training.settings import TrainSettings

    seen: list[TrainSettings] = []

    def train(settings: TrainSettings) -> Card:
        seen.append(settings)
        return Card("photo", steps=7, hours=0.5, best={"mean": 20.0})

    monkeypatch.setattr(trainer, "train", train)
    given = {
        "data": Path("photos"),
        "val": Path("held-out"),
        "output": tmp_path / "a.safetensors",
        "checkpoint": Path("state"),
        "cache": Path("crops"),
        "init": Path("b.safetensors"),
        "steps": 7,
        "time_limit": 1.5,
        "patience": 60.0,
        "workers": 0,
        "threads": 1,
        "device": "cpu",
        "seed": 3,
        "batch": 2,
        "crop": 64,
        "lr": 1e-4,
    }
    args = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    assert main(["train", *args, "--resume", "-f", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {
        "file": str(tmp_path / "a.safetensors"),
        "steps": 7,
        "hours": 0.5,
        "best": {"mean": 20.0},
    }
    expected = TrainSettings.from_preset("photo", **given, resume=True, overwrite=True)
    assert main(["train", "--data", "photos"]) == 0
    assert seen == [expected, TrainSettings.from_preset("photo", data="photos")]


# Pictures of every kind


def odd_pictures() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)
    ramp = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
    grey = Image.fromarray((ramp // 8).astype(np.uint8))
    alpha = Image.fromarray(rng.integers(0, 256, (40, 50), dtype=np.uint8))
    transparent = grey.convert("RGB")
    transparent.putalpha(alpha)
    return {
        "one pixel": Image.new("RGB", (1, 1), (10, 200, 30)),
        "strip": Image.fromarray(rng.integers(0, 256, (1, 5000, 3), dtype=np.uint8)),
        "column": Image.fromarray(rng.integers(0, 256, (5000, 1, 3), dtype=np.uint8)),
        "flat": Image.new("RGB", (70, 50), (10, 200, 30)),
        "black": Image.new("RGB", (70, 50)),
        "grey": grey,
        "palette": grey.convert("RGB").quantize(16),
        "bilevel": grey.convert("1"),
        "transparent": transparent,
        "16-bit": Image.fromarray(ramp * 32),
        "CMYK": grey.convert("RGB").convert("CMYK"),
    }


@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures(kind: str, tmp_path: Path) -> None:
    image = odd_pictures()[kind]
    source = tmp_path / ("in.tif" if kind == "CMYK" else "in.png")
    image.save(source)
    out = tmp_path / "out.png"
    assert main(["encode", str(source), "-r", "0.1"]) == 0
    file = str(tmp_path / "in.xgc")
    assert main(["decode", file, "--decoder", "classical", "-o", str(out)]) == 0
    picture = loading.load(out).rgb
    modes = {"grey": "L", "bilevel": "1", "transparent": "RGBA", "16-bit": "I;16"}
    with Image.open(out) as opened:
        assert opened.size == image.size
        assert opened.mode == modes.get(kind, "RGB")
    if kind in ("one pixel", "flat", "black"):
        colour = image.getpixel((0, 0))
        tolerance = 40 if kind == "one pixel" else 12  # A lone sample has the coarsest step.
        assert np.abs(picture - np.array(colour, float)).max() <= tolerance
    if kind in ("grey", "16-bit", "CMYK"):
        original = loading.load(source).rgb
        assert np.square(picture - original.astype(float)).mean() < 100
