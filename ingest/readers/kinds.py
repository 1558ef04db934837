"""What kind of file some bytes are. The bytes decide: a workbook named .csv is a workbook, a csv named .xls is text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Literal

from ingest.mapped import Bytes, whole
from ingest.readers import compound
from ingest.readers.adf_text import is_mail
from ingest.readers.signatures import what_it_is
from ingest.readers.whatsapp import looks_like_chat

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

#: A stream of a compound file -> what the file is, where it is no workbook.
_COMPOUNDS = {
    "WordDocument": "a Word document",
    "PowerPoint Document": "a PowerPoint presentation",
    "__properties_version1.0": "a message of Outlook (.msg)",
}
_MOST_LOOKED_AT = 200 << 20
#: In it a protected workbook lies.
PROTECTED = "EncryptedPackage"

_JSON_START = re.compile(rb'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\]]|\Z|-?\d|null\b|true\b|false\b))')
#: Workbooks that are one XML file: of Excel 2003, and of OpenDocument (.fods).
_XML_WORKBOOK = re.compile(
    rb"(?:\A|\s|>)<(?:\w+:)?Workbook\b[^>]*urn:schemas-microsoft-com:office:spreadsheet|<office:document\s"
)
_XML_START = re.compile(rb"\s*<(?:\?xml|!--|!DOCTYPE|[A-Za-z_])")
#: HTML, which starts like XML and often is none. What stands before its first tag is read one way only: a comment that
#: could also end with a later one would be tried in every combination, and thirty of them would take for ever.
_WEB_PAGE = re.compile(
    rb"(?>\s+|<\?xml[^>]*>|<!--.*?-->)*+<(?:(?:!doctype\s+html|html|head|body|meta|style|div)\b|table\b[^>]*>.*?<t[rhbd])",
    re.IGNORECASE | re.DOTALL,
)
#: How XML and JSON begin in UTF-16 without a mark.
_WIDE_STARTS = tuple(start for sign in (b"<", b"[", b"{") for start in (sign + b"\0", b"\0" + sign))
_WIDE = {b"\xff\xfe\0\0": "utf-32-le", b"\0\0\xfe\xff": "utf-32-be", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def kind_of(data: Bytes) -> Kind:
    """The kind by the first bytes and, for a zip, by what lies in it; ``words_for`` names an other one."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(data)
    if data.startswith(b"\x1f\x8b"):
        return "gzip"
    if data.startswith(compound.MARK):
        return "other" if _words_for_compound(data) else "workbook"
    if what_it_is(data):
        return "other"
    start = _start_as_ascii(data)
    if _XML_START.match(start):
        if _XML_WORKBOOK.search(start):
            return "workbook"
        return "page" if _WEB_PAGE.match(start) else "xml"
    # The stamps of a chat may stand in brackets, as lists do.
    if _JSON_START.match(start) and not looks_like_chat(start.decode("utf-8", "replace")) and _goes_on_as_json(start):
        return "json"
    return "mail" if is_mail(data) else "text"


def words_for(data: Bytes) -> str:
    """What the file is, in words."""
    kind = kind_of(data)
    if kind == "other" and data.startswith(b"PK"):
        return "an Office document or a program archive that is no workbook"
    if data.startswith(compound.MARK):
        return _words_for_compound(data) or WORDS["workbook"]
    return WORDS.get(kind) or what_it_is(data) or "a file of unknown kind"


def _words_for_compound(data: Bytes) -> str | None:
    # A larger one is refused for its size, whatever it is.
    names = compound.names_in(whole(data)) if len(data) <= _MOST_LOOKED_AT else set()
    return next((words for name, words in _COMPOUNDS.items() if name in names), None)


def _kind_of_zip(data: Bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {info.filename for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return "zip"
    if names & {"xl/workbook.xml", "xl/workbook.bin"} or {"content.xml", "mimetype"} <= names:
        return "workbook"
    # Word, PowerPoint and Apple's Numbers; programs.
    is_office = bool(names & {"[Content_Types].xml", "META-INF/MANIFEST.MF", "Index/Document.iwa"})
    return "other" if is_office else "zip"


def _start_as_ascii(data: Bytes) -> bytes:
    """The first characters, whatever Unicode encoding a byte order mark or the zero bytes betray."""
    head = data[:4096]
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "ignore").encode("utf-8", "ignore")
    if head[:2] in _WIDE_STARTS:
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
