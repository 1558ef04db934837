"""Which source a file belongs to: its bytes say what kind of file it is, its name and header which source.

A file's name is the last part of the name it was delivered under: what stands before a slash is its container.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from forecourt.errors import Problem
from forecourt.wording import megabytes
from ingest.containers import MAX_MAIL, beside_a_lead, is_container, members
from ingest.contract import Feed, load_feeds
from ingest.delivery import is_full, native_feed
from ingest.mapped import Bytes, part, whole
from ingest.opened_file import OpenedFile
from ingest.readers import adf as adf_reader
from ingest.readers import text, web_page, workbook, workbook_open, xml_rows
from ingest.readers.adf import looks_like_adf
from ingest.readers.decoding import Decoded, is_blank
from ingest.readers.dialect import Dialect, folded
from ingest.readers.headless import joined_header
from ingest.readers.kinds import ENDINGS, WORDS, Kind, words_for
from ingest.readers.rows import MAX_COLUMNS, Objects
from ingest.readers.sheets import Workbook
from ingest.readers.whatsapp import CHAT_HEAD, looks_like_chat, read_chat
from ingest.source_file import load_sources
from ingest.sources import Source, name_fits, native_source, told_by_name
from ingest.unknown import unknown

#: A line that is longer than this is no row of an export.
MAX_LINE = 16 << 20
MAX_HEADER = 1 << 20
#: Kinds that are taken apart in memory, and up to how many bytes that is done: asked before anything is read.
MAX_SIZES: dict[Kind, int] = {
    "mail": MAX_MAIL,
    "page": web_page.MAX_BYTES,
    "workbook": workbook_open.MAX_BYTES,
    "xml": xml_rows.MAX_BYTES,
}
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class TextContent:
    """Delimited text, the dialect in which its header fits, and how many lines stand above the header.

    ``decoded`` starts with the header; for a table without one it starts with the first row. ``names``: those that
    are put together of several lines, of which ``decoded`` starts with the last; ``first_line``: how the first reads.
    """

    decoded: Decoded
    dialect: Dialect
    above: int = 0
    names: tuple[str, ...] = ()
    first_line: str = ""


@dataclass(frozen=True)
class SheetContent:
    book: Workbook
    place: workbook.Place


@dataclass(frozen=True)
class AdfContent:
    data: bytes


Content = TextContent | SheetContent | Objects | AdfContent


@dataclass(frozen=True)
class Recognised:
    """A file's source, its content as far as it was read to tell, and what was odd about it."""

    source: Source
    content: Content
    remarks: list[str] = field(default_factory=list)


def recognise(name: str, data: Bytes, declared: Callable[[], Mapping[str, Source]] = load_sources) -> Recognised:
    """The source of a file, by its name and its header; ``declared``: gives the sources it can be of, which a native
    one need not ask.

    Raises Problem (a sentence without the file's name) when it is no known kind of file.
    """
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    if is_container(data):
        members(name, data)
        raise Problem("its files are deliveries of their own. Deliver it again.")
    file = OpenedFile(name, data)
    _check_size(file.kind, data)
    if file.kind == "text":
        check_lines(data)
    feed = native_feed(file.name)
    if feed:
        return _native(load_feeds()[feed], file)
    sources = declared()
    # The source that asks for more columns knows its files better.
    by_detail = sorted(sources.values(), key=lambda source: -len(source.signature))
    named = [source for source in by_detail if name_fits(file.name, source) and source.reader != "adf"]
    others = [source for source in by_detail if source not in named and source.signature]
    adf = sources.get("adf")
    # A file that is XML and no lead belongs to another source, whatever its name ends in.
    may_be_adf = file.kind in ("text", "xml", "page", "mail")
    if adf and may_be_adf and not named and looks_like_adf(data):
        return Recognised(adf, _leads(data), _passed_over(file))
    problems: list[Problem] = []
    for source in (*named, *others):
        if source not in named and not _may_be(source, file):
            continue
        try:
            found = _content(source, file)
        except Problem as problem:
            if source in named:
                problems.append(problem)
            continue
        if found:
            said = found.remarks if isinstance(found, Objects) else []
            is_text = isinstance(found, TextContent) and file.kind != "text"
            return Recognised(told_by_name(source, file.name), found, [*([] if is_text else _remarks(file)), *said])
    # Other XML is no lead that could be mended, and what is wrong with it is told as of any document. One element with
    # nothing in it holds no records of any kind.
    is_other_xml = file.kind == "xml" and not looks_like_adf(data)
    if is_other_xml and not problems:
        is_other_xml = len(file.root()) > 0
    if adf and may_be_adf and (looks_like_adf(data) if named else name_fits(file.name, adf) and not is_other_xml):
        return Recognised(adf, _leads(data), _passed_over(file))
    if problems:
        raise problems[0]
    raise unknown(file, named)


