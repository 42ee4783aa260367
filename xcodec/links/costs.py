"""What packets cost on a link: time on air, credits or messages; and what a limit on it allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xcodec.coding.packets import MIN_SIZE
from xcodec.coding.ranges import MAX_COUNT
from xcodec.errors import InputError
from xcodec.links.airtime import DUTY_CYCLES
from xcodec.links.profiles import CREDIT, Profile

HEADER = 11
"""Bytes of a packet that are no shares, of one of up to 256 bytes (docs/format.md, section 11)."""


@dataclass(frozen=True)
class Cost:
    """What it costs to send packets.

    preset : name of the way to send that ``airtime`` is for; None: time is not known
    airtime : seconds on air; None: not known
    credits : of Iridium; None: it is another link
    messages : of SMS; None: it is another link
    """

    preset: str | None = None
    airtime: float | None = None
    credits: int | None = None
    messages: int | None = None

    def within(self, duty: float) -> float:
        """Return the seconds that sending takes where only a share ``duty`` of it may be on air."""
        assert self.airtime is not None
        return self.airtime / duty

    def facts(self) -> dict[str, Any]:
        """Return what is known, for JSON."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        if self.airtime is not None:
            known["at_duty"] = {f"{duty:g}": round(self.within(duty), 2) for duty in DUTY_CYCLES}
        return known

    def text(self) -> str:
        """Return the cost as text; empty if nothing is known."""
        if self.airtime is not None:
            share = ", ".join(f"{_time(self.within(duty))} at {duty:.0%}" for duty in DUTY_CYCLES)
            return f"{_time(self.airtime)} on air ({self.preset}); duty cycle: {share}"
        for count, name in ((self.credits, "credit"), (self.messages, "message")):
            if count is not None:
                return f"{count} {name}{'s' if count != 1 else ''}"
        return ""


def cost(profile: Profile, sizes: Sequence[int], preset: str | None = None) -> Cost:
    """Return what packets of these sizes, in bytes, cost on a link.

    preset : name of the way to send, of ``profile.modems``; None: the usual one

    Raises InputError for an unknown preset.
    """
    modem = profile.modem(preset)
    if modem is not None:
        name = next(name for name, each in profile.modems.items() if each == modem)
        return Cost(name, round(sum(map(modem.seconds, sizes)), 3))
    if profile.unit == "credit":
        return Cost(credits=sum(-(-size // CREDIT) for size in sizes))
    return Cost(messages=len(sizes)) if profile.unit == "message" else Cost()


def affordable(
    profile: Profile,
    size: int,
    airtime: float | None = None,
    credit: int | None = None,
    preset: str | None = None,
) -> tuple[int, int]:
    """Return the number of packets and their size in bytes that carry most within a limit.

    size    : largest size of a packet in bytes
    airtime : seconds on air
    credit  : most credits of Iridium
    preset  : as for ``cost``

    Raises InputError if the link does not have such a limit, or no packet meets it.
    """
    modem = profile.modem(preset)
    if (airtime is not None and modem is None) or (credit is not None and not _billed(profile)):
        name = "airtime is not known" if airtime is not None else "messages take no credits"
        raise InputError(f"{profile.name}: its {name}")

    def fits(count: int, each: int) -> bool:
        price = cost(profile, [each] * count, preset)
        if airtime is not None:
            return price.airtime is not None and price.airtime <= airtime
        return credit is None or (price.credits is not None and price.credits <= credit)

    best = (0, 0)
    for count in range(1, MAX_COUNT + 1):
        if not fits(count, MIN_SIZE):
            break
        low, high = MIN_SIZE, size
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(count, middle) else (low, middle - 1)
        best = max(best, (count, low), key=lambda each: each[0] * (each[1] - HEADER))
    if not best[0]:
        limit = f"{airtime:g} seconds" if airtime is not None else f"{credit} credits"
        raise InputError(f"{profile.name}: no packet of {MIN_SIZE} bytes fits in {limit}")
    return best


def _billed(profile: Profile) -> bool:
    return profile.unit == "credit"


def _time(seconds: float) -> str:
    """A time as text: 1.9 s, 75 s, 12 min, 2.5 h."""
    value, unit = (seconds, "s") if seconds < 100 else (seconds / 60, "min")
    if value >= 100:
        value, unit = value / 60, "h"
    return f"{value:.1f} {unit}" if value < 20 else f"{value:.0f} {unit}"
