"""Rate and distortion over a folder: xcodec's real files beside those of other codecs.

    python benchmarks/rate_distortion.py DIR --rates 0.01,0.02,0.05 --label photos -o RESULT.json

Every picture is encoded at each rate and decoded by each decoder. Each peer runs over its own
qualities, and its means stand beside xcodec's where they reach that far: interpolated linearly
over log bpp, never beyond what was measured.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

import xcodec
from xcodec import evaluation, images
from xcodec.evaluation import DECODERS, mean, metrics, number, peers

FIGURES = ("psnr", "ssim", "lpips")


@dataclass(frozen=True)
class Job:
    """What is measured on one picture: arguments of encode and decode, and the peers."""

    path: Path
    rates: tuple[float, ...]
    encode: dict[str, Any]
    decoders: tuple[str, ...]
    model: str
    device: str
    peers: tuple[str, ...]
    weights: Path | None


@dataclass(frozen=True)
class Measurement:
    """One picture through one codec at one setting."""

    codec: str
    setting: float
    bytes: int
    bpp: float
    psnr: float
    ssim: float
    lpips: float | None


def measure(job: Job) -> list[Measurement]:
    """All measurements of one picture."""
    rgb = images.load(job.path).rgb
    bits = 8 / (rgb.shape[0] * rgb.shape[1])

    def coded() -> Iterator[tuple[str, float, bytes, images.RGB]]:
        for rate in job.rates:
            data = xcodec.encode(rgb, rate, **job.encode)
            for decoder in job.decoders:
                picture = xcodec.decode(data, decoder=decoder, model=job.model, device=job.device)
                yield DECODERS[decoder], rate, data, np.asarray(picture)
        for peer in peers.codecs(job.peers):
            for quality in peer.low:
                data = peer.encode(rgb, quality)
                yield peer.name, quality, data, peer.decode(data)

    return [
        Measurement(
            codec,
            setting,
            len(data),
            bits * len(data),
            **asdict(metrics.quality(rgb, picture, job.weights)),
        )
        for codec, setting, data, picture in coded()
    ]


def curves(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Means over the pictures by codec and setting, with every picture's own figures."""
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for measurement in (m for of_picture in measured for m in of_picture):
        groups[measurement.codec, measurement.setting].append(measurement)
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (codec, setting), group in groups.items():
        columns = {name: [getattr(m, name) for m in group] for name in ("bytes", "bpp", *FIGURES)}
        means = {name: mean(column) for name, column in columns.items()}
        points[codec].append({"setting": setting, **means, "pictures": columns})
    return [{"codec": codec, "points": found} for codec, found in points.items()]


def beside(found: list[dict[str, Any]], places: list[float]) -> list[dict[str, Any]]:
    """Every codec's mean figures at the same bpp: None where its curve doesn't reach."""
    return [
        {"bpp": bpp, "codec": curve["codec"]}
        | {name: interpolated(curve["points"], name, bpp) for name in FIGURES}
        for bpp in places
        for curve in found
    ]


def interpolated(points: list[dict[str, Any]], name: str, bpp: float) -> float | None:
    """One mean figure of a curve at a rate."""
    if any(point[name] is None for point in points):
        return None
    return metrics.at_bpp([(point["bpp"], point[name]) for point in points], bpp)


def shown(found: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    """The rows as a markdown table; setting and bytes where a codec was measured just there."""
    at = {(curve["codec"], p["bpp"]): p for curve in found for p in curve["points"]}
    lines = []
    for row in rows:
        point = at.get((row["codec"], row["bpp"]))
        lines.append(
            [
                row["codec"],
                f"{point['setting']:g}" if point else "",
                f"{point['bytes']:.0f}" if point else "",
                number(row["bpp"], 4),
                number(row["psnr"], 2),
                number(row["ssim"], 4),
                number(row["lpips"], 4),
            ]
        )
    return evaluation.table(["codec", "rate", "bytes", "bpp", "PSNR", "SSIM", "LPIPS"], lines)


@click.command(help="Rate and distortion of xcodec and its peers over the pictures in DIR.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--rates", default="0.01,0.02,0.05,0.1", show_default=True)
@click.option("--decoders", default="classical,generator", show_default=True)
@click.option("--peers", "names", default="jpeg,jpeg2000", show_default=True)
@click.option("--at", default="", help="Bpp at which to interpolate as well: 0.021,0.036.")
@click.option("--positions", type=click.Choice(["all", "odd", "even"]), default="all")
@click.option("--only", default="", help="Places in sorted order, from 1: 1,4,7.")
@click.option("-E", "--encode", multiple=True, help="NAME=VALUE, an argument of xcodec.encode.")
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--lpips/--no-lpips", default=None, help="[default: where its weights are found]")
@click.option("--weights", type=click.Path(path_type=Path), help="[default: XCODEC_WEIGHTS]")
@click.option("--label", help="What was measured.  [default: the folder's name]")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The JSON to write.")
def main(**options: Any) -> None:
    """Say in one line what went wrong, if something did."""
    try:
        run(**options)
    except xcodec.XcodecError as error:
        click.echo(f"rate_distortion: {error}", err=True)
        sys.exit(1)


def run(folder: Path, label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the tables and write the record."""
    weights = metrics.find_weights(options["weights"]) if options["lpips"] is not False else None
    if options["lpips"] and not weights:
        raise xcodec.ModelError("--lpips needs weights: give --weights or set XCODEC_WEIGHTS")
    decoders = tuple(options["decoders"].split(","))
    names = tuple(filter(None, options["names"].split(",")))
    if not set(decoders) <= set(DECODERS):
        raise xcodec.InputError(f"decoders are {', '.join(DECODERS)}")
    peers.codecs(names)  # A peer that isn't there stops the run before it begins.
    used = evaluation.weights(decoders, options["model"], weights)
    chosen = evaluation.pictures(
        folder, options["positions"], evaluation.numbers(options["only"], int)
    )
    encode = evaluation.arguments(options["encode"])
    jobs = [
        Job(
            path=path,
            rates=evaluation.numbers(options["rates"], float),
            encode=encode,
            decoders=decoders,
            model=options["model"],
            device=options["device"],
            peers=names,
            weights=weights,
        )
        for path in chosen
    ]
    found = curves(evaluation.each(measure, jobs, options["jobs"]))
    rows = beside(found, [point["bpp"] for point in found[0]["points"]])
    asked = beside(found, list(evaluation.numbers(options["at"], float)))
    label = label or folder.resolve().name
    print(f"{label}: {len(chosen)} pictures, means\n\n{shown(found, rows)}")
    if asked:
        print(f"\ninterpolated:\n\n{shown(found, asked)}")
    if output:
        figures = {"encode": encode, "curves": found, "beside": rows + asked}
        record = evaluation.record("rate_distortion", label, sys.argv[1:], chosen, used, figures)
        evaluation.save(output, record)


if __name__ == "__main__":
    main()
