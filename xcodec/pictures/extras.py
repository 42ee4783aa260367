"""What files hold beside a picture: gain maps, videos of motion photos, depth.

None of it is encoded. Their XMP would promise it all the same, so that is left out.
"""

import re

_ATTRIBUTE = rb"\s+(?:%s)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
_ELEMENT = rb"<(%s)\b[^>]*?(?:/>|(?<!/)>.*?</\1\s*>)"
_NAMES = {
    "a gain map": rb"(?:hdrgm|HDRGainMap):\w+",
    "the video of a motion photo": rb"G?Camera:(?:MotionPhoto|MicroVideo)\w*",
    "a depth map": rb"(?:GDepth|GImage|XDM|Device|apdi):\w+",
}
"""Properties of XMP that promise something, by the usual prefixes."""
_LISTS = rb"G?Container:\w+"
"""Properties that list the parts of a file."""
_VIDEO = b"MotionPhoto_Data"
"""What comes before the video in files of some phones."""


def named(xmp: bytes, data: bytes) -> list[str]:
    """Name what a file holds beside its picture, in its metadata or after it.

    xmp  : its XMP packet, may be empty
    data : the whole file
    """
    found = [name for name, pattern in _NAMES.items() if re.search(pattern + rb"\s*[=>]", xmp)]
    if _VIDEO in data and "the video of a motion photo" not in found:
        found.append("the video of a motion photo")
    return found


def without_promises(xmp: bytes) -> bytes:
    """Return an XMP packet without the properties that promise what is not encoded.

    A packet that promises nothing is returned unchanged.
    """
    every = b"|".join([*_NAMES.values(), _LISTS])
    if not re.search(every, xmp):
        return xmp
    xmp = re.sub(_ELEMENT % every, b"", xmp, flags=re.DOTALL)
    return re.sub(_ATTRIBUTE % every, b"", xmp)
