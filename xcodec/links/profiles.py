"""Links by name: what they carry, and what it costs. docs/links.md has the table with sources.

A profile sets size and number of packets, armor and planned loss; each can be set otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xcodec.errors import InputError
from xcodec.links.airtime import Ax25, LoRa

Modem = LoRa | Ax25

MESHTASTIC = {
    name: LoRa(bandwidth, spreading, rate, around=24)
    for name, bandwidth, spreading, rate in (
        ("ShortTurbo", 500e3, 7, 5),
        ("ShortFast", 250e3, 7, 5),
        ("ShortSlow", 250e3, 8, 5),
        ("MediumFast", 250e3, 9, 5),
        ("MediumSlow", 250e3, 10, 5),
        ("LongTurbo", 500e3, 11, 8),
        ("LongFast", 250e3, 11, 5),
        ("LongModerate", 125e3, 11, 8),
        ("LongSlow", 125e3, 12, 8),
    )
}
"""Presets of Meshtastic's firmware (``modemPresetToParams``). Its header has 16 bytes, the fields
around the payload 8; the preamble 16 symbols."""
MESHCORE = {
    name: LoRa(bandwidth, spreading, rate, around=5, block=16, inside=3)
    for name, bandwidth, spreading, rate in (
        ("narrow-eu", 62.5e3, 8, 8),
        ("narrow-us", 62.5e3, 7, 5),
        ("wide", 250e3, 10, 5),
    )
}
"""Settings that MeshCore's users have agreed on. A datagram on a channel has 2 bytes of header
without a path, 3 of channel and checksum, and is encrypted in blocks of 16 with 3 bytes of kind and
length."""
AX25 = {"1200": Ax25(1200), "9600": Ax25(9600)}
CREDIT = 50
"""Bytes that an Iridium credit pays for; begun ones count."""


@dataclass(frozen=True)
class Profile:
    """A link.

    size     : of a packet in bytes, or in characters where there is an armor
    packets  : their number unless told otherwise; 1: a file, which arrives whole or not at all
    loss     : expected fraction of lost packets
    armor    : encoding as text; None: bytes
    largest  : packets that the link takes, in bytes or characters
    modems   : ways to send by name, the first one unless told otherwise; none: time is not known
    unit     : what is counted instead: "credit", "message" or ""
    gap      : seconds from the start of a packet to that of the next, relative to its time on air:
               others have to repeat it, or want to send as well
    """

    name: str
    title: str
    size: int
    packets: int
    loss: float = 0.1
    armor: str | None = None
    largest: int = 0
    modems: Mapping[str, Modem] = field(default_factory=dict)
    unit: str = ""
    gap: float = 1.0

    def modem(self, name: str | None) -> Modem | None:
        """Return a way to send by its name, or the usual one; None if the link has none.

        Raises InputError for an unknown name.
        """
        if name is None:
            return next(iter(self.modems.values()), None)
        for known, modem in self.modems.items():
            if known.lower() == name.lower():
                return modem
        if not self.modems:
            raise InputError(f"{self.name} has no presets")
        raise InputError(f"{self.name} has no preset {name!r}; it has {', '.join(self.modems)}")


_LORA = {"LongFast": MESHTASTIC["LongFast"]} | MESHTASTIC  # The firmware's default first.
_EVERY = (
    Profile("meshtastic", "Meshtastic", 200, 8, largest=231, modems=_LORA, gap=3),
    Profile("meshcore", "MeshCore", 163, 8, largest=163, modems=MESHCORE, gap=3),
    Profile("meshcore-sar", "MeshCore SAR", 152, 8, largest=152, modems=MESHCORE, gap=3),
    Profile("ax25", "AX.25", 256, 10, largest=256, modems=AX25, gap=1.2),
    Profile("lxmf", "LXMF", 276, 1, 0.0, largest=65_536),
    Profile("sbd", "Iridium SBD", 340, 1, 0.0, largest=340, unit="credit"),
    Profile("sms", "SMS", 160, 10, armor="base64", largest=160, unit="message"),
    Profile("js8", "JS8Call", 64, 4, armor="base32", largest=64),
    Profile("serial", "Serial line", 232, 8, largest=2000),
    Profile("udp", "UDP", 400, 8, largest=1200),
)
PROFILES = {each.name: each for each in _EVERY}
"""Links by name."""


def profile(name: str) -> Profile:
    """Return a link by its name. Raises InputError for an unknown one."""
    if name not in PROFILES:
        raise InputError(f"no link {name!r}; links are {', '.join(PROFILES)}")
    return PROFILES[name]
