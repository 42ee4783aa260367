"""What a receiver answers: how many packets of a picture it lacks, in 9 bytes.

magic     3 bytes: XGR
picture   2 bytes: of the packets' header (docs/format.md, section 11)
index     1 byte: the highest index among the packets that it has
lacking   1 byte: packets needed for the whole picture; 0: it is complete
checksum  2 bytes: ``primitives.ending``
"""

from dataclasses import dataclass

from xcodec.coding.primitives import ending

MAGIC = b"XGR"
SIZE = 9


@dataclass(frozen=True)
class Request:
    """What a receiver lacks.

    picture : 2 bytes that identify the picture
    highest : the highest index among the packets that it has
    lacking : number of packets that it needs for the whole picture
    """

    picture: bytes
    highest: int
    lacking: int

    def written(self) -> bytes:
        """Return it as bytes."""
        data = MAGIC + self.picture + bytes([self.highest, min(self.lacking, 255)])
        return data + ending(data)


def parse(data: bytes) -> Request | None:
    """Return the request in a message; None if it is something else or damaged."""
    if len(data) != SIZE or not data.startswith(MAGIC) or ending(data[:-2]) != data[-2:]:
        return None
    return Request(data[3:5], data[5], data[6])
