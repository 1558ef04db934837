"""Takes the bytes of a file from disk: only of a plain file, whole, and as it stood at one moment."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from forecourt.errors import Problem
from forecourt.wording import megabytes
from ingest.delivery import told_name
from ingest.mapped import CHUNK, LARGE, Bytes, gathered

#: More than ten million rows of an export; what is larger is split, so that landing stays within its memory.
MAX_BYTES = 4 << 30


@dataclass
class Taken:
    """The bytes of a file in the parts in which they were read, their sha256 in hex, and when the file was last changed
    (UTC). Those of a large file lie beside the inbox."""

    parts: list[bytes] | Bytes
    size: int
    digest: str
    changed_at: datetime

    def content(self) -> Bytes:
        """The bytes as one, once: the parts are let go."""
        if not isinstance(self.parts, list):
            return self.parts
        content = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts.clear()
        return content


def take_file(path: Path, inbox: Path, *, max_bytes: int = MAX_BYTES) -> Taken:
    """Takes the bytes of a file.

    Raises Problem (a sentence without the file's name) for what is no file, for a link that leads out of the inbox,
    for a file that is too large, that cannot be read, or that changed while it was read.
    """
    why = _why_no_file(path, inbox)
    if why:
        raise Problem(why)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file, ThreadPoolExecutor(1) as hashing:
            before = os.fstat(file.fileno())
            if before.st_size > max_bytes:
                raise Problem(
                    f"it has {megabytes(before.st_size)}, and files are read up to "
                    f"{megabytes(max_bytes)}. Export it in parts."
                )
            chunks = _chunks(file, before.st_size + 1, lambda chunk: hashing.submit(digest.update, chunk))
            parts = gathered(chunks, inbox.parent, large=0) if before.st_size > LARGE else list(chunks)
            after = os.fstat(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Problem(
                f"it is copied beside the inbox to be read, and there is no room for it ({error.strerror}). Free "
                f"{megabytes(before.st_size)} in {inbox.parent} and run again."
            ) from None
        raise Problem(f"the file cannot be read ({error.strerror}). Check its path and its permissions.") from None
    size = sum(map(len, parts)) if isinstance(parts, list) else len(parts)
    if size != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Problem("it changed while it was read, so it is still being written. Run again once it is complete.")
    return Taken(parts, size, digest.hexdigest(), datetime.fromtimestamp(before.st_mtime, UTC))


def _chunks(file: BinaryIO, most: int, on_chunk: Callable[[bytes], object]) -> Iterator[bytes]:
    """What a file holds, up to ``most`` bytes: one more than it had, so that one that grows is noticed, and never read
    without end. ``on_chunk`` is called with each chunk, to work on it while the next one is read."""
    while most > 0 and (chunk := file.read(min(CHUNK, most))):
        most -= len(chunk)
        on_chunk(chunk)
        yield chunk


def _why_no_file(path: Path, inbox: Path) -> str | None:
    """Why there are no bytes to read under a path; None for a file, and for one that reading will say more about."""
    if path.name != told_name(path.name):
        return "has a name that is no UTF-8, and neither log nor ledger could name it. Rename it and run again."
    if path.is_symlink() and not path.exists():
        return f"is a link to {path.readlink()}, which is not there. Put the file itself here, or remove the link."
    if (
        path.is_symlink()
        and path.parent.resolve() == inbox.resolve()
        and not path.resolve().is_relative_to(inbox.resolve())
    ):
        return f"is a link to {path.readlink()}, which lies outside of the inbox. Put the file itself here."
    if path.is_dir():
        return "is a folder; its files are not read: move them up or name the folder."
    if path.exists() and not path.is_file():
        return "is no file but a pipe, socket or device. Put a csv file in its place."
    return None
