"""Sources: each kind of export file, and how its columns become the columns of the feeds.

A native file needs no declaration: its columns are those of its feed. Every other kind stands in one YAML file in
``ingest/sources/``. What is declared there is checked when it is read, so that a wrong mapping is found before a file
is.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from forecourt.errors import Problem
from ingest.contract import Feed, load_feeds, read_yaml
from ingest.delivery import is_full, named_feed, native_feed
from ingest.readers.adf import looks_like_adf
from ingest.readers.text import Decoded, Dialect, decode, header_of, is_blank, what_it_is
from ingest.values import Spelling

SOURCES_FOLDER = Path(__file__).parent / "sources"

_SOURCE_KEYS = {
    "description", "evidence", "reader", "files", "header", "encoding", "delimiter", "quote", "decimal", "thousands",
    "currency", "dates", "time_zone", "null_words", "full", "ignore", "feeds",
}  # fmt: skip
_FIELD = re.compile(r"\[([^\[\]]+)\]")
_CELL_KEYS = {"column", "position", "const", "template", "map", "when"}


@dataclass(frozen=True)
class Condition:
    """A test of a file row. ``test``: filled (one of the columns is), empty (all are), in or not_in (of the first)."""

    columns: tuple[str, ...]
    test: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """How one canonical column is made, by one of the first four; ``when`` false gives an empty cell.

    ``position`` counts from 1; ``template`` names columns in square brackets: ``P[invoiceNumber]``.
    """

    column: str | None = None
    position: int | None = None
    const: str | None = None
    template: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    when: Condition | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that it reads."""
        named = [self.column] if self.column else _FIELD.findall(self.template or "")
        return (*named, *(self.when.columns if self.when else ()))


@dataclass(frozen=True)
class FeedMapping:
    """One feed row made from a file row; ``when``: conditions that must all hold, else the file row gives none.

    ``is_repeated``: one of several of an unpivot, which a file may leave out with its columns.
    """

    feed: Feed
    cells: Mapping[str, Cell]
    when: tuple[Condition, ...] = ()
    is_repeated: bool = False


@dataclass(frozen=True)
class Source:
    """One kind of file. ``ignored``: columns that are deliberately not kept beside the mapped ones."""

    name: str
    description: str
    mappings: tuple[FeedMapping, ...]
    mapping_hash: str
    reader: str = "text"
    patterns: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    dialects: tuple[Dialect, ...] = ()
    spelling: Spelling = field(default_factory=Spelling)
    time_zone: str | None = None
    null_words: tuple[str, ...] = ()
    is_full: bool = False
    ignored: tuple[str, ...] = ()
    is_native: bool = False

    @property
    def feeds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mapping.feed.name for mapping in self.mappings))


@dataclass(frozen=True)
class Recognised:
    """A file's source and, for delimited text, its decoded bytes and the dialect in which its header fits."""

    source: Source
    decoded: Decoded | None = None
    dialect: Dialect = field(default_factory=Dialect)


@cache
def load_sources() -> dict[str, Source]:
    """All declared sources by name. Raises Problem naming the file of a wrong declaration."""
    sources = {}
    for path in sorted(SOURCES_FOLDER.glob("*.yml")):
        sources[path.stem] = read_source(path.stem, path.read_text(encoding="utf-8"), str(path.name))
    return sources


def native_source(feed: Feed) -> Source:
    """The source of ``<feed>.csv`` files; it bears the name of its feed."""
    declared = ";".join(f"{name}:{column.type}" for name, column in feed.all_columns.items())
    return Source(
        name=feed.name,
        description=f"Native file of the feed {feed.name}",
        mappings=(FeedMapping(feed, {name: Cell(column=name) for name in feed.all_columns}),),
        mapping_hash=hashlib.sha256(declared.encode()).hexdigest()[:16],
        is_native=True,
    )


def declared(name: str) -> Source:
    """The source of a name as it is now, native ones included. Raises Problem when it is no longer declared."""
    feeds, sources = load_feeds(), load_sources()
    if name not in feeds and name not in sources:
        raise Problem(f"the kind of file {name} is no longer declared in ingest/sources/.")
    return native_source(feeds[name]) if name in feeds else sources[name]


