"""Results that benchmarks have computed already, so that an interrupted run can continue.

An SQLite file: each result is stored under a key, the digest of everything that it depends on.
After a change of pictures, settings, versions or weights old results are unused, but never wrong.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from xcodec.errors import XcodecError
from xcodec.system import folders

CREATE_TABLE = "CREATE TABLE IF NOT EXISTS found (key TEXT PRIMARY KEY, value BLOB)"
WRITE_TIMEOUT = 60.0
"""Seconds to wait for another process that is writing."""
FILE_NAME = "bench.sqlite"


def default_path() -> Path:
    """Return the path of the state file in the user's cache folder."""
    return folders.cache() / FILE_NAME


def key(*parts: Any) -> str:
    """Return the key of a result that depends on these parts, which JSON must be able to hold."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class State:
    """Results by key, shared between processes; each is stored as soon as it is put.

    A context manager that closes the file. Raises XcodecError if the file cannot be used, also
    later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._used():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=WRITE_TIMEOUT, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(CREATE_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: str) -> bytes | None:
        """Return a result, or None if there is none."""
        with self._used():
            row = self._file.execute("SELECT value FROM found WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Store a result."""
        with self._used():
            self._file.execute("INSERT OR REPLACE INTO found VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _used(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise XcodecError(f"{self._path}: not usable as a state file: {error}") from error