def check_lines(data: Bytes, most: int = MAX_LINE) -> None:
    """Raises Problem for a text with a line that no export has; looks at few places of a large file."""
    position = 0
    while len(data) - position > most:
        end = data.rfind(b"\n", position, position + most)
        if end < 0:
            end = data.rfind(b"\r", position, position + most)
        if end < 0:
            line = data.count(b"\n", 0, position) + 1
            raise Problem(f"line {line} is longer than {megabytes(most)}, so it is no table of rows. Export it again.")
        position = end + 1


def _check_size(kind: Kind, data: Bytes) -> None:
    """Raises Problem for a file of a kind that is read in memory and larger than that can be done."""
    most = MAX_SIZES.get(kind, len(data))
    if len(data) > most:
        raise Problem(
            f"it is {WORDS[kind]} of {megabytes(len(data))}, and such files are read up to "
            f"{megabytes(most)}. Export fewer records in a file, or export them as csv."
        )


def _leads(data: Bytes) -> AdfContent:
    if len(data) > adf_reader.MAX_BYTES:
        raise Problem(
            f"it has {megabytes(len(data))}, and lead files are read up to "
            f"{megabytes(adf_reader.MAX_BYTES)}. Split it into smaller ones."
        )
    return AdfContent(whole(data))


# --- what a file is ----------------------------------------------------------------------------------------------


def _native(feed: Feed, file: OpenedFile) -> Recognised:
    source = replace(native_source(feed), is_full=is_full(file.name))
    if file.kind in ("xml", "page") and looks_like_adf(file.data):
        raise Problem("it holds ADF leads, not csv. Deliver it under a name that ends in .xml.")
    if file.kind in ("workbook", "page"):
        book = file.book()
        required = [column.name for column in feed.columns.values() if column.required]
        # Where no sheet has them all, the first one says which are missing.
        place = workbook.find_table(book, (), required, None) or workbook.first_filled_row(book)
        if place is None:
            raise Problem("the workbook is empty. Export it again.")
        return Recognised(source, SheetContent(book, place), _remarks(file))
    if file.kind == "json":
        return Recognised(source, file.objects(), _remarks(file))
    if file.kind == "other":
        raise Problem(f"it is {words_for(file.data)}, not delimited text. Export it as csv and deliver that file.")
    if file.kind != "text":
        raise Problem(
            f"it is {words_for(file.data)}, and native files are csv, workbooks or JSON. Export it as csv and deliver "
            "that file."
        )
    content = TextContent(file.decoded("utf-8", with_faults=True), Dialect())
    _check_width(_header_at(content.decoded.data, 0, content.dialect) or [])
    return Recognised(source, content, _remarks(file))


def _may_be(source: Source, file: OpenedFile) -> bool:
    """False where the first lines of a large text tell that it is none of the source's files. To read all of it in the
    encodings of all sources would take seconds."""
    beginning = file.beginning()
    try:
        return beginning is None or _content(source, beginning) is not None
    except Problem:
        return True


def _content(source: Source, file: OpenedFile) -> Content | None:
    """The file as the source reads it; None where it is none of its files. Raises Problem where it cannot be read."""
    match source.reader, file.kind:
        case "table", "text" | "xml" | "json" | "mail":
            # A table below the warning of a web server begins like XML, one below "Date: ..." like a mail.
            return _text_content(source, file)
        case "table", "workbook" | "page":
            book = file.book()
            if source.names:
                sheets = workbook.chosen(book, source.sheets)
                return SheetContent(book, workbook.Place(sheets[0], None)) if sheets else None
            place = workbook.find_table(book, source.sheets, source.signature, source.preamble, source.header_lines)
            return SheetContent(book, place) if place else None
        case "whatsapp", "text":
            decoded = file.decoded("utf-8")
            if not looks_like_chat(decoded.data[:CHAT_HEAD].decode("utf-8", "ignore")):
                return None
            return read_chat(
                whole(decoded.data).decode("utf-8"), file.delivered_as, source.spelling.dates, decoded.encoding
            )
        case "json", "json":
            objects = file.objects(source.rows, source.spelling.decimal, source.keyed)
            return objects if _has_names(source, objects.names) else None
        case "xml", "xml":
            root = file.root()
            if not xml_rows.find_records(root, source.rows):
                return None
            objects = xml_rows.read_xml(root, source.rows, source.fields)
            tail = xml_rows.without_tail(whole(file.data))[1]
            if tail:
                objects.remarks.append(f"a text stands below the document and was not read: {tail[:80]!r}")
            return objects if _has_names(source, objects.names) else None
    return None


