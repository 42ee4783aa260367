"""Texts and streams with packets in them, altered as mail, chats and radio links alter them."""

import quopri
import random
from collections.abc import Sequence
from dataclasses import dataclass

from xcodec.coding.packets import bundle
from xcodec.links import armor

HEADERS = (
    "From: Anna Müller <anna@example.org>\nTo: me@example.org\nSubject: a picture\n"
    "Content-Type: text/plain; charset=utf-8; format=flowed\n\n",
    "Hello Bob,\nhere are the packets (6 of them):\n\n",
    "On Mon, 3 Mar 2025 at 10:11, Anna <anna@example.org> wrote:\n",
    "-----BEGIN PICTURE-----\n",
    "",
)
FOOTERS = (
    "\n-- \nAnna Müller\nhttps://example.org/anna\n",
    "\nSent from my phone\n",
    "\n_______________________________________________\nlist mailing list\nlist@example.org\n",
    "-----END PICTURE-----\n",
    "Thanks!\n",
    "",
)
BETWEEN = ("", "", "", "\n", "next one:\n", "[image]\n", "73 de DL1ABC\n", "... and then this\n")
QUOTES = ("", "", "> ", ">> ", "> > ", "| ", "  ", "\t", "    > ", "\u00a0\u00a0")
PREFIXES = (
    "AB1CD>APRS:",
    "AB1CD-11>APRS,WIDE1-1,WIDE2-2::BLN1     :",
    "Anna: ",
    "Anna Müller: ",
    "[12:34] Anna: ",
    "[03.04.25, 12:34:56] Anna: ",
    "<anna> ",
    "12:34 <anna> ",
    "01/02/25, 12:34 - Anna: ",
)
INVISIBLE = ("\u200b", "\ufeff", "\u00ad", "\u2060")
ACCENTS = "éüñß€"


@dataclass(frozen=True)
class Mangled:
    """A text as it arrives, and the packets in it that are intact."""

    data: bytes
    intact: list[bytes]
    how: str


def mangled(packets: Sequence[bytes], rng: random.Random) -> Mangled:
    """Packets as text that was altered on its way, each time in other ways."""
    name = rng.choice(list(armor.ARMORS))
    style = rng.choice(["lines", "wrapped", "prefixed", "quoted-printable", "in one line"])
    padded = name != "ascii85" and rng.random() < 0.2
    marks = rng.choice(
        [("", ""), ("", ""), ("“", "”"), ("„", "“"), ("«", "»"), ("'", "'"), ("<", ">")]
    )
    case = rng.choice([str, str.lower, str.upper]) if name == "base32" else str
    width, quote = rng.randint(7, 100), rng.choice(QUOTES)
    prefix = rng.choice(PREFIXES) if style == "prefixed" else ""
    split_prefixed = prefix.endswith(" ") and rng.random() < 0.3
    if split_prefixed or style in ("wrapped", "quoted-printable"):
        marks = "", ""
    intact, body = [], []
    for packet in packets:
        line = case(armor.line(packet, name).decode())
        if padded:
            line += "=" * (-len(line) % (4 if name == "base64" else 8))
        if rng.random() < 0.15:
            at = rng.randrange(len(line))
            line = line[:at] + rng.choice(ACCENTS) + line[at + 1 :]
        else:
            intact.append(packet)
        if rng.random() < 0.2:
            at = rng.randrange(len(line))
            line = line[:at] + rng.choice(INVISIBLE) + line[at:]
        line = marks[0] + line + marks[1]
        if style == "wrapped" or split_prefixed:
            parts = [line[at : at + width] for at in range(0, len(line), width)]
        elif style == "quoted-printable":
            parts = quopri.encodestring(line.encode()).decode("ascii").splitlines()
        else:
            parts = [line]
        trailing = " " * rng.choice([0, 0, 0, 2]) if style != "quoted-printable" else ""
        body.append("".join(f"{quote}{prefix}{part}{trailing}\n" for part in parts))
        if style == "in one line":
            body[-1] = line
        elif style != "quoted-printable":
            body[-1] += rng.choice(BETWEEN)
    text = (" " if style == "in one line" else "").join(body)
    if style == "in one line":
        text += "\n"
    text = rng.choice(HEADERS) + text + rng.choice(FOOTERS)
    text = text.replace("\n", rng.choice(["\n", "\r\n", "\r", "\r\r\n"]))
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
    how = f"{name} {style} {width=} {quote=} {prefix=} {padded=} {marks=} {encoding}"
    return Mangled(text.encode(encoding), intact, how)


def framed(packets: Sequence[bytes], rng: random.Random) -> Mangled:
    """Packets in a stream of bytes, with noise between frames."""

    def noise() -> bytes:
        return rng.randbytes(rng.randrange(300))

    style = rng.choice(["bundle", "KISS", "KISS, AX.25", "SLIP", "AX.25"])
    header = _call("APRS", 0, False) + _call("AB1CD", 11, True) + b"\x03\xf0"
    if style == "AX.25":
        packets = packets[:1]
        data = header + packets[0] + rng.choice([b"", rng.randbytes(2)])
    elif style == "bundle":
        data = noise() + bundle(packets) + noise()
    else:
        before = {"KISS": b"\0", "KISS, AX.25": b"\0" + header, "SLIP": b""}[style]
        data = b"".join(noise() + _escaped(before + packet) for packet in packets) + noise()
    return Mangled(data, list(packets), style)


def _escaped(frame: bytes) -> bytes:
    return b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def _call(name: str, number: int, last: bool) -> bytes:
    """A call sign in an address of AX.25."""
    return bytes(code << 1 for code in name.ljust(6).encode()) + bytes([0x60 | number << 1 | last])
