"""Limits, defaults and sizes that pages and help state are those of the code."""

import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.evaluation.published import NAMES, ROOT, one_line, text_of
from tests.web.test_decoder import FILES
from xcodec.choices import DEFAULT_EFFORT, MAX_EFFORT
from xcodec.coding import header, lifting, packets, primitives, tiles
from xcodec.coding.quantizer import DEFAULT_RATE, SMALLEST_STEP
from xcodec.decoder import drawing
from xcodec.encoder import alpha, effort, reduction
from xcodec.encoder.large import sparse
from xcodec.encoder.large import tiles as large
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.pages import comparison, shots
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.runs import commands, direwolf, links, rd, records, summary
from xcodec.kriging import fill
from xcodec.links import airtime, armor, delivery, protection, requests, scanning, sending
from xcodec.links.profiles import CREDIT, MESHCORE, MESHTASTIC, PROFILES
from xcodec.links.transports import kiss, lxmf, meshcore, meshtastic, serial_line, udp
from xcodec.many import cluster
from xcodec.options import DEFAULT_ALPHA, LARGEST_STEP, MAX_RATE, MIN_RATE
from xcodec.pictures import metadata, modes
from xcodec.reconstruction import runtime, tiling
from xcodec.sampling import density, mask, saliency
from xcodec.training import dataset, packing, validation
from xcodec.training.groups import SourceSettings
from xcodec.training.settings import ON_DEMAND_HOLES, TrainSettings
from xcodec.types import MAX_PIXELS

