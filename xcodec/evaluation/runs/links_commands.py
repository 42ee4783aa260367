"""The command ``xcodec bench links``: from options to a record and tables.

Options that are lists are comma-separated texts, as on the command line.
"""

from dataclasses import dataclass

import numpy as np

from xcodec.coding.packets import MAX_SIZE, MIN_SIZE
from xcodec.errors import InputError
from xcodec.evaluation.peers import rivals, ssdv
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import direwolf, links, links_summary, records
from xcodec.evaluation.runs.channels import CHANNELS
from xcodec.evaluation.runs.options import FolderOptions, arguments, numbers, texts
from xcodec.evaluation.runs.schema import LinksFigures, Record
from xcodec.links.transports import kiss

MAX_LOSS = 0.9


@dataclass(frozen=True, kw_only=True)
class LinksOptions(FolderOptions):
    """Options of ``xcodec bench links``.

    sizes       : budgets in bytes, of all packets of a picture
    packet_size : largest size of a packet in bytes
    planned     : losses that packets and parity are planned for, 0 to 0.9
    losses      : of the links, 0 to 0.9
    channels    : of ``channels.CHANNELS``
    audio       : levels of noise in the sound of a packet radio, see ``direwolf.noisy``; none: the
                  packets do not pass it
    seeds       : draws of each link
    peers       : names of other codecs
    model       : name or path of weights
    encode      : further arguments of ``xcodec.encode``, NAME=VALUE each
    square      : side in pixels to which middle squares are resized
    """

    sizes: str
    packet_size: int
    planned: str
    losses: str
    channels: str
    audio: str = ""
    seeds: int
    peers: str
    model: str
    encode: tuple[str, ...] = ()
    square: int | None = None


def run(options: LinksOptions, command: str) -> tuple[Record, str]:
    """Run ``links`` over a folder; returns its record and its tables.

    command : the command line, for the record

    Raises InputError for invalid options, before anything is measured.
    """
    chosen = options.pictures()
    plan = _plan(options)
    used = records.weights([plan.model], plan.weights)
    todo = [
        links.LinksTask(path, place, budget, plan)
        for place, path in enumerate(chosen)
        for budget in plan.budgets
    ]
    found = records.each(links.measure, todo, options.jobs)
    rows = links_summary.rows(result for results in found for result in results)
    figures: LinksFigures = {
        "square": plan.square,
        "packet_size": plan.packet_size,
        "seeds": plan.seeds,
        "encode": plan.encode,
        "rows": rows,
    }
    record = records.record("links", options.title, command, chosen, used, figures)
    head = f"{options.title}: {records.so_many(len(chosen))}, PSNR / SSIM / LPIPS, means"
    return record, f"{head}\n\n{links_summary.tables(rows)}"


def _plan(options: LinksOptions) -> links.LinksPlan:
    channels = texts(options.channels)
    if not channels or not set(channels) <= set(CHANNELS):
        raise InputError(f"channels are {', '.join(CHANNELS)}")
    budgets = numbers(options.sizes, int)
    if not budgets or min(budgets) < MIN_SIZE:
        raise InputError(f"budgets must be {MIN_SIZE} bytes or more")
    if not MIN_SIZE <= options.packet_size <= MAX_SIZE:
        raise InputError(f"packets must have {MIN_SIZE} to {MAX_SIZE} bytes")
    planned, losses = numbers(options.planned, float), numbers(options.losses, float)
    if not losses or not all(0 <= loss <= MAX_LOSS for loss in planned + losses):
        raise InputError(f"losses must be in 0..{MAX_LOSS}")
    if options.seeds < 1:
        raise InputError("at least one seed is needed")
    audio = _audio(options)
    encode = arguments(options.encode)
    Variant(model=options.model, encode=encode)  # Checks them.
    return links.LinksPlan(
        state=options.state_path,
        budgets=budgets,
        packet_size=options.packet_size,
        planned=planned,
        losses=losses,
        channels=channels,
        audio=audio,
        seeds=options.seeds,
        rivals=tuple(rivals.rivals(texts(options.peers))),
        ssdv=ssdv.installed(),
        model=options.model,
        encode=encode,
        square=options.square,
        weights=options.lpips_weights,
    )


def _audio(options: LinksOptions) -> tuple[float, ...]:
    levels = numbers(options.audio, float)
    if levels and not direwolf.installed():
        raise InputError(f"audio needs the programs {' and '.join(direwolf.PROGRAMS)} of Direwolf")
    if levels and options.packet_size > kiss.SIZE:
        raise InputError(f"packets through audio have at most {kiss.SIZE} bytes")
    if not all(0 <= level < np.inf for level in levels):
        raise InputError("levels of noise must be 0 or more")
    return levels
