"""Decodes the bytes of a text file in the encoding that its source declares, or in the one that is detected.

A byte order mark wins over both. A declared encoding that the bytes contradict is refused, never replaced by another;
detection is refused where two encodings would give different letters and nothing tells which is right.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecourt.errors import Problem
from ingest.mapped import Bytes, part
from ingest.readers.decoding import Decoded, decode, first_wrong, line_at, utf16_of
from ingest.readers.dialect import DETECT
from ingest.readers.faults import has_few_faults, lines_beyond_ascii

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

#: The single-byte encodings of export files; detection chooses among these and UTF-8.
_CANDIDATES = ("cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1254", "iso8859_9")
#: What a file may be in besides, as far as a person is asked: none of them is ever detected.
_ASKED = (
    *_CANDIDATES,
    *("cp1251", "koi8_r", "cp1253", "iso8859_7", "cp850", "cp852", "mac_roman", "cp1257", "iso8859_13", "iso8859_5"),
    *("cp866", "cp1256", "cp1255", "iso8859_8", "cp874", "cp932", "euc_jp", "gb18030", "cp949", "big5", "cp1258"),
)
#: How much better than another an encoding must fit, in disorder and in likeness to a language, to be taken alone:
#: these two figures of short texts say no more.
_CHAOS, _COHERENCE = 0.1, 0.1
#: Other readings of which a person is told.
_RIVALS = 4
#: Encodings with the letters of western Europe, in which the bytes C3 to C5 are capitals.
_WESTERN = ("cp1252", "iso8859-1", "iso8859-15", "cp1254", "iso8859-9")

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(rb"[\x80-\x9f]")
_SAMPLE = 256 * 1024
#: A sign inside a word: "Gie\u00a7en" and "M\u201eller" are read in the wrong encoding.
_SIGN_IN_WORD = re.compile(r"[^\W\d_](?![\u2019\u00b4\u00b7\u2013\u2014\u00ad\u00a0])[^\w\x00-\x7f][a-z]")


def _utf8_letters(*, is_western: bool) -> dict[bytes, re.Pattern[bytes]]:
    """First byte -> a letter of UTF-8, À to ſ, that stands in a word. In a single-byte encoding it would be a capital
    below a small letter, with a sign behind it."""
    inside = rb"%s(?:(?<=[a-z]%s)[\x80-\xbf]%s)"
    western = rb"|[\x80-\xbf](?=[a-z])|(?<=[A-Z]%s)[\x80-\xbf](?=[A-Z])"
    # Of central Europe some words begin with such a capital and a letter; these bytes are signs.
    central = rb"|[\x80-\x89\x8b\x90-\x99\x9b\xa0\xa2\xa4\xa7\xa8\xad\xb0\xb2\xb4\xb7\xb8\xbd](?=[a-z])"
    return {
        lead: re.compile(inside % (lead, lead, western % lead if is_western else central))
        for lead in (b"\xc3", b"\xc4", b"\xc5")
    }


_UTF8_LETTERS = {is_western: _utf8_letters(is_western=is_western) for is_western in (True, False)}


def decode_as(data: Bytes, encoding: str, *, with_faults: bool = False) -> Decoded:
    """The bytes as UTF-8. ``encoding``: a declared one, or ``detect``; ``with_faults``: as in ``decode``.

    Raises Problem (a sentence without the file's name) for what is no text, holds NUL bytes, contradicts the declared
    encoding, or could be one of two encodings.
    """
    while data.startswith(2 * codecs.BOM_UTF8):
        data = part(data, len(codecs.BOM_UTF8))  # put together of files of which the first is empty
    if data.startswith(_MARKS):
        return decode(data, "utf-8", with_faults=with_faults)
    if encoding == DETECT:
        encoding = "utf-8" if with_faults and has_few_faults(data) else detect(data)
        return decode(data, encoding, with_faults=with_faults)
    check_single_byte(data, encoding)
    return decode(data, encoding, with_faults=with_faults)


def likely(data: Bytes) -> tuple[str, str]:
    """The encoding that bytes seem to have, for a person to confirm, and in a sentence what is doubtful about it.

    Raises Problem where none is likely, or where parts of the text have different ones.
    """
    if data.startswith(_MARKS):
        return "utf-8", ""
    try:
        return detect(data), ""
    except Problem:
        _check_mixed(data, "cp1252")
        sample = _sample(data)
        found = _matches(sample, _ASKED)
        if not found:
            raise
    alike = [match for match in found if match.chaos <= found[0].chaos and match.coherence >= found[0].coherence]
    first = min((match.encoding for match in alike), key=_ASKED.index)
    text, said = sample.decode(first), {}
    for name in sorted((match.encoding for match in found if match.chaos < found[0].chaos + 0.1), key=_ASKED.index):
        rival = sample.decode(name)
        if rival != text and rival not in said:
            place = _first_unlike(text, rival)
            said[rival] = f"{_around(text, place)!r} would be {_around(rival, place)!r} as {name}"
    return first, "; ".join([f"the encoding, here {first}", *list(said.values())[:_RIVALS]])


def detect(data: Bytes) -> str:
    """The encoding of bytes without a byte order mark. Raises Problem where two would give different letters."""
    wide = utf16_of(data[:4096])
    if wide:
        return wide
    if _is_utf8(data):
        return "utf-8"
    _check_mixed(data, "cp1252")
    sample = _sample(data)
    best = _matches(sample, _CANDIDATES)
    sign = _SIGN_IN_WORD.search(str(best[0])) if best else None
    if sign:
        raise Problem(
            f"its encoding cannot be told: {_around(str(best[0]), sign.start())!r} is no word, and it would be as "
            f"{best[0].encoding}. Declare the encoding in the source, or export it as UTF-8."
        )
    if not best:
        raise Problem(
            "its letters beyond ASCII are in no encoding that is known here. Export it as UTF-8, or declare its "
            "encoding in the source."
        )
    # The most used encoding stands for all that give the same letters.
    text = str(best[0])
    first = next(name for name in _CANDIDATES if _fits(sample, name) and sample.decode(name) == text)
    for rival in best[1:]:
        is_near = rival.chaos <= best[0].chaos + _CHAOS and rival.coherence >= best[0].coherence - _COHERENCE
        if is_near and str(rival) != text and not _SIGN_IN_WORD.search(str(rival)):
            place = _first_unlike(text, str(rival))
            raise Problem(
                f"its encoding cannot be told: {_around(text, place)!r} as {first} would be "
                f"{_around(str(rival), place)!r} as {rival.encoding}. Declare the encoding in the source."
            )
    return first


def check_single_byte(
    data: Bytes, encoding: str, remedy: str = "Correct the encoding in the source, or export it as declared."
) -> None:
    """Refuses bytes that a single-byte encoding takes without complaint, and that nobody wrote in it; any other
    encoding passes. ``remedy``: what to do about it."""
    known = codecs.lookup(encoding).name
    if not known.startswith(("iso8859", "cp125")) or data.isascii():
        return
    if _is_utf8(data):
        raise Problem(f"it is declared as {encoding}, but every letter beyond ASCII in it is one of UTF-8. {remedy}")
    _check_mixed(data, known)
    found = _CONTROL.search(data) if known.startswith("iso8859") else None
    if found:
        line = line_at(data, found.start())
        raise Problem(
            f"line {line} has the byte 0x{data[found.start()]:02X}, which is no letter in {encoding} (it is one in "
            f"Windows-1252). {remedy}"
        )


def _check_mixed(data: Bytes, known: str) -> None:
    """Refuses text of which some letters are written in UTF-8: a single-byte encoding would spoil them in silence."""
    if known not in (*_WESTERN, "cp1250", "iso8859-2"):
        return
    letters = _UTF8_LETTERS[known in _WESTERN].items()
    # Most files have no such byte, and to see that is fast.
    found = [match for lead, letter in letters if data.find(lead) >= 0 and (match := letter.search(data))]
    wrong = first_wrong(data, "utf-8")
    if found and wrong is not None:
        line, other = (line_at(data, place) for place in (min(match.start() for match in found), wrong))
        raise Problem(
            f"line {line} has letters in UTF-8 and line {other} has others, so no one encoding reads both. It was put "
            "together of two files, or cut: deliver these apart, or export it again as UTF-8."
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


def _matches(sample: bytes, names: Sequence[str]) -> list[CharsetMatch]:
    """What a detector says for those encodings that the bytes can be in, the best first."""
    import charset_normalizer  # Here, because few files need it.

    fitting = [name for name in names if _fits(sample, name)]
    found: list[CharsetMatch] = (
        list(charset_normalizer.from_bytes(sample, cp_isolation=fitting, threshold=0.5)) if fitting else []
    )
    return [match for match in found if match.encoding in fitting]


def _first_unlike(text: str, other: str) -> int:
    return next(place for place, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1])


def _sample(data: Bytes) -> bytes:
    """The lines that have letters beyond ASCII, as many as a detector needs."""
    lines: list[bytes] = []
    size = 0
    for line in lines_beyond_ascii(data):
        lines.append(line)
        size += len(line)
        if size > _SAMPLE:
            break
    return b"\n".join(lines)


def _around(text: str, place: int) -> str:
    return re.sub(r"\s+", " ", text[max(place - 8, 0) : place + 9]).strip()