def _text_content(source: Source, file: OpenedFile) -> TextContent | None:
    refused: Problem | None = None
    is_readable = False
    for dialect in source.dialects:
        try:
            decoded = file.decoded(dialect.encoding, with_faults=True)
        except Problem as problem:
            refused = refused or problem
            continue
        is_readable = True
        for above, start in _starts(decoded.data, source, dialect):
            if source.header_lines > 1:
                found = _header_of_lines(source, decoded, start, dialect, above)
                if found:
                    return found
                continue
            header = _header_at(decoded.data, start, dialect)
            is_known = source.names if source.has_all_names else header
            if is_known and (source.names or _has_names(source, header or [])):
                _check_width(header or [])
                rest = replace(decoded, data=part(decoded.data, start)) if start else decoded
                return TextContent(rest, dialect, above)
    if refused and not is_readable:
        raise refused
    return None


def _starts(data: Bytes, source: Source, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """How many lines stand above and the offset, for each line that may be the header; of a table without one only
    for its first row. Lines of comments above it do not count."""
    most = source.preamble or 0
    comment = dialect.comment.encode()
    start = above = passed = 0
    while passed <= most:
        is_comment = bool(comment) and data.startswith(comment, start)
        if not is_comment and (not source.names or passed == most):
            yield above, start
        end = _LINE_END.search(data, start)
        if end is None or end.end() >= len(data):
            return
        start, above, passed = end.end(), above + 1, passed + (not is_comment)


def _header_of_lines(source: Source, decoded: Decoded, start: int, dialect: Dialect, above: int) -> TextContent | None:
    """The table whose header is of the lines from an offset on, where these have the names of the source."""
    try:
        header = joined_header(decoded.data[start : start + MAX_HEADER], dialect, source.header_lines)
    except Problem:
        return None
    if not _has_names(source, header.names):
        return None
    _check_width(header.names)
    rest = replace(decoded, data=part(decoded.data, start + header.offset))
    return TextContent(rest, dialect, above + header.lines, tuple(header.names), header.first_line)


def _header_at(data: Bytes, start: int, dialect: Dialect) -> list[str] | None:
    """The names in the record that starts at an offset; None where it cannot be read."""
    window = data[start : start + MAX_HEADER]
    if len(window) == MAX_HEADER:
        window = window[: max(window.rfind(b"\n"), window.rfind(b"\r"), 0)]
    try:
        return text.header_of(window, dialect) if window.strip() else None
    except Problem:
        return None


def _has_names(source: Source, names: list[str]) -> bool:
    known = {folded(name) for name in names}
    wanted = {folded(column) for column in source.signature}
    return wanted == known if source.is_exact else wanted <= known


def _check_width(header: list[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise Problem(
            f"its header names {len(header):,} columns; files are read up to {MAX_COLUMNS:,}. Export only the columns "
            "needed."
        )


def _passed_over(file: OpenedFile) -> list[str]:
    """What a mail with a lead carries besides and is not read."""
    names = beside_a_lead(whole(file.data)) if file.kind == "mail" else []
    return [f"the mail is a lead; its attachment {name!r} was not read: deliver it by itself" for name in names]


def _remarks(file: OpenedFile) -> list[str]:
    """A name that says something else than the bytes."""
    ending = PurePosixPath(file.name).suffix.lower()
    said = next((kind for kind, endings in ENDINGS.items() if ending in endings), None)
    if said is None or said == file.kind or file.kind not in WORDS:
        return []
    return [f"its name ends in {ending}, and it is {WORDS[file.kind]}: it was read as that"]
