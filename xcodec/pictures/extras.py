"""What files hold beside a picture: gain maps, videos of motion photos, depth.

None of it is encoded. Their XMP would promise it all the same, so that is left out.
"""

import re

from xcodec.pictures import xmp

_NAMES = {
    "a gain map": rb"(?:hdrgm|HDRGainMap):\w+",
    "the video of a motion photo": rb"G?Camera:(?:MotionPhoto|MicroVideo)\w*",
    "a depth map": rb"(?:GDepth|GImage|XDM|Device|apdi):\w+",
}
"""Properties of XMP that promise something, by the usual prefixes."""
_PROMISES = b"|".join([*_NAMES.values(), rb"G?Container:\w+"])
"""The same, and the properties that list the parts of a file."""
_VIDEO = b"MotionPhoto_Data"
"""What comes before the video in files of some phones."""


def named(packet: bytes, data: bytes) -> list[str]:
    """Name what a file holds beside its picture, in its metadata or after it.

    packet : its XMP packet, may be empty
    data   : the whole file
    """
    found = [name for name, pattern in _NAMES.items() if re.search(pattern + rb"\s*[=>]", packet)]
    if _VIDEO in data and "the video of a motion photo" not in found:
        found.append("the video of a motion photo")
    return found


def without_promises(packet: bytes) -> bytes:
    """Return an XMP packet without the properties that promise what is not encoded."""
    return xmp.without(packet, _PROMISES)
