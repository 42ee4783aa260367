"""The best picture within a number of bytes: xcodec beside scaled-down peers, on small pictures.

    python benchmarks/faces.py DIR --bytes 345 --label faces -o RESULT.json

Every picture is encoded to fit each budget. Each peer is tried at seven scales over its
qualities; per picture its best file within the budget counts, for PSNR and for LPIPS each by
itself, and so does the best file of all peers.
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
AIMS = {"psnr": "for PSNR", "lpips": "for LPIPS"}


@dataclass(frozen=True)
class Job:
    """What is measured on one picture: arguments of encode and decode, and the peers."""

    path: Path
    budgets: tuple[int, ...]
    encode: dict[str, Any]
    decoders: tuple[str, ...]
    model: str
    device: str
    peers: tuple[str, ...]
    weights: Path | None


@dataclass(frozen=True)
class Measurement:
    """The best file of one picture by one codec within a budget.

    setting : of a peer: its name, scale and quality
    """

    budget: int
    codec: str
    setting: str
    bytes: int
    psnr: float
    ssim: float
    lpips: float | None


def measure(job: Job) -> list[Measurement]:
    """All measurements of one picture; none of a codec whose files are all too large."""
    rgb = images.load(job.path).rgb
    sweep = peers.Sweep(rgb, peers.codecs(job.peers), weights=job.weights)
    parties: dict[str, tuple[str, ...]] = {"best peer": job.peers} if job.peers else {}
    parties |= {name: (name,) for name in job.peers}

    def coded(budget: int) -> Iterator[tuple[str, str, bytes, images.RGB]]:
        data = xcodec.encode(rgb, size=budget, **job.encode)
        for decoder in job.decoders:
            picture = xcodec.decode(data, decoder=decoder, model=job.model, device=job.device)
            yield DECODERS[decoder], "", data, np.asarray(picture)
        for party, names in parties.items():
            for aim, trial in sweep.best_within(budget, names).items():
                setting = f"{trial.codec.name} 1/{trial.scale:g} {trial.quality:g}"
                yield f"{party} {AIMS[aim]}", setting, trial.data, trial.picture(rgb.shape)

    return [
        Measurement(
            budget,
            codec,
            setting,
            len(data),
            **asdict(metrics.quality(rgb, picture, job.weights)),
        )
        for budget in job.budgets
        for codec, setting, data, picture in coded(budget)
    ]


def summary(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Means by budget and codec over the pictures that it has a file for, and each one's figures.

    A picture without a file has None in every column.
    """
    groups: dict[tuple[int, str], dict[int, Measurement]] = defaultdict(dict)
    for place, of_picture in enumerate(measured):
        for m in of_picture:
            groups[m.budget, m.codec][place] = m
    rows = []
    for (budget, codec), group in sorted(groups.items(), key=lambda item: item[0][0]):
        of = {name: [getattr(m, name) for m in group.values()] for name in ("bytes", *FIGURES)}
        columns = {
            name: [getattr(group.get(place), name, None) for place in range(len(measured))]
            for name in ("bytes", *FIGURES, "setting")
        }
        if not any(columns["setting"]):
            del columns["setting"]
        rows.append(
            {"budget": budget, "codec": codec, "files": len(group), "largest": max(of["bytes"])}
            | {name: mean(values) for name, values in of.items()}
            | {"pictures": columns}
        )
    return rows


def shown(rows: list[dict[str, Any]]) -> str:
    """The means as a markdown table."""
    header = ["codec", "budget", "files", "bytes", "largest", "PSNR", "SSIM", "LPIPS"]
    lines = [
        [
            row["codec"],
            f"{row['budget']}",
            f"{row['files']}",
            f"{row['bytes']:.0f}",
            f"{row['largest']}",
            number(row["psnr"], 2),
            number(row["ssim"], 4),
            number(row["lpips"], 4),
        ]
        for row in rows
    ]
    return evaluation.table(header, lines)


@click.command(help="xcodec and scaled-down peers within a number of bytes, over DIR.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--bytes", "budgets", default="345", show_default=True, help="Budgets: 200,340,600.")
@click.option("--decoders", default="classical,generator", show_default=True)
@click.option("--peers", "names", help="[default: all that are installed]")
@click.option("--positions", type=click.Choice(["all", "odd", "even"]), default="all")
@click.option("--only", default="", help="Places in sorted order, from 1: 1,4,7.")
@click.option("-E", "--encode", multiple=True, help="NAME=VALUE, an argument of xcodec.encode.")
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), help="[default: XCODEC_WEIGHTS]")
@click.option("--label", help="What was measured.  [default: the folder's name]")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The JSON to write.")
def main(**options: Any) -> None:
    """Say in one line what went wrong, if something did."""
    try:
        run(**options)
    except xcodec.XcodecError as error:
        click.echo(f"faces: {error}", err=True)
        sys.exit(1)


def run(folder: Path, label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the table and write the record."""
    weights = metrics.find_weights(options["weights"])
    decoders = tuple(options["decoders"].split(","))
    if not set(decoders) <= set(DECODERS):
        raise xcodec.InputError(f"decoders are {', '.join(DECODERS)}")
    asked = options["names"]
    rivals = peers.codecs(None if asked is None else filter(None, asked.split(",")))
    used = evaluation.weights(decoders, options["model"], weights)
    chosen = evaluation.pictures(
        folder, options["positions"], evaluation.numbers(options["only"], int)
    )
    encode = evaluation.arguments(options["encode"])
    jobs = [
        Job(
            path=path,
            budgets=evaluation.numbers(options["budgets"], int),
            encode=encode,
            decoders=decoders,
            model=options["model"],
            device=options["device"],
            peers=tuple(codec.name for codec in rivals),
            weights=weights,
        )
        for path in chosen
    ]
    rows = summary(evaluation.each(measure, jobs, options["jobs"]))
    label = label or folder.resolve().name
    print(f"{label}: {len(chosen)} pictures, means\n\n{shown(rows)}")
    if output:
        figures = {"encode": encode, "rows": rows}
        record = evaluation.record("faces", label, sys.argv[1:], chosen, used, figures)
        evaluation.save(output, record)


if __name__ == "__main__":
    main()
