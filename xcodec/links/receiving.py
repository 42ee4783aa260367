"""Decoding packets as they arrive, in any order, with any number of them lost."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from xcodec.coding import embedded, packets
from xcodec.coding.embedded import KnownBits
from xcodec.coding.header import version_of
from xcodec.coding.lifting import Hierarchy, Lifting, hierarchy
from xcodec.coding.packets import Packet
from xcodec.coding.ranges import Restored
from xcodec.decoder import drawing, inspection, reading
from xcodec.errors import FormatError, LimitError
from xcodec.links import arrivals, packet_files, prefixes
from xcodec.links.arrivals import Arrival
from xcodec.links.inbox import largest
from xcodec.options import DecodeOptions
from xcodec.pictures import scaling
from xcodec.pictures.modes import to_image
from xcodec.sampling.mask import FREE_SAMPLES, MAX_SAMPLES, points_from_density
from xcodec.system import files
from xcodec.types import MAX_PIXELS, RGB, Density, Floats, Points, Samples

OPTIONS = (
    *("decoder", "model", "device", "max_pixels", "original_size"),
    *("partial", "strip", "jobs"),
)
"""The fields of DecodeOptions that apply to packets, or have no effect on them."""
BLOCK = 128
"""Side of a density block in pixels; any would do, since density is uniform."""


def is_packet(data: bytes) -> bool:
    """Whether bytes are an undamaged packet, not a .xgc file."""
    return packets.sound(data) and version_of(data[:3]) is None


def read(names: Sequence[str]) -> tuple[bytes, list[bytes]]:
    """Read what names stand for: packets, unchecked if they are files of such; or the bytes of a
    file that holds none, and no packet.

    Raises what ``packet_files.gather`` and ``files.read`` raise.
    """
    if packet_files.are_packets(names):
        return b"", packet_files.gather(names)
    data = files.read(names[0])
    return data, [each for each in packet_files.split(data) if is_packet(each)]


def needed(data: list[bytes]) -> int:
    """How many packets of a complete set are enough for the whole picture."""
    return packets.restored(map(packets.parse, data), reading.LIMITS).needed


def facts(data: list[bytes]) -> dict[str, Any]:
    """Return what is known of the picture that most packets belong to.

    Raises FormatError if there is no undamaged packet.
    """
    collection = Collection()
    for each in data:
        collection.add(each)
    restored = collection.restored()
    parameters = restored.parameters
    return {
        "version": packets.VERSION,
        "width": restored.width,
        "height": restored.height,
        "original": None if parameters is None else parameters.original,
        "model": None if parameters is None else inspection.model_name(parameters.model, False),
        "have": collection.have,
        "needed": restored.needed,
        "complete": restored.complete,
        "bytes": collection.bytes,
    }


@dataclass(frozen=True)
class Received:
    """A picture as far as its packets have arrived.

    image   : Pillow image
    packets : number of different packets of the picture so far
    needed  : number of packets that gives a better picture; None if it is complete
    damaged : number of packets with a wrong checksum, left out
    strays  : number of packets of other pictures, left out
    """

    image: Image.Image
    packets: int
    needed: int | None
    damaged: int
    strays: int

    def text(self) -> str:
        """The progress as a line of text."""
        return arrivals.progress(self.packets, self.needed)


def decode_packets(
    received: Iterable[bytes],
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    original_size: bool = False,
) -> Image.Image:
    """Decode the best picture that packets allow, in any order, whichever of them arrived.

    received : bytes of packets; damaged ones are left out with a warning, and if there are several
               pictures, the one with the most packets is decoded
    decoder, model, device, max_pixels, original_size : as in ``DecodeOptions``

    Raises FormatError if every packet is damaged, and what ``decode`` raises.
    """
    options = DecodeOptions(
        decoder, model, device, max_pixels=max_pixels, original_size=original_size
    )
    return picture_of(received, options, stacklevel=3)


def picture_of(
    received: Iterable[bytes], options: DecodeOptions, stacklevel: int = 2
) -> Image.Image:
    """``decode_packets`` for a ``DecodeOptions`` object.

    stacklevel : of the warning, as in ``warnings.warn``

    Raises ConflictError for options that do not apply to packets.
    """
    options.only(OPTIONS, "packets")
    collection = Collection()
    for data in received:
        collection.add(data)
    image = collection.picture(options).image
    if message := collection.left_out():
        warnings.warn(message, stacklevel=stacklevel)
    return image


def receive(
    arriving: Iterable[bytes],
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    original_size: bool = False,
) -> Iterator[Received]:
    """Decode packets as they arrive: yield a picture for each packet that improves it.

    arriving : bytes of packets, from a socket for example; damaged ones are left out
    decoder, model, device, max_pixels, original_size : as in ``DecodeOptions``

    Raises what ``decode`` raises.
    """
    options = DecodeOptions(
        decoder, model, device, max_pixels=max_pixels, original_size=original_size
    )
    collection = Collection()
    for data in arriving:
        if collection.add(data) and collection.grew():
            yield collection.picture(options)


class Collection:
    """The packets received so far, and the picture that they give."""

    def __init__(self) -> None:
        self._alike: dict[bytes, dict[bytes, Packet]] = {}  # By header, then by their bytes.
        self._best: Arrival | None = None
        self._damaged = 0
        self._error = FormatError("no packet received")
        self._known: Restored | None = None

    def add(self, data: bytes) -> bool:
        """Add the bytes of a packet; returns whether it is undamaged and new."""
        try:
            packet = packets.parse(data)
            packets.restored([packet], reading.LIMITS)  # Its checksum may be right by chance.
        except FormatError as error:
            self._damaged += 1
            self._error = error
            return False
        alike = self._alike.setdefault(packet.picture, {})
        if data in alike:
            return False
        alike[data] = packet
        self._best = None
        return True

    def grew(self) -> bool:
        """Whether, since the last call, the picture improved or another one has most packets."""
        before, self._known = self._known, self.restored() if self._alike else None
        return self._known != before

    @property
    def have(self) -> int:
        """Number of different packets of the picture that has most of them."""
        return self._found().have if self._alike else 0

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(map(len, self._found().data)) if self._alike else 0

    @property
    def _strays(self) -> int:
        """Number of packets of other pictures."""
        return sum(map(len, self._alike.values())) - self.have

    def left_out(self) -> str:
        """What was left out as a line of text; empty if nothing was."""
        parts = [f"{self._damaged} damaged"] if self._damaged else []
        parts += [f"{self._strays} of other pictures"] if self._strays else []
        return f"packets left out: {', '.join(parts)}" if parts else ""

    def _found(self) -> Arrival:
        """The picture that has most packets. Raises FormatError if there is no undamaged one."""
        if not self._alike:
            raise self._error
        if self._best is None:
            self._best = largest(max(self._alike.values(), key=len))
        return self._best

    def restored(self) -> Restored:
        """What the packets so far restore.

        Raises FormatError if there is no undamaged packet.
        """
        return self._found().restored

    def picture(self, options: DecodeOptions) -> Received:
        """Decode the picture so far.

        options : as in ``decode_packets``

        Raises FormatError if there is no undamaged packet, and what ``decode`` raises.
        """
        best = self._found()
        return Received(
            image_of(best.restored, len(best.data[0]), options),
            best.have,
            None if best.complete else best.needed,
            self._damaged,
            self._strays,
        )


def image_of(restored: Restored, length: int, options: DecodeOptions) -> Image.Image:
    """Decode the picture that packets give.

    length : size of a packet in bytes

    Raises what ``decode`` raises.
    """
    check_size(restored, options.max_pixels)
    rgb = _drawn(restored, length, options)
    original = None if restored.parameters is None else restored.parameters.original
    if options.original_size and original is not None:
        rgb = scaling.enlarged(rgb, scaling.allowed(original, options.max_pixels))
    return to_image(rgb)


def check_size(restored: Restored, max_pixels: int) -> None:
    """Raise LimitError if a picture has more than ``max_pixels``."""
    if restored.width * restored.height > max_pixels:
        raise LimitError(
            f"{restored.width}x{restored.height} pixels, more than the {max_pixels} allowed: "
            "--max-pixels raises the limit"
        )


def _drawn(restored: Restored, length: int, options: DecodeOptions) -> RGB | Floats:
    """The picture that packets give, RGB (height, width, 3); grey if the parameters are unknown.

    length : size of a packet in bytes
    """
    if restored.parameters is None:
        return np.full((restored.height, restored.width, 3), prefixes.GREY, np.uint8)
    if not restored.stream:  # One colour everywhere: a network could only add errors.
        options = DecodeOptions("classical")
    elif options.needs_model:
        options = replace(options, model=inspection.model_name(restored.parameters.model))
    return drawing.reconstructed(samples_in(restored, length), options)


def samples_in(restored: Restored, length: int) -> Samples:
    """The samples that packets give; without a stream, those of the mean colour.

    Arguments and errors are those of ``symbols_in``.
    """
    parameters = restored.parameters
    assert parameters is not None
    points, tree, known = symbols_in(restored, length)
    transform = Lifting(points, tree)
    return prefixes.samples_of(known, points, tree, transform, parameters.step, parameters.colour)


def symbols_in(restored: Restored, length: int) -> tuple[Points, Hierarchy, KnownBits]:
    """The points of a picture, their hierarchy, and the symbols that packets give.

    restored : with parameters
    length : size of a packet in bytes, which limits the number of samples

    Raises LimitError if there are more samples than that, FormatError if there is none.
    """
    parameters = restored.parameters
    assert parameters is not None
    zeros = np.zeros((-(-restored.height // BLOCK), -(-restored.width // BLOCK)), np.int64)
    points = points_from_density(
        Density(zeros, BLOCK, parameters.scale),
        restored.height,
        restored.width,
        most=min(MAX_SAMPLES, FREE_SAMPLES + packets.SAMPLES_PER_PACKET_BYTE * length),
    )
    if not len(points):
        raise FormatError("damaged: the packets hold no sample")
    tree = hierarchy(points)
    return points, tree, embedded.read(restored.stream, tree, len(points), parameters.stages)
