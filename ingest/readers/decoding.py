"""From the bytes of a text to UTF-8: in the encoding that is declared, or that a byte order mark states."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

from forecourt.errors import Problem
from ingest.mapped import Bytes, chunks_of, gathered, part
from ingest.readers.faults import HANDLER, has_few_faults
from ingest.readers.signatures import what_it_is

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", 3),
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)

#: Bytes around a wrong one in which letters of UTF-8 are looked for: in all of a large file that takes seconds.
_NEAR = 1 << 20
_UTF8_LETTER = re.compile(rb"(?<![\x80-\xff])[\xc3-\xdf][\x80-\xbf](?![\x80-\xff])")

#: What some databases write in the place of line ends.
_RECORD_MARK = b"\x1e"

#: What programs for DOS write behind the last line.
_END_MARK = b"\x1a"


@dataclass(frozen=True)
class Decoded:
    """UTF-8 bytes without a byte order mark, and the encoding that the file had. ``has_faults``: bytes that were not in
    it stand as FAULT."""

    data: Bytes
    encoding: str
    has_faults: bool = False


def is_blank(data: Bytes) -> bool:
    """True for bytes without anything but blanks; looks at no more of a large file than it must."""
    return not data[:4096].strip() and not any(chunk.strip() for chunk in chunks_of(data))


def decode(data: Bytes, encoding: str, *, with_faults: bool = False) -> Decoded:
    """Bytes in the declared encoding, or in the one their byte order mark states, as UTF-8.

    ``with_faults``: a few lines of a text in UTF-8 may have bytes that are not in it.

    Raises Problem (a sentence without the file's name) for an empty file, a file that is no text, NUL bytes, or
    bytes that are not in the encoding.
    """
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    words = what_it_is(data)
    if words:
        raise Problem(f"it is {words}, not delimited text. Export it as csv and deliver that file.")
    for mark, name, length in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            data, encoding = part(data, length), name
            break
    is_wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    likely = "" if is_wide else utf16_of(data[:4096])
    if likely:
        raise Problem(
            "it looks like UTF-16 without its byte order mark. Export it as UTF-8, or as UTF-16 with its mark; a "
            f"source can also declare {likely} as its encoding."
        )
    is_utf8 = encoding == "utf-8" or (_keeps_ascii(encoding) and data.isascii())
    wrong = first_wrong(data, "utf-8" if is_utf8 else encoding)
    has_faults = wrong is not None and with_faults and encoding == "utf-8" and has_few_faults(data)
    if wrong is not None and not has_faults:
        raise Problem(
            f"line {line_at(data, wrong)} has the byte 0x{data[wrong]:02X}, which is not {encoding.upper()}"
            f"{_likely(data, wrong, encoding)}. Export it as UTF-8."
        )
    if has_faults or not is_utf8:
        data = transcoded(data, encoding)
    nul = data.find(b"\0")
    if nul >= 0:
        raise Problem(
            f"line {line_at(data, nul)} holds a NUL byte, so it is no text or was damaged. Export it again as UTF-8."
        )
    if data[len(data) - 1 :] == _END_MARK:
        data = part(data, 0, len(data) - 1)
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    if data.find(_RECORD_MARK, 0, 4096) >= 0 and data.find(b"\n") < 0 and data.find(b"\r") < 0:
        raise Problem("its records end in the control mark U+001E, which is not read. Export it with one on a line.")
    return Decoded(data, encoding, has_faults)


@cache
def _keeps_ascii(encoding: str) -> bool:
    """Whether each byte of ASCII stands for itself in an encoding, and none begins a sequence that means another."""
    decoder = codecs.getincrementaldecoder(encoding)
    return all(decoder("ignore").decode(bytes([byte])) == chr(byte) for byte in range(128))


def utf16_of(head: bytes) -> str:
    """The UTF-16 that the first bytes of a text without its mark are in; empty where they are not."""
    even, odd = head[0::2].count(b"\0"), head[1::2].count(b"\0")
    name, line_end = ("utf-16-le", b"\n\0") if odd > even else ("utf-16-be", b"\0\n")
    # Where both bytes of many letters are NUL, it is a damaged file, or UTF-32.
    if (even + odd) * 4 > len(head) and max(even, odd) > 4 * min(even, odd):
        return name
    # Letters beyond Latin have no NUL byte, but the delimiters and line ends of their table have.
    lines = head.count(line_end)
    return name if not min(even, odd) and lines and lines == head.count(b"\n") and even + odd > lines else ""


def line_at(data: Bytes, offset: int) -> int:
    """The line in which a byte stands, counted from 1; CR ends lines where none above ends in LF."""
    return (data.count(b"\n", 0, offset) or data.count(b"\r", 0, offset)) + 1


def first_wrong(data: Bytes, encoding: str) -> int | None:
    """The offset of the first byte that is not in the encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = waiting = 0
    for chunk in chunks_of(data):
        if waiting or encoding != "utf-8" or not chunk.isascii():
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return offset - waiting + error.start
            waiting = len(decoder.getstate()[0])
        offset += len(chunk)
    return offset - waiting if waiting else None


def transcoded(data: Bytes, encoding: str) -> Bytes:
    """The bytes of an encoding as UTF-8, FAULT in the place of those that are not in it."""
    if isinstance(data, bytes):
        return data.decode(encoding, HANDLER).encode("utf-8")
    decoder = codecs.getincrementaldecoder(encoding)(HANDLER)
    return gathered((decoder.decode(chunk).encode("utf-8") for chunk in chunks_of(data)), data.folder)


def _likely(data: Bytes, wrong: int, encoding: str) -> str:
    near = data[max(wrong - _NEAR, 0) : wrong + _NEAR]
    if encoding == "utf-8" and _UTF8_LETTER.search(near):
        return ", and others are: it was put together of two files, or letters were cut"
    if encoding == "utf-8" and not any(bytes([byte]) in data for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)):
        return " (it looks like Windows-1252, the encoding of older Windows programs)"
    return ""
