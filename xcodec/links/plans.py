"""How a picture goes over a link: what a profile says, and what was asked for instead."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from xcodec.coding import packets
from xcodec.errors import ConflictError, OptionError
from xcodec.links import armor as armors
from xcodec.links import sending
from xcodec.links.costs import Cost, affordable, cost
from xcodec.links.profiles import Profile, profile
from xcodec.options import EncodeOptions
from xcodec.system import checks

if TYPE_CHECKING:
    from xcodec.pictures.modes import Picture

Value = TypeVar("Value", int, float)


@dataclass(frozen=True)
class Wishes:
    """What was asked for; None: nothing.

    link    : name of a profile
    packet_size : largest size of a packet in bytes, or in characters with an armor
    packets : largest number of packets
    loss    : expected fraction of lost packets
    armor   : encoding as text
    preset  : way to send, of the profile
    airtime : most seconds on air
    credits : most credits of Iridium
    """

    link: str | None = None
    packet_size: int | None = None
    packets: int | None = None
    loss: float | None = None
    armor: str | None = None
    preset: str | None = None
    airtime: float | None = None
    credits: int | None = None


@dataclass(frozen=True)
class Plan:
    """How a picture goes over a link.

    size    : largest size of a packet in bytes
    packets : largest number of packets; None: as ``max_bytes`` allow
    loss    : expected fraction of lost packets
    armor   : encoding as text; None: bytes
    profile : of the link, if it has a name
    preset  : way to send; None: the usual one
    whole   : whether one file is sent, which arrives whole or not at all
    """

    size: int
    packets: int | None = None
    loss: float = sending.LOSS
    armor: str | None = None
    profile: Profile | None = None
    preset: str | None = None
    whole: bool = False

    def options(self, options: EncodeOptions) -> EncodeOptions:
        """Return the options that a picture is encoded with.

        Raises ConflictError for options that packets do not have.
        """
        if not self.whole:
            options.only(sending.OPTIONS, "packets")
            return options
        if options.max_bytes is None:
            return replace(options, max_bytes=self.size)
        assert self.profile is not None
        if options.max_bytes > self.profile.largest:
            most = f"it must be in 1..{self.profile.largest} for {self.profile.name}"
            reason = f"is {options.max_bytes}; {most}: --packets sends several"
            raise OptionError(("max_bytes",), reason)
        return options

    def budget(self, options: EncodeOptions) -> int:
        """Return the most bytes that the picture takes."""
        if self.whole:
            return options.max_bytes or self.size
        return sending.budget_of(sending.shapes(self.size, self.packets, options.max_bytes))

    def made(self, picture: "Picture", options: EncodeOptions) -> list[bytes]:
        """Encode a picture as packets, or as one file.

        options : those that ``options`` returned
        """
        if self.whole:
            from xcodec.encoder.encoding import encode_picture

            return [encode_picture(picture, options)]
        return sending.packets_of(picture, self.size, self.packets, self.loss, options)

    def airtime(self, size: int) -> float:
        """Return the seconds on air of a packet of ``size`` bytes; 0 if that is not known."""
        modem = None if self.profile is None else self.profile.modem(self.preset)
        return 0.0 if modem is None else modem.seconds(size)

    @property
    def pause(self) -> float:
        """Seconds from the start of a packet to that of the next, unless told otherwise."""
        return 0.0 if self.profile is None else self.profile.gap * self.airtime(self.size)

    def cost(self, data: list[bytes]) -> Cost:
        """Return what packets, or a file, cost."""
        if self.profile is None:
            return Cost()
        sizes = [
            len(each) if self.armor is None else armors.length(len(each), self.armor)
            for each in data
        ]
        return cost(self.profile, sizes, self.preset)


def planned(wishes: Wishes, max_bytes: int | None = None) -> Plan | None:
    """Return how a picture goes over a link; None if nothing was asked for.

    max_bytes : largest size of all packets together, if there is one

    Raises InputError for unknown names and limits that cannot be met, and ConflictError (an
    InputError) if wishes contradict each other, or need another one.
    """
    if wishes == Wishes():
        return None
    known = None if wishes.link is None else profile(wishes.link)
    if known is None:
        for name in ("preset", "airtime", "credits"):
            if getattr(wishes, name) is not None:
                raise ConflictError((name,), "needs a link: --link NAME")
        if wishes.packet_size is None:
            name = next(n for n in ("packets", "loss", "armor") if getattr(wishes, n) is not None)
            raise ConflictError((name,), "needs the size of packets: --packet-size or --link")
        if wishes.packets is None and max_bytes is None:
            raise ConflictError(("packet_size",), "needs --packets, --bytes or --link")
        size = _carried(wishes.packet_size, wishes.armor)
        return Plan(size, wishes.packets, _given(wishes.loss, sending.LOSS), wishes.armor)
    known.modem(wishes.preset)
    armor = wishes.armor or known.armor
    asked = _given(wishes.packet_size, known.size)
    if asked > known.largest:
        kind = "bytes" if armor is None else "characters"
        reason = f"is {asked}; it must be at most {known.largest} {kind} for {known.name}"
        raise OptionError(("packet_size",), reason)
    size, count = _carried(asked, armor), wishes.packets
    if wishes.airtime is not None or wishes.credits is not None:
        if count is not None:
            limit = "credits" if wishes.airtime is None else "airtime"
            raise ConflictError(("packets", limit), "exclude each other")
        count, size = affordable(known, size, wishes.airtime, wishes.credits, wishes.preset)
    elif count is None and max_bytes is None:
        count = known.packets
    whole = known.packets == 1 and count in (None, 1) and armor is None
    if whole and wishes.loss is not None:
        reason = f"needs several packets, by --packets: {known.name} delivers a file or nothing"
        raise ConflictError(("loss",), reason)
    return Plan(
        size,
        count,
        _given(wishes.loss, known.loss if known.packets > 1 else sending.LOSS),
        armor,
        known,
        wishes.preset,
        whole,
    )


def _carried(size: int, armor: str | None) -> int:
    """The bytes of a packet that fits ``size`` bytes, or characters with an armor.

    Raises OptionError if there are too few or too many characters for a packet.
    """
    if armor is None:
        return size
    low, high = (armors.length(each, armor) for each in (packets.MIN_SIZE, packets.MAX_SIZE))
    checks.whole("packet_size", size, low, high)
    return armors.carried(size, armor)


def _given(value: Value | None, default: Value) -> Value:
    return default if value is None else value
