"""What other constants of the packet planner would give: PSNR by loss.

    python benchmarks/packet_planner.py DIR ... --positions odd --label odd -o RESULT.json

Each picture is encoded as packets with the constants of xcodec.links.sending as they are, and with
one of them changed. Every number of packets is decoded by the classical decoder, and the PSNR is
the expected one over independent losses. Pictures without a packet are grey
(docs/research/packet-planner.md).
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec.__main__ import main as run
from xcodec.cli.bench import only, output, positions
from xcodec.coding import packets
from xcodec.decoder import reading
from xcodec.encoder.candidates import Candidate
from xcodec.encoder.request import Request
from xcodec.encoder.search import Search
from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.runs import links, records
from xcodec.evaluation.runs.measuring import load
from xcodec.evaluation.runs.options import arguments, numbers, pictures, texts
from xcodec.evaluation.runs.records import mean
from xcodec.links import sending
from xcodec.links.protection import binomial
from xcodec.types import RGB

PRESENT = "present"
"""Name of the constants as they are."""


@dataclass(frozen=True)
class Plan:
    """What a run measures.

    shapes    : numbers of packets, and their size in bytes
    planned   : losses that packets are planned for
    losses    : of the links
    constants : by name, those that differ
    effort    : of the encoder
    square    : side in pixels to which the pictures' middle squares are resized
    """

    shapes: tuple[tuple[int, int], ...]
    planned: tuple[float, ...]
    losses: tuple[float, ...]
    constants: dict[str, dict[str, float]]
    effort: int
    square: int


@dataclass(frozen=True)
class Job:
    """A picture, and the packets that it becomes."""

    path: Path
    shape: tuple[int, int]
    plan: Plan


@dataclass(frozen=True)
class Measurement:
    """A picture's PSNR in dB at each of the losses."""

    shape: tuple[int, int]
    planned: float
    constants: str
    psnr: tuple[float, ...]


class Remembering(Search):
    """A search that shares its files with the other searches of a picture: most of them do not
    depend on the planner's constants."""

    files: dict[Any, tuple[Candidate | None, int | None]]

    def at(self, request: Request) -> Candidate | None:
        key = self.goal, request.rate, request.effort, self._step
        if key not in self.files:
            self.files[key] = super().at(request), self._step
        found, self._step = self.files[key]
        return found

    def finished(self, found: Candidate, effort: int) -> Candidate:
        key = self.goal, found.request.rate, found.step, effort
        if key not in self.files:
            self.files[key] = super().finished(found, effort), None
        file = self.files[key][0]
        assert file is not None
        return file


def measure(job: Job) -> list[Measurement]:
    """Measure a picture."""
    plan, (count, size) = job.plan, job.shape
    rgb = load(job.path, plan.square)
    plain: list[Candidate] = []
    kept: dict[tuple[bytes, ...], NDArray[np.float64]] = {}
    original = sending._plain

    def once(*asked: Any) -> Candidate:
        if not plain:
            plain.append(original(*asked))
        return plain[0]

    def expected(planned: float, changed: dict[str, float]) -> tuple[float, ...]:
        with mock.patch.multiple(sending, Search=Remembering, _plain=once, **changed):
            sent = xcodec.encode_packets(rgb, size, count, loss=planned, effort=plan.effort)
        if tuple(sent) not in kept:
            kept[tuple(sent)] = np.array(list(received(rgb, sent)))
        chances = (binomial(len(sent), loss) for loss in plan.losses)
        psnr = kept[tuple(sent)]  # It may be infinite, also where there is no chance of it.
        return tuple(float((each * np.where(each, psnr, 0.0)).sum()) for each in chances)

    with mock.patch.object(Remembering, "files", {}, create=True):
        return [
            Measurement(job.shape, planned, name, expected(planned, changed))
            for planned, (name, changed) in product(plan.planned, plan.constants.items())
        ]


def received(rgb: RGB, sent: list[bytes]) -> Iterator[float]:
    """PSNR in dB from 0, 1, ... packets."""
    psnr = metrics.psnr(rgb, np.full_like(rgb, links.UNDECODED))
    yield psnr
    parsed = [packets.parse(each) for each in sent]
    before = None
    for count in range(1, len(sent) + 1):
        restored = packets.restored(parsed[:count], reading.LIMITS)
        if (known := (restored.parameters, restored.stream)) != before:
            before = known
            options: dict[str, Any] = {"decoder": "classical", "original_size": True}
            picture = np.asarray(xcodec.decode_packets(sent[:count], **options))
            psnr = metrics.psnr(rgb, codecs.enlarge(picture, rgb.shape))
        yield psnr


