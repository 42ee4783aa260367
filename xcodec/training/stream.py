"""Training pictures from whatever the datasets library reads, streamed into the cache.

Named as on a command line: a dataset of a hub ("owner/name", with ":configuration" if need be),
or a builder and its files: "imagefolder:DIR", "parquet:shards/*.parquet", "webdataset:URL". Each
picture is kept as the file that it is, or as PNG, under the digest of its pixels.
"""

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from xcodec.errors import InputError
from xcodec.system.files import write_atomic
from xcodec.training.settings import TrainSettings

BUILDERS = ("imagefolder", "parquet", "webdataset", "arrow", "json")
DONE = "complete"


def kept(settings: TrainSettings) -> Path:
    """The folder of a dataset's pictures, filled with up to ``settings.pictures`` of them.

    A later run finds them there. Raises InputError where the dataset can't be read, or has no
    pictures.
    """
    assert settings.dataset is not None
    name = sha256(f"{settings.dataset} {settings.pictures}".encode()).hexdigest()[:16]
    folder = settings.cache / f"dataset-{name}"
    if (folder / DONE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        count = _fill(settings.dataset, settings.pictures, folder)
    except ImportError as error:
        raise InputError("datasets are not installed: pip install 'xcodec[train]'") from error
    except InputError:
        raise
    except Exception as error:  # The library raises whatever its readers trip over.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{settings.dataset}: cannot be read: {first}") from error
    if not count:
        raise InputError(f"{settings.dataset}: no pictures in it")
    (folder / DONE).touch()
    return folder


def _fill(name: str, count: int, folder: Path) -> int:
    """Keep the first pictures of a dataset's training split, and say how many there were."""
    import datasets

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
    """The picture in a row of plain tables: {"bytes": ...} or bytes in some column."""
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
