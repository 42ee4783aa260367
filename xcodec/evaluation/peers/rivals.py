"""The peers of ``bench rd``: the settings of a codec that each count where they are best.

A *whole file* is what a program writes. A *payload* is its coded pixels alone: no file can do
without headers, but a link whose two ends agreed on them could.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xcodec.errors import InputError
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.codecs import PAYLOAD, WITH_SETS, Codec

BEST_FILE, BEST_PAYLOAD = "best file", "best payload"


@dataclass(frozen=True)
class Rival:
    """A peer.

    name   : its name in options and records
    title  : its name for readers
    codecs : names of its settings in ``codecs.CODECS``, the first one for readers of plots
    part   : what of a file counts, of ``Codec.counts``; "": the whole file
    """

    name: str
    title: str
    codecs: tuple[str, ...]
    part: str = ""

    @property
    def settings(self) -> list[Codec]:
        """Its settings. Raises InputError or DependencyError if a codec is missing."""
        return codecs.codecs(self.codecs)

    @property
    def recordable(self) -> bool:
        """Whether recorded points can stand for it."""
        return self.codecs == ("vvc",)


_AVIF = tuple(f"avif-{tune}" for tune in codecs.AVIF_TUNES)
_HEIC = tuple(f"heic-{tune}" for tune in codecs.HEIC_TUNES)
RIVALS = {
    rival.name: rival
    for rival in (
        *(
            Rival(name, codecs.CODECS[name].title, (name,))
            for name in ("jpeg", "mozjpeg", "jpeg2000", codecs.DEFAULT_2000, "webp")
        ),
        Rival("avif", "AVIF", _AVIF),
        Rival("av1", "AV1, payload alone", _AVIF, PAYLOAD),
        Rival("jpegxl", "JPEG XL", ("jpegxl",)),
        Rival("heic", "HEIC", _HEIC),
        Rival("hevc", "HEVC, payload alone", _HEIC, PAYLOAD),
        Rival("vvc-sets", "VVC with parameter sets", ("vvc",), WITH_SETS),
        Rival("vvc", "VVC, slices alone", ("vvc",), PAYLOAD),
    )
}
BEST = {
    BEST_FILE: ("jpeg", "jpeg2000", "webp", "avif", "jpegxl", "heic"),
    BEST_PAYLOAD: ("av1", "hevc", "vvc"),
}
"""The peers of which each picture's best counts, in records and published tables."""


def rivals(names: Iterable[str] | None = None, recorded: bool = False) -> list[Rival]:
    """Return the peers of these names; by default all whose codecs are installed.

    recorded : whether there are recorded points, which stand for peers that need programs

    Raises InputError for an unknown name or if a codec is missing, DependencyError if its plug-in
    is not installed.
    """
    if names is None:
        return [
            rival
            for rival in RIVALS.values()
            if rival.name != codecs.DEFAULT_2000
            and ((recorded and rival.recordable) or codecs.CODECS[rival.codecs[0]].installed)
        ]
    chosen = []
    for name in names:
        if name not in RIVALS:
            raise InputError(f"no codec {name!r}: codecs are {', '.join(RIVALS)}")
        rival = RIVALS[name]
        if not (recorded and rival.recordable):
            codecs.codecs(rival.codecs)
        chosen.append(rival)
    return chosen
