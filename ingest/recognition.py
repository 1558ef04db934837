"""Which source a file belongs to: its bytes say what kind of file it is, its name and header which source.

A file's name is the last part of the name it was delivered under: what stands before a slash is its container.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from forecourt.errors import Problem
from ingest import draft
from ingest.containers import MAX_MAIL, beside_a_lead, is_container, members
from ingest.contract import Feed, load_feeds
from ingest.delivery import is_full, named_feed, native_feed
from ingest.mapped import Bytes, part, whole
from ingest.readers import adf as adf_reader
from ingest.readers import text, web_page, workbook, workbook_open, xml_rows
from ingest.readers.adf import looks_like_adf
from ingest.readers.dialect import folded
from ingest.readers.encoding import decode_as
from ingest.readers.headless import joined_header
from ingest.readers.json_rows import Keyed, check_size, read_json
from ingest.readers.kinds import ENDINGS, WORDS, Kind, kind_of, words_for
from ingest.readers.rows import MAX_COLUMNS, Objects
from ingest.readers.sheets import Workbook
from ingest.readers.text import Decoded, Dialect
from ingest.readers.whatsapp import CHAT_HEAD, looks_like_chat, read_chat
from ingest.source_file import load_sources
from ingest.sources import Source, name_fits, native_source, told_by_name

#: A line that is longer than this is no row of an export.
MAX_LINE = 16 << 20
MAX_HEADER = 1 << 20
#: Of a larger text these bytes tell whether a source can be its own: what stands above the header, and the header.
BEGINNING = 2 * MAX_HEADER
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


class _File:
    """One file, each way of reading it done once, however many sources are tried."""

    def __init__(self, name: str, data: Bytes, kind: Kind | None = None) -> None:
        self.delivered_as = name
        self.name = PurePosixPath(name).name
        self.data = data
        self.kind = kind or kind_of(data)
        self._made: dict[Any, Any] = {}

    def decoded(self, encoding: str, *, with_faults: bool = False) -> Decoded:
        key = ("text", encoding, with_faults)
        return self._once(key, lambda: decode_as(self.data, encoding, with_faults=with_faults))

    def beginning(self) -> _File | None:
        """The first lines of a large text as a file of their own; None for any other file."""
        if self.kind != "text" or len(self.data) <= BEGINNING:
            return None
        end = max(self.data.rfind(mark, 0, BEGINNING) for mark in (b"\n", b"\r")) + 1
        return self._once("beginning", lambda: _File(self.delivered_as, self.data[: end or BEGINNING], self.kind))

    def book(self) -> Workbook:
        opened = web_page.open_page if self.kind == "page" else workbook_open.open_workbook
        return self._once("book", lambda: opened(whole(self.data)))

    def root(self) -> Any:
        return self._once("root", lambda: xml_rows.open_xml(xml_rows.without_tail(whole(self.data))[0]))

    def objects(self, path: str = "", decimal: str = ".", keyed: Keyed | None = None) -> Objects:
        check_size(self.data)
        key = ("json", path, decimal, tuple((keyed or {}).items()))
        return self._once(key, lambda: read_json(self.decoded("utf-8"), path, decimal=decimal, keyed=keyed))

    def _once(self, key: Any, make: Any) -> Any:
        if key not in self._made:
            try:
                self._made[key] = make()
            except Problem as problem:
                self._made[key] = problem
        if isinstance(self._made[key], Problem):
            raise self._made[key]
        return self._made[key]


def recognise(name: str, data: Bytes, declared: Mapping[str, Source] | None = None) -> Recognised:
    """The source of a file, by its name and its header; ``declared``: the sources it can be of, else all there are.

    Raises Problem (a sentence without the file's name) when it is no known kind of file.
    """
    if text.is_blank(data):
        raise Problem("the file is empty. Export it again.")
    if is_container(data):
        members(name, data)
        raise Problem("its files are deliveries of their own. Deliver it again.")
    file = _File(name, data)
    _check_size(file.kind, data)
    if file.kind == "text":
        check_lines(data)
    feed = native_feed(file.name)
    if feed:
        return _native(load_feeds()[feed], file)
    sources = load_sources() if declared is None else declared
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
    raise _unknown(file, named)


def check_lines(data: Bytes, most: int = MAX_LINE) -> None:
    """Raises Problem for a text with a line that no export has; looks at few places of a large file."""
    position = 0
    while len(data) - position > most:
        end = data.rfind(b"\n", position, position + most)
        if end < 0:
            end = data.rfind(b"\r", position, position + most)
        if end < 0:
            line = data.count(b"\n", 0, position) + 1
            raise Problem(
                f"line {line} is longer than {most / (1 << 20):,.0f} MB, so it is no table of rows. Export it again."
            )
        position = end + 1


def _check_size(kind: Kind, data: Bytes) -> None:
    """Raises Problem for a file of a kind that is read in memory and larger than that can be done."""
    most = MAX_SIZES.get(kind, len(data))
    if len(data) > most:
        raise Problem(
            f"it is {WORDS[kind]} of {len(data) / (1 << 20):,.0f} MB, and such files are read up to "
            f"{most / (1 << 20):,.0f} MB. Export fewer records in a file, or export them as csv."
        )


def _leads(data: Bytes) -> AdfContent:
    if len(data) > adf_reader.MAX_BYTES:
        raise Problem(
            f"it has {len(data) / (1 << 20):,.0f} MB, and lead files are read up to "
            f"{adf_reader.MAX_BYTES / (1 << 20):,.0f} MB. Split it into smaller ones."
        )
    return AdfContent(whole(data))


# --- what a file is ----------------------------------------------------------------------------------------------


def _native(feed: Feed, file: _File) -> Recognised:
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


def _may_be(source: Source, file: _File) -> bool:
    """False where the first lines of a large text tell that it is none of the source's files. To read all of it in the
    encodings of all sources would take seconds."""
    beginning = file.beginning()
    try:
        return beginning is None or _content(source, beginning) is not None
    except Problem:
        return True


def _content(source: Source, file: _File) -> Content | None:
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


def _text_content(source: Source, file: _File) -> TextContent | None:
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


def _passed_over(file: _File) -> list[str]:
    """What a mail with a lead carries besides and is not read."""
    names = beside_a_lead(whole(file.data)) if file.kind == "mail" else []
    return [f"the mail is a lead; its attachment {name!r} was not read: deliver it by itself" for name in names]


def _remarks(file: _File) -> list[str]:
    """A name that says something else than the bytes."""
    ending = PurePosixPath(file.name).suffix.lower()
    said = next((kind for kind, endings in ENDINGS.items() if ending in endings), None)
    if said is None or said == file.kind or file.kind not in WORDS:
        return []
    return [f"its name ends in {ending}, and it is {WORDS[file.kind]}: it was read as that"]


def _unknown(file: _File, named: list[Source]) -> Problem:
    """Why a file is no known kind, and the nearest thing it could be."""
    feed = named_feed(file.name)
    if feed:
        ending = PurePosixPath(file.name).suffix
        return Problem(
            f"its name is that of the feed {feed}, and native files end in .csv, .xlsx, .ods, .json or .ndjson"
            f"{f', not {ending}' if ending else ''}. Export it as csv, with a name that ends in .csv."
        )
    if file.kind == "other":
        return Problem(f"it is {words_for(file.data)}, which is not read. Export it as csv and deliver that file.")
    if file.kind == "text" and file.name.lower().endswith(ENDINGS["json"]):
        return Problem(
            f"its name says JSON, and it begins like none ({_beginning(file.data)}). Export it as plain JSON: a list "
            "of objects, or one object a line."
        )
    try:
        header = draft.look_at(file.name, file.data).header if file.kind == "text" else _names_of(file)
    except Problem as problem:
        return problem
    columns = {folded(column) for column in header}
    if named:
        source = named[0]
        if source.names:
            return Problem(
                f"its name is that of {source.name} ({source.description}), but its first row cannot be read with its "
                f"marks, and nothing else tells its columns. List all of them under names, or correct it. {_seen(file)}"
            )
        missing = [column for column in source.signature if folded(column) not in columns]
        if not missing:
            return Problem(
                f"its name is that of {source.name} ({source.description}), and its header has the names of it, but it "
                "does not stand where, or is not written as, the source says. Correct preamble, header_lines or the "
                f"marks. {_seen(file)}"
            )
        near = difflib.get_close_matches(folded(missing[0]), sorted(columns), n=1, cutoff=0.5) if missing else []
        nearest = f" The nearest to {missing[0]!r} is {_given(near[0], header)!r}." if near else ""
        if source.header_lines > 1:
            nearest = f" Its names are put together of {source.header_lines} lines, with a blank between.{nearest}"
        return Problem(
            f"its name is that of {source.name} ({source.description}), but its header has no {_listed(missing)}."
            f"{nearest} Export it with these columns, or declare the new kind of file in ingest/sources/. {_seen(file)}"
        )
    feeds = load_feeds()
    near_feed = max(feeds, key=lambda feed: len(columns & feeds[feed].columns.keys()))
    if len(columns & feeds[near_feed].columns.keys()) < 2:
        near_feed = next(iter(difflib.get_close_matches(file.name, feeds, n=1, cutoff=0.4)), "")
    hint = (
        f"The nearest feed is {near_feed}: name it {near_feed}_....csv with the columns of that feed"
        if near_feed
        else "Name it <feed>_....csv with the columns of a feed"
    )
    return Problem(
        f"no feed has this name, and its header ({_listed(header)}) is that of no source. "
        f"{hint}, or declare the kind of file in ingest/sources/. {_seen(file)}"
    )


def _beginning(data: Bytes) -> str:
    """The first signs of a file, for a sentence."""
    return repr(data[:40].decode("utf-8", "replace").lstrip("\ufeff")[:20])


def _seen(file: _File) -> str:
    """How the file seems to be written, and how to begin a mapping for it; nothing where that cannot be told."""
    try:
        hidden = file.book().hidden if file.kind == "workbook" else []
        unread = f" Hidden sheets are not read: {', '.join(map(repr, hidden))}." if hidden else ""
        return draft.sentence(draft.look_at(file.name, file.data)) + unread
    except Problem as problem:
        return f"What it is cannot be told: {problem}"


def _names_of(file: _File) -> list[str]:
    """The names that a file has for its columns, for the sentence about one that nobody knows."""
    if file.kind in ("workbook", "page"):
        place = workbook.first_filled_row(file.book())
        return workbook.header_at(file.book(), place) if place else []
    if file.kind == "json":
        return file.objects().names
    if file.kind == "xml":
        return list(dict.fromkeys(str(element.tag) for element in file.root().iter()))
    return []


def _given(name: str, header: list[str]) -> str:
    return next(given for given in header if folded(given) == name)


def _listed(words: list[str], most: int = 4) -> str:
    listed = ", ".join(words[:most])
    return f"{listed} ..." if len(words) > most else listed
