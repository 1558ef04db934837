"""From the bytes of a delivered lead file to text: its encoding, and the parts of a mail that carry it."""

from __future__ import annotations

import base64
import codecs
import quopri
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_string

from ingest.mapped import Bytes

_DECLARED = re.compile(rb"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
# Only character sets: Python also knows "encodings" such as punycode, which are slow or hide markup.
_CHARACTER_SET = re.compile(
    r"utf-8(-sig)?|utf-16(-[lb]e)?|ascii|iso8859-\d+|cp\d+|mac-roman|koi8-[ru]|gbk|gb2312|gb18030|big5|shift_jis|euc_(jp|kr)"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADER_LINE = re.compile(rb"(?:From |[A-Za-z][A-Za-z0-9-]*:)")
_MAIL_HEADER = re.compile(
    rb"^(?:mime-version|content-type|content-transfer-encoding|received|from|to|subject|date|message-id|return-path"
    rb"|delivered-to):",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass
class Passage:
    """A stretch of decoded text of the file, which knows the line of the file each of its lines stands on."""

    text: str
    lines: Sequence[int] | None = None
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def line(self, offset: int) -> int:
        """Return the 1-based line of the file for an offset in `text`."""
        index = bisect_right(self._starts, offset) - 1
        if self.lines is None:
            return index + 1
        return self.lines[min(index, len(self.lines) - 1)]


@dataclass
class Decoded:
    """Decoded text, the encoding that was used, and what had to be repaired on the way."""

    text: str
    encoding: str
    repairs: list[str]


def decode(data: bytes, told: str | None = None) -> Decoded:
    """Decode a file: byte-order mark, else `told` (by the source or mail), else its XML declaration, else UTF-8.

    Never fails: bytes that belie the declaration are read as UTF-8, and those that are not UTF-8 either as
    Windows-1252, and a repair says so.
    """
    repairs: list[str] = []
    head = data[:400]
    # One stray zero byte makes no UTF-16: in markup close to every second byte is zero.
    is_wide = head.count(b"\0") * 4 > len(head)
    if data.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    elif is_wide and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif is_wide and data[:2] in (b"<\0", b"\0<"):
        candidates = ["utf-16-le" if data[0] else "utf-16-be"]
    else:
        declared = _DECLARED.search(data[:2000])
        candidates = [name for name in (told, declared and declared[1].decode("ascii")) if name]
    for name in candidates:
        known = _character_set(name)
        if known is None:
            repairs.append(f"the declared encoding {name!r} is not a known character set")
            continue
        if is_wide != known.startswith("utf-16") or (not is_wide and b"<".decode(known) != "<"):
            repairs.append(f"the declared encoding {name!r} is belied by the bytes")
            continue
        if known.startswith(("iso8859", "cp125")) and _is_utf8_beyond_ascii(data):
            repairs.append(f"the declared encoding {name!r} is belied by the bytes, whose letters are UTF-8")
            continue
        if known == "iso8859-1" and re.search(rb"[\x80-\x9f]", data):
            repairs.append("the declared encoding 'iso-8859-1' is belied by the bytes, which are Windows-1252")
            known = "cp1252"
            return Decoded(data.decode(known, _LEGACY), _public_name(known), repairs)
        try:
            return Decoded(data.decode(known), _public_name(known), repairs)
        except UnicodeDecodeError as error:
            repairs.append(f"the declared encoding {name!r} is belied by byte {error.start + 1}")
            if known.startswith("utf-16"):
                return Decoded(data.decode(known, "replace"), _public_name(known), repairs)
    try:
        return Decoded(data.decode("utf-8"), "utf-8", repairs)
    except UnicodeDecodeError:
        text = data.decode("utf-8", _LEGACY)
        # Where other characters of the file are proper UTF-8 the file is UTF-8 with strays in it.
        stray_only = len(re.findall(rb"[\x80-\xff]", data)) == len(re.findall(r"[^\x00-\x7f]", text))
        encoding = "windows-1252" if stray_only else "utf-8"
        repairs.append("bytes that are not UTF-8 were read as Windows-1252")
        return Decoded(text, encoding, repairs)


def _is_utf8_beyond_ascii(data: bytes) -> bool:
    """True for bytes with letters beyond ASCII that are all of UTF-8: nobody writes such in a single-byte encoding."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_mail(data: Bytes) -> bool:
    """Tell whether the bytes start like a mail: header lines with at least one that mails have."""
    head = data[:65536].lstrip()
    if not _HEADER_LINE.match(head):
        return False
    block = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return _MAIL_HEADER.search(block) is not None


def mail_parts(data: bytes) -> tuple[list[tuple[Passage, Decoded]], str | None]:
    """Return the decoded leaf parts of a mail in their order, and its Date header."""
    # As Latin-1 every byte is one character, so that the parts can be found again in the file.
    message = message_from_string(data.decode("latin-1"))
    sent = message["Date"]
    parts: list[tuple[Passage, Decoded]] = []
    cursor = 0
    for part in message.walk():
        if part.is_multipart() or part.get_content_maintype() in {"image", "audio", "video"}:
            continue
        payload = part.get_payload()
        if not isinstance(payload, str):
            continue
        written = payload.encode("latin-1")
        transfer = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        found = data.find(written, cursor)
        first = data.count(b"\n", 0, max(found, cursor)) + 1
        cursor = max(found + len(written), cursor)
        content = written
        if transfer == "quoted-printable":
            content = quopri.decodestring(written)
        elif transfer == "base64":
            content = _from_base64(written)
        decoded = decode(content, part.get_content_charset())
        if transfer == "quoted-printable":
            lines: Sequence[int] = _unfolded_lines(written, first)
        elif transfer == "base64":
            lines = (first,)
        else:
            lines = range(first, first + len(_LINE_END.findall(decoded.text)) + 1)
        parts.append((Passage(decoded.text, lines), decoded))
    return parts, str(sent) if sent is not None else None


def _from_base64(written: bytes) -> bytes:
    """Decode what there is of a base64 body, also when its end is cut off."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", written)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def _unfolded_lines(written: bytes, first: int) -> list[int]:
    """Give for each decoded line of a quoted-printable body the line of the file it starts on."""
    lines = [first]
    for offset, line in enumerate(written.split(b"\n")):
        ends = quopri.decodestring(line + b"\n").count(b"\n")
        lines.extend([first + offset + 1] * ends)
    return lines


def _as_legacy(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    # Five bytes mean nothing in Windows-1252: they keep their number, so that none is lost.
    text = "".join(_CP1252.get(byte, chr(byte)) for byte in wrong)
    return text, error.end


_CP1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)}
_LEGACY = "forecourt.windows-1252"
codecs.register_error(_LEGACY, _as_legacy)


def _character_set(name: str) -> str | None:
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    return known if _CHARACTER_SET.fullmatch(known) else None


def _public_name(known: str) -> str:
    for python, public in (("utf-8-sig", "utf-8"), ("cp125", "windows-125"), ("iso8859", "iso-8859")):
        if known.startswith(python):
            return known.replace(python, public)
    return known
