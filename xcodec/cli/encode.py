"""``xcodec encode``."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import cloup

from xcodec.choices import (
    CODED,
    DECODERS,
    DEFAULT_EFFORT,
    DENSITIES,
    MASKS,
    MAX_EFFORT,
    TONES,
)
from xcodec.cli.common import (
    as_json,
    beside,
    cluster,
    conflicts,
    force,
    given,
    jobs,
    max_pixels,
    percent,
    quiet,
    refuse,
    report,
    skip_existing,
)

if TYPE_CHECKING:
    from xcodec.options import EncodeOptions
    from xcodec.pictures.modes import Picture

NOT_FOLDERS = ("packet_size", "packets", "loss", "armor", "roi", "roi_mask")
"""Options that folders do not have."""


class _Region(click.ParamType[tuple[int, int, int, int, float]]):
    """X,Y,WIDTH,HEIGHT in pixels, and after another comma its weight."""

    name = "region"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "X,Y,W,H[,WEIGHT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int, float]:
        try:
            x, y, width, height, *rest = str(value).split(",")
            weight = float(rest[0]) if rest else 4.0
            if len(rest) > 1:
                raise ValueError
            return int(x), int(y), int(width), int(height), weight
        except ValueError:
            self.fail(f"{value!r} is not X,Y,W,H or X,Y,W,H,WEIGHT", param, ctx)


REGION = _Region()


def _help_effort(context: click.Context, option: click.Parameter, asked: bool) -> None:
    """Print what each level of effort does, and end."""
    if asked:
        from xcodec.encoder.effort import table

        click.echo(table())
        context.exit()


@cloup.command(short_help="Encode a picture as a .xgc file, or as packets.")
@cloup.argument("source", metavar="IN")
@cloup.option_group(
    "Target (one of them)",
    cloup.option("-r", "--rate", type=float, help="Fraction of the pixels.  [default: 0.02]"),
    cloup.option(
        "--bytes", "max_bytes", type=int, metavar="N", help="The best picture within N bytes."
    ),
    cloup.option(
        "--bpp", type=float, metavar="X", help="The best picture within X bits per pixel."
    ),
    cloup.option(
        "--psnr",
        type=float,
        metavar="DB",
        help="The smallest file with that PSNR of the classical decoder.",
    ),
)
@cloup.option_group(
    "Sampling",
    cloup.option(
        "--density",
        type=click.Choice(DENSITIES),
        default=DENSITIES[0],
        show_default=True,
        help="Where samples are dense: along edges, or everywhere alike.",
    ),
    cloup.option("--strength", type=float, help="How strongly edges attract samples, 0 to 2."),
    cloup.option("--floor", type=float, help="Edge strength that flat areas are taken to have."),
    cloup.option("--block", type=int, help="Side of a density block in pixels."),
    cloup.option(
        "--mask",
        default=MASKS[0],
        show_default=True,
        metavar="blue|random|FILE",
        help="Which pixels are sampled: evenly spread, at random, or where a picture is not black.",
    ),
    cloup.option("--seed", type=int, help="Seed of the random mask.  [default: 0]"),
    cloup.option(
        "--tone",
        type=click.Choice(TONES),
        default=TONES[0],
        show_default=True,
        help="What a sample's value is: fitted through the fill, a local mean, or the pixel.",
    ),
)
@cloup.option_group(
    "Quality",
    cloup.option(
        "-e",
        "--effort",
        type=click.IntRange(0, MAX_EFFORT),
        default=DEFAULT_EFFORT,
        show_default=True,
        help="Time spent to save bytes: 0 is fastest.",
    ),
    cloup.option(
        "--help-effort",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_help_effort,
        help="Show what each level of effort does, and exit.",
    ),
    cloup.option(
        "--decoder",
        type=click.Choice(DECODERS),
        help="The decoder to optimise the file for, from effort 4 on.  "
        "[default: generator; with --psnr: classical]",
    ),
    cloup.option("--model", help="The weights that the decoder is to use.  [default: photo]"),
    cloup.option("--step", type=float, help="Quantiser step in grey levels.  [default: by rate]"),
    cloup.option(
        "--lossless-samples", is_flag=True, help="With --tone point: keep every sample exactly."
    ),
)
@cloup.option_group(
    "Regions",
    cloup.option(
        "--roi",
        multiple=True,
        type=REGION,
        help="A region that counts more, by default four times; repeatable.",
    ),
    cloup.option(
        "--roi-mask", metavar="FILE", help="A picture that is bright where pixels count more."
    ),
    cloup.option("--saliency", is_flag=True, help="Faces and salient areas count more."),
)
@cloup.option_group(
    "Transparency and metadata",
    cloup.option(
        "--alpha-quality",
        type=click.IntRange(0, 100),
        default=50,
        show_default=True,
        help="Quality of transparency; 100 is exact.",
    ),
    cloup.option(
        "--keep/--strip",
        default=None,
        help="Keep all of EXIF, XMP and ICC profile, or nothing.  [default: what is small]",
    ),
    cloup.option("--comment", metavar="TEXT", help="Keep a text in the file."),
)
@cloup.option_group(
    "Packets",
    cloup.option(
        "--packet-size",
        type=int,
        metavar="N",
        help="Write packets of at most N bytes (40 to 4096).",
    ),
    cloup.option(
        "--packets", type=int, metavar="N", help="At most N packets, protection included."
    ),
    cloup.option(
        "--loss", type=float, metavar="X", help="Expected fraction of lost packets.  [default: 0.1]"
    ),
    cloup.option(
        "--armor",
        type=click.Choice(["base64", "ascii85"]),
        help="Packets as lines of text; their size counts characters.",
    ),
)
@cloup.option_group(
    "Output",
    cloup.option("-o", "--output", metavar="OUT", help="The file; '-' is standard output."),
    force,
    cloup.option(
        "--tile",
        type=int,
        metavar="N",
        help="Side of tiles in pixels, 0 for none.  [default: 1024 above 2 megapixels]",
    ),
    jobs,
    skip_existing,
    cluster,
    max_pixels,
    as_json,
    quiet,
)
def encode(
    source: str,
    output: str | None,
    max_pixels: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    mask: str,
    jobs: int | None,
    packet_size: int | None,
    packets: int | None,
    loss: float | None,
    armor: str | None,
    roi_mask: str | None,
    skip_existing: bool,
    cluster: str | None,
    **options: Any,
) -> None:
    """Encode the picture IN ('-': standard input) as a .xgc file, or, with --packet-size, as
    packets for a link that loses some: a folder of .xgp files, of which any subset decodes.

    Where IN is a folder, all pictures in it are encoded into the folder OUT."""
    from xcodec import codec
    from xcodec.decoder import inspection
    from xcodec.many import trees
    from xcodec.options import EncodeOptions
    from xcodec.pictures import loading
    from xcodec.system import files
    from xcodec.system.processes import cores

    limit = given(max_pixels=max_pixels)
    chosen = given(**options)
    if trees.is_folder(source):
        from xcodec.cli import many
        from xcodec.many.batch import Settings

        refuse(NOT_FOLDERS, "a folder")
        if mask not in MASKS:
            raise click.UsageError("--mask FILE does not go with a folder")
        with conflicts():
            folder_options = EncodeOptions(mask=mask, **chosen)
        many.run(
            Settings(folder_options, **limit),
            source,
            output,
            many.How(jobs, force, skip_existing, cluster, as_json, quiet),
        )
        return
    if skip_existing or cluster:
        raise click.UsageError("--skip-existing and --cluster are for folders")
    if packet_size is None and given(packets=packets, loss=loss, armor=armor):
        raise click.UsageError("--packets, --loss and --armor need --packet-size")
    with conflicts():
        chosen["mask"] = mask if mask in MASKS else loading.load_mask(mask, **limit)
        if roi_mask is not None:
            chosen["roi_mask"] = loading.load_weights(roi_mask, **limit)
        settings = EncodeOptions(**chosen)
    if packet_size is not None:
        link = _Link(packet_size, packets, loss, armor)
        load = partial(loading.load, source, **limit)
        with conflicts():
            written = _packets(load, output or link.output(source), force, link, settings)
        report(written.text, written.facts, written.output, as_json, quiet)
        return
    settings = replace(settings, jobs=jobs or cores())
    output = output or beside(source, CODED)
    files.check_target(output, force)
    picture = loading.load(source, **limit)
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", UserWarning)
        data = codec.encode_picture(picture, settings)
    files.write(output, data, force)
    # All facts take reading the whole file again: machines ask for them, people don't wait.
    facts = asdict(inspection.info(data, **limit)) if as_json else {}
    text = "" if as_json or quiet else _line(output, data, picture.rgb.shape[:2])
    report(text, facts, output, as_json, quiet)


def _line(output: str, data: bytes, shape: tuple[int, ...]) -> str:
    """The line about a picture's file, for people."""
    from xcodec.decoder import inspection

    area = shape[0] * shape[1]
    samples = inspection.sample_count(data, max_pixels=area)
    return (
        f"{output}: {len(data)} bytes, {8 * len(data) / area:.3f} bpp, "
        f"{samples} samples ({percent(samples / area)})"
    )


