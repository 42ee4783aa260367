"""``xcodec encode``."""

import warnings
from dataclasses import asdict
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from xcodec.cli.common import (
    as_json,
    beside,
    cluster,
    decoder,
    force,
    given,
    jobs,
    max_pixels,
    percent,
    quiet,
    report,
    skip_existing,
)

TARGETS = {"rate": "rate", "bytes": "size", "bpp": "bpp", "psnr": "psnr"}
"""Options that say how large a file may be, and the arguments of encode that they give."""
PACKETS_TOO = ("size", "model", "effort")
"""Options that packets know too, and those that they do not."""
FILES_ONLY = (
    *("rate", "bpp", "psnr", "step", "density", "mask", "seed", "tone", "lossless_samples"),
    *("strength", "floor", "block", "comment", "alpha_quality", "keep", "decoder"),
    *("roi", "roi_mask", "saliency", "tile"),
)


NOT_FOLDERS = ("packet_size", "packets", "loss", "armor", "roi", "roi_mask")


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


@click.command(short_help="Code a picture as a .xgc file.")
@click.argument("source", metavar="IN")
@click.option("-o", "--output", metavar="OUT", help="The .xgc file; '-' is standard output.")
@click.option("-r", "--rate", type=float, help="Fraction of the pixels.  [default: 0.02]")
@click.option("--bytes", "size", type=int, metavar="N", help="The best picture within N bytes.")
@click.option("--bpp", type=float, metavar="X", help="The best picture within X bits a pixel.")
@click.option(
    "--psnr", type=float, metavar="DB", help="The smallest file whose fill has that PSNR."
)
@click.option("--step", type=float, help="Quantiser step in grey levels.  [default: by rate]")
@click.option(
    "--density",
    type=click.Choice(["uniform", "sobel", "canny"]),
    default="sobel",
    show_default=True,
    help="Where samples are dense: everywhere alike, or along edges.",
)
@click.option(
    "--mask",
    default="blue",
    show_default=True,
    metavar="blue|random|FILE",
    help="Which pixels are sampled: spread evenly, at random, or where a picture isn't black.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random mask.")