def recognise(name: str, data: bytes) -> Recognised:
    """The source of a file, by its name and its header.

    Raises Problem (a sentence without the file's name) when it is no known kind of file.
    """
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    feed = native_feed(name)
    if feed:
        if data.lstrip()[:1] == b"<" and looks_like_adf(data):
            raise Problem("it holds ADF leads, not csv. Deliver it under a name that ends in .xml.")
        source = replace(native_source(load_feeds()[feed]), is_full=is_full(name))
        return Recognised(source, decode(data, "utf-8"))
    sources = load_sources()
    named = [source for source in sources.values() if _name_fits(name, source) and source.reader == "text"]
    if what_it_is(data) is None and (_name_fits(name, sources["adf"]) or (not named and looks_like_adf(data))):
        return Recognised(sources["adf"])
    for source in (*named, *(other for other in sources.values() if other not in named)):
        found = _by_header(source, data)
        if found:
            return found
    raise _unknown(name, data, named)


def read_source(name: str, text: str, file: str) -> Source:
    """A source from the text of its YAML file. Raises Problem naming the file and what is wrong."""
    try:
        given = read_yaml(text)
    except yaml.YAMLError as error:
        raise Problem(f"{file} is no valid YAML: {error}") from None
    reader = _Declaration(file)
    reader.only(given, _SOURCE_KEYS, "the source")
    if name in load_feeds():
        raise reader.problem(f"{name} is the name of a feed; give the source another one")
    delimiters = given.get("delimiter", ",")
    ascii_marks = [delimiters] if isinstance(delimiters, str) else delimiters
    if any(len(mark) != 1 or not mark.isascii() for mark in ascii_marks):
        raise reader.problem("a delimiter is one ASCII character")
    dates = given.get("dates", "iso")
    if dates not in ("iso", "mdy", "dmy", "ymd"):
        raise reader.problem(f"dates: {dates!r} is none of iso, mdy, dmy, ymd")
    encoding = given.get("encoding", "utf-8")
    source = Source(
        name=name,
        description=given["description"],
        mappings=tuple(_mappings(given.get("feeds", {}), reader)),
        mapping_hash=hashlib.sha256(text.encode()).hexdigest()[:16],
        reader=given.get("reader", "text"),
        patterns=tuple(given.get("files", ())),
        signature=tuple(given.get("header", ())),
        dialects=tuple(Dialect(encoding, mark, given.get("quote", '"')) for mark in ascii_marks),
        spelling=Spelling(dates, given.get("decimal", "."), given.get("thousands", ""), given.get("currency", "")),
        time_zone=given.get("time_zone"),
        null_words=tuple(str(word) for word in given.get("null_words", ())),
        is_full=given.get("full", False),
        ignored=tuple(given.get("ignore", ())),
    )
    if source.reader == "text" and not source.signature:
        raise reader.problem("header: name the columns by which the file is known")
    return source


def folded(header: str) -> str:
    """A column name as it is compared: case and surrounding blanks do not count."""
    return header.strip().casefold()


def _name_fits(name: str, source: Source) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in source.patterns)


def _by_header(source: Source, data: bytes) -> Recognised | None:
    for dialect in source.dialects if source.reader == "text" else ():
        try:
            decoded = decode(data, dialect.encoding)
            header = {folded(column) for column in header_of(decoded.data, dialect)}
        except Problem:
            continue
        if all(folded(column) in header for column in source.signature):
            return Recognised(source, decoded, dialect)
    return None


def _unknown(name: str, data: bytes, named: list[Source]) -> Problem:
    """Why a file is no known kind, and the nearest thing it could be."""
    words = what_it_is(data)
    feed = named_feed(name)
    if feed:
        ending = Path(name).suffix
        return Problem(
            f"its name is that of the feed {feed}, and this version reads native files as csv only"
            f"{f', not {ending}' if ending else ''}. Export it as csv, with a name that ends in .csv."
        )
    if words:
        return Problem(f"it is {words}, which is not read. Export it as csv and deliver that file.")
    try:
        header = header_of(decode(data, "utf-8").data, Dialect())
    except Problem as problem:
        return problem
    columns = {folded(column) for column in header}
    if named:
        source = named[0]
        missing = [column for column in source.signature if folded(column) not in columns]
        return Problem(
            f"its name is that of {source.name} ({source.description}), but its header has no {_listed(missing)}. "
            "Export it with these columns, or declare the new kind of file in ingest/sources/."
        )
    feeds = load_feeds()
    near = max(feeds, key=lambda feed: len(columns & feeds[feed].columns.keys()))
    if len(columns & feeds[near].columns.keys()) < 2:
        near = next(iter(difflib.get_close_matches(name, feeds, n=1, cutoff=0.4)), "")
    hint = (
        f"The nearest feed is {near}: name it {near}_....csv with the columns of that feed"
        if near
        else "Name it <feed>_....csv with the columns of a feed"
    )
    return Problem(
        f"no feed has this name, and its header ({_listed(header)}) is that of no source. "
        f"{hint}, or declare the kind of file in ingest/sources/."
    )