MEGABYTE = 1 << 20
TORCH = [level for level, each in enumerate(effort.EFFORTS) if each.tuning]
"""Efforts that need torch."""
SHORTEST = primitives.SHORT + primitives.SHORT_CHECKSUM
"""Bytes of the smallest file with a long checksum."""
TOLERATED = round(reduction.TOLERATED * reduction.PIXELS_PER_BYTE)
FEW = 2 * validation.PICTURES
GREY = round(modes.WORTH_GREY**0.5)
ALPHA = round(10 ** (alpha.wanted_psnr(DEFAULT_ALPHA) / 10), -1)
CROP = TrainSettings.from_preset("photo", data="pictures").crops.crop
SCALES, TUNES = NAMES[len(codecs.SCALES)], NAMES[len(codecs.AVIF_TUNES)]
HEADERS = [100 * packets.overhead(*size, 256) / 256 for size in ((256, 256), (250, 250))]
"""Percent of packets of a picture of a common size, and of another one."""
BASE64, ASCII85, BASE32 = (after / before for before, after in armor.ARMORS.values())
CRC16 = scanning.CODES[0]
BY_CHANCE = round((CRC16.most - CRC16.least + 1) * MEGABYTE / (1 << 16) / (1 << 3), -2)
"""Pieces of a random megabyte that have a right CRC-16 and begin as packets do, by three bits."""
(PYTHON,) = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
NODE = (ROOT / "web" / "package.json").read_text()
(WEB_LIMIT,) = re.findall(r"MAX_PIXELS = 1 << (\d+);", (ROOT / "web/src/codec.ts").read_text())
WEB_PIXELS = 1 << int(WEB_LIMIT)
README, CLI, LARGE, LINKS = "README.md", "docs/cli.md", "docs/large.md", "docs/links.md"
BENCHMARKS, PICTURES, SECURITY = "docs/benchmarks.md", "docs/pictures.md", "docs/security.md"
TRAINING, WORK, INSTALL = "docs/training.md", "docs/how-it-works.md", "docs/install.md"
TUTORIALS, OPTIONS = "docs/tutorials", "xcodec/options.py"
STATED = [
    (README, f"satellite messages of {PROFILES['sbd'].size} bytes"),
    (README, f"graphics cards and efforts {TORCH[0]} and {TORCH[1]}"),
    ("docs/index.md", f"of all qualities, of {SCALES} scales"),
    ("docs/results.md", f"at its best of {SCALES} scales"),
    (INSTALL, f"xcodec needs Python {PYTHON} or later."),
    (f"{TUTORIALS}/first-picture.md", f"with Python {PYTHON} or later"),
    (INSTALL, f"`encode` at efforts 0 to {TORCH[0] - 1}, `decode`"),
    (INSTALL, f"`encode` at efforts {TORCH[0]} and {TORCH[1]} |"),
    (INSTALL, f"pictures of {runtime.WORTH_TORCH / MEGABYTE:.0f} megapixels and more"),
    (INSTALL, f"files with a step of {runtime.FINE:.0f} grey levels or more"),
    (LARGE, f"more than {large.TILED_FROM / MEGABYTE:.0f} megapixels (2^21 pixels)"),
    (LARGE, f"cut into tiles of {large.SIDE:,} pixels"),
    (LARGE, f"another side, a multiple of {tiles.UNIT},"),
    (LARGE, f"more than {TOLERATED} pixels for each byte"),
    (LARGE, f"less than a sample per {sparse.PIXELS} pixels"),
    (LARGE, f"Above {tiling.WHOLE:,} pixels, tiled or not, efforts {TORCH[0]} and {TORCH[1]} act"),
    (LARGE, f"act like {TORCH[0] - 1}: tuning"),
    (LARGE, f"for pictures of {runtime.WORTH_TORCH / MEGABYTE:.0f} megapixels or more"),
    (LARGE, f"draws pictures above {tiling.WHOLE:,} pixels in overlapping windows"),
    (LARGE, f"a {drawing.grid_for(32) ** 2}th for 32 and a {drawing.grid_for(64) ** 2}th for 64"),
    (LARGE, f"up to {NAMES[cluster.RETRIES]} times"),
    (LINKS, f"the private port number {meshtastic.PORT} ("),
    (LINKS, f"{meshtastic.SIZE} is the most on a channel, {meshtastic.SIZE_DIRECT} to one node"),
    (LINKS, f"datagrams of at most {meshcore.SIZE} bytes"),
    (LINKS, f"`--packet-size {meshcore.SIZE_TEXT}`"),
    (LINKS, f"KISS over TCP at port {kiss.TCP_PORT}"),
    (LINKS, f"`kiss:/dev/ttyUSB0?baud={kiss.BAUD}&from=...`"),
    (LINKS, f"waits {PROFILES['ax25'].gap:g} times the time on air"),
    (LINKS, f"a file of {PROFILES['lxmf'].size} bytes, which fits"),
    (LINKS, f"sends up to {lxmf.SIZE:,} bytes"),
    (LINKS, f"one message of {PROFILES['sbd'].size} bytes, {-(-PROFILES['sbd'].size // CREDIT)}"),
    (LINKS, f"It sends {PROFILES['sbd'].largest} bytes at most"),
    (LINKS, f"{NAMES[PROFILES['sms'].packets]} lines of {PROFILES['sms'].size} characters"),
    (LINKS, f"{NAMES[PROFILES['js8'].packets]} lines of capitals and digits"),
    (LINKS, f"On a serial line (`?baud={serial_line.BAUD}`)"),
    (LINKS, f"Packets have {serial_line.SIZE} bytes"),
    (LINKS, f"(`?size=N`: up to {serial_line.LARGEST:,})"),
    (LINKS, f"UDP carries packets of up to {udp.SIZE:,} bytes"),
    (LINKS, f"preamble of {MESHTASTIC['LongFast'].preamble} symbols"),
    (LINKS, f"{MESHTASTIC['LongFast'].around} bytes on Meshtastic; on MeshCore"),
    (LINKS, f"on MeshCore {MESHCORE['wide'].around}, and encryption in blocks of"),
    (LINKS, f"encryption in blocks of {MESHCORE['wide'].block}."),
    (LINKS, f"may be on air for {100 * airtime.DUTY_CYCLES[0]:.0f} or"),
    (LINKS, f"or {100 * airtime.DUTY_CYCLES[1]:.0f} % of an hour"),
    (LINKS, f"keying the transmitter takes {airtime.Ax25.key} s"),
    (LINKS, f"adds one bit to every {1 / (airtime.STUFFING - 1):.0f}"),
    (LINKS, f"for every {CREDIT} bytes or part of them"),
    (LINKS, f"in {requests.SIZE} bytes, at most {delivery.REQUESTS} times"),
    (LINKS, f"(with {primitives.SHORT + primitives.CHECKSUM} bytes or more"),
    (LINKS, f"some {BY_CHANCE:.0f} pieces of a random megabyte"),
    (LINKS, f"where there are more than {TOLERATED} pixels for each byte"),
    (LINKS, f"for each byte, to about {reduction.PIXELS_PER_BYTE} ("),
    (LINKS, f"the default is {sending.LOSS}"),
    (LINKS, f"from zero to {({2: 'twice'})[protection.LOSS_SPREAD]} the planned one"),
    (LINKS, f"({sending.LARGEST_DROP} dB of the classical fill or little more"),
    (LINKS, f"planned for {100 * sending.LOSS:.0f} %, if that file"),
    (LINKS, "Headers and checksums take {:.0f} to {:.0f} % of the bytes".format(*HEADERS)),
    (LINKS, f"best PSNR of {SCALES} scales, of their qualities, and of AVIF's {TUNES} tunes"),
    (LINKS, f"with {links.PARITY_HEADER} bytes of header per packet"),
    (LINKS, f"is {100 - 100 * ASCII85 / BASE64:.0f} % shorter than `base64`"),
    (LINKS, f"`base32` is {100 * BASE32 / BASE64 - 100:.0f} % longer"),
    (PICTURES, f"alpha takes at most a {({4: 'quarter'})[alpha.SHARE]} of the file"),
    (PICTURES, f"each may take at most an {({8: 'eighth'})[metadata.SHARE]} of the file"),
    (PICTURES, f"({GREY}x{GREY} pixels or more)"),
    (PICTURES, f"the default of {DEFAULT_ALPHA} allows one in {ALPHA:.0f}."),
    (PICTURES, f"a PSNR of {alpha.wanted_psnr(0):.0f} + Q / {1 / (alpha.wanted_psnr(1) - 18):.0f}"),
    (PICTURES, f"kept if it takes at most {metadata.PLENTY:,} bytes"),
    (PICTURES, f"nothing is kept below {metadata.SMALL:,} bytes"),
    (PICTURES, f"both give weights up to {saliency.REGION_WEIGHT:.0f}"),
    (PICTURES, f"width, height; weight {saliency.REGION_WEIGHT:.0f}"),
    (SECURITY, f"The default is {MAX_PIXELS / 1e6:.0f} million"),
    (SECURITY, f"at most 2^{mask.MAX_SAMPLES.bit_length() - 1} samples"),
    (SECURITY, f"{mask.FREE_SAMPLES:,} plus {mask.SAMPLES_PER_BYTE} per byte of payload"),
    (SECURITY, f"{header.MAX_UNPACKED >> 20} MB for a section"),
    (SECURITY, f"{header.MAX_UNPACKED >> 20} MB unpacked, {header.MAX_SECTION >> 20} MB raw)"),
    (SECURITY, f"A file of fewer than {SHORTEST} bytes ends with a CRC-16"),
    (SECURITY, f"of more than {WEB_PIXELS:,} pixels are refused by default"),
    ("docs/web.md", f"Pictures of more than {WEB_PIXELS:,} pixels are refused,"),
    ("docs/web.md", f"for them; {WEB_PIXELS:,} by default"),
    ("docs/web.md", f"needs Node {json.loads(NODE)['engines']['node'].removeprefix('>=')} or"),
    ("docs/web.md", f"tries {FILES:,} damaged files"),
    (TRAINING, f"white blocks of {ON_DEMAND_HOLES[0]} to {ON_DEMAND_HOLES[1]} pixels"),
    (TRAINING, f"a random part of {packing.SIDE} pixels a side"),
    (TRAINING, f"the first {FEW} of the folder, of which {validation.PICTURES} are at odd"),
    (WORK, f"each pixel from the {fill.NEIGHBOURS} nearest samples"),
    (WORK, f"A square of {density.BLOCKS[0]} to {density.BLOCKS[-1]} pixels"),
    (WORK, f"0 to {MAX_EFFORT}: how much time the encoder spends"),
    (WORK, f"(efforts {TORCH[0]} and {TORCH[1]})"),
    (WORK, f"A {({4: 'quarter'})[lifting.PARTS]} of an octave"),
    (WORK, f"at the best of {SCALES} scales"),
    (WORK, f"pictures of more than {large.TILED_FROM / MEGABYTE:.0f} megapixels"),
    (BENCHMARKS, f"`--audio {direwolf.LEVELS}` of `bench links`"),
    (BENCHMARKS, f"xcodec's at {NAMES[rd.SHOWN_TARGETS]} sizes"),
    (BENCHMARKS, f"({metrics.SSIM_WINDOW}×{metrics.SSIM_WINDOW} windows)"),
    (BENCHMARKS, f"a side below {metrics.MS_SSIM_SMALLEST} pixels"),
    (BENCHMARKS, f"{', '.join(f'1/{each:g}' for each in codecs.SCALES[1:-1])} and 1/8 (Lanczos"),
    (BENCHMARKS, f"{NAMES[round(10 * summary.COVERED)]} in ten of its pictures"),
    (BENCHMARKS, f"| `schema` | {records.SCHEMA}; "),
    (f"{TUTORIALS}/first-picture.md", f"more than {TOLERATED * 1000 / 1e6:g} megapixels is scaled"),
    (f"{TUTORIALS}/format.md", f"not among the {len(header.SIZES)} common ones"),
    (f"{TUTORIALS}/format.md", f"or of {NAMES[primitives.CHECKSUM]} from {SHORTEST} bytes on"),
    (f"{TUTORIALS}/links.md", f"{NAMES[PROFILES['meshtastic'].packets]} files of at most"),
    (f"{TUTORIALS}/links.md", f"at most {PROFILES['meshtastic'].size} bytes each"),
    (f"{TUTORIALS}/training.md", f"a side below {CROP} pixels"),
    (f"{TUTORIALS}/training.md", "at 1, 2, 5 and 10 % of the pixels"),
    (CLI, f"[default: {MAX_PIXELS / 1e6:.0f} million]"),
    (CLI, f"Fraction of pixels to sample, {MIN_RATE} to {MAX_RATE}. [default: {DEFAULT_RATE}]"),
    (CLI, f"attract samples, 0 to {density.STRENGTHS[1]:.0f}. [default: {density.STRENGTH}]"),
    (CLI, f"relative to the mean. [default: {density.FLOOR}]"),
    (CLI, f"{', '.join(map(str, density.BLOCKS[:-1]))} or {density.BLOCKS[-1]}. [default:"),
    (CLI, f"[default: {density.BLOCK}; with --bytes"),
    (CLI, f"from effort {DEFAULT_EFFORT} on"),
    (CLI, "[default: {}, {} and {}] --bytes N Best picture".format(*comparison.RATES)),
    (CLI, f"[default: {commands.DEFAULT_RATES[0]} to {commands.DEFAULT_RATES[-1]}, without"),
    (CLI, f"Region with more weight (default: {saliency.REGION_WEIGHT:.0f})"),
    (CLI, f"Packets of at most N bytes, {packets.MIN_SIZE} to {packets.MAX_SIZE}; without"),
    (CLI, f"Expected fraction of lost packets. [default: {sending.LOSS}]"),
    (CLI, f"[default: {large.SIDE} above {large.TILED_FROM / MEGABYTE:.0f} megapixels]"),
    (CLI, f"up to {NAMES[shots.MAX_PICTURES]} of them"),
    (CLI, f"Use N pictures of the dataset. [default: {SourceSettings.pictures}]"),
    (CLI, f"[default: {100 / dataset.HELD_OUT:.0f} % of all]"),
    (OPTIONS, f"step in grey levels, {SMALLEST_STEP} to {LARGEST_STEP:.0f}; None"),
    (OPTIONS, f"0 to {density.STRENGTHS[1]:.0f}; None: {density.STRENGTH}"),
    (OPTIONS, f"up to {density.FLOORS[1]:.0f}; None: {density.FLOOR}"),
    (OPTIONS, f"only those with more than {TOLERATED} pixels for each byte"),
    (OPTIONS, f"weight 1/{saliency.MAX_WEIGHT:.0f} to {saliency.MAX_WEIGHT:.0f}"),
    (OPTIONS, f"None: {large.SIDE} if the picture has more than"),
]
"""Pages, and what they say."""


