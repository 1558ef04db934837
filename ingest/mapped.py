"""Bytes of files that are too large for the memory: they lie in a file, and in memory only where they are looked at.

The file has no name and ends with the process. It is a copy, so that nobody who writes to the original can change
what is being read.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Up to here bytes are kept in memory.
LARGE = 256 << 20

#: Bytes that are looked at, or copied, at once.
CHUNK = 8 << 20


class Mapped(mmap.mmap):
    """Read-only bytes that answer like ``bytes``, as far as readers of large files ask. ``folder``: where it lies."""

    folder: Path

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        end = len(self) if end is None else min(end, len(self))
        for position in range(start, end, CHUNK):
            found = super().find(sub, position, min(position + CHUNK + len(sub) - 1, end))
            if found >= 0:
                return found
            self.release(position, position + CHUNK)
        return -1

    def startswith(self, prefix: bytes | tuple[bytes, ...], start: int = 0, end: int | None = None) -> bool:
        prefixes = (prefix,) if isinstance(prefix, bytes) else prefix
        stop = start + max(map(len, prefixes))
        return self[start : stop if end is None else min(stop, end)].startswith(prefixes)

    def count(self, byte: bytes, start: int = 0, end: int | None = None) -> int:
        """How often one byte stands between two offsets."""
        return sum(chunk.count(byte) for chunk in chunks_of(self, start, end))

    def isascii(self) -> bool:
        return all(chunk.isascii() for chunk in chunks_of(self))

    def __contains__(self, sub: object) -> bool:
        return isinstance(sub, bytes) and self.find(sub) >= 0

    def release(self, start: int, end: int) -> None:
        """Takes what lies between two offsets out of the memory until it is asked for again."""
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = min(end, len(self)) - first
        if length > 0:
            self.madvise(mmap.MADV_DONTNEED, first, length)


Bytes = bytes | Mapped


def chunks_of(data: Bytes, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes between two offsets; those of a large file piece by piece."""
    end = len(data) if end is None else min(end, len(data))
    if isinstance(data, bytes):
        yield data[start:end]
        return
    for position in range(start, end, CHUNK):
        stop = min(position + CHUNK, end)
        yield data[position:stop]
        data.release(position, stop)


def gathered(chunks: Iterable[bytes], folder: Path, *, large: int | None = None) -> Bytes:
    """All bytes as one: in memory, or, where they are many, in a nameless file in a folder.

    Raises OSError where the disk is full.
    """
    waiting: list[bytes] = []
    size = 0
    chunks = iter(chunks)
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size > (LARGE if large is None else large):
            break
    else:
        return waiting[0] if len(waiting) == 1 else b"".join(waiting)
    with tempfile.TemporaryFile(dir=folder) as file:
        for chunk in waiting:
            file.write(chunk)
        waiting.clear()
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        made = Mapped(file.fileno(), 0, prot=mmap.PROT_READ)
    made.folder = folder
    return made


def part(data: Bytes, start: int, end: int | None = None) -> Bytes:
    """The bytes between two offsets, kept like those they are part of."""
    if isinstance(data, bytes):
        return data[start:end]
    return gathered(chunks_of(data, start, end), data.folder)


def below(head: bytes, data: Bytes) -> Bytes:
    """The bytes under a head, kept as they were."""
    if isinstance(data, bytes):
        return head + data
    return gathered((piece for pieces in ((head,), chunks_of(data)) for piece in pieces), data.folder)


def whole(data: Bytes) -> bytes:
    """All in memory, for readers that need it so and refuse what is too large for that."""
    return data if isinstance(data, bytes) else bytes(data)
