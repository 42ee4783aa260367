"""Which formats of pictures are read: a list of known ones; others only on request.

Pillow reads some forty formats. A few start other programs (EPS), unpack pixels before their size
is known (ICO, ICNS) or are rarely seen, so that a file that calls itself photo.png should not get
there. HEIC and JPEG XL are read if the plug-in of Pillow that knows them is installed.
"""

import importlib
from importlib.util import find_spec

from PIL import Image

from xcodec.choices import CODED, PACKET
from xcodec.errors import DependencyError, InputError

READ = (
    "PNG", "JPEG", "MPO", "TIFF", "WEBP", "GIF", "BMP", "DIB", "PPM",
    "JPEG2000", "AVIF", "HEIF", "JXL", "QOI", "TGA",
)  # fmt: skip
"""Pillow's names of the formats that are read unasked. TGA files have no mark: they come last."""
PLUGINS = {"HEIF": ("pillow_heif", "pillow-heif"), "JXL": ("pillow_jxl", "pillow-jxl-plugin")}
"""The module and the package of the plug-ins that read a format."""
STUBS = ("BUFR", "GRIB", "HDF5", "MPEG", "WMF", "XCODEC")
"""Formats that Pillow recognises but cannot read, or only by means of other programs."""
SUFFIXES = {
    "HEIF": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "JXL": (".jxl",),
    "MPO": (".mpo",),
}
"""Suffixes that Pillow does not know without a plug-in, or before it has read a file."""
HEAD = 64
"""Bytes that tell the format of a file."""
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_RAW = {".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw"}
_MARKS = {
    b"\xff\x0a": "JXL",
    b"\0\0\0\x0cJXL ": "JXL",
    b"IIRO": "a camera's raw file (ORF)",
    b"IIRS": "a camera's raw file (ORF)",
    b"MMOR": "a camera's raw file (ORF)",
    b"IIU\0": "a camera's raw file (RW2)",
    b"FUJIFILMCCD-RAW": "a camera's raw file (RAF)",
    b"FOVb": "a camera's raw file (X3F)",
    b"%PDF": "a PDF document",
    b"\x1aE\xdf\xa3": "a video (Matroska)",
}
_BRANDS = {
    b"crx ": "a camera's raw file (CR3)",
    **dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V "), "a video (MP4)"),
    b"qt  ": "a video (QuickTime)",
    b"3gp4": "a video (3GP)",
    b"3gp5": "a video (3GP)",
}
DEVELOP = "develop it first, to TIFF for example"


def kinds(head: bytes, asked: str | None = None, others: bool = False) -> list[str]:
    """Return the formats, by Pillow's names, as which a file may be opened.

    head   : its first bytes
    asked  : the format that was asked for, in any spelling; None: every format in READ
    others : whether every format in READ counts besides

    Raises InputError if there is no such format, or if a file is of a kind that is not read, and
    DependencyError if a plug-in is missing.
    """
    wanted = READ if asked is None else (kind_called(asked),)
    if asked is None or others:
        wanted, needed = tuple(dict.fromkeys((*wanted, *READ))), mark(head)
    else:
        needed = wanted[0]
    if needed in PLUGINS:
        _register(needed)
    Image.preinit()
    if not any(_accepts(kind, head) for kind in wanted):
        Image.init()
    other = (asked is None or others) and _other(head)
    return [kind for kind in wanted if kind in Image.OPEN and not (kind == "TGA" and other)]


def kind_called(name: str) -> str:
    """Return Pillow's name of a format that is called, say, "tiff", "tif" or ".TIF".

    Raises InputError if none that can be read is called that.
    """
    Image.init()
    wanted = name.upper().removeprefix(".")
    suffix = f".{wanted.lower()}"
    others = {each: kind for kind, every in SUFFIXES.items() for each in every}
    known = {**Image.registered_extensions(), **others}
    if wanted not in Image.OPEN and wanted not in PLUGINS:
        wanted = known.get(suffix, "")
    if wanted == "MPO":
        wanted = "JPEG"  # Pillow opens them as JPEG files, and finds the other pictures then.
    refused = {*STUBS, Image.registered_extensions().get(CODED)}  # Ours is decoded, not loaded.
    if wanted in refused or (wanted not in Image.OPEN and wanted not in PLUGINS):
        every = sorted(({*Image.OPEN} | {*PLUGINS}) - refused)
        raise InputError(f"format is {name!r}; it must be one of {', '.join(every)}")
    return wanted


