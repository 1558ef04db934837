"""Opens zip and gzip archives that may be hostile: nothing is written to disk, and no more is read than is allowed."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from forecourt.errors import Problem
from forecourt.wording import megabytes

_CHUNK = 1 << 20
#: What a damaged or odd zip raises when it is read.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold: ``members``, ``size`` in bytes of all of them together, and how many times its
    own size that may be. The ratio counts from ``spared`` bytes on: a small file of one repeated row packs well."""

    members: int = 2000
    size: int = 2 << 30
    ratio: int = 150
    spared: int = 64 << 20


LIMITS = Limits()


def open_zip(data: bytes, limits: Limits = LIMITS) -> zipfile.ZipFile:
    """The zip in these bytes, its list of members checked.

    Raises Problem (a sentence without the file's name) for a damaged one, for passwords, for names that lead out of
    a folder, and for what states more than the limits; a list that lies is found as the members are read.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except _ZIP_ERRORS as error:
        raise Problem(f"it is a damaged zip archive ({error}). Pack it again and deliver it.") from None
    if len(members) > limits.members:
        raise Problem(f"it holds {len(members)} files; archives are read up to {limits.members}. Pack fewer in one.")
    for member in members:
        why = _why_unsafe(member)
        if why:
            raise Problem(f"it is a zip archive with {why}, so none of its files was read. Pack them plainly.")
        if member.flag_bits & 0x1:
            raise Problem("it is a zip archive protected by a password. Pack it without one, or deliver its files.")
    names = [member.filename for member in members]
    twice = next((name for name in names if names.count(name) > 1), None) if len({*names}) < len(names) else None
    if twice:
        raise Problem(f"it is a zip archive that holds {twice!r} twice. Pack each file once.")
    _check_size(sum(member.file_size for member in members), len(data), limits)
    return archive


def chunks_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The unpacked bytes of a member, piece by piece. Raises Problem where it is damaged."""
    try:
        with archive.open(member) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except _ZIP_ERRORS as error:
        raise Problem(
            f"{member.filename!r} in it cannot be unpacked ({error}). Pack it again and deliver it."
        ) from None


@dataclass
class Allowance:
    """Counts what is unpacked from an archive of ``packed`` bytes against the limits."""

    packed: int
    limits: Limits = LIMITS
    unpacked: int = 0

    def take(self, chunk: bytes) -> bytes:
        """The chunk. Raises Problem once the limit is passed."""
        self.unpacked += len(chunk)
        _check_size(self.unpacked, self.packed, self.limits)
        return chunk


def gunzip(data: bytes, limits: Limits = LIMITS) -> bytes:
    """The content of a gzip file. Raises Problem for a damaged one and for more than the limits."""
    allowance = Allowance(len(data), limits)
    content = bytearray()
    rest = data
    try:
        while rest:  # a gzip file may be several of them, one after the other
            unpacker = zlib.decompressobj(wbits=31)
            while not unpacker.eof:
                chunk = unpacker.decompress(rest, _CHUNK)
                rest = unpacker.unconsumed_tail
                content += allowance.take(chunk)
                if not chunk and not rest and not unpacker.eof:
                    raise Problem("it is a gzip archive whose end is missing. Pack it again and deliver it.")
            rest = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise Problem(f"it is a damaged gzip archive ({error}). Pack it again and deliver it.") from None
    return bytes(content)


def _check_size(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.size:
        raise Problem(
            f"its content is larger than {megabytes(limits.size)} unpacked, so it was not read on. Deliver "
            "its files alone, or in smaller archives."
        )
    if unpacked > limits.spared and unpacked > packed * limits.ratio:
        raise Problem(
            f"its content unpacks to more than {limits.ratio} times its size, as no export does, so it was not read "
            "on. Deliver its files unpacked."
        )


def _why_unsafe(member: zipfile.ZipInfo) -> str | None:
    """What is wrong with the name or kind of a member; the name that was written, not the one Python made of it."""
    written = member.orig_filename
    name = written.replace("\\", "/")
    if "\0" in written:
        return f"a name that holds a NUL ({written!r})"
    if name.startswith("/") or (len(name) > 1 and name[1] == ":") or ".." in name.split("/"):
        return f"a name that leads out of its folder ({written!r})"
    if stat.S_ISLNK(member.external_attr >> 16):
        return f"a link in the place of a file ({written!r})"
    return None
