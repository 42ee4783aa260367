"""Text as it arrives: wrapped, quoted, indented, with words, prefixes and other alphabets around.

It is brought into a few forms, *views*, in which the digits of a packet follow one another.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.links import armor


@dataclass(frozen=True)
class View:
    """Bytes, or digits of an armor, in which packets are looked for.

    values : uint8 (n,), bytes or digits; anything where ``broken``
    broken : bool (n,), no packet goes across such a place
    marks  : uint8 (n + 1,), for the place before each value and that after the last one: 1 if a
             line ends there, 2 if something ends there or begins, surely; otherwise 0
    armor  : its name; empty for bytes
    """

    values: NDArray[np.uint8]
    broken: NDArray[np.bool_]
    marks: NDArray[np.uint8]
    armor: str = ""


NEWLINE, NO_CHARACTER = "\n", "\x7f"
NOTHING = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Characters without width: soft hyphen, joiners, directions, the byte-order mark."""
ENDS = re.compile("\r+\n?|[\v\f\x85\u2028\u2029]")
"""Ends of lines other than a newline. Some gateways make CR CR LF of CR LF."""
SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
OTHERS = re.compile("[^\x00-\x7f]")
SIGN = "[A-Za-z0-9+/]"
PREFIX = re.compile(
    rf"(?m)^(?:{SIGN}{{0,23}}[^A-Za-z0-9+/\n]){{1,40}}(?<=[:>\])|])(?=[^A-Za-z0-9+/\n]*{SIGN})"
)
"""Short words at the beginning of a line, up to the last sign that ends names, times, calls or
quotation marks. No word is as long as a packet's pieces mostly are."""
INDENT = re.compile(r"(?m)^[^A-Za-z0-9+/\n]+")
TAIL = re.compile(r"(?m)(?<=[A-Za-z0-9+/])[=\x7f\"'>]+ ?$")
"""Signs behind a line: padding, the ``=`` of a broken line in quoted-printable, quotation marks."""
QUOTE = re.compile(r"(?m)^(?:>+ |\| )*[>|]*$|^(?:>+ |\| )+")
"""Quotation marks of mail, with spaces, or alone in a line."""
TIGHT = re.compile(r"(?m)^[>|]+ ?(?=[^ >\n])")
"""Those without."""
CALL = re.compile(r"(?m)^[A-Z0-9]{3,7}(?:-[A-Z0-9]{1,2})?>[A-Z0-9,*-]{2,80}:(?::[^:\n]{1,9}:)?")
"""``CALL>TO,VIA:`` and ``CALL>TO,VIA::ADDRESSEE:``, as amateur radio's monitors print packets."""
NAME = re.compile(r"(?m)^(?:[^ \n]{1,24} ){0,7}[^ \n]{0,24}[:>\])|] ")
OPENING, CLOSING = np.frombuffer(b"\"'(<[{", np.uint8), np.frombuffer(b"\"')>]},.;", np.uint8)
"""Marks that may stand before and behind a packet, and are digits of Ascii85, too."""
CODED = re.compile(r"=(?:\n|[0-9A-F]{2})")
"""What quoted-printable has: ends of lines that are none, and bytes as numbers."""
SLACK = 2
"""Characters that a wrapped line may be longer than the one before: that may have lost a quotation
mark and a space."""


def encoding_of(data: bytes) -> str:
    """The encoding of a text by its byte-order mark, or by its zero bytes: UTF-16, else UTF-8."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return name
    head = data[: 1 << 12]
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[place::2].count(0) > 0.4 * len(head) > head[1 - place :: 2].count(0) * 10:
            return name
    return "utf-8"


def views(data: bytes, encoding: str) -> Iterator[View]:
    """The views of a text that may hold packets, for each armor."""
    text = _plain(data.decode(encoding, "replace"))
    unquoted = QUOTE.sub("", text)
    texts, forms = [text], [text, unquoted, NAME.sub("", CALL.sub("", unquoted))]
    if TIGHT.search(unquoted):
        forms.append(TIGHT.sub("", text))
    if CODED.search(text):
        for each in (text, unquoted):
            undone = _plain(binascii.a2b_qp(each.encode("ascii")).decode("utf-8", "replace"))
            texts, forms = [*texts, undone], [*forms, undone]
    bare = [TAIL.sub("", INDENT.sub("", PREFIX.sub("", each))) for each in texts]
    for name, those in (("base64", bare), ("base32", bare), ("ascii85", forms)):
        for form in dict.fromkeys(those):
            view = _view(form.encode("ascii"), name)
            if len(view.values) >= armor.shortest(name):
                yield view


def _plain(text: str) -> str:
    """A text in ASCII, its lines without spaces around them, its spaces single."""
    text = SPACES.sub(" ", ENDS.sub(NEWLINE, NOTHING.sub("", text))).strip(" ")
    return OTHERS.sub(NO_CHARACTER, text.replace(" \n", NEWLINE).replace("\n ", NEWLINE))


def _view(text: bytes, name: str) -> View:
    """The digits of a text, without runs that are too short for a packet."""
    codes = armor.spelled(text, name)
    newline = codes == ord(NEWLINE)
    values = armor.digits(codes[~newline], name)
    broken = values == armor.BREAK
    lengths = np.diff(np.flatnonzero(np.append(broken, True)), prepend=-1)
    long = lengths > armor.shortest(name)
    if not long.any():
        return View(values[:0], broken[:0], np.zeros(1, np.uint8), name)
    values[broken] = 0
    marks = np.zeros(len(values) + 1, np.uint8)
    gaps = np.cumsum(~newline)[newline]
    np.maximum.at(marks, gaps, _line_marks(text, gaps, broken))
    marks[:-1][broken] = 2
    marks[1:][broken] = 2
    marks[[0, -1]] = 2
    if name == "ascii85":
        _mark_punctuation(codes[~newline], marks)
    values, broken = np.append(values, np.uint8(0)), np.append(broken, True)
    kept = np.repeat(long, lengths)
    return View(values[kept], broken[kept], np.append(marks[kept], np.uint8(2)), name)


def _mark_punctuation(codes: NDArray[np.uint8], marks: NDArray[np.uint8]) -> None:
    """Mark, with 1, what is within quotation marks and brackets, or before a full stop."""
    there = marks > 0
    opened = there[:-1] & np.isin(codes, OPENING)
    closed = there[1:] & np.isin(codes, CLOSING)
    marks[1:][opened] = np.maximum(marks[1:][opened], 1)
    marks[:-1][closed] = np.maximum(marks[:-1][closed], 1)


def _line_marks(
    text: bytes, gaps: NDArray[np.int64], broken: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The mark of each newline: 1 if a line is probably just wrapped there, otherwise 2.

    gaps   : how many digits come before each newline
    broken : for each character but newlines

    Wrapped text has lines of equal width and then a shorter one, of digits alone.
    """
    newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == ord(NEWLINE))
    widths = np.diff(newlines, prepend=-1, append=len(text)) - 1
    sums = np.concatenate([[0], np.cumsum(broken)])
    breaks = np.diff(sums[np.concatenate([[0], gaps, [len(broken)]])])
    bare = (breaks == 0) & (widths > 0)
    wrapped = bare[:-1] & bare[1:] & (widths[:-1] + SLACK >= widths[1:])
    return np.where(wrapped, 1, 2).astype(np.uint8)