def mark(head: bytes) -> str | None:
    """Return "HEIF" or "JXL", or what a file is that xcodec does not read; None if unknown.

    Pillow's own formats are not recognised here.
    """
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, len(head) - 3, 4))]
        if any(brand in (b"avif", b"avis") for brand in brands):
            return None
        if brands[0] in _HEIC:
            return "HEIF"
        return _BRANDS.get(brands[0])
    if head[8:10] == b"CR" and head[:4] == b"II*\0":
        return "a camera's raw file (CR2)"
    return next((kind for start, kind in _MARKS.items() if head.startswith(start)), None)


def refused(head: bytes) -> str:
    """Say why a file cannot be opened: what it is, and what can be done about it."""
    found = mark(head)
    if found and "raw" in found:
        return f"{found}: {DEVELOP}"
    if found and found not in PLUGINS:
        return f"{found}, not a picture"
    kind = _other(head)
    if kind is not None:
        return f"{kind} files are read on request only: --format {kind.lower()}"
    return "not a picture of a known format"


def suffixes(asked: str | None = None) -> set[str]:
    """Return the suffixes, in lower case, of files that can be read here.

    asked : a format; None: every format in READ

    Raises InputError if there is no such format.
    """
    wanted = READ if asked is None else (kind_called(asked),)
    Image.init()
    found = {suffix for suffix, kind in Image.registered_extensions().items() if kind in wanted}
    for kind, more in SUFFIXES.items():
        if kind in wanted or (kind == "MPO" and "JPEG" in wanted):
            found |= set(more)
        if kind in PLUGINS and not installed(kind):
            found -= set(more)
    return found - {CODED, PACKET}


def advice(suffix: str) -> str:
    """Say what makes files with a suffix readable, if anything does."""
    suffix = suffix.lower()
    for kind, (_, package) in PLUGINS.items():
        if suffix in SUFFIXES[kind] and not installed(kind):
            return f"pip install {package}"
    if suffix in _RAW:
        return "raw: develop them first"
    kind = Image.registered_extensions().get(suffix, "")
    if kind in Image.OPEN and kind not in READ and kind not in STUBS:
        return f"--format {kind.lower()}"
    return ""


def installed(kind: str) -> bool:
    """Whether the plug-in of a format is installed."""
    return find_spec(PLUGINS[kind][0]) is not None


def _register(kind: str) -> None:
    """Make a plug-in known to Pillow. Raises DependencyError if it is not installed."""
    module, package = PLUGINS[kind]
    try:
        plugin = importlib.import_module(module)
    except ImportError as error:
        name = {"HEIF": "a HEIC picture", "JXL": "a JPEG XL picture"}[kind]
        raise DependencyError(f"{name}: to read it, pip install {package}") from error
    if kind == "HEIF" and kind not in Image.OPEN:
        plugin.register_heif_opener()


def _other(head: bytes) -> str | None:
    """Return the format of a file that is read on request only, by its first bytes."""
    if head.startswith(b"\0\0\2\0") and head[17:18] and head[16] in (8, 16, 24, 32):
        return None  # TGA files of colours begin like cursors.
    Image.init()
    every = (kind for kind in Image.ID if kind not in READ and kind not in STUBS)
    return next((kind for kind in every if _accepts(kind, head)), None)


def _accepts(kind: str, head: bytes) -> bool:
    """Whether Pillow takes a file for one of this format by its first bytes."""
    accept = Image.OPEN[kind][1] if kind in Image.OPEN else None
    if accept is None:
        return False
    try:
        return accept(head[:16]) is True
    except Exception:  # The head may be too short for the test.
        return False
