"""What a benchmark has found already, kept so that a run that was cut off goes on.

A file of SQLite: each finding has a key, the digest of all that it depends on. Nothing in it is
ever wrong, only unused, once pictures, settings, versions or weights have changed.
"""

import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from xcodec.errors import XcodecError

TABLE = "CREATE TABLE IF NOT EXISTS found (key TEXT PRIMARY KEY, value BLOB)"
WAIT = 60.0
"""Seconds to wait for another process that writes."""
FILE = "bench.sqlite"


def default_path() -> Path:
    """The state file in the user's folder for caches."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "xcodec" / FILE


def key(*parts: Any) -> str:
    """The digest of what a finding depends on; parts are what JSON can hold."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class State:
    """Findings by key, shared among processes; each is there as soon as it is put.

    Raises XcodecError where the file can't be used.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(TABLE)
        except (OSError, sqlite3.Error) as error:
            raise XcodecError(f"{path}: no usable state of benchmarks: {error}") from error

    def get(self, key: str) -> bytes | None:
        """A finding, or None."""
        row = self._file.execute("SELECT value FROM found WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Keep a finding."""
        self._file.execute("INSERT OR REPLACE INTO found VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
