"""Compound files: the container of old Office formats, in which each stream of bytes has a name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

MARK = b"\xd0\xcf\x11\xe0"


class Compound:
    """The streams of a compound file. Raises struct.error, KeyError or ValueError where it is damaged."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        first_folder, self._cutoff, self._first_mini, _, first_more, more = struct.unpack_from("<I4xIIIII", data, 48)
        if not (6 <= shift <= 16 and mini_shift < shift):
            raise ValueError("its sectors have a size that there is not")
        self._size, self._mini = 1 << shift, 1 << mini_shift
        tables = list(struct.unpack_from("<109I", data, 76))
        for _ in range(min(more, len(data) >> shift)):
            entries = struct.unpack(f"<{self._size // 4}I", self._sector(first_more))
            tables += entries[:-1]
            first_more = entries[-1]
        self._chains = b"".join(self._sector(number) for number in tables if number < 0xFFFFFFFA)
        folder = b"".join(map(self._sector, self._chain(first_folder, self._chains)))
        self.streams: dict[str, tuple[int, int]] = {}
        for start in range(0, len(folder), 128):
            name = folder[start : start + 64].decode("utf-16-le", "replace").partition("\0")[0]
            if name:
                self.streams.setdefault(name, struct.unpack_from("<II", folder, start + 116))

    def read(self, name: str) -> bytes:
        """The bytes of a stream."""
        first, length = self.streams[name]
        if length >= self._cutoff:
            return b"".join(map(self._sector, self._chain(first, self._chains)))[:length]
        mini = self._mini
        chain = self._chain(first, self._mini_chains)
        return b"".join(self._small[number * mini : (number + 1) * mini] for number in chain)[:length]

    @cached_property
    def _small(self) -> bytes:
        return b"".join(map(self._sector, self._chain(self.streams["Root Entry"][0], self._chains)))

    @cached_property
    def _mini_chains(self) -> bytes:
        return b"".join(map(self._sector, self._chain(self._first_mini, self._chains)))

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self._size : (number + 2) * self._size]

    def _chain(self, first: int, chains: bytes) -> Iterator[int]:
        # No chain is longer than the file: a damaged one may lead back to its beginning.
        for _ in range(len(self._data) // self._mini + 1):
            if first >= 0xFFFFFFFA:
                return
            yield first
            (first,) = struct.unpack_from("<I", chains, first * 4)


def names_in(data: bytes) -> set[str]:
    """The names of the streams; none where the file is damaged."""
    try:
        return set(Compound(data).streams)
    except (struct.error, ValueError, IndexError):
        return set()
