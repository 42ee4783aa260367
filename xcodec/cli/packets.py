"""Packets, for ``xcodec encode``."""

from typing import TYPE_CHECKING, NamedTuple

from xcodec.cli.common import How, Written, beside

if TYPE_CHECKING:
    from xcodec.options import EncodeOptions
    from xcodec.pictures.opening import Reading


class Link(NamedTuple):
    """The options that describe packets and their link.

    packet_size : None where no packets are asked for
    """

    packet_size: int | None
    packets: int | None
    loss: float | None
    armor: str | None

    def output(self, source: str) -> str:
        """The default output for the packets of a picture."""
        return beside(source, ".txt", "packets") if self.armor else beside(source, ".packets")


def write(
    source: str,
    output: str,
    options: "EncodeOptions",
    reading: "Reading",
    link: Link,
    how: How,
) -> Written:
    """Write the packets of a picture: into a folder, as a bundle to standard output, or as lines of
    text."""
    from xcodec.coding.packets import bundle
    from xcodec.links import armor, packet_files, receiving, sending
    from xcodec.pictures import loading
    from xcodec.system import files

    assert link.packet_size is not None
    options.only(sending.OPTIONS, "packets")
    in_folder = link.armor is None and output != "-"
    if in_folder:
        packet_files.check_folder(output, how.force)
    else:
        files.check_target(output, how.force)
    size = link.packet_size
    if link.armor:
        size = armor.carried(size, link.armor)
    loss = sending.LOSS if link.loss is None else link.loss
    picture = loading.read(source, reading)
    packets = sending.packets_of(picture, size, link.packets, loss, options)
    if in_folder:
        packet_files.save(output, packets, how.force)
    elif link.armor:
        files.write(output, armor.lines(packets, link.armor), how.force)
    else:
        files.write(output, bundle(packets), how.force)
    count, largest, total = len(packets), len(packets[0]), sum(map(len, packets))
    needed = receiving.needed(packets)
    facts = {"packets": count, "bytes": total, "largest": largest, "needed": needed}
    enough = "any one gives" if needed == 1 else f"any {needed} give"
    text = (
        f"{output}: {count} packet{'s' if count > 1 else ''} of {largest} bytes, {total} in all; "
        f"{enough} the whole picture"
    )
    return Written(output, text, facts)