def summary(measured: list[list[Measurement]], losses: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return the mean PSNR by packets, planned loss, constants and loss."""
    groups: dict[tuple[tuple[int, int], float, str], list[Measurement]] = defaultdict(list)
    for m in (m for of_picture in measured for m in of_picture):
        groups[m.shape, m.planned, m.constants].append(m)
    rows = []
    for ((count, size), planned, name), group in groups.items():
        fixed = {"packets": count, "packet_size": size, "planned": planned, "constants": name}
        for place, loss in enumerate(losses):
            psnr = [m.psnr[place] for m in group]
            rows.append({**fixed, "loss": loss, "psnr": mean(psnr), "pictures": {"psnr": psnr}})
    return rows


def shown(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: PSNR of the present constants, and differences to it."""
    losses = list(dict.fromkeys(row["loss"] for row in rows))
    lines: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        kind = row["packets"], row["packet_size"], row["planned"]
        lines[*kind, row["constants"]].append(row["psnr"])
    cells = []
    for (count, size, planned, name), psnr in lines.items():
        present = lines[count, size, planned, PRESENT]
        beside = [f"{value - base:+.2f}" for value, base in zip(psnr, present, strict=True)]
        figures = [f"{value:.2f}" for value in psnr] if name == PRESENT else beside
        cells.append([f"{count} x {size}, {planned:.0%}", name, *figures])
    return records.table(["packets", "constants", *(f"{loss:.0%}" for loss in losses)], cells)


@click.command(help="Compare constants of the packet planner, over the pictures in each DIR.")
@click.argument(
    "folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--shapes", default="12x200,10x256", show_default=True, help="Packets and bytes.")
@click.option("--planned", default="0.1,0.3", show_default=True, help="Losses to plan for.")
@click.option("--losses", default="0,0.1,0.2,0.3,0.5", show_default=True, help="Of the links.")
@click.option(
    "--constants",
    default="LARGEST_DROP=0.4,LARGEST_DROP=0.7,DECIBELS_PER_OCTAVE=2",
    show_default=True,
    help="Of xcodec.links.sending: each is compared with the present ones.",
)
@click.option("--effort", default=1, show_default=True, help="Of the encoder.")
@click.option(
    "--square", type=click.IntRange(1), default=256, show_default=True, help="Side of the pictures."
)
@positions
@only
@click.option("--label", help="What was measured.  [default: the folders' names]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@output
def main(folders: tuple[Path, ...], label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the table and write the record."""
    records.prepare(output)
    only = numbers(options["only"], int)
    chosen = [path for each in folders for path in pictures(each, options["positions"], only)]
    plan = Plan(
        shapes=tuple(shape(text) for text in texts(options["shapes"])),
        planned=numbers(options["planned"], float),
        losses=numbers(options["losses"], float),
        constants={PRESENT: {}} | {text: changed(text) for text in texts(options["constants"])},
        effort=options["effort"],
        square=options["square"],
    )
    jobs = [Job(path, shape, plan) for path, shape in product(chosen, plan.shapes)]
    rows = summary(records.each(measure, jobs, options["jobs"]), plan.losses)
    label = label or ", ".join(each.resolve().name for each in folders)
    print(f"{label}: {records.so_many(len(chosen))}, PSNR by loss\n\n{shown(rows)}")
    if output:
        figures = {"effort": plan.effort, "square": plan.square, "rows": rows}
        command = records.command_line("python benchmarks/packet_planner.py", sys.argv[1:])
        record = records.record("packet_planner", label, command, chosen, {}, figures)
        records.save(output, record, overwrite=True)


def shape(text: str) -> tuple[int, int]:
    """Parse COUNTxSIZE. Raises InputError for anything else."""
    count, _, size = text.partition("x")
    try:
        return int(count), int(size)
    except ValueError:
        raise InputError(f"not COUNTxSIZE: {text!r}") from None


def changed(text: str) -> dict[str, float]:
    """Parse NAME=VALUE, of a constant that the planner has. Raises InputError for anything else."""
    found = arguments([text])
    for name, value in found.items():
        if not (name.isupper() and isinstance(getattr(sending, name, None), float)):
            raise InputError(f"the planner has no number {name}")
        if not isinstance(value, int | float):
            raise InputError(f"not a number: {text!r}")
    return found


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