class _Link(NamedTuple):
    """What packets are for: the options that describe a link."""

    packet_size: int
    packets: int | None
    loss: float | None
    armor: str | None

    def output(self, source: str) -> str:
        """Where the packets of a picture go by default."""
        return beside(source, ".txt" if self.armor else ".packets")


class _Written(NamedTuple):
    """Where packets are, and what there is to report, for people and for machines."""

    output: str
    text: str
    facts: dict[str, Any]


def _packets(
    load: "Callable[[], Picture]",
    output: str,
    force: bool,
    link: _Link,
    options: "EncodeOptions",
) -> _Written:
    """Write packets into a folder, as a bundle to standard output, or as lines of text."""
    from xcodec.coding.packets import bundle
    from xcodec.links import packet_files, receiving, sending
    from xcodec.system import files

    options.only(sending.OPTIONS, "packets")
    in_folder = link.armor is None and output != "-"
    if in_folder:
        packet_files.check_folder(output, force)
    else:
        files.check_target(output, force)
    size = link.packet_size
    if link.armor:
        size = packet_files.carried(size, link.armor)
    loss = sending.LOSS if link.loss is None else link.loss
    packets = sending.packets_of(load().rgb, size, link.packets, loss, options)
    if in_folder:
        packet_files.save(output, packets, force)
    elif link.armor:
        files.write(output, packet_files.lines(packets, link.armor), force)
    else:
        files.write(output, bundle(packets), force)
    count, largest, total = len(packets), len(packets[0]), sum(map(len, packets))
    needed = receiving.needed(packets)
    facts = {"packets": count, "bytes": total, "largest": largest, "needed": needed}
    enough = "any one gives" if needed == 1 else f"any {needed} give"
    text = (
        f"{output}: {count} packet{'s' if count > 1 else ''} of {largest} bytes, {total} in all; "
        f"{enough} the whole picture"
    )
    return _Written(output, text, facts)