@click.option(
    "--tone",
    type=click.Choice(["least-squares", "mean", "point"]),
    default="least-squares",
    show_default=True,
    help="What a sample's value is: fitted through the fill, a local mean, or the pixel.",
)
@click.option("--lossless-samples", is_flag=True, help="Keep every pixel of --tone point exactly.")
@click.option("--strength", type=float, help="How strongly edges draw samples, 0 to 2.")
@click.option("--floor", type=float, help="Edge strength that flat areas are taken to have.")
@click.option("--block", type=int, help="Side of a density block in pixels.")
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, 9),
    default=4,
    show_default=True,
    help="How hard to look for fewer bytes: 0 is fastest.",
)
@decoder("Whose picture is to be good, from effort 4 on; that of --psnr is always the classical.")
@click.option("--model", help="The weights that the decoder is to use.  [default: photo]")
@click.option(
    "--roi",
    multiple=True,
    type=REGION,
    help="A region that counts for more, four times by default; repeatable.",
)
@click.option("--roi-mask", metavar="FILE", help="A picture that is bright where it counts more.")
@click.option("--saliency", is_flag=True, help="Faces and what stands out count for more.")
@click.option(
    "--alpha-quality",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    help="How well transparency is kept; 100 is exact.",
)
@click.option(
    "--keep/--strip",
    default=None,
    help="Keep all of EXIF, XMP and ICC profile, or nothing.  [default: what is small]",
)
@click.option(
    "--packet-size", type=int, metavar="N", help="Write packets of at most N bytes (40 to 4096)."
)
@click.option("--packets", type=int, metavar="N", help="At most N packets, protection included.")
@click.option(
    "--loss", type=float, metavar="X", help="Share of packets to plan for losing.  [default: 0.1]"
)
@click.option(
    "--armor",
    type=click.Choice(["base64", "ascii85"]),
    help="Packets as lines of text; their size counts characters.",
)
@click.option("--comment", metavar="TEXT", help="Keep a text in the file.")
@click.option(
    "--tile",
    type=int,
    metavar="N",
    help="Side of tiles in pixels, 0 for none.  [default: 1024 above 2 megapixels]",
)
@jobs
@skip_existing
@cluster
@max_pixels
@force
@as_json
@quiet
def encode(
    source: str,
    output: str | None,
    max_pixels: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    mask: str,
    jobs: int | None,
    lossless_samples: bool,
    packet_size: int | None,
    packets: int | None,
    loss: float | None,
    armor: str | None,
    roi_mask: str | None,
    skip_existing: bool,
    cluster: str | None,
    **options: Any,
) -> None:
    """Code the picture IN ('-': standard input) as a .xgc file, or as packets for a link that
    loses some: with --packet-size into a folder of .xgp files, of which any subset decodes.

    Of a folder IN, all pictures in it are coded into the folder OUT."""
    from xcodec import codec
    from xcodec.cli import many
    from xcodec.decoder import inspection
    from xcodec.many import trees
    from xcodec.many.batch import Settings
    from xcodec.pictures import loading
    from xcodec.system import files
    from xcodec.system.processes import cores

    if trees.is_folder(source):
        _refuse(NOT_FOLDERS, "a folder")
        if mask not in ("blue", "random"):
            raise click.UsageError("--mask FILE does not go with a folder")
        options |= {"mask": mask, "lossless": lossless_samples, "tile": options["tile"]}
        many.run(
            Settings("encode", given(**options), max_pixels),
            source,
            output,
            jobs=jobs,
            force=force,
            skip_existing=skip_existing,
            cluster=cluster,
            as_json=as_json,
            quiet=quiet,
        )
        return
    if skip_existing or cluster:
        raise click.UsageError("--skip-existing and --cluster are for folders")
    if packet_size is None and given(packets=packets, loss=loss, armor=armor):
        raise click.UsageError("--packets, --loss and --armor need --packet-size")
    limit = given(max_pixels=max_pixels)
    if packet_size is not None:
        _refuse(FILES_ONLY, "--packet-size")
        chosen = given(packets=packets, loss=loss, **{name: options[name] for name in PACKETS_TOO})
        written = _packets(source, output, limit, force, armor, packet_size, chosen)
        report(written.text, written.facts, written.output, as_json, quiet)
        return

    targets = [f"--{name}" for name in TARGETS if options[TARGETS[name]] is not None]
    if len(targets) > 1:
        raise click.UsageError(f"{targets[0]} and {targets[1]} exclude each other")
    output = output or beside(source, ".xgc")
    files.check_target(output, force)
    picture = loading.load(source, **limit)
    where = mask if mask in ("blue", "random") else loading.load_mask(mask, **limit)
    options["jobs"] = jobs or cores()
    if roi_mask is not None:
        options["roi_mask"] = loading.load_weights(roi_mask, **limit)
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", UserWarning)
        data = codec.encode(picture, mask=where, lossless=lossless_samples, **given(**options))
    files.write(output, data, force)
    # All facts take reading the whole file again: machines ask for them, people don't wait.
    facts = asdict(inspection.info(data, **limit)) if as_json else {}
    text = "" if as_json or quiet else _line(output, data, picture.rgb.shape[:2])
    report(text, facts, output, as_json, quiet)


def _line(output: str, data: bytes, shape: tuple[int, ...]) -> str:
    """What people are told of a picture's file."""
    from xcodec.decoder import inspection

    area = shape[0] * shape[1]
    samples = inspection.sample_count(data, max_pixels=area)
    return (
        f"{output}: {len(data)} bytes, {8 * len(data) / area:.3f} bpp, "
        f"{samples} samples ({percent(samples / area)})"
    )


def _refuse(names: tuple[str, ...], beside: str) -> None:
    """A usage error where one of these options was given."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with {beside}")


class _Written(NamedTuple):
    """Where packets are, and what there is to report, for people and for machines."""

    output: str
    text: str
    facts: dict[str, Any]


def _packets(
    source: str,
    output: str | None,
    limit: dict[str, Any],
    force: bool,
    armor: str | None,
    packet_size: int,
    options: dict[str, Any],
) -> "_Written":
    """Write packets into a folder, as a bundle to standard output, or as lines of text."""
    from xcodec.coding.packets import bundle
    from xcodec.links import packet_files, receiving, sending
    from xcodec.pictures import loading
    from xcodec.system import files

    output = output or beside(source, ".txt" if armor else ".packets")
    in_folder = armor is None and output != "-"
    if in_folder:
        packet_files.check_folder(output, force)
    else:
        files.check_target(output, force)
    if armor:
        packet_size = packet_files.carried(packet_size, armor)
    packets = sending.encode_packets(loading.load(source, **limit).rgb, packet_size, **options)
    if in_folder:
        packet_files.save(output, packets, force)
    elif armor:
        files.write(output, packet_files.lines(packets, armor), force)
    else:
        files.write(output, bundle(packets), force)
    count, largest, total = len(packets), len(packets[0]), sum(map(len, packets))
    needed = receiving.needed(packets)
    facts = {"packets": count, "bytes": total, "largest": largest, "needed": needed}
    text = (
        f"{output}: {count} packets of {largest} bytes, {total} in all; "
        f"any {needed} give the whole picture"
    )
    return _Written(output, text, facts)
