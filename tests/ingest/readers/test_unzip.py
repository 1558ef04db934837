"""Archives that may be hostile: limits hold for what is unpacked, not for what is stated."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import pytest

from forecourt.errors import Problem
from ingest.readers.unzip import Allowance, Limits, chunks_of, gunzip, open_zip
from tests.ingest.workbooks import zipped

SMALL = Limits(members=3, size=1 << 20, ratio=20, spared=1000)


def unpack(data: bytes, limits: Limits = SMALL) -> list[bytes]:
    with open_zip(data, limits) as archive:
        allowance = Allowance(len(data), limits)
        return [b"".join(allowance.take(chunk) for chunk in chunks_of(archive, info)) for info in archive.infolist()]


def named(name: str, mode: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        info.external_attr = mode << 16
        archive.writestr(info, b"content")
    return content.getvalue().replace(b"x" * len(name), name.encode())


def test_what_is_packed_comes_out() -> None:
    assert unpack(zipped({"a": b"1", "b": b"2"})) == [b"1", b"2"]
    assert gunzip(gzip.compress(b"1") + gzip.compress(b"2") + b"\0\0", SMALL) == b"12"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (named("/etc/passwd"), "a name that leads out of its folder"),
        (named("a/../../b"), "a name that leads out of its folder"),
        (named("..\\b.csv"), "a name that leads out of its folder"),
        (named("C:\\b.csv"), "a name that leads out of its folder"),
        (named("a\0.csv"), "a name that holds a NUL"),
        (named("link", 0o120777), "a link in the place of a file"),
        (zipped({str(number): b"" for number in range(4)}), "it holds 4 files; archives are read up to 3"),
        (zipped({"a": bytes(2 << 20)}), "its content is larger than 1 MB unpacked"),
        (zipped({"a": bytes(500_000)}), "its content unpacks to more than 20 times its size"),
        (zipped({"a": b"content" * 9})[:-30], "it is a damaged zip archive"),
        (zipped({"a": b"1", "b": b"2"}).replace(b"b", b"a"), "it is a zip archive that holds 'a' twice"),
    ],
    ids=["absolute", "up", "backslash", "drive", "nul", "link", "many", "large", "bomb", "cut", "twice"],
)
def test_a_hostile_archive_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        unpack(data)


def test_an_archive_with_a_password_is_refused() -> None:
    data = bytearray(zipped({"a": b"1"}))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Problem, match="protected by a password"):
        unpack(bytes(data))


def test_a_member_that_unpacks_to_more_than_it_states_or_is_damaged_is_refused() -> None:
    data = zipped({"a": bytes(500_000)})
    size = struct.pack("<I", 500_000)
    with pytest.raises(Problem, match="'a' in it cannot be unpacked"):
        unpack(data.replace(size, struct.pack("<I", 500)))
    with pytest.raises(Problem, match="'a' in it cannot be unpacked"):
        unpack(zipped({"a": b"some content"})[:35] + b"?" + zipped({"a": b"some content"})[36:], Limits())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(bytes(500_000)), "its content unpacks to more than 20 times its size"),
        (gzip.compress(bytes(2 << 20)), "its content"),
        (gzip.compress(b"content")[:-4], "whose end is missing"),
        (b"\x1f\x8bnothing", "it is a damaged gzip archive"),
        (gzip.compress(b"1") + b"rubbish", "it is a damaged gzip archive"),
    ],
    ids=["bomb", "large", "cut", "nothing", "rubbish"],
)
def test_a_hostile_gzip_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        gunzip(data, SMALL)
