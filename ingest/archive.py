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

from forecourt import durable
from forecourt.errors import Problem
from forecourt.home import Home
from ingest.mapped import CHUNK, Bytes, Mapped, chunks_of, gathered


def content_hash(data: Bytes) -> str:
    """sha256 of the bytes, in hex."""
    digest = hashlib.sha256()
    for chunk in chunks_of(data):
        digest.update(chunk)
    return digest.hexdigest()


def store(home: Home, data: Bytes, digest: str) -> None:
    """Puts the bytes into the archive, unless they are there; they are on disk when this returns."""
    path = _path(home, digest)
    if path.exists() or _erased(home, digest).exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    import pyarrow as pa  # Here, because bytes that are there are not stored again.

    # The first level of zstd: export files shrink to a fourth at the speed of a disk. A frame a part is quicker than a
    # stream, and `zstd -d` puts them together.
    codec = pa.Codec("zstd", compression_level=1)
    view = memoryview(data)
    with partial.open("wb") as packed:
        for start in range(0, max(len(data), 1), CHUNK):
            packed.write(codec.compress(view[start : start + CHUNK]))
            if isinstance(data, Mapped):
                data.release(start, start + CHUNK)
    durable.sync(partial)
    partial.replace(path)
    durable.sync(path.parent)


def fetch(home: Home, digest: str) -> Bytes:
    """The bytes with that hash, or what was written over them by an erasure.

    Raises Problem when they are missing, damaged or erased as a whole.
    """
    path = _path(home, digest)
    if _erased(home, digest).exists():
        written = _erased(home, digest).read_text(encoding="ascii")
        if not written:
            raise Problem(f"{path} was erased with a person's data; its files are kept one by one.")
        return fetch(home, written)
    import pyarrow as pa

    if not path.exists() and path.with_suffix(".gz").exists():
        path = path.with_suffix(".gz")  # stored by the first version
    try:
        with pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else "gzip") as packed:
            data = gathered(iter(lambda: packed.read(CHUNK), b""), home.root)
    except FileNotFoundError:
        raise Problem(f"{path} is missing: the log names it. Put it back from a copy of the archive.") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error}). Put it back from a copy of the archive.") from None
    if content_hash(data) != digest:
        raise Problem(f"{path} is damaged: its content does not match its name. Put it back from a copy.")
    return data


def kept(home: Home, digest: str, data: Bytes) -> Bytes:
    """The bytes as the archive has or will have them: those of an erased file are not taken again."""
    return fetch(home, digest) if _erased(home, digest).exists() else data


def replace(home: Home, digest: str, written: str) -> None:
    """Puts other bytes, by their hash, in the place of those with a hash, which are deleted; empty for none."""
    mark = _erased(home, digest)
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(mark, written.encode("ascii"))
    for path in (_path(home, digest), _path(home, digest).with_suffix(".gz")):
        path.unlink(missing_ok=True)
    durable.sync(mark.parent)


def finish_erasures(home: Home) -> None:
    """Deletes the bytes that the log says to be erased, also after a crash."""
    for entry in read_log(home):
        if entry["kind"] == "decision" and entry["decision"] == "erase":
            for digest, written in entry["files"].items():
                if not _erased(home, digest).exists() or _path(home, digest).exists():
                    replace(home, digest, written)


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
        durable.sync(home.archive)


def utc(instant: datetime) -> datetime:
    """The instant as UTC without offset, as the landing keeps it; one without offset is taken as UTC."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _path(home: Home, digest: str) -> Path:
    return home.archive / digest[:2] / f"{digest}.zst"


def _erased(home: Home, digest: str) -> Path:
    return _path(home, digest).with_suffix(".erased")


def _cut_torn_line(descriptor: int, path: Path) -> None:
    """Removes what a crash left of an unfinished last line."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        os.ftruncate(descriptor, path.read_bytes().rfind(b"\n") + 1)
