"""The types of records against ``schema.json``."""

import json
from importlib import resources
from typing import Any, get_args, get_origin

import pytest

from xcodec.evaluation.runs import schema

SCHEMA = json.loads(resources.files("xcodec.evaluation").joinpath("schema.json").read_text())
TYPES = {
    "machine": schema.Machine,
    "rd": schema.RdFigures,
    "curve": schema.RecordedCurve,
    "point": schema.CurvePoint,
    "columns": schema.PictureColumns,
    "beside": schema.BesideRow,
    "takeover": schema.TakeoverRow,
    "delta": schema.DeltaRow,
    "points": schema.PointsFigures,
    "points_row": schema.PointsRow,
    "restoration": schema.RestorationFigures,
    "network": schema.TrainedNetwork,
    "restoration_row": schema.RestorationRow,
    "speed": schema.SpeedFigures,
    "process": schema.ProcessRow,
    "speed_row": schema.SpeedRow,
    "links": schema.LinksFigures,
    "links_row": schema.LinksRow,
}
"""Types by their definition in the schema."""


def agrees(kind: Any, definition: dict[str, Any]) -> bool:
    return kind.__required_keys__ == set(definition["required"]) and (
        kind.__required_keys__ | kind.__optional_keys__ == set(definition["properties"])
    )


@pytest.mark.parametrize("name", TYPES)
def test_types_have_the_fields_of_the_schema(name: str) -> None:
    assert agrees(TYPES[name], SCHEMA["$defs"][name])


def test_every_object_of_the_schema_has_a_type() -> None:
    objects = {name for name, each in SCHEMA["$defs"].items() if "properties" in each}
    assert objects == set(TYPES)


def test_records_have_the_fields_of_the_schema() -> None:
    (kind,) = {get_origin(each) for each in get_args(schema.Record)}
    assert agrees(kind, SCHEMA)


def test_every_benchmark_has_a_type_of_record() -> None:
    kinds = get_args(schema.Record)
    names = {name for kind in kinds for name in get_args(get_args(kind)[0])}
    assert names == set(SCHEMA["properties"]["benchmark"]["enum"])


def test_figures_are_found_by_name() -> None:
    assert schema.figure({"psnr": 20.5, "lpips": None, "name": "x"}, "psnr") == 20.5
    assert schema.figure({"psnr": 20.5, "lpips": None, "name": "x"}, "lpips") is None
    assert schema.figure({"psnr": 20.5, "lpips": None, "name": "x"}, "ssim") is None
