"""The ``xcodec`` commands: parse, call the API, print. They have no logic of their own.

One module per command. Slow imports are inside the commands, so that ``xcodec --help`` is fast.
"""

import click

from xcodec import __version__
from xcodec.cli.bench import bench
from xcodec.cli.bench_links import links
from xcodec.cli.bench_restoration import restoration
from xcodec.cli.compare import compare
from xcodec.cli.corrupt import corrupt
from xcodec.cli.decode import decode
from xcodec.cli.encode import encode
from xcodec.cli.info import info
from xcodec.cli.page import page
from xcodec.cli.profiles import profiles
from xcodec.cli.receive import receive
from xcodec.cli.restore import restore
from xcodec.cli.send import send
from xcodec.cli.train import train
from xcodec.cli.truncate import truncate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Encode pictures as a few of their pixels; a trained network reconstructs the rest.

    \b
    xcodec encode photo.png -r 0.02      photo.png -> photo.xgc, 2 % of the pixels
    xcodec encode photo.png --bytes 340  the best picture that fits 340 bytes
    xcodec decode photo.xgc              photo.xgc -> photo.png
    """


for command in (links, restoration):
    bench.add_command(command)
for command in (
    *(encode, decode, info, send, receive, profiles, page, truncate),
    *(train, restore, corrupt, bench, compare),
):
    cli.add_command(command)
