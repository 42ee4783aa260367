"""docs/install.md says what was measured (benchmarks/core.py)."""

import json
import re

from tests.evaluation.published import ROOT, one_line, text_of

RECORD = json.loads((ROOT / "benchmarks" / "results" / "core.json").read_text())
NAMES = {"OpenCV": "cv2", "Pillow": "PIL"}


def rows(section: str) -> dict[str, float]:
    """The first two columns of a section's table."""
    found = re.findall(r"^\| (.+?) \| (\S+) \|", text_of("docs/install.md", section), re.M)
    plain = ((name.strip("*`"), figure.strip("*")) for name, figure in found)
    return {name: float(figure) for name, figure in plain if re.fullmatch(r"[\d.]+", figure)}


def test_sizes() -> None:
    said = rows("Size")
    assert said.pop("in all") == round(RECORD["megabytes_in_all"])
    rest = said.pop("everything else")
    measured = {name: RECORD["megabytes"][NAMES.get(name, name.lower())] for name in said}
    assert said == {name: round(size) for name, size in measured.items()}
    assert rest == round(RECORD["megabytes_in_all"] - sum(measured.values()))


def test_the_wheel_works_with_each_python() -> None:
    page = one_line("docs/install.md")
    assert f"The wheel is {RECORD['wheel_megabytes']:.0f} MB." in page
    every = [RECORD, *RECORD["others"]]
    first, *rest, last = (each["python"].rpartition(".")[0] for each in every)
    assert f"by Python {', '.join([first, *rest])} and {last}, the commands" in page
    for each in every:
        assert each["answers"] == RECORD["answers"]


def test_starts() -> None:
    said = rows("Start")
    said["python"] = said.pop("Python alone")
    assert f"(median; Python {RECORD['python']})" in text_of("docs/install.md", "Start")
    assert said == {name: round(taken, 2) for name, taken in RECORD["seconds"].items()}


def test_what_needs_torch_names_the_extra() -> None:
    page = text_of("docs/install.md")
    answers = dict(RECORD["answers"])
    assert answers.pop("encode --effort 8") in page
    assert "'xcodec[torch]'" in answers.pop("decode --device cuda")
    assert "'xcodec[train]'" in answers.pop("train")
    assert set(answers.values()) == {"works"}
    for name in ("encode", "decode"):
        assert not {"torch", "onnx"} & set(RECORD["loaded"][name])