def _listed(words: list[str], most: int = 4) -> str:
    text = ", ".join(words[:most])
    return f"{text} ..." if len(words) > most else text


# --- reading a declaration ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Declaration:
    file: str

    def problem(self, what: str) -> Problem:
        return Problem(f"{self.file}: {what}.")

    def only(self, given: Mapping[str, Any], allowed: set[str], where: str) -> None:
        for key in given:
            if key not in allowed:
                near = difflib.get_close_matches(str(key), sorted(allowed), n=1)
                hint = f"; did you mean {near[0]}" if near else ""
                raise self.problem(f"{key!r} is no key of {where}{hint}")


def _mappings(given: Mapping[str, Any], reader: _Declaration) -> Iterator[FeedMapping]:
    feeds = load_feeds()
    for name, entry in given.items():
        if name not in feeds:
            near = difflib.get_close_matches(name, feeds, n=1)
            raise reader.problem(f"{name!r} is no feed" + (f"; did you mean {near[0]}" if near else ""))
        feed = feeds[name]
        reader.only(entry, {"when", "columns", "unpivot"}, name)
        common = entry.get("columns", {})
        for columns, condition in _unpivoted(entry, reader):
            cells = {column: _cell(cell, reader, f"{name}.{column}") for column, cell in {**common, **columns}.items()}
            unknown = [column for column in cells if column not in feed.all_columns]
            if unknown:
                raise reader.problem(f"{name} has no column {unknown[0]}")
            missing = [column.name for column in feed.columns.values() if column.required and column.name not in cells]
            if missing:
                raise reader.problem(f"{name} needs the column {missing[0]}, which is not mapped")
            when = [*_conditions(entry.get("when"), reader), *_conditions(condition, reader)]
            yield FeedMapping(feed, cells, tuple(when), is_repeated="unpivot" in entry)


def _unpivoted(entry: Mapping[str, Any], reader: _Declaration) -> Iterator[tuple[dict[str, Any], Any]]:
    """The columns and the condition of each feed row that a file row gives; ``{n}`` and ``{line}`` filled in."""
    if "unpivot" not in entry:
        yield {}, None
        return
    for group in entry["unpivot"]:
        reader.only(group, {"repeat", "first_line", "when", "columns"}, "unpivot")
        first = group.get("first_line", 1)
        for number in range(1, group.get("repeat", 1) + 1):
            words = {"{n}": str(number), "{line}": str(first + number - 1)}
            yield _filled_in(group["columns"], words), _filled_in(group.get("when"), words)


def _filled_in(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled_in(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled_in(inner, words) for inner in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value


def _cell(given: Any, reader: _Declaration, where: str) -> Cell:
    if isinstance(given, str):
        return Cell(column=given)
    reader.only(given, _CELL_KEYS, where)
    if sum(key in given for key in ("column", "position", "const", "template")) != 1:
        raise reader.problem(f"{where} needs one of column, position, const, template")
    conditions = _conditions(given.get("when"), reader)
    return Cell(
        column=given.get("column"),
        position=given.get("position"),
        const=None if given.get("const") is None else str(given["const"]),
        template=given.get("template"),
        map={str(key): str(value) for key, value in given.get("map", {}).items()},
        when=conditions[0] if conditions else None,
    )


def _conditions(given: Any, reader: _Declaration) -> list[Condition]:
    entries = [] if given is None else given if isinstance(given, list) else [given]
    conditions = []
    for entry in entries:
        reader.only(entry, {"column", "filled", "in", "not_in"}, "when")
        columns = (entry["column"],) if isinstance(entry["column"], str) else tuple(entry["column"])
        if "filled" in entry:
            conditions.append(Condition(columns, "filled" if entry["filled"] else "empty"))
        else:
            test = "in" if "in" in entry else "not_in"
            conditions.append(Condition(columns, test, tuple(str(word) for word in entry[test])))
    return conditions
