"""What a sender has: the packets of a picture in a folder, and which of them went out.

So a sender that was interrupted goes on where it stopped, and more packets can be made later.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xcodec.choices import JOURNAL, PACKET
from xcodec.coding import packets
from xcodec.decoder import reading
from xcodec.errors import FormatError, InputError
from xcodec.links import packet_files
from xcodec.system import files


class Outbox:
    """The packets of a picture, and a journal.

    folder : where they are kept; None: nowhere
    data   : packets by index
    sent   : indices of those that went out
    """

    def __init__(self, data: Sequence[bytes], folder: Path | None = None) -> None:
        """Begin with packets of one picture.

        Raises FormatError if one of them is damaged, and InputError if they are of several
        pictures.
        """
        parsed = [packets.parse(each) for each in data]
        if len({packet.picture for packet in parsed}) > 1:
            raise InputError("these are packets of several pictures: send one at a time")
        self.data = {packet.index: each for packet, each in zip(parsed, data, strict=True)}
        self.picture = parsed[0].picture[1:3]
        self._name = parsed[0].picture.hex()
        self.folder = folder
        self.sent: list[int] = []

    @classmethod
    def opened(cls, folder: Path) -> "Outbox":
        """Go on with a folder of packets, and its journal if it has one of this picture.

        Raises InputError if there is no packet in it.
        """
        outbox = cls(packet_files.gather([str(folder)]), folder)
        with suppress(Exception):  # Anyone may have changed it; at worst packets go out again.
            noted = json.loads((folder / JOURNAL).read_text())
            if noted["picture"] == outbox._name:
                outbox.sent = [index for index in noted["sent"] if index in outbox.data]
        return outbox

    @property
    def left(self) -> list[int]:
        """Indices of the packets that did not go out yet."""
        return [index for index in sorted(self.data) if index not in set(self.sent)]

    def note(self, index: int) -> None:
        """Note that a packet went out."""
        self.sent.append(index)
        self._write_journal()

    def forget(self) -> None:
        """Forget what went out: to send everything again."""
        self.sent = []
        self._write_journal()

    def more(self, count: int) -> list[int]:
        """Make more packets of the picture; returns their indices.

        Raises InputError if that is not possible.
        """
        made = packets.further(list(self.data.values()), count, reading.LIMITS)
        indices = []
        for each in made:
            index = packets.parse(each).index
            self.data[index] = each
            indices.append(index)
            if self.folder is not None:
                files.write_atomic(self.folder / f"{index:03d}{PACKET}", each, True)
        return indices

    def _write_journal(self) -> None:
        if self.folder is not None:
            text = json.dumps({"picture": self._name, "sent": self.sent}) + "\n"
            files.write_atomic(self.folder / JOURNAL, text.encode(), True)


def is_packets(data: Sequence[bytes]) -> bool:
    """Return whether all of these are packets."""
    try:
        return bool(data) and all(packets.parse(each) for each in data)
    except FormatError:
        return False
