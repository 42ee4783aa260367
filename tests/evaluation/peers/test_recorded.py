"""Points of codecs that were measured elsewhere."""

import json
from pathlib import Path

import pytest

from xcodec.errors import InputError
from xcodec.evaluation.peers import recorded

RIVALS = Path(__file__).resolve().parents[3] / "benchmarks" / "rivals"
AIMS = ("psnr", "ssim", "lpips", "dists")


def best(folder: Path, part: str, budget: int) -> dict[str, int]:
    """Bytes of the best points of a picture, by metric."""
    known = recorded.picture(folder, "a.png", (8, 4))
    assert known is not None
    return {aim: point.counts[part] for aim, point in known.best(part, budget, AIMS)}


def test_the_best_point_within_a_budget(tmp_path: Path) -> None:
    points = [
        [100, 1, 20.0, 0.50, 0.40, 170],
        [90, 0.667, 21.0, 0.40, 0.60, 150],
        [300, 0.167, 25.0, 0.80, 0.20, 380],
    ]
    (tmp_path / "vvc.json").write_text(json.dumps({"a.png": {"size": [8, 4], "vvc": points}}))
    assert best(tmp_path, "payload", 120) == {"psnr": 90, "ssim": 100, "lpips": 100}
    assert best(tmp_path, "with parameter sets", 160) == {"psnr": 150, "ssim": 150, "lpips": 150}
    assert best(tmp_path, "payload", 80) == {}
    # Larger files were not recorded, so that the best one within 300 bytes is not known.
    assert best(tmp_path, "payload", 299)["psnr"] == 90
    assert best(tmp_path, "payload", 300) == {}
    assert recorded.picture(tmp_path, "a.png", (4, 8)) is None
    assert recorded.picture(tmp_path, "b.png", (8, 4)) is None
    found = recorded.picture(tmp_path, "a.png", (8, 4))
    assert found is not None
    assert [point.scale for point in found.points] == [1, 1.5, 6]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recorded points"):
        recorded.files(tmp_path)
    for text in ("[]", "{", '{"a.png": {"size": [8, 4]}}', '{"a.png": {"size": 3, "vvc": []}}'):
        path = tmp_path / "wrong.json"
        path.write_text(text)
        recorded._read.cache_clear()
        with pytest.raises(InputError, match="not a file of recorded points"):
            recorded.picture(tmp_path, "a.png", (8, 4))


@pytest.mark.parametrize(
    ("name", "size"), [("kodim05.png", (768, 512)), ("helen_afw_0010.png", (256, 256))]
)
def test_published_points_are_read(name: str, size: tuple[int, int]) -> None:
    known = recorded.picture(RIVALS, name, size)
    assert known is not None
    sizes = [point.counts["payload"] for point in known.points]
    assert len(sizes) > 30
    assert all(p.counts["with parameter sets"] - p.counts["payload"] >= 60 for p in known.points)
    budget = sorted(sizes)[len(sizes) // 2]
    found = dict(known.best("payload", budget, AIMS))
    fitting = [point for point in known.points if point.counts["payload"] <= budget]
    for aim, choose in (("psnr", max), ("ssim", max), ("lpips", min)):
        assert found[aim].figures[aim] == choose(point.figures[aim] for point in fitting)
    assert "dists" not in found
