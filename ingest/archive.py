"""The record: the bytes of every file by their content hash, and the log that says when each arrived.

Everything else in a home can be made anew from these two, the settings and the code. The log is append-only, one
JSON object a line, and reaches the disk before the landing commits.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from forecourt.errors import Problem
from forecourt.home import Home


def content_hash(data: bytes) -> str:
    """sha256 of the bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def store(home: Home, data: bytes, digest: str) -> None:
    """Puts the bytes into the archive, unless they are there; they are on disk when this returns."""
    path = _path(home, digest)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # The first level of zstd: export files shrink to a fourth at the speed of a disk.
    with pa.output_stream(str(partial), compression="zstd") as packed:
        packed.write(data)
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def fetch(home: Home, digest: str) -> bytes:
    """The bytes with that hash. Raises Problem when they are missing or damaged."""
    path = _path(home, digest)
    if not path.exists() and path.with_suffix(".gz").exists():
        path = path.with_suffix(".gz")  # stored by the first version
    try:
        with pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else "gzip") as packed:
            data: bytes = packed.read()
    except FileNotFoundError:
        raise Problem(f"{path} is missing: the log names it. Put it back from a copy of the archive.") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error}). Put it back from a copy of the archive.") from None
    if content_hash(data) != digest:
        raise Problem(f"{path} is damaged: its content does not match its name. Put it back from a copy.")
    return data


def read_log(home: Home) -> list[dict[str, Any]]:
    """All entries in the order they were written; instants are UTC without offset.

    A last line that a crash cut short says nothing yet and is left out. Raises Problem naming a damaged line.
    """
    if not home.log.exists():
        return []
    lines = home.log.read_bytes().split(b"\n")[:-1]
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            raise Problem(f"{home.log}, line {number}: this is no JSON. Put the log back from a copy.") from None
        entries.append({name: _instant(value) if name.endswith("_at") else value for name, value in entry.items()})
    return entries


def append_log(home: Home, entry: dict[str, Any]) -> None:
    """Writes one entry and waits until it is on disk."""
    home.archive.mkdir(parents=True, exist_ok=True)
    is_new = not home.log.exists()
    text = json.dumps(
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in entry.items()},
        ensure_ascii=False,
    )
    with home.log.open("r+b" if not is_new else "w+b") as file:
        _cut_torn_line(file.fileno(), home.log)
        file.seek(0, os.SEEK_END)
        file.write(text.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        _sync(home.archive)


def utc(instant: datetime) -> datetime:
    """The instant as UTC without offset, as the landing keeps it; one without offset is taken as UTC."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _path(home: Home, digest: str) -> Path:
    return home.archive / digest[:2] / f"{digest}.zst"


def _cut_torn_line(descriptor: int, path: Path) -> None:
    """Removes what a crash left of an unfinished last line."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        os.ftruncate(descriptor, path.read_bytes().rfind(b"\n") + 1)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
