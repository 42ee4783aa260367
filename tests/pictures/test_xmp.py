"""Leaving properties out of XMP packets (xcodec/pictures/xmp.py)."""

import time

import pytest

from xcodec.pictures import xmp

PACKET = b"""<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description dc:title="sea"
 tiff:ImageWidth='4000' exif:PixelXDimension = "4000" exif:GPSLatitude="52,30N"
 drone-dji:GpsLongtitude='13.4'><tiff:Orientation>6</tiff:Orientation>
<xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image="/9j/4AAQ"/></rdf:Alt></xmp:Thumbnails>
<exif:GPSAltitude rdf:datatype="x">7/1</exif:GPSAltitude><exif:GPSTag/><dc:creator>me</dc:creator>
</rdf:Description></x:xmpmeta>"""


def test_what_describes_the_file() -> None:
    found = xmp.without_file(PACKET)
    for name in (b"tiff:", b"Pixel", b"Thumbnails", b"/9j/", b">6<"):
        assert name not in found
    for name in (b'dc:title="sea"', b"<dc:creator>me</dc:creator>", b"GPSLatitude", b"7/1"):
        assert name in found


def test_what_tells_a_position() -> None:
    found = xmp.without_position(PACKET)
    assert b"GPS" not in found.upper()
    for name in (b"52,30N", b"13.4", b"7/1"):
        assert name not in found
    for name in (b'dc:title="sea"', b"<dc:creator>me</dc:creator>", b"<tiff:Orientation>6</"):
        assert name in found


@pytest.mark.parametrize(
    "packet",
    [b"", b"<a/>", b"the words gps: and GPS, not as names", b"<exif:GPSAltitude>never closed"],
)
def test_others_stay_as_they_are(packet: bytes) -> None:
    assert xmp.without_file(packet) is packet
    assert xmp.without_position(packet) == packet


@pytest.mark.parametrize(
    "part",
    [
        b"<tiff:Orientation>", b"<exif:GPSTag ", b"</tiff:Orientation", b" tiff:Orientation='",
        b" ", b"a", b"a:", b"<exif:GPS1></x>",
    ],
    ids=repr,
)  # fmt: skip
def test_hostile_packets_take_no_time(part: bytes) -> None:
    size = 1 << 19
    for packet in (b"exif:GPSTag tiff:Orientation" + part * (size // len(part)),):
        start = time.perf_counter()
        xmp.without_file(packet)
        xmp.without_position(packet)
        assert time.perf_counter() - start < 5


def test_many_names_that_are_never_closed() -> None:
    start = time.perf_counter()
    xmp.without_position(b"".join(b"<exif:GPS%d>" % i for i in range(40_000)))
    assert time.perf_counter() - start < 5
