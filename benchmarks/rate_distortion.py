"""Rate and distortion over a folder: xcodec's real files beside those of other codecs.

    python benchmarks/rate_distortion.py DIR --rates 0.01,0.02,0.05 --label photos -o RESULT.json

Every picture is encoded at each rate and decoded by each decoder. Each peer runs over its own
qualities, and its means stand beside xcodec's where they reach that far: interpolated linearly
over log bpp, never beyond what was measured.
"""

import json
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
from xcodec.evaluation import mean, metrics, number, peers

FIGURES = ("psnr", "ssim", "lpips")
DECODERS = {"classical": "xcodec, classical fill", "generator": "xcodec, generator"}


@dataclass(frozen=True)
class Job:
    """What is measured on one picture."""

    path: Path
    rates: tuple[float, ...]
    decoders: tuple[str, ...]
    peers: tuple[str, ...]
    encode: dict[str, Any]
    model: str
    device: str
    lpips: bool
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
    area = rgb.shape[0] * rgb.shape[1]

    def judged(codec: str, setting: float, data: bytes, decoded: images.RGB) -> Measurement:
        lpips = metrics.lpips_squeeze(rgb, decoded, job.weights) if job.lpips else None
        psnr, ssim = metrics.psnr(rgb, decoded), metrics.ssim(rgb, decoded)
        return Measurement(codec, setting, len(data), 8 * len(data) / area, psnr, ssim, lpips)

    def all_of_them() -> Iterator[Measurement]:
        for rate in job.rates:
            data = xcodec.encode(rgb, rate, **job.encode)
            for decoder in job.decoders:
                picture = xcodec.decode(data, decoder=decoder, model=job.model, device=job.device)
                yield judged(DECODERS[decoder], rate, data, np.asarray(picture))
        for peer in peers.codecs(job.peers):
            for quality in peer.low:
                data = peer.encode(rgb, quality)
                yield judged(peer.name, quality, data, peer.decode(data))

    return list(all_of_them())


def curves(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Means over the pictures by codec and setting, with every picture's own figures."""
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for measurement in (m for of_picture in measured for m in of_picture):
        groups[measurement.codec, measurement.setting].append(measurement)
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (codec, setting), group in groups.items():
        columns = {
            name: [getattr(m, name) for m in group] for name in ("bytes", "bpp", *FIGURES)
        }
        means = {name: mean(column) for name, column in columns.items()}
        points[codec].append({"setting": setting, **means, "pictures": columns})
    return [{"codec": codec, "points": found} for codec, found in points.items()]


def interpolated(curve: dict[str, Any], bpp: float) -> dict[str, float | None]:
    """The mean figures of a curve at a rate: None where the curve doesn't reach it."""
    return {
        name: metrics.at_bpp([(p["bpp"], p[name]) for p in curve["points"]], bpp)
        if all(p[name] is not None for p in curve["points"])
        else None
        for name in FIGURES
    }


def beside(found: list[dict[str, Any]], places: list[float]) -> list[dict[str, Any]]:
    """Every codec's figures at the same rates."""
    return [
        {"bpp": bpp, "codec": curve["codec"], **interpolated(curve, bpp)}
        for bpp in places
        for curve in found
    ]


def shown(found: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    """The rows as a markdown table; a codec's setting where it was measured just there."""
    at = {(c["codec"], p["bpp"]): p for c in found for p in c["points"]}
    lines = []
    for row in rows:
        point = at.get((row["codec"], row["bpp"]), {})
        setting = f"{point['setting']:g}" if point else ""
        lines.append(
            [
                row["codec"],
                setting,
                number(point.get("bytes"), 0) if point else "",
                number(row["bpp"], 4),
                number(row["psnr"], 2),
                number(row["ssim"], 4),
                number(row["lpips"], 4),
            ]
        )
    return evaluation.table(["codec", "setting", "bytes", "bpp", "PSNR", "SSIM", "LPIPS"], lines)


def numbers(kind: type) -> Any:
    """A parser of numbers between commas, for click."""

    def parse(context: click.Context, option: click.Parameter, text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(",") if part)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not numbers between commas") from None

    return parse


def settings(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Any:
    """NAME=VALUE as arguments of ``xcodec.encode``; a value that isn't JSON is text."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def words(context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word for word in text.split(",") if word)


@click.command(help=__doc__.split("\n")[0])
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--rates", default="0.01,0.02,0.05,0.1", show_default=True, callback=numbers(float))
@click.option("--decoders", default="classical,generator", show_default=True, callback=words)
@click.option("--peers", "names", default="jpeg,jpeg2000", show_default=True, callback=words)
@click.option("--at", default="", callback=numbers(float), help="Bpp to interpolate at as well.")
@click.option("--positions", type=click.Choice(["all", "odd", "even"]), default="all")
@click.option("--only", default="", callback=numbers(int), help="Places in sorted order, from 1.")
@click.option("-E", "--encode", multiple=True, callback=settings, help="NAME=VALUE for encode.")
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--lpips/--no-lpips", default=None, help="[default: where its weights are found]")
@click.option("--weights", type=click.Path(path_type=Path), help="[default: XCODEC_WEIGHTS]")
@click.option("--label", default="", help="What was measured, for the reader of the result.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The JSON to write.")
def main(folder: Path, **options: Any) -> None:
    """Measure, print the tables and write the record."""
    unknown = set(options["decoders"]) - set(DECODERS)
    if unknown:
        raise click.BadParameter(f"no decoder {unknown.pop()!r}", param_hint="--decoders")
    weights = metrics.find_weights(options["weights"])
    if options["lpips"] and weights is None:
        raise click.UsageError("--lpips needs weights: give --weights or set XCODEC_WEIGHTS")
    lpips = weights is not None and options["lpips"] is not False
    try:
        run(folder, options, weights if lpips else None)
    except xcodec.XcodecError as error:
        click.echo(f"rate_distortion: {error}", err=True)
        sys.exit(1)


def run(folder: Path, options: dict[str, Any], weights: Path | None) -> None:
    chosen = evaluation.pictures(folder, options["positions"], options["only"])
    peers.codecs(options["names"])  # A missing codec stops the run before it begins.
    used = [weights / metrics.BACKBONE, weights / metrics.HEADS] if weights else []
    if "generator" in options["decoders"]:
        from xcodec.reconstruction import zoo  # Only here: it starts torch.

        used.append(zoo.find(options["model"]))
    jobs = [
        Job(
            path=path,
            rates=options["rates"],
            decoders=options["decoders"],
            peers=options["names"],
            encode=options["encode"],
            model=options["model"],
            device=options["device"],
            lpips=weights is not None,
            weights=weights,
        )
        for path in chosen
    ]
    found = curves(evaluation.each(measure, jobs, options["jobs"]))
    own = [point["bpp"] for point in found[0]["points"]] if options["decoders"] else []
    rows, asked = beside(found, own), beside(found, list(options["at"]))
    label = options["label"] or folder.resolve().name
    print(f"{label}: {len(chosen)} pictures, means\n\n{shown(found, rows)}")
    if asked:
        print(f"\nInterpolated:\n\n{shown(found, asked)}")
    if options["output"]:
        figures = {"encode": options["encode"], "curves": found, "beside": rows + asked}
        record = evaluation.record(
            "rate_distortion", label, sys.argv[1:], chosen, used, figures
        )
        evaluation.save(options["output"], record)


if __name__ == "__main__":
    main()
