"""Decodes the bytes of a text file in the encoding that its source declares, or in the one that is detected.

A byte order mark wins over both. A declared encoding that the bytes contradict is refused, never replaced by another;
detection is refused where two encodings would give different letters and nothing tells which is right.
"""

from __future__ import annotations

import codecs
import re

from forecourt.errors import Problem
from ingest.mapped import Bytes
from ingest.readers.dialect import DETECT
from ingest.readers.text import Decoded, decode, first_wrong

#: The single-byte encodings of export files; detection chooses among these and UTF-8.
_CANDIDATES = ("cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1254", "iso8859_9")

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile(rb"[\x80-\x9f]")
_SAMPLE = 256 * 1024


def decode_as(data: Bytes, encoding: str) -> Decoded:
    """The bytes as UTF-8. ``encoding``: a declared one, or ``detect``.

    Raises Problem (a sentence without the file's name) for what is no text, holds NUL bytes, contradicts the declared
    encoding, or could be one of two encodings.
    """
    if data.startswith(_MARKS):
        return decode(data, "utf-8")
    if encoding == DETECT:
        return decode(data, detect(data))
    known = codecs.lookup(encoding).name
    if known.startswith(("iso8859", "cp125")):
        _check_single_byte(data, encoding, known)
    return decode(data, encoding)


def detect(data: Bytes) -> str:
    """The encoding of bytes without a byte order mark. Raises Problem where two would give different letters."""
    head = data[:4096]
    if head.count(b"\0") * 4 > len(head):
        return "utf-16-le" if head[1::2].count(b"\0") > head[0::2].count(b"\0") else "utf-16-be"
    if _is_utf8(data):
        return "utf-8"
    import charset_normalizer  # Here, because few files need it.

    sample = _sample(data)
    fitting = [name for name in _CANDIDATES if _fits(sample, name)]
    found = list(charset_normalizer.from_bytes(sample, cp_isolation=fitting, threshold=0.5)) if fitting else []
    best = [match for match in found if match.encoding in fitting]
    if not best:
        raise Problem(
            "its letters beyond ASCII are in no encoding that is known here. Export it as UTF-8, or declare its "
            "encoding in the source."
        )
    # The most used encoding stands for all that give the same letters.
    text = str(best[0])
    first = next(name for name in fitting if sample.decode(name) == text)
    for rival in best[1:]:
        is_as_good = rival.chaos <= best[0].chaos and rival.coherence >= best[0].coherence
        if is_as_good and str(rival) != text:
            place = next(place for place, pair in enumerate(zip(text, str(rival), strict=False)) if pair[0] != pair[1])
            raise Problem(
                f"its encoding cannot be told: {_around(text, place)!r} as {first} would be "
                f"{_around(str(rival), place)!r} as {rival.encoding}. Declare the encoding in the source."
            )
    return first


def _check_single_byte(data: Bytes, encoding: str, known: str) -> None:
    """Refuses bytes that a single-byte encoding takes without complaint, and that nobody wrote in it."""
    if _is_utf8(data) and _BEYOND_ASCII.search(data):
        raise Problem(
            f"it is declared as {encoding}, but every letter beyond ASCII in it is one of UTF-8. Correct the encoding "
            "in the source, or export it as declared."
        )
    found = _CONTROL.search(data) if known.startswith("iso8859") else None
    if found:
        line = data.count(b"\n", 0, found.start()) + 1
        raise Problem(
            f"line {line} has the byte 0x{data[found.start()]:02X}, which is no letter in {encoding} (it is one in "
            "Windows-1252). Correct the encoding in the source, or export it as declared."
        )


def _is_utf8(data: Bytes) -> bool:
    return first_wrong(data, "utf-8") is None


def _fits(data: bytes, encoding: str) -> bool:
    if encoding.startswith("iso8859") and _CONTROL.search(data):
        return False
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _sample(data: Bytes) -> bytes:
    """The lines that have letters beyond ASCII, as many as a detector needs."""
    lines: list[bytes] = []
    size = 0
    for match in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*", data):
        lines.append(match[0])
        size += len(match[0])
        if size > _SAMPLE:
            break
    return b"\n".join(lines)


def _around(text: str, place: int) -> str:
    return re.sub(r"\s+", " ", text[max(place - 8, 0) : place + 9]).strip()
