"""Sources: each kind of export file, and how its columns become the columns of the feeds.

A native file needs no declaration: its columns are those of its feed. Every other kind stands in one YAML file, which
``source_file`` reads.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ingest.contract import Feed
from ingest.readers.dialect import Dialect
from ingest.values import Spelling

#: A column that a template names.
FIELD = re.compile(r"\[([^\[\]]+)\]")

#: In a split unpivot, the column that holds the place of the part: a line number.
LINE = "{line}"


@dataclass(frozen=True)
class Condition:
    """A test of a file row. ``test``: filled (one of the columns is), empty (all are); of the first column in, not_in
    or matches (the one word is a regular expression)."""

    columns: tuple[str, ...]
    test: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """How one canonical column is made, by one of the first six; ``when`` false gives an empty cell.

    ``position`` counts from 1; ``template`` names columns in square brackets: ``P[invoiceNumber]``; ``digest``: a
    short text made of these columns, a key for rows that have none. ``file``: a regular expression that finds a part
    of the file's name, ``form``: what is made of its groups. ``match``: a regular expression whose one group
    is the part of the text to take; a text that it does not match stays whole. ``patterns``: how this column writes
    dates, where it is not as the source does.
    """

    column: str | None = None
    position: int | None = None
    const: str | None = None
    template: str | None = None
    digest: tuple[str, ...] = ()
    file: str | None = None
    form: str = r"\1"
    match: str | None = None
    patterns: tuple[str, ...] = ()
    map: Mapping[str, str] = field(default_factory=dict)
    when: Condition | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that it reads."""
        named = [self.column] if self.column else [*FIELD.findall(self.template or ""), *self.digest]
        return (*named, *(self.when.columns if self.when else ()))


@dataclass(frozen=True)
class Split:
    """Cells that hold a list: each part gives a feed row of its own.

    ``marks``: what separates the parts, and if there are two, what separates the values inside a part. ``depths``:
    column -> 1 (it has one value a part) or 2 (one value a value inside it). Empty places count. The parts are
    numbered from ``first_line``; with two marks the number is 1000 times that of the part, and that of the value.
    """

    marks: tuple[str, ...]
    depths: Mapping[str, int]
    first_line: int = 1


@dataclass(frozen=True)
class FeedMapping:
    """One feed row made from a file row; ``when``: conditions that must all hold, else the file row gives none.

    ``group``: its columns that are those of one group of an unpivot, which a file may leave out. ``split``: the file
    row gives a feed row for each part of the lists in its cells.
    """

    feed: Feed
    cells: Mapping[str, Cell]
    when: tuple[Condition, ...] = ()
    group: frozenset[str] = frozenset()
    split: Split | None = None


@dataclass(frozen=True)
class Source:
    """One kind of file. ``ignored``: columns that are deliberately not kept beside the mapped ones.

    ``is_exact``: its files have the columns of the signature and no others.
    ``names``: position from 1 -> name, for a table without a header, ``has_all_names`` where these are all its columns.
    ``preamble``: how many rows may stand above the header, and stand above a table without one; None is the reader's
    default. ``header_lines``: of so many lines a name is put together. ``footer``: how many lines stand below the
    table, or a regular expression that the first of them matches. ``sheets``: patterns of the sheets to take. ``rows``:
    where the records of a JSON or XML file lie, ``fields``: name -> XPath from a record, ``is_absent_empty``: a field
    that a record leaves out, while others have it, is an empty cell; else the record says nothing about it. ``text``:
    the declaration, empty for a native file.
    """

    name: str
    description: str
    mappings: tuple[FeedMapping, ...]
    mapping_hash: str
    reader: str = "table"
    patterns: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    is_exact: bool = False
    dialects: tuple[Dialect, ...] = (Dialect(),)
    names: Mapping[int, str] = field(default_factory=dict)
    has_all_names: bool = False
    preamble: int | None = None
    header_lines: int = 1
    footer: int | str = 0
    sheets: tuple[str, ...] = ()
    rows: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    is_absent_empty: bool = True
    keyed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    spelling: Spelling = field(default_factory=Spelling)
    time_zone: str | None = None
    null_words: tuple[str, ...] = ()
    is_full: bool = False
    ignored: tuple[str, ...] = ()
    is_native: bool = False
    text: str = ""

    @property
    def feeds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mapping.feed.name for mapping in self.mappings))


def native_source(feed: Feed) -> Source:
    """The source of native files, ``<feed>.csv``; it bears the name of its feed."""
    declared = ";".join(f"{name}:{column.type}" for name, column in feed.all_columns.items())
    return Source(
        name=feed.name,
        description=f"Native file of the feed {feed.name}",
        mappings=(FeedMapping(feed, {name: Cell(column=name) for name in feed.all_columns}),),
        mapping_hash=hashlib.sha256(declared.encode()).hexdigest()[:16],
        is_native=True,
    )


def told_by_name(source: Source, name: str) -> Source:
    """The source for the file of a name: its cells that are a part of the name hold it, or are empty."""
    if not any(cell.file for mapping in source.mappings for cell in mapping.cells.values()):
        return source

    def told(cell: Cell) -> Cell:
        found = re.search(cell.file, name) if cell.file else None
        return replace(cell, file=None, const=found.expand(cell.form) if found else "") if cell.file else cell

    mappings = (
        replace(mapping, cells={column: told(cell) for column, cell in mapping.cells.items()})
        for mapping in source.mappings
    )
    return replace(source, mappings=tuple(mappings))


def name_fits(name: str, source: Source) -> bool:
    """True when the name of a file is one that the source declares."""
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in source.patterns)
