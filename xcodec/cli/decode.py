"""``xcodec decode``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import cloup

from xcodec.choices import CODED, DOWNSAMPLES
from xcodec.cli.common import (
    NAME,
    How,
    as_json,
    beside,
    cluster,
    content_of,
    decoder,
    device,
    force,
    given,
    jobs,
    max_pixels,
    quiet,
    refuse,
    report,
    skip_existing,
    usage,
)

if TYPE_CHECKING:
    from xcodec.options import DecodeOptions


def numbers(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """Parse the four numbers of a region."""
    if text is None:
        return None
    try:
        left, top, width, height = map(int, text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r:.60} is not X,Y,W,H: four integers") from error
    return left, top, width, height


@cloup.command(short_help="Decode a .xgc file, or packets, to a picture.")
@cloup.argument("sources", type=NAME, metavar="IN...", nargs=-1, required=True)
@cloup.option_group(
    "Reconstruction",
    decoder(
        "How to reconstruct the pixels between samples: by a trained network, or interpolation."
    ),
    cloup.option(
        "--model",
        default="auto",
        show_default=True,
        type=NAME,
        metavar="auto|NAME|PATH",
        help="Weights of the generator; auto: those that the file asks for.",
    ),
    cloup.option(
        "--realism",
        type=click.FloatRange(0, 1),
        metavar="0..1",
        help="0: faithful, 1: realistic, with invented detail.  [default: 0]",
    ),
    device,
)
@cloup.option_group(
    "Part and size",
    cloup.option(
        "--region",
        callback=numbers,
        metavar="X,Y,W,H",
        help="Decode only a part: its corner, width and height in pixels.",
    ),
    cloup.option(
        "--downsample",
        type=click.Choice([str(n) for n in DOWNSAMPLES]),
        default="1",
        help="Decode a picture smaller by this factor.",
    ),
    cloup.option(
        "--original-size",
        is_flag=True,
        help="Scale a picture up that was scaled down to be encoded.",
    ),
    cloup.option("--partial", is_flag=True, help="Decode what is left of a damaged or cut file."),
)
@cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--output",
        type=NAME,
        metavar="OUT",
        help="Output picture; '-' is standard output (PNG).  "
        "[default: IN.png, or IN.decoded.png if that exists]",
    ),
    force,
    cloup.option(
        "--bit-depth",
        type=click.Choice(["8", "16"]),
        help="Bits per channel of the output.  [default: as the source]",
    ),
    cloup.option("--strip", is_flag=True, help="Drop EXIF, XMP and ICC profile."),
    jobs,
    skip_existing,
    cluster,
    max_pixels,
    as_json,
    quiet,
)
def decode(
    sources: tuple[str, ...],
    output: str | None,
    bit_depth: str | None,
    downsample: str,
    **options: Any,
) -> None:
    """Decode IN to a picture: a .xgc file ('-': standard input), or packets.

    Packets are a folder of .xgp files, any such files, a bundle, or lines of text; they are also
    found in mails and chats, and in bytes that a receiver recorded. If IN is a folder of other
    things, decode all files and folders of packets in it into the folder OUT.
    """
    from xcodec.many import trees
    from xcodec.options import DecodeOptions
    from xcodec.pictures import loading
    from xcodec.system import files
    from xcodec.system.processes import cores

    how = How(**{name: options.pop(name) for name in How._fields})
    depth = None if bit_depth is None else int(bit_depth)
    chosen = given(**options) | {"downsample": int(downsample), "bit_depth": depth}
    if len(sources) == 1 and trees.is_tree(sources[0]):
        from xcodec.cli import many
        from xcodec.many.batch import Settings

        refuse(("region",), "a folder")
        if depth == 16:
            raise click.UsageError("--bit-depth 16 cannot be used with a folder")
        with usage():
            settings = Settings(DecodeOptions(**chosen))
        many.run(settings, sources[0], output, how)
        return
    if how.skip_existing or how.cluster:
        raise click.UsageError("--skip-existing and --cluster are for folders")
    if len(sources) > 1 and all(source.lower().endswith(CODED) for source in sources):
        raise click.UsageError(
            "several files are taken for packets of one picture: decode .xgc files one by one, or "
            "their folder"
        )
    with usage():
        single = DecodeOptions(jobs=how.jobs or cores(), **chosen)
    output = beside(sources[0], ".png", trees.DECODED) if output is None else output
    files.check_target(output, how.force)
    kind = loading.kind_of(output)
    with usage(), content_of(sources), _partial_hint(single):
        width, height = _decoded(sources, single, _Target(output, kind, how.force))
    facts = {"width": width, "height": height, "decoder": options["decoder"]}
    report(f"{output}: {width}x{height} pixels", facts, output, how.as_json, how.quiet)


@contextmanager
def _partial_hint(options: "DecodeOptions") -> Iterator[None]:
    """Add to the error about a file that was cut short or damaged that --partial may help."""
    from xcodec.errors import FormatError, TruncatedError

    try:
        yield
    except FormatError as error:
        told = isinstance(error, TruncatedError) or "checksum" in str(error)
        if options.partial or not told:
            raise
        raise type(error)(f"{error}; --partial decodes what is left") from error


class _Target(NamedTuple):
    """The output file, its format by Pillow's name, and whether it may be overwritten."""

    output: str
    kind: str
    overwrite: bool


def _decoded(
    sources: tuple[str, ...], options: "DecodeOptions", target: _Target
) -> tuple[int, int]:
    """Decode a file or packets, write the picture, and return its width and height."""
    from xcodec import codec
    from xcodec.decoder import inspection
    from xcodec.links import receiving
    from xcodec.pictures import loading, modes

    data, packets = receiving.read(sources)
    if packets:
        if options.bit_depth == 8:  # Packets always decode to 8 bits.
            options = replace(options, bit_depth=None)
        picture = receiving.picture_of(packets, options)
    else:
        if options.bit_depth == 16:
            mode = inspection.peek(data, max_pixels=options.max_pixels).mode
            loading.check_deep(target.kind, mode in modes.GREYS)
            if mode not in modes.GREYS:
                levels = codec.decode_levels(data, options)
                loading.save_deep(levels, target.output, target.kind, target.overwrite)
                return levels.shape[1], levels.shape[0]
        picture = codec.decode_picture(data, options)
    loading.save(picture, target.output, target.kind, target.overwrite)
    return picture.size
