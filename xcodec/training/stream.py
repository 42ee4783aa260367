"""Training pictures from anything that the datasets library reads, streamed into the cache.

A name is that of a dataset on a hub, "owner/name" or "owner/name:configuration", or a builder and
its files: "imagefolder:DIR", "parquet:shards/*.parquet", "webdataset:URL". Every picture is kept as
PNG, named by the digest of its pixels; those that cannot be read are left out.
"""

import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from xcodec.errors import InputError, XcodecError
from xcodec.pictures.modes import picture_of
from xcodec.system import packages
from xcodec.system.files import write_atomic
from xcodec.training.settings import TrainSettings

BUILDERS = ("imagefolder", "parquet", "webdataset", "arrow", "json")
"""Builders of datasets that read files."""
DONE = "complete"
"""Name of the empty file that marks a folder with all pictures of a dataset."""
EVERY = 60.0
"""Seconds between two lines about how many pictures there are."""


def kept(settings: TrainSettings, say: Callable[[str], object] = lambda _: None) -> Path:
    """The folder of a dataset's pictures, filled with up to ``pictures`` of them if it is new.

    say : is told how many there are

    Raises InputError if the dataset cannot be read or has no pictures, DependencyError without the
    datasets library.
    """
    dataset, pictures = settings.source.dataset, settings.source.pictures
    assert dataset is not None
    dataset = _whole(dataset)
    name = sha256(f"{dataset} {pictures}".encode()).hexdigest()[:16]
    folder = settings.files.cache / f"dataset-{name}"
    if (folder / DONE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        count = _fill(dataset, pictures, folder, say)
    except XcodecError:
        raise
    except Exception as error:  # The library raises the errors of all its readers.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{dataset}: cannot be read: {first}") from error
    if not count:
        raise InputError(f"{dataset}: there are no pictures in it")
    (folder / DONE).touch()
    return folder


def _whole(name: str) -> str:
    """A name that means the same files in every folder."""
    builder, _, rest = name.partition(":")
    local = builder in BUILDERS and "://" not in rest
    return f"{builder}:{os.path.abspath(rest)}" if local else name


def _fill(name: str, count: int, folder: Path, say: Callable[[str], object]) -> int:
    """Keep up to ``count`` pictures of a dataset's training split; returns their number."""
    datasets = packages.require("datasets", "train")
    builder, _, rest = name.partition(":")
    if builder == "imagefolder":
        rows = datasets.load_dataset(builder, data_dir=rest, split="train", streaming=True)
    elif builder in BUILDERS:
        rows = datasets.load_dataset(builder, data_files=rest, split="train", streaming=True)
    else:
        rows = datasets.load_dataset(builder, rest or None, split="train", streaming=True)
    say(f"{name}: up to {count} pictures are copied to {folder}")
    for column, feature in (rows.features or {}).items():
        if isinstance(feature, datasets.Image):
            # Decoded by the library, one damaged picture would end the dataset.
            rows = rows.cast_column(column, datasets.Image(decode=False))
    found, then = 0, time.monotonic()
    for row in rows:
        picture = _decoded(row, datasets.Image().decode_example)
        if picture is None:
            continue
        key = sha256(picture.tobytes() + str(picture.size).encode()).hexdigest()[:16]
        path = folder / f"{key}.png"
        if not path.exists():
            write_atomic(path, _png(picture), overwrite=True)
        found += 1
        if found >= count:
            break
        if time.monotonic() - then >= EVERY:
            then = time.monotonic()
            say(f"{found} of up to {count} pictures")
    return found


def _decoded(row: dict[str, Any], decode: Callable[[Any], Any]) -> Image.Image | None:
    """The first picture of a row that can be read, in RGB: {"bytes": ..., "path": ...} or bytes.

    decode : how the library decodes the former
    """
    for value in row.values():
        coded = {"bytes": value} if isinstance(value, bytes) else value
        if not (isinstance(coded, dict) and "bytes" in coded):
            continue
        path, data = coded.get("path"), coded["bytes"]
        with suppress(Exception):  # There are as many kinds as readers.
            if data is None and path and os.path.isfile(path):  # The library would leave it open.
                data = Path(path).read_bytes()
            return Image.fromarray(picture_of(decode({"path": path, "bytes": data})).rgb)
    return None


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()
