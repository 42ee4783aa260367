"""Comparison of curves of a record, also where one of them lacks some pictures."""

from typing import Any

import pytest

from xcodec.evaluation.runs import records, summary

Columns = list[float | None]


def curve(
    name: str, kind: str, points: list[tuple[float, Columns, Columns]], target: str = "bytes"
) -> dict[str, Any]:
    """A curve of points: setting, bpp and PSNR of each picture."""
    return {
        "name": name, "kind": kind, "codec": name, "target": target,
        "aim": None if kind == "xcodec" else "psnr", "effort": None, "model": None,
        "points": [
            {
                "setting": setting,
                "files": sum(each is not None for each in bpp),
                "bpp": records.mean(each for each in bpp if each is not None),
                "psnr": records.mean(each for each in psnr if each is not None),
                "pictures": {
                    "bytes": [None if each is None else round(each * 1000) for each in bpp],
                    "bpp": bpp,
                    "psnr": psnr,
                },
            }
            for setting, bpp, psnr in points
        ],
    }  # fmt: skip


OWN = curve(
    "own", "xcodec", [(100, [0.1, 0.1, 0.1], [20, 22, 30]), (200, [0.2, 0.2, 0.2], [24, 26, 34])]
)
SOME = curve(
    "some", "peer",
    [(100, [0.1, 0.1, None], [19, 21, None]), (200, [0.2, 0.2, None], [25, 27, None])],
)  # fmt: skip


def test_curves_are_compared_on_the_pictures_that_both_have() -> None:
    assert summary.covered(SOME) == [0, 1]
    assert summary.covered(OWN, SOME) == [0, 1]
    assert summary.pairs(OWN, "psnr", [0, 1]) == [(0.1, 21.0), (0.2, 25.0)]
    assert summary.pairs(SOME, "psnr") == []
    assert summary.pairs(OWN, "lpips") == []
    (row,) = summary.takeovers([OWN, SOME], ["psnr"])
    # 1 dB behind at 0.1, 1 dB ahead at 0.2.
    assert row["from_bpp"] == pytest.approx(0.1 * 2**0.5)
    assert row["pictures"] == 2
    leads = summary.leads([OWN, SOME], ["psnr"])
    assert [(row["own"], row["other"]) for row in leads] == [(21, 20), (25, 26)]


def test_a_point_that_few_pictures_have_takes_no_pictures_away() -> None:
    own = curve("own", "xcodec", [(n, [n / 1e3] * 10, [20.0 + n] * 10) for n in (1, 2, 3)])
    points: list[tuple[float, Columns, Columns]] = [
        (n, [n / 1e3] * count + [None] * (10 - count), [9.0] * count + [None] * (10 - count))
        for n, count in ((1, 10), (2, 9), (3, 5))
    ]
    other = curve("other", "peer", points)
    assert summary.covered(own, other) == list(range(9))
    assert len(summary.pairs(other, "psnr", range(9))) == 2
    rows = summary.leads([own, other], ["psnr"])
    assert [row["pictures"] for row in rows] == [10, 9, 5]


def test_rates_are_interpolated_beside_budgets() -> None:
    own = OWN | {"target": "rate"}
    other = curve("other", "peer", [(150, [0.1 * 2**0.5] * 2 + [None], [20, 20, None])])
    (row,) = summary.leads([own, other], ["psnr"])
    assert (row["own"], row["other"], row["pictures"]) == (pytest.approx(23), 20, 2)
    far = curve("far", "peer", [(900, [0.9, 0.9, 0.9], [40, 40, 40])])
    assert summary.leads([own, far], ["psnr"]) == []
    assert summary.takeovers([own, far], ["psnr"]) == []


def test_files_chosen_for_another_metric_are_not_compared() -> None:
    assert summary.leads([OWN, SOME | {"aim": "lpips"}], ["psnr"]) == []
    assert summary.leads([OWN, SOME | {"aim": None}], ["psnr"]) != []
