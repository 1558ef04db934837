"""Compound files: the container of old Office formats, in which each stream of bytes has a name.

A damaged or hostile one may lead back to its beginning wherever it says what comes next, so nothing that is put
together of its sectors grows larger than the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

MARK = b"\xd0\xcf\x11\xe0"

#: From here on a number is no sector: the end of a chain, a sector that is free, one of a table.
_NO_SECTOR = 0xFFFFFFFA


class Compound:
    """The streams of a compound file. Raises struct.error, KeyError or ValueError where it is damaged."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        first_folder, self._cutoff, self._first_mini, _, first_more, more = struct.unpack_from("<I4xIIIII", data, 48)
        if not (6 <= shift <= 16 and mini_shift < shift):
            raise ValueError("its sectors have a size that there is not")
        self._size, self._mini = 1 << shift, 1 << mini_shift
        self._sectors = len(data) >> shift
        tables = list(struct.unpack_from("<109I", data, 76))
        for _ in range(more):
            if len(tables) >= self._sectors:
                break
            entries = struct.unpack(f"<{self._size // 4}I", self._sector(first_more))
            tables += entries[:-1]
            first_more = entries[-1]
        self._chains = b"".join(self._sector(number) for number in tables[: self._sectors] if number < _NO_SECTOR)
        folder = self._chain(first_folder)
        self.streams: dict[str, tuple[int, int]] = {}
        for start in range(0, len(folder), 128):
            name = folder[start : start + 64].decode("utf-16-le", "replace").partition("\0")[0]
            if name:
                self.streams.setdefault(name, struct.unpack_from("<II", folder, start + 116))

    def read(self, name: str) -> bytes:
        """The bytes of a stream."""
        first, length = self.streams[name]
        if length >= self._cutoff:
            return self._chain(first)[:length]
        mini, most = self._mini, len(self._small) // self._mini + 1
        numbers = _numbers(first, self._mini_chains, most)
        return b"".join(self._small[number * mini : (number + 1) * mini] for number in numbers)[:length]

    @cached_property
    def _small(self) -> bytes:
        return self._chain(self.streams["Root Entry"][0])

    @cached_property
    def _mini_chains(self) -> bytes:
        return self._chain(self._first_mini)

    def _chain(self, first: int) -> bytes:
        """The content of a sector and of those that follow it."""
        return b"".join(map(self._sector, _numbers(first, self._chains, self._sectors)))

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self._size : (number + 2) * self._size]


def names_in(data: bytes) -> set[str]:
    """The names of the streams; none where the file is damaged."""
    try:
        return set(Compound(data).streams)
    except (struct.error, ValueError, IndexError):
        return set()


def _numbers(first: int, chains: bytes, most: int) -> Iterator[int]:
    """The numbers of the sectors of a chain, of which there are so many at the most."""
    for _ in range(most):
        if first >= _NO_SECTOR:
            return
        yield first
        (first,) = struct.unpack_from("<I", chains, first * 4)
