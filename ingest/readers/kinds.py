"""What kind of file some bytes are. The bytes decide: a workbook named .csv is a workbook, a csv named .xls is text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Literal

from ingest.mapped import Bytes
from ingest.readers.adf_text import is_mail
from ingest.readers.text import what_it_is

Kind = Literal["text", "json", "xml", "workbook", "page", "zip", "gzip", "mail", "other"]

#: Kind -> the endings that names of such files have, for the remark about a name that says something else.
ENDINGS: dict[Kind, tuple[str, ...]] = {
    "text": (".csv", ".tsv", ".txt", ".psv", ".tab", ".dat"),
    "json": (".json", ".ndjson", ".jsonl"),
    "xml": (".xml", ".adf"),
    "workbook": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
}

#: How a sentence calls a kind.
WORDS: dict[Kind, str] = {
    "text": "delimited text",
    "json": "JSON",
    "xml": "XML",
    "workbook": "a workbook",
    "page": "a web page",
    "zip": "a zip archive",
    "gzip": "a gzip archive",
    "mail": "a mail",
}

_OLE = b"\xd0\xcf\x11\xe0"
_JSON_START = re.compile(rb'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\]]|\Z|-?\d))')
_XML_START = re.compile(rb"\s*<(?:\?xml|!--|!DOCTYPE|[A-Za-z_])")
#: HTML, which starts like XML and often is none. What stands before its first tag is read one way only: a comment that
#: could also end with a later one would be tried in every combination, and thirty of them would take for ever.
_WEB_PAGE = re.compile(
    rb"(?>\s+|<\?xml[^>]*>|<!--.*?-->)*+<(?:(?:!doctype\s+html|html|head|body|meta|style|div)\b|table\b[^>]*>.*?<t[rhbd])",
    re.IGNORECASE | re.DOTALL,
)
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def kind_of(data: Bytes) -> Kind:
    """The kind by the first bytes and, for a zip, by what lies in it; ``words_for`` names an other one."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(data)
    if data.startswith(b"\x1f\x8b"):
        return "gzip"
    if data.startswith(_OLE):
        return "workbook"
    if what_it_is(data):
        return "other"
    start = _start_as_ascii(data)
    if _XML_START.match(start):
        return "page" if _WEB_PAGE.match(start) else "xml"
    if _JSON_START.match(start) and _goes_on_as_json(start):
        return "json"
    return "mail" if is_mail(data) else "text"


def words_for(data: Bytes) -> str:
    """What the file is, in words."""
    kind = kind_of(data)
    if kind == "other" and data.startswith(b"PK"):
        return "an Office document or a program archive that is no workbook"
    return WORDS.get(kind) or what_it_is(data) or "a file of unknown kind"


def is_picture(data: Bytes) -> bool:
    """True for what begins like a picture, as signatures of mails have them."""
    return (what_it_is(data) or "").endswith("picture")


def _kind_of_zip(data: Bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {info.filename for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return "zip"
    if names & {"xl/workbook.xml", "xl/workbook.bin"} or {"content.xml", "mimetype"} <= names:
        return "workbook"
    is_office = "[Content_Types].xml" in names or "META-INF/MANIFEST.MF" in names
    return "other" if is_office else "zip"


def _start_as_ascii(data: Bytes) -> bytes:
    """The first characters, whatever Unicode encoding a byte order mark or the zero bytes betray."""
    head = data[:4096]
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            return head[2:].decode(encoding, "ignore").encode("utf-8", "ignore")
    if head[:2] in (b"<\0", b"\0<"):
        return head.replace(b"\0", b"")
    return head.removeprefix(b"\xef\xbb\xbf")


def _goes_on_as_json(start: bytes) -> bool:
    """True unless the first line is a header that merely begins with a bracket, like ``[id],name``."""
    text = start.decode("utf-8", "replace").lstrip()
    try:
        json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return True
    except json.JSONDecodeError as error:
        # Cut off by the end of what was looked at, or wrong in the midst of a text that has JSON's shape so far.
        return error.pos > 1 or len(text) < 2
    return True
