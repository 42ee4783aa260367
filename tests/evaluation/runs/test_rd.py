"""``xcodec bench rd`` on small pictures: its figures, computed in another way."""

import io
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec.cli import cli
from xcodec.errors import XcodecError
from xcodec.evaluation.measures import curves, metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import rd, records, summary
from xcodec.evaluation.runs.measuring import Measuring, load
from xcodec.evaluation.runs.state import State

RGB = NDArray[np.uint8]
OWN = "xcodec, classical fill, effort 0"


def run(*arguments: object) -> tuple[dict[str, Any], str]:
    """The record that a run writes, and its output."""
    folder = Path(str(arguments[0])).parent
    output = folder / "results" / "run.json"
    output.parent.mkdir(exist_ok=True)
    command = ["bench", "rd", *map(str, arguments), "-j", "1", "-f", "-o", str(output)]
    if "--efforts" not in command:
        command += ["--efforts", "0"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = output.read_text()
    assert str(folder) not in text
    record = json.loads(text)
    assert record["schema"] == records.SCHEMA
    assert record["benchmark"] == "rd"
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["xcodec"] == xcodec.__version__
    return record, done.output


def loaded(folder: Path) -> list[RGB]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def named(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {curve["name"]: curve for curve in record["figures"]["curves"]}


def test_figures_are_those_of_real_files(folder: Path) -> None:
    record, output = run(
        folder, "--rates", "0.02,0.1", "--decoders", "classical",
        "--peers", "jpeg,webp", "--at", "0.5,99", "--label", "crops",
    )  # fmt: skip
    pictures = loaded(folder)
    assert record["label"] == "crops"
    assert list(record["pictures"]) == ["1.png", "2.png", "3.png"]
    found = named(record)
    assert list(found) == [OWN, "JPEG", "WebP"]

    files = [xcodec.encode(rgb, 0.1, effort=0) for rgb in pictures]
    decoded = [np.asarray(xcodec.decode(data, decoder="classical")) for data in files]
    point = found[OWN]["points"][1]
    assert point["pictures"]["bytes"] == [len(data) for data in files]
    assert point["bpp"] == pytest.approx(np.mean([len(data) for data in files]) / 960, rel=1e-5)
    psnrs = [metrics.psnr(a, b) for a, b in zip(pictures, decoded, strict=True)]
    assert point["psnr"] == pytest.approx(np.mean(psnrs), rel=1e-5)
    assert point["pictures"]["psnr"] == pytest.approx(psnrs, rel=1e-5)
    assert point["lpips"] is None

    (peer,) = codecs.codecs(["jpeg"])
    of_five = [metrics.psnr(rgb, peer.decode(peer.encode(rgb, 5))) for rgb in pictures]
    five = next(p for p in found["JPEG"]["points"] if p["setting"] == 5)
    assert five["psnr"] == pytest.approx(np.mean(of_five), rel=1e-5)

    rows = {(row["name"], row["bpp"]): row for row in record["figures"]["beside"]}
    curve = [(p["bpp"], p["psnr"]) for p in found["JPEG"]["points"]]
    assert rows["JPEG", 0.5]["psnr"] == pytest.approx(curves.at_bpp(curve, 0.5), rel=1e-4)
    assert rows["JPEG", 99]["psnr"] is None
    # JPEG's smallest file is much larger than xcodec's at 2 %: it has no figures there.
    assert rows["JPEG", found[OWN]["points"][0]["bpp"]]["psnr"] is None
    assert rows[OWN, point["bpp"]]["psnr"] == point["psnr"]
    assert f"{point['psnr']:.2f}" in output
    # xcodec's files are smaller and worse than JPEG's smallest: the curves do not overlap.
    deltas = {(row["anchor"], row["metric"]): row for row in record["figures"]["deltas"]}
    assert deltas["JPEG", "psnr"]["quality"] is None
    assert "no overlap" in output


def test_figures_of_a_flat_picture_agree_with_those_computed_by_hand(tmp_path: Path) -> None:
    """JPEG keeps a flat picture flat: all figures follow from its size and two colours."""
    folder = tmp_path / "flat"
    folder.mkdir()
    colour = np.array([200, 40, 90])
    Image.new("RGB", (32, 16), tuple(colour.tolist())).save(folder / "flat.png")
    state = tmp_path / "state.sqlite"
    record, _ = run(folder, "--rates", "0.1", "--peers", "jpeg", "--decoders", "", "--state", state)
    point = named(record)["JPEG"]["points"][0]
    assert point["setting"] == 1
    file = io.BytesIO()
    with Image.open(folder / "flat.png") as image:
        image.save(file, "JPEG", quality=1, optimize=True)
    decoded = np.asarray(Image.open(file), np.float64)
    assert (decoded == decoded[0, 0]).all()
    size = file.tell()
    assert point["bytes"] in (size, *range(size - 20, size))  # Or a smaller progressive file.
    assert point["bpp"] == pytest.approx(8 * point["bytes"] / 512, rel=1e-5)
    error = np.square(decoded[0, 0] - colour).mean()
    assert point["psnr"] == pytest.approx(10 * np.log10(255**2 / error), rel=1e-5)
    c, other = 2.55**2, decoded[0, 0]
    ssim = (2 * colour * other + c) / (colour**2 + other**2 + c)
    assert point["ssim"] == pytest.approx(ssim.mean(), rel=1e-4)


def test_arguments_reach_the_encoder(folder: Path) -> None:
    record, _ = run(
        folder, "--rates", "0.05", "--decoders", "classical", "--peers", "",
        "-E", "tone=point", "-E", "lossless_samples=true", "--only", "2",
    )  # fmt: skip
    data = xcodec.encode(loaded(folder)[1], 0.05, tone="point", lossless_samples=True, effort=0)
    assert list(record["pictures"]) == ["2.png"]
    assert record["figures"]["encode"] == {"tone": "point", "lossless_samples": True}
    assert record["figures"]["curves"][0]["points"][0]["pictures"]["bytes"] == [len(data)]


def test_budgets_are_kept_and_the_best_peer_is_the_best(folder: Path, weights: Path) -> None:
    record, output = run(
        folder, "--bytes", "160,300", "--decoders", "classical", "--peers", "jpeg,webp",
        "--positions", "odd", "--weights", weights,
    )  # fmt: skip
    assert list(record["pictures"]) == ["1.png", "3.png"]
    found = named(record)
    points = {(name, p["setting"]): p for name, curve in found.items() for p in curve["points"]}
    for (_, budget), point in points.items():
        sizes = [size for size in point["pictures"]["bytes"] if size is not None]
        assert point["files"] == len(sizes)
        assert point["largest"] == max(sizes) <= budget
    picture = loaded(folder)[2]
    own = np.asarray(
        xcodec.decode(xcodec.encode(picture, max_bytes=300, effort=0), decoder="classical")
    )
    point = points[f"{OWN}, fitted", 300]
    assert point["pictures"]["psnr"][1] == pytest.approx(metrics.psnr(picture, own), rel=1e-5)
    for aim, better in (("PSNR", max), ("LPIPS", min)):
        names = [f"{name}, scaled, best {aim}" for name in ("JPEG", "WebP")]
        columns = [points[n, 300]["pictures"][aim.lower()] for n in names if (n, 300) in points]
        assert columns
        best = points[f"best file, scaled, best {aim}", 300]["pictures"]
        for place, value in enumerate(best[aim.lower()]):
            assert value == better(c[place] for c in columns if c[place] is not None)
        assert all(choice.startswith(("jpeg 1/", "webp 1/")) for choice in best["choice"])
    assert ("JPEG, scaled, best PSNR", 160) not in points  # Its headers alone are larger.
    assert "| 300 bytes |" in output


def test_a_picture_that_is_scaled_down_is_measured_at_its_size(photo: RGB, folder: Path) -> None:
    picture = np.ascontiguousarray(photo[:256, :256])
    Image.fromarray(picture).save(folder / "4.png")
    arguments = ["--bytes", "90", "--decoders", "classical", "--peers", "", "--only", "4"]
    record, _ = run(folder, *arguments)
    (point,) = named(record)[f"{OWN}, fitted"]["points"]
    data = xcodec.encode(picture, max_bytes=90, effort=0)
    assert xcodec.info(data).width < 256
    shown = np.asarray(xcodec.decode(data, decoder="classical", original_size=True))
    assert point["pictures"]["psnr"] == pytest.approx([metrics.psnr(picture, shown)], rel=1e-5)


def points_of_vvc(folder: Path, *names: str) -> Path:
    """A folder of recorded points of pictures of 96 rows and 80 columns."""
    points = [
        [100, 1, 15.0, 0.3, 0.70, 180],
        [180, 0.667, 16.0, 0.4, 0.60, 250],
        [250, 0.5, 17.0, 0.3, 0.50, 320],
        [420, 1, 99.0, 0.9, 0.01, 490],
    ]
    place = folder.parent / "recorded"
    place.mkdir()
    known = {name: {"size": [80, 96], "vvc": points} for name in names}
    (place / "vvc.json").write_text(json.dumps(known))
    return place


def test_recorded_points_are_compared_on_the_same_pictures(folder: Path) -> None:
    place = points_of_vvc(folder, "1.png", "3.png", "elsewhere.png")
    record, output = run(
        folder, "--bytes", "200,300", "--decoders", "classical", "--peers", "webp,vvc,vvc-sets",
        "--recorded", place, "--metrics", "psnr,ssim,lpips,ssimulacra2",
    )  # fmt: skip
    found = named(record)
    assert record["figures"]["recorded"] == {"vvc.json": records.digest(place / "vvc.json")}
    bare, sets = (
        found[f"VVC{name}, scaled, best PSNR"]["points"]
        for name in (", slices alone", " with parameter sets")
    )
    assert [point["pictures"]["bytes"] for point in bare] == [[180, None, 180], [250, None, 250]]
    assert [point["pictures"]["bytes"] for point in sets] == [[180, None, 180], [250, None, 250]]
    assert [point["files"] for point in bare] == [2, 2]
    assert bare[0]["pictures"]["ssimulacra2"] == [None] * 3
    assert [point["psnr"] for point in bare] == [16, 17]
    assert [point["psnr"] for point in sets] == [15, 16]
    assert bare[0]["pictures"]["choice"] == ["vvc 1/1.5 recorded", None, "vvc 1/1.5 recorded"]
    # VVC is the only codec whose payload is measured: files of WebP are no payloads.
    assert found["best payload, scaled, best PSNR"]["points"] == bare
    assert (
        found["best file, scaled, best PSNR"]["points"]
        == found["WebP, scaled, best PSNR"]["points"]
    )

    own = found[f"{OWN}, fitted"]["points"]
    leads = {
        (row["anchor"], row["setting"]): row
        for row in summary.leads(record["figures"]["curves"], ["psnr"])
    }
    row = leads["VVC, slices alone, scaled, best PSNR", 300]
    of_both = [own[1]["pictures"]["psnr"][i] for i in (0, 2)]
    assert row["pictures"] == 2
    assert (row["own"], row["other"]) == (pytest.approx(np.mean(of_both)), 17)
    assert f" {row['own'] - 17:+.2f} |" in output
    assert leads["WebP, scaled, best PSNR", 300]["pictures"] == 3
    takeovers = {
        row["anchor"]: row for row in record["figures"]["takeovers"] if row["metric"] == "psnr"
    }
    assert takeovers["VVC, slices alone, scaled, best PSNR"]["pictures"] == 2
    assert takeovers["VVC, slices alone, scaled, best PSNR"]["from_bpp"] is None
    assert "VVC, slices alone, scaled, best PSNR" in output.rpartition("other codecs are better")[2]


def of_peer(codec: str, psnr: float, setting: int = 300, aim: str = "psnr") -> rd.Measurement:
    curve = rd.CurveKey(codec, "peer", codec, "bytes", aim)
    return rd.Measurement(curve, setting, setting - 9, 0.1, {"psnr": psnr}, f"{codec} 1/2 30")


def test_the_best_file_and_the_best_payload_are_kept_apart() -> None:
    measured = [of_peer("webp", 22.0), of_peer("avif", 23.0), of_peer("av1", 24.0)]
    measured += [of_peer("vvc", 25.0), of_peer("vvc-sets", 24.5), of_peer("mozjpeg", 30.0)]
    measured += [of_peer("av1", 21.0, 200), of_peer("heic", 22.5)]
    names = ["webp", "avif", "heic", "av1", "vvc", "vvc-sets", "mozjpeg"]
    found = {(m.curve.codec, m.setting): m for m in rd.best_peers(measured, names)}
    # Within 200 bytes there is no file of VVC: the best payload would be of AV1 alone.
    assert set(found) == {("best file", 300), ("best payload", 300)}
    assert found["best file", 300].figures == {"psnr": 23.0}
    assert found["best file", 300].choice == "avif 1/2 30"
    assert found["best payload", 300].figures == {"psnr": 25.0}
    assert found["best payload", 300].curve.kind == "best"
    without = {(m.curve.codec, m.setting) for m in rd.best_peers(measured, ["av1"])}
    assert without == {("best payload", 300), ("best payload", 200)}


def test_budgets_in_bits_per_pixel_depend_on_the_picture(folder: Path) -> None:
    Image.open(folder / "1.png").crop((0, 0, 40, 40)).save(folder / "4.png")
    record, _ = run(
        folder, "--bpp", "0.4", "--no-fit", "--peers", "webp", "--decoders", "classical",
        "--only", "1,4", "--metrics", "psnr",
    )  # fmt: skip
    assert set(named(record)) == {"WebP, scaled, best PSNR", "best file, scaled, best PSNR"}
    sizes = named(record)["WebP, scaled, best PSNR"]["points"][0]["pictures"]["bytes"]
    assert sizes[0] <= 0.4 * 96 * 80 / 8
    assert sizes[0] > 200
    assert sizes[1] <= 0.4 * 40 * 40 / 8


def test_pictures_can_be_cut_to_a_square(folder: Path, photo: RGB) -> None:
    side = 64
    cut = load(folder / "1.png", side)
    # 96 rows of 80 columns: 8 rows above and below the middle square.
    middle = Image.fromarray(photo[8:88, :80]).resize((side, side), Image.Resampling.LANCZOS)
    assert (cut == np.asarray(middle)).all()
    record, _ = run(
        folder, "--rates", "0.05", "--square", side, "--decoders", "classical", "--peers", "",
    )  # fmt: skip
    point = record["figures"]["curves"][0]["points"][0]
    assert point["pictures"]["bytes"][0] == len(xcodec.encode(cut, 0.05, effort=0))
    assert record["figures"]["square"] == side


def test_efforts_and_decoders_make_curves(folder: Path) -> None:
    record, _ = run(
        folder, "--rates", "0.05", "--efforts", "0,4", "--decoders", "classical", "--peers", "",
        "--only", "1",
    )  # fmt: skip
    assert list(named(record)) == [OWN, OWN.removesuffix(", effort 0")]
    assert Variant(model="photo").title("generator") == "xcodec, generator photo"


def test_a_second_run_computes_nothing_and_has_the_same_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [folder, "--rates", "0.05", "--bytes", "200", "--decoders", "classical"]
    arguments += ["--peers", "webp"]
    first, text = run(*arguments)
    for kind in ("write", "paint"):
        monkeypatch.setattr(Variant, kind, None)
    monkeypatch.setattr(codecs.Codec, "encode", None)
    assert run(*arguments) == (first, text)


KILLED_AT = """
import os, signal, sys
from xcodec.__main__ import main
from xcodec.evaluation.runs.state import State

log, killed_at = open(sys.argv[1], "a", buffering=1), int(sys.argv[2])
put, count = State.put, 0

def counted(self, key, value):
    global count
    count += 1
    put(self, key, value)
    if count == killed_at:
        os.kill(os.getpid(), signal.SIGKILL)  # The result is stored, but not logged.
    log.write(key + "\\n")

State.put = counted
sys.exit(main(sys.argv[3:]))
"""
"""A run that logs the keys of its results, and kills itself when it stores one of them."""


def test_a_killed_run_continues(folder: Path, tmp_path: Path) -> None:
    """Killed at a random result, which XCODEC_TEST_SEED fixes; no result is computed twice."""
    seed = int(os.environ.get("XCODEC_TEST_SEED") or secrets.randbelow(2**32))
    print(f"XCODEC_TEST_SEED={seed}")  # noqa: T201
    arguments = ["--bytes", "200,300", "--decoders", "classical", "--peers", "webp", "-j", "1"]
    arguments += ["--efforts", "0", "--metrics", "psnr"]
    program = tmp_path / "killed_at.py"
    program.write_text(KILLED_AT)

    def end(name: str, killed_at: int = 0) -> int:
        """The exit status of a run whose record, state and log have a name."""
        command = [sys.executable, str(program), str(tmp_path / f"{name}.log"), str(killed_at)]
        command += ["bench", "rd", str(folder), *arguments, "-o", str(tmp_path / f"{name}.json")]
        cache = {"XDG_CACHE_HOME": str(tmp_path / name)}
        return subprocess.run([*command, "-q"], env=os.environ | cache, check=False).returncode

    assert end("whole") == 0
    whole = (tmp_path / "whole.log").read_text().split()
    assert len(whole) > 20
    killed_at = random.Random(seed).randint(1, len(whole))
    assert end("killed", killed_at) == -signal.SIGKILL
    log = tmp_path / "killed.log"
    assert log.read_text().split() == whole[: killed_at - 1]
    assert not (tmp_path / "killed.json").exists()
    assert end("killed") == 0
    assert log.read_text().split() == whole[: killed_at - 1] + whole[killed_at:]
    one, two = ((tmp_path / f"{name}.json").read_text() for name in ("whole", "killed"))
    assert one == two.replace("killed.json", "whole.json")


def test_a_change_of_weights_leaves_the_peers_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [folder, "--rates", "0.05", "--decoders", "generator", "--only", "1"]
    arguments += ["--peers", "webp"]
    counted: list[str] = []
    monkeypatch.setattr(Variant, "paint", lambda self, data, decoder: loaded(folder)[0])
    monkeypatch.setattr(rd.Variant, "write", lambda *_: counted.append("write") or b"file")
    monkeypatch.setattr("xcodec.evaluation.peers.xcodecs.weights_digest", lambda model: "before")
    monkeypatch.setattr(records, "weights", lambda *_: {})
    run(*arguments)
    assert counted == ["write"]
    figures = Measuring.figures
    monkeypatch.setattr(
        Measuring,
        "figures",
        lambda self, coding, names: (
            counted.append(type(coding).__name__) or figures(self, coding, names)
        ),
    )
    put = State.put
    new: list[str] = []
    monkeypatch.setattr(State, "put", lambda self, k, v: new.append(k) or put(self, k, v))
    monkeypatch.setattr("xcodec.evaluation.peers.xcodecs.weights_digest", lambda model: "after")
    run(*arguments)
    assert counted[1:] == ["OwnCoding"] + ["PeerCoding"] * len(codecs.CODECS["webp"].low)
    assert len(new) == len(metrics.choose())  # The metrics of a single picture, xcodec's.


def test_an_interrupt_ends_all_processes_at_once(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xcodec", "bench", "rd", str(folder), "--bytes", "200,300"]
    command += ["--decoders", "classical", "--peers", "webp", "-j", "2", "--metrics", "psnr"]
    state = tmp_path / "state.sqlite"
    started = subprocess.Popen(
        [*command, "--state", str(state)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while not state.exists():  # Handlers are in place long before the first worker opens it.
        assert started.poll() is None
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGINT)
    output, _ = started.communicate(timeout=120)
    assert started.returncode == 130
    assert output.strip() == b""
    # A worker that has lost its parent may take ten seconds (processes._PATIENCE) to end.
    deadline = time.monotonic() + 120
    while left := running(started.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def running(group: int) -> list[str]:
    """The processes of a group that are still running."""
    found = []
    for process in psutil.process_iter(["pid", "status", "cmdline"]):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != "zombie":
                found.append(str(process.info["cmdline"]))
    return found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "gif"], "no codec 'gif'"),
        (["--peers", "vvc"], "--recorded, or programs by VVENC and VVDEC"),
        (["--bytes", "300", "--recorded", "nowhere"], "no recorded points"),
        (["--decoders", "magic"], "no decoder 'magic'"),
        (["--weights", "nowhere"], "nowhere"),
        (["--only", "4"], "no picture 4, only 3 pictures"),
        (["--rates", "many"], "not numbers separated by commas"),
        (["--bytes", "0"], "budgets must be above 0"),
        (["--within-bpp", "0.1"], "not two numbers"),
        (["--metrics", "vmaf"], "no metric 'vmaf'"),
        (["-E", "tone"], "not NAME=VALUE"),
        (["--models", "unheard-of"], "no model 'unheard-of'"),
    ],
)
def test_errors_are_one_line(folder: Path, arguments: list[str], message: str) -> None:
    command = ["bench", "rd", str(folder), *arguments]
    if not {"--models", "--decoders"} & set(arguments):
        command += ["--decoders", "classical"]
    done = CliRunner().invoke(cli, command)
    assert isinstance(done.exception, XcodecError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_existing_files_are_not_overwritten(folder: Path) -> None:
    output = folder / "run.json"
    output.touch()
    done = CliRunner().invoke(cli, ["bench", "rd", str(folder), "-o", str(output)])
    assert "exists already" in str(done.exception)


def test_savings_between_records(folder: Path) -> None:
    both = [folder, "--decoders", "classical", "--peers", "", "--efforts"]
    place = folder.parent / "results" / "run.json"
    run(*both, "4", "--rates", "0.02,0.05,0.1,0.2")
    new = place.rename(place.with_name("new.json"))
    run(*both, "0", "--rates", "0.02,0.05,0.1,0.2")
    command = ["bench", "savings", str(new), str(place), "--codec", "classical"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    means, pictures = done.output.splitlines()
    assert means.startswith("means: -")
    assert pictures.startswith("3 pictures: median -")
    done = CliRunner().invoke(cli, [*command, "--against", "JPEG"])
    assert "has no curve 'JPEG'" in str(done.exception)
    Image.new("RGB", (80, 96)).save(folder / "3.png")
    run(*both, "0", "--rates", "0.02,0.05")
    done = CliRunner().invoke(cli, command)
    assert "are of different pictures" in str(done.exception)


def test_savings_where_some_pictures_have_no_file(folder: Path) -> None:
    """Or are kept exactly, which a record says in the same way: both ended in a traceback."""
    run(folder, "--decoders", "classical", "--peers", "", "--rates", "0.02,0.05,0.1,0.2")
    new = folder.parent / "results" / "run.json"
    record = json.loads(new.read_text())
    points = record["figures"]["curves"][0]["points"]
    points[0]["pictures"]["psnr"][1] = None
    for name in ("bytes", "bpp", "psnr"):
        points[3]["pictures"][name][2] = None
    points[0]["psnr"], points[3]["psnr"] = None, 99
    old = new.with_name("old.json")
    old.write_text(json.dumps(record))
    command = ["bench", "savings", str(new), str(old), "--codec", "classical"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert "3 pictures" in done.output
    del points[1]["pictures"]["bpp"]
    new.write_text(json.dumps(record))
    assert "not a record" in str(CliRunner().invoke(cli, command).exception)
    shares = [float(share) for share in re.findall(r"([+-][\d.]+) %", done.output)]
    assert shares == pytest.approx([0] * 4, abs=1)  # The curves differ by points that they lack.


def test_points_are_sorted_even_if_the_first_picture_has_no_small_file() -> None:
    curve = rd.CurveKey("JPEG, scaled", "peer", "jpeg", "bytes", "psnr")

    def of(budget: int) -> rd.Measurement:
        return rd.Measurement(curve, budget, budget - 3, budget / 8192, {"psnr": budget / 20})

    (found,) = summary.as_curves([[of(340), of(600)], [of(200), of(340), of(600)]])
    assert [point["setting"] for point in found["points"]] == [200, 340, 600]
    assert [point["files"] for point in found["points"]] == [1, 2, 2]
