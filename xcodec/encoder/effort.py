"""What each level of effort does: one row per level, with every setting that it changes."""

from dataclasses import dataclass, fields

from xcodec.choices import DEFAULT_EFFORT, MAX_EFFORT

SPARSE_LEVELS = 2
"""Sparse pictures use the sweeps and lookaheads this many levels higher: a sweep is cheaper there
(docs/research/lookahead-sparse.md)."""


@dataclass(frozen=True)
class Effort:
    """The settings of a level.

    sweeps     : how often rate-distortion optimised quantisation chooses each symbol
    lookaheads : number of sweeps preceded by a proxy gradient, for files that are optimised for the
                 generator
    tuning     : steps along the gradient of the generator itself, for the same files; needs torch
    candidates : level at which a search for a byte budget or a PSNR compares rates and densities,
                 by the classical fill
    rates      : whether that search looks for the best rate, or takes an estimate
    densities  : whether it also tries other densities and block sizes
    strengths  : whether it also tries other strengths and intermediate rates
    guided     : whether a byte budget of a file that is optimised for the generator is searched for
                 at this level itself, by what the proxy network paints; otherwise such a file takes
                 an estimate
    finer      : number of finer steps that are squeezed under a byte budget by a larger Lagrange
                 multiplier
    """

    sweeps: int
    lookaheads: int = 0
    tuning: int = 0
    candidates: int = 1
    rates: bool = True
    densities: bool = True
    strengths: bool = False
    guided: bool = False
    finer: int = 0


EFFORTS = (
    Effort(0, candidates=0, rates=False, densities=False),
    Effort(1, rates=False, densities=False),
    Effort(1, densities=False),
    Effort(2, densities=False),
    Effort(3, lookaheads=2),
    Effort(4, lookaheads=3, guided=True),
    Effort(6, lookaheads=4, strengths=True, guided=True, finer=1),
    Effort(8, lookaheads=6, strengths=True, guided=True, finer=1),
    Effort(8, lookaheads=6, tuning=8, strengths=True, guided=True, finer=1),
    Effort(8, lookaheads=6, tuning=24, strengths=True, guided=True, finer=1),
)
"""The levels, 0 (fastest) to 9."""


def for_sparse(level: int) -> Effort:
    """The settings for a sparse picture at a level."""
    return EFFORTS[min(level + SPARSE_LEVELS, MAX_EFFORT)]


def table() -> str:
    """The levels as a table of text, with an explanation of its columns."""
    names = [field.name for field in fields(Effort)]
    rows = [["effort", *names]]
    for level, effort in enumerate(EFFORTS):
        values = [getattr(effort, name) for name in names]
        shown = [
            {True: "yes", False: "no"}.get(value, str(value))
            if isinstance(value, bool)
            else str(value)
            for value in values
        ]
        rows.append([f"{level}{' *' if level == DEFAULT_EFFORT else ''}", *shown])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", "* the default", "", *_meanings()])


def _meanings() -> list[str]:
    """The explanation of the columns, from the docstring of ``Effort``."""
    text = (Effort.__doc__ or "").partition("\n\n")[2]
    return [line.removeprefix("    ") for line in text.rstrip().splitlines()]
