"""Training pictures from anything that the datasets library reads, streamed into the cache.

A name is that of a dataset on a hub, "owner/name" or "owner/name:configuration", or a builder and
its files: "imagefolder:DIR", "parquet:shards/*.parquet", "webdataset:URL". Every picture is kept as
PNG, named by the digest of its pixels.
"""

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from xcodec.errors import InputError, XcodecError
from xcodec.system import packages
from xcodec.system.files import write_atomic
from xcodec.training.settings import TrainSettings

BUILDERS = ("imagefolder", "parquet", "webdataset", "arrow", "json")
"""Builders of datasets that read files."""
DONE = "complete"
"""Name of the empty file that marks a folder with all pictures of a dataset."""


def kept(settings: TrainSettings) -> Path:
    """The folder of a dataset's pictures, filled with up to ``pictures`` of them if it is new.

    Raises InputError if the dataset cannot be read or has no pictures, DependencyError without the
    datasets library.
    """
    dataset, pictures = settings.source.dataset, settings.source.pictures
    assert dataset is not None
    name = sha256(f"{dataset} {pictures}".encode()).hexdigest()[:16]
    folder = settings.files.cache / f"dataset-{name}"
    if (folder / DONE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        count = _fill(dataset, pictures, folder)
    except XcodecError:
        raise
    except Exception as error:  # The library raises the errors of all its readers.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{dataset}: cannot be read: {first}") from error
    if not count:
        raise InputError(f"{dataset}: there are no pictures in it")
    (folder / DONE).touch()
    return folder


def _fill(name: str, count: int, folder: Path) -> int:
    """Keep up to ``count`` pictures of a dataset's training split; returns their number."""
    datasets = packages.require("datasets", "train")
    builder, _, rest = name.partition(":")
    if builder == "imagefolder":
        rows = datasets.load_dataset(builder, data_dir=rest, split="train", streaming=True)
    elif builder in BUILDERS:
        rows = datasets.load_dataset(builder, data_files=rest, split="train", streaming=True)
    else:
        rows = datasets.load_dataset(builder, rest or None, split="train", streaming=True)
    found = 0
    for row in rows:
        picture = next((value for value in row.values() if hasattr(value, "convert")), None)
        if picture is None:
            picture = _decoded(row)
        if picture is None:
            continue
        rgb = picture.convert("RGB")
        key = sha256(rgb.tobytes() + str(rgb.size).encode()).hexdigest()[:16]
        path = folder / f"{key}.png"
        if not path.exists():
            write_atomic(path, _png(rgb), overwrite=True)
        found += 1
        if found >= count:
            break
    return found


def _decoded(row: dict[str, Any]) -> Any:
    """The picture in a row of a plain table: {"bytes": ...} or bytes in any column."""
    for value in row.values():
        data = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(data, bytes):
            try:
                return Image.open(io.BytesIO(data))
            except OSError:
                continue
    return None


def _png(picture: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()
