"""What a sender has: the packets of a picture in a folder, and which of them went out.

So a sender that was interrupted goes on where it stopped, and more packets can be made later.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xcodec.choices import JOURNAL
from xcodec.coding import packets
from xcodec.decoder import reading
from xcodec.errors import FormatError, InputError
from xcodec.links import packet_files
from xcodec.links.pacing import HOUR
from xcodec.system import files


class Outbox:
    """The packets of a picture, and a journal.

    folder : where they are kept; None: nowhere
    data   : packets by index
    sent   : indices of those that went out
    on_air : when packets went out in the last hour, in seconds since 1970, and their time on air
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
        self.on_air: list[tuple[float, float]] = []

    @classmethod
    def opened(cls, folder: Path) -> "Outbox":
        """Go on with a folder of packets, and its journal if it has one of this picture.

        Raises InputError if there is no packet in it.
        """
        outbox = cls(packet_files.gather([str(folder)]), folder)
        with suppress(Exception):  # Anyone may have changed it; at worst packets go out again.
            noted = json.loads((folder / JOURNAL).read_text("utf-8"))
            if noted["picture"] == outbox._name:
                on_air = [(float(at), float(airtime)) for at, airtime in noted["on_air"]]
                outbox.sent = [index for index in noted["sent"] if index in outbox.data]
                outbox.on_air = on_air
        return outbox

    @property
    def left(self) -> list[int]:
        """Indices of the packets that did not go out yet."""
        return [index for index in sorted(self.data) if index not in set(self.sent)]

    def note(self, index: int, airtime: float = 0.0) -> None:
        """Note that a packet went out just now.

        airtime : its seconds on air
        """
        self.sent.append(index)
        if airtime:
            self.on_air.append((time.time(), airtime))
        self._write_journal()

    def recent(self) -> list[tuple[float, float]]:
        """How many seconds ago packets went out that count for a duty cycle, and their seconds on
        air."""
        now = time.time()
        # Beyond an hour in the future, a clock was wrong.
        self.on_air = [each for each in self.on_air if abs(now - each[0]) < HOUR + each[1]]
        return [(max(now - at, 0.0), airtime) for at, airtime in self.on_air]

    def forget(self) -> None:
        """Forget which packets went out, not when: to send everything again."""
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
                files.write_atomic(self.folder / packet_files.named(index), each, True)
        return indices

    def _write_journal(self) -> None:
        if self.folder is not None:
            self.recent()
            noted = {"picture": self._name, "sent": self.sent, "on_air": self.on_air}
            files.write_atomic(self.folder / JOURNAL, f"{json.dumps(noted)}\n".encode(), True)


def is_packets(data: Sequence[bytes]) -> bool:
    """Return whether all of these are packets."""
    try:
        return bool(data) and all(packets.parse(each) for each in data)
    except FormatError:
        return False