@pytest.mark.parametrize(("page", "text"), STATED)
def test_what_pages_state(page: str, text: str) -> None:
    assert text in one_line(page)


def test_how_much_smaller_files_are_drawn() -> None:
    """The page says a quarter of the pixels for 2, 4 and 8, and a sixteenth for 16."""
    assert [drawing.grid_for(each) ** 2 for each in (2, 4, 8, 16)] == [4, 4, 4, 16]


def test_bytes_beside_an_rgb_picture(photo: NDArray[np.uint8]) -> None:
    """Of the header: that a picture is grey, and what else its source was."""

    def coded(image: Image.Image) -> xcodec.Info:
        return xcodec.info(xcodec.encode(image, 0.05, effort=0))

    told = {
        mode: int(more)
        for mode, more in re.findall(r"^\| (\w+).*\| (\d) \|$", text_of(PICTURES), re.M)
    }
    colour = Image.fromarray(np.ascontiguousarray(photo[:128, :128]))
    grey, bilevel = colour.convert("L"), colour.convert("1")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) << 8)
    assert told["L"] == coded(grey).container - coded(colour).container
    for mode, image, plain in (
        ("1", bilevel, bilevel.convert("L")),
        ("I", deep, grey),
        ("colour", grey.convert("RGB"), grey),
    ):
        assert told[mode] == told["L"] + coded(image).bytes - coded(plain).bytes, mode


def test_bits_of_a_sample(photo: NDArray[np.uint8]) -> None:
    found = xcodec.info(xcodec.encode(Image.fromarray(photo)))
    assert 0.5 < 8 * found.luma / found.samples < 1.5
    assert 0 < found.chroma < found.luma
    page = one_line(f"{TUTORIALS}/format.md")
    assert "spends a bit or so on a sample's luma, and less on its chroma" in page
