"""Pictures in packets of AX.25, as sound with noise: what arrives, and how good it is.

    python benchmarks/direwolf.py DIR --label photos -o RESULT.json

Direwolf's program gen_packets turns each packet into sound (1,200 bits per second), noise is added
as by its option -n, and atest decodes what it can. SSDV goes through the same noise if its program
is on the PATH.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec.__main__ import main as run
from xcodec.cli.bench import folder, only, output, positions
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import ssdv
from xcodec.evaluation.runs import direwolf, links, records
from xcodec.evaluation.runs.measuring import load
from xcodec.evaluation.runs.options import numbers, pictures
from xcodec.evaluation.runs.records import mean
from xcodec.links.transports import kiss
from xcodec.types import RGB


@dataclass(frozen=True)
class Plan:
    """What a run measures.

    budget  : bytes of all packets of a picture
    planned : loss that packets are planned for
    levels  : of noise, see ``direwolf.noisy``
    draws   : of the noise at each level
    square  : side in pixels to which the pictures' middle squares are resized
    model   : name or path of the generator's weights
    """

    budget: int
    planned: float
    levels: tuple[float, ...]
    draws: int
    square: int
    model: str


@dataclass(frozen=True)
class Job:
    """A picture; ``place`` is its index in the run, and a part of the seeds of its noise."""

    path: Path
    place: int
    plan: Plan


@dataclass(frozen=True)
class Transmission:
    """What a party sends of a picture.

    paint : the picture from the packets that arrive, bool (packets,)
    """

    party: str
    packets: Sequence[bytes]
    paint: Callable[[NDArray[np.bool_]], RGB]


@dataclass(frozen=True)
class Measurement:
    """Means over the draws of a picture at a level of noise.

    lost  : fraction of the packets
    empty : fraction of the draws in which nothing arrives
    """

    party: str
    level: float
    packets: int
    bytes: int
    lost: float
    empty: float
    psnr: float | None


def measure(job: Job) -> list[Measurement]:
    """Measure a picture. Raises XcodecError if a program fails."""
    rgb = load(job.path, job.plan.square)
    return [each for sent in parties(rgb, job.plan) for each in over_noise(rgb, sent, job)]


def over_noise(rgb: RGB, sent: Transmission, job: Job) -> Iterator[Measurement]:
    """Send packets through all levels of noise. All parties get the same noise; one that has no
    packets so small sends nothing."""
    sound = direwolf.modulated(sent.packets)
    size = len(sent.packets), sum(map(len, sent.packets))
    for level in job.plan.levels:
        draws = range(job.plan.draws if sent.packets else 0)
        kept = [direwolf.kept(sent.packets, sound, level, job.place, draw) for draw in draws]
        lost = float(np.mean([1 - each.mean() for each in kept])) if kept else 0.0
        kept = kept or [np.zeros(0, bool)]
        empty = float(np.mean([not each.any() for each in kept]))
        psnr = mean(metrics.psnr(rgb, sent.paint(each)) for each in kept)
        yield Measurement(sent.party, level, *size, lost, empty, psnr)


def parties(rgb: RGB, plan: Plan) -> Iterator[Transmission]:
    """xcodec, and SSDV with the scale and quality that are best without noise."""
    grey = np.full_like(rgb, links.UNDECODED)
    sent = xcodec.encode_packets(
        rgb, kiss.SIZE, max_bytes=plan.budget, loss=plan.planned, model=plan.model
    )

    @cache  # Which packets arrive does not matter, only how many.
    def received(count: int) -> RGB:
        options: dict[str, Any] = {"model": plan.model, "device": "cpu", "original_size": True}
        return np.asarray(xcodec.decode_packets(sent[:count], **options)) if count else grey

    yield Transmission("xcodec", sent, lambda kept: received(int(kept.sum())))
    if not ssdv.installed():
        return

    def whole(each: ssdv.SsdvPicture) -> float:
        return metrics.psnr(rgb, each.paint(np.ones(len(each.packets), bool), rgb.shape, grey))

    best = max(ssdv.sizes(rgb, kiss.SIZE, plan.budget), key=whole, default=None)
    if best is None:
        yield Transmission("ssdv", (), lambda _: grey)
    else:
        yield Transmission("ssdv", best.packets, lambda kept: best.paint(kept, rgb.shape, grey))


def summary(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Return means by party and level."""
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for m in (m for of_picture in measured for m in of_picture):
        groups[m.party, m.level].append(m)
    rows = []
    for (party, level), group in groups.items():
        columns = {
            name: [getattr(m, name) for m in group]
            for name in ("packets", "bytes", "lost", "empty", "psnr")
        }
        means = {name: mean(values) for name, values in columns.items()}
        rows.append({"party": party, "level": level} | means | {"pictures": columns})
    return rows


def shown(rows: list[dict[str, Any]]) -> str:
    """Return the means as a Markdown table."""
    lines = [
        [row["party"], f"{row['level']:g}", f"{row['packets']:.1f}"]
        + [f"{row[name]:.1%}" for name in ("lost", "empty")]
        + [records.number(row["psnr"], 2)]
        for row in rows
    ]
    return records.table(["party", "noise", "packets", "lost", "nothing arrives", "PSNR"], lines)


@click.command(help="Send the pictures in DIR as packets through the sound of a packet radio.")
@folder
@click.option("--bytes", "budget", default=2560, show_default=True, help="Of a picture's packets.")
@click.option("--planned", default=0.3, show_default=True, help="Loss that is planned for.")
@click.option("--levels", default=direwolf.LEVELS, show_default=True, help="Of noise.")
@click.option(
    "--draws", type=click.IntRange(1), default=5, show_default=True, help="Of noise, at each level."
)
@click.option(
    "--square", type=click.IntRange(1), default=256, show_default=True, help="Side of the pictures."
)
@click.option("--model", default="photo", show_default=True, help="Weights of the generator.")
@positions
@only
@click.option("--label", help="What was measured.  [default: the folder's name]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@output
def main(folder: Path, label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the table and write the record."""
    records.prepare(output)
    if not direwolf.installed():
        raise xcodec.XcodecError(f"needs the programs {' and '.join(direwolf.PROGRAMS)}")
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    levels = numbers(options["levels"], float)
    fields = {name: options[name] for name in ("budget", "planned", "draws", "square", "model")}
    plan = Plan(levels=levels, **fields)
    weights = records.weights([plan.model], None, ())
    jobs = [Job(path, place, plan) for place, path in enumerate(chosen)]
    rows = summary(records.each(measure, jobs, options["jobs"]))
    label = label or folder.resolve().name
    print(f"{label}: {records.so_many(len(chosen))}, means\n\n{shown(rows)}")
    if output:
        command = records.command_line("python benchmarks/direwolf.py", sys.argv[1:])
        figures = {**fields, "levels": levels, "packet_size": kiss.SIZE, "rows": rows}
        record = records.record("direwolf", label, command, chosen, weights, figures)
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
