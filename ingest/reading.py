"""From a recognised file to rows of text, whatever its reader: batches of rows that carry the same columns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from forecourt.errors import Problem
from forecourt.settings import Settings
from ingest.mapped import part
from ingest.quarantine import Quarantined, check_number, unreadable
from ingest.readers.adf import AdfFile, read_adf
from ingest.readers.arrays import integers, numbers_of
from ingest.readers.decoding import Decoded
from ingest.readers.dialect import DETECT, Dialect, folded
from ingest.readers.faults import FAULT
from ingest.readers.foot import find_foot
from ingest.readers.fragments import (
    lines_that_end_otherwise,
    withhold_at_other_ends,
    withhold_cut_off,
    withhold_faulty,
    withhold_swallowed,
    withhold_titles,
)
from ingest.readers.headless import with_header
from ingest.readers.rows import BadRow, Objects, Remark, TextRow, as_table
from ingest.readers.text import Originals, TextTable, read_pieces
from ingest.readers.workbook import read_sheet
from ingest.recognition import AdfContent, Recognised, SheetContent, TextContent
from ingest.row_identity import HASH_MARKS
from ingest.sources import Source


@dataclass(frozen=True)
class Batch:
    """Rows with the same columns: one string column c0, c1, ... a header name, and row_id and row_number (int64).

    ``trimmed``: no cell has surrounding blanks. ``place``: where the names stand, for a sentence that goes on with
    "has no column"; ``has_marks`` false: no cell holds a mark of the row hash.
    """

    header: list[str]
    rows: pa.Table
    trimmed: bool
    place: str = "line 1: the header"
    has_marks: bool = True


@dataclass
class FileRows:
    """What one file gave. ``raw`` gives the original text of a row by its row_id.

    ``skipped``: rows that were passed over, by the rule that says why. ``unit``: what a row number counts, in a word.
    Delimited text is read while its batches are taken, once and in order: ``raw`` knows the rows taken so far, and
    ``bad``, ``skipped`` and ``rows`` (how many rows the batches had) grow with them. ``has_lines``: each row has a line
    of its own.
    """

    batches: Iterable[Batch]
    encoding: str
    raw: Callable[[int], str]
    bad: list[Quarantined] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    has_lines: bool = False
    rows: int = 0
    unit: str = "line"

    @property
    def rows_read(self) -> int:
        return self.rows + len(self.bad) + sum(self.skipped.values())

    def taken(self) -> Iterator[Batch]:
        """The batches, counted as they are taken."""
        for batch in self.batches:
            self.rows += batch.rows.num_rows
            yield batch


def read_rows(recognised: Recognised, settings: Settings) -> FileRows:
    """Reads the file with the reader of its source. Raises Problem (without the file's name) for its header."""
    source = recognised.source
    feed = source.feeds[0] if len(source.feeds) == 1 else None
    match recognised.content:
        case AdfContent(data):
            rows = _lead_rows(source, read_adf(data), settings, feed)
        case TextContent() as content:
            rows = _text_rows(source, content, feed)
        case SheetContent(book, place):
            footer = None if source.is_native else source.footer
            table = read_sheet(
                book,
                place,
                names=source.names,
                decimal=source.spelling.decimal,
                footer=footer,
                missing=frozenset(word.lower() for word in source.null_words),
                needed=_needed_columns(source),
            )
            rows = FileRows(
                [Batch(table.header, table.rows, trimmed=True, place=table.place)],
                book.format,
                table.raw,
                bad=[
                    unreadable(row_id, row.row_number, row.reason, row.raw, feed, "row")
                    for row_id, row in enumerate(table.bad, start=table.rows.num_rows + 1)
                ],
                skipped=table.skipped,
                remarks=table.remarks,
                unit="row",
            )
        case Objects() as objects:
            rows = _object_rows(source, objects, feed)
    rows.remarks.extend(Remark(sentence) for sentence in recognised.remarks)
    return rows


def _text_rows(source: Source, content: TextContent, feed: str | None) -> FileRows:
    decoded, dialect, above = content.decoded, content.dialect, content.above
    names = list(content.names)
    shift = above
    if source.names:
        decoded, names = with_header(decoded, dialect, source.names, are_all=source.has_all_names)
        shift -= 1

    def check_below(withheld: Sequence[BadRow]) -> None:
        if withheld:
            check_number(len(withheld), _unreadable(withheld[0], shift, feed).reason)

    foot = None
    if not source.is_native:
        foot = find_foot(decoded.data, dialect, source.footer, content.first_line, check_below)
    if foot:
        decoded = replace(decoded, data=part(decoded.data, 0, foot.start))
    originals = Originals()
    rows = FileRows([], decoded.encoding, originals.text, has_lines=True)

    def check(piece: TextTable) -> None:
        if piece.bad:
            first = rows.bad[0] if rows.bad else _unreadable(piece.bad[0], shift, feed)
            check_number(len(rows.bad) + len(piece.bad), first.reason)

    header, pieces = read_pieces(decoded, dialect, trim=True, is_ours=source.is_native, check=check)
    if any(FAULT in name for name in names or header):
        raise Problem("the names of its columns have bytes that are not UTF-8. Export it again as UTF-8.")
    rows.batches = _text_batches(rows, names or header, pieces, originals, shift, feed, decoded, dialect)
    if foot:
        rows.skipped.update(foot.skipped)
        rows.bad.extend(_unreadable(row, shift, feed) for row in foot.withheld)
    if above:
        rows.skipped["row above the header"] = above
    if dialect.encoding == DETECT:
        rows.remarks.append(Remark(f"its encoding was detected, not declared: {decoded.encoding}"))
    return rows


def _text_batches(
    rows: FileRows,
    header: list[str],
    pieces: Iterator[TextTable],
    originals: Originals,
    shift: int,
    feed: str | None,
    decoded: Decoded,
    dialect: Dialect,
) -> Iterator[Batch]:
    """``shift``: what the line of a row in the file is above the one that the reader counts."""
    has_marks = any(mark in decoded.data for mark in HASH_MARKS)
    place = f"line {shift + 1}: the header"
    other_ends = lines_that_end_otherwise(decoded.data)
    for piece in pieces:
        if decoded.has_faults:
            withhold_faulty(piece)
        withhold_swallowed(piece, dialect)
        withhold_titles(piece)
        withhold_at_other_ends(piece, other_ends)
        withhold_cut_off(piece, dialect)
        rows.bad.extend(_unreadable(row, shift, feed) for row in piece.bad)
        if rows.bad:
            check_number(len(rows.bad), rows.bad[0].reason)
        passed = (
            ("blank line", piece.blank),
            ("repeated page header", len(piece.page_headers)),
            ("comment line", piece.comments),
        )
        for rule, count in passed:
            if count:
                rows.skipped[rule] = rows.skipped.get(rule, 0) + count
        originals.blocks.extend(piece.originals.blocks)
        # The numbers of the reader stay the identity of a row, because it knows the original text by them.
        table = piece.rows.append_column("row_id", piece.rows["row_number"])
        if shift:
            numbers = integers(numbers_of(piece.rows["row_number"]) + shift)
            table = table.set_column(table.schema.get_field_index("row_number"), "row_number", numbers)
        yield Batch(header, table, trimmed=True, place=place, has_marks=has_marks)


def _unreadable(row: BadRow, shift: int, feed: str | None) -> Quarantined:
    shown = row.below(shift)
    return unreadable(row.row_number, shown.row_number, shown.reason, shown.raw.replace(FAULT, "\ufffd"), feed)


def _object_rows(source: Source, objects: Objects, feed: str | None) -> FileRows:
    unlike = _unlike_the_others(source, objects)
    places = [place for place in range(len(objects.values)) if place not in unlike]
    values, numbers = objects.values, objects.row_numbers
    if unlike:
        values, numbers = [values[place] for place in places], [numbers[place] for place in places]
    if source.is_absent_empty:
        names = objects.names
        columns = [[record.get(name, "") for record in values] for name in names]
        ids = range(1, len(values) + 1)
        batches = [Batch(names, as_table(columns, numbers, list(ids)), trimmed=True)]
    else:
        batches = _grouped(values, numbers, _needed(source, objects.names))
    bad = [BadRow(objects.row_numbers[place], why, objects.raw(place)) for place, why in unlike.items()]
    return FileRows(
        batches=[Batch(batch.header, batch.rows, batch.trimmed, "the file") for batch in batches],
        encoding=objects.encoding,
        raw=lambda row_id: objects.raw(places[row_id - 1]),
        bad=[
            unreadable(row_id, row.row_number, row.reason, row.raw, feed, objects.unit)
            for row_id, row in enumerate([*objects.bad, *bad], start=len(values) + 1)
        ],
        skipped=dict(objects.skipped),
        unit=objects.unit,
    )


def _unlike_the_others(source: Source, objects: Objects) -> dict[int, str]:
    """Place of a record -> why it would lose a value: a column that is read has parts in it and is one value in other
    records, or the other way round. To leave the cell empty would say that there is nothing."""
    known = {folded(name): name for name in objects.names}
    read = {
        known[folded(column)]
        for mapping in source.mappings
        for cell in mapping.cells.values()
        for column in cell.columns
        if folded(column) in known
    }
    # In XML a value may stand beside elements that say more of it; in JSON a name is one or the other.
    is_json = source.reader == "json" or source.is_native
    found: dict[int, str] = {}
    for name in sorted(read):
        parts = [other for other in objects.names if other.startswith(f"{name}.")]
        wholes = [name[: mark.start()] for mark in re.finditer(r"\.", name)] if is_json else []
        wholes = [whole for whole in wholes if whole in known.values()]
        if not parts and not wholes:
            continue
        for place, record in enumerate(objects.values):
            if record.get(name):
                continue
            if any(record.get(part) for part in parts) and name not in record:
                found.setdefault(place, f"its {name} has parts, and is one value in other records")
            elif any(record.get(whole) for whole in wholes):
                found.setdefault(place, f"it has one value where other records have {name}")
    return found


def _needed(source: Source, names: Sequence[str]) -> set[str]:
    """The names that every row must have, also where its record leaves them out: without a key no row is judged.

    Those that no record has are left out here, so that the file is refused for them.
    """
    needed = _needed_columns(source)
    needed |= {folded(column) for mapping in source.mappings for test in mapping.when for column in test.columns}
    return {name for name in names if folded(name) in needed}


def _needed_columns(source: Source) -> set[str]:
    """The columns of the file, in folded case, that keys and required columns are made of."""
    return {
        folded(column)
        for mapping in source.mappings
        for name, cell in mapping.cells.items()
        if mapping.feed.all_columns[name].required or name in mapping.feed.key
        for column in cell.columns
    }


def _lead_rows(source: Source, adf: AdfFile, settings: Settings, feed: str | None) -> FileRows:
    """Leads, grouped by the columns they carry; several may start on one line, so they are counted apart."""
    required = {column.name for column in source.mappings[0].feed.columns.values() if column.required}
    values = [row.values | {"rooftop": _rooftop(row, settings)} for row in adf.rows]
    after = len(adf.rows) + 1
    return FileRows(
        batches=_grouped(values, [row.row_number for row in adf.rows], required, trimmed=False),
        encoding=adf.encoding,
        raw=lambda row_id: adf.rows[row_id - 1].raw,
        bad=[
            Quarantined(row_id, bad.row_number, feed, "unreadable_lead", bad.reason, bad.raw)
            for row_id, bad in enumerate(adf.bad, start=after)
        ],
        repairs=list(adf.repairs),
    )


def _grouped(
    records: Sequence[Mapping[str, str | None]],
    row_numbers: Sequence[int],
    always: Collection[str],
    *,
    trimmed: bool = True,
) -> list[Batch]:
    """Records as batches of those that carry the same names; ``always``: names that all carry, empty if need be."""
    groups: dict[frozenset[str], list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        groups[frozenset([*record, *always])].append(place)
    batches = []
    for names, places in groups.items():
        header = sorted(names)
        columns = [[records[place].get(name) or "" for place in places] for name in header]
        ids = [place + 1 for place in places]
        batches.append(Batch(header, as_table(columns, [row_numbers[place] for place in places], ids), trimmed))
    return batches


def _rooftop(row: TextRow, settings: Settings) -> str:
    """The rooftop that a lead names by its vendor id or name; the only one there is where it names none."""
    texts = [row.values.get(name) or "" for name in ("vendor_id", "vendor_name", "rooftop")]
    for text in filter(None, texts):
        code = settings.rooftop_code(text)
        if code in settings.rooftops:
            return code
    if not any(texts) and len(settings.rooftops) == 1:
        return next(iter(settings.rooftops))
    return texts[2]
