"""From a recognised file to rows of text, whatever its reader: batches of rows that carry the same columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from forecourt.settings import Settings
from ingest.mapping import HASH_MARKS
from ingest.quarantine import Quarantined, unreadable
from ingest.readers.adf import AdfFile, read_adf
from ingest.readers.rows import TextRow
from ingest.readers.text import Originals, TextTable, read_pieces
from ingest.sources import Recognised, Source


@dataclass(frozen=True)
class Batch:
    """Rows with the same columns: one string column c0, c1, ... a header name, and row_id and row_number (int64).

    ``trimmed``: no cell has surrounding blanks; ``has_marks`` false: none holds a mark of the row hash.
    """

    header: list[str]
    rows: pa.Table
    trimmed: bool
    has_marks: bool = True


@dataclass
class FileRows:
    """What one file gives. ``raw`` gives the original text of a row by its row_id.

    A large file is read while its batches are taken, once and in order: ``raw`` knows the rows taken so far, and
    ``bad``, ``blank`` and ``rows`` (how many rows the batches had) grow with them.
    """

    batches: Iterable[Batch]
    encoding: str
    raw: Callable[[int], str]
    bad: list[Quarantined] = field(default_factory=list)
    blank: int = 0
    repairs: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def rows_read(self) -> int:
        return self.rows + len(self.bad) + self.blank

    def taken(self) -> Iterator[Batch]:
        """The batches, counted as they are taken."""
        for batch in self.batches:
            self.rows += batch.rows.num_rows
            yield batch


def read_rows(recognised: Recognised, data: bytes, settings: Settings) -> FileRows:
    """Reads the file with the reader of its source. Raises Problem (without the file's name) for its header."""
    source = recognised.source
    feed = source.feeds[0] if len(source.feeds) == 1 else None
    if recognised.decoded is None:
        return _lead_rows(source, read_adf(data), settings, feed)
    header, pieces = read_pieces(recognised.decoded, recognised.dialect, trim=True)
    originals = Originals()
    rows = FileRows([], recognised.decoded.encoding, raw=originals.text)
    has_marks = any(mark in recognised.decoded.data for mark in HASH_MARKS)
    rows.batches = _text_batches(rows, header, pieces, originals, feed, has_marks)
    return rows


def _text_batches(
    rows: FileRows,
    header: list[str],
    pieces: Iterator[TextTable],
    originals: Originals,
    feed: str | None,
    has_marks: bool,
) -> Iterator[Batch]:
    for piece in pieces:
        rows.bad.extend(unreadable(row.row_number, row.row_number, row.reason, row.raw, feed) for row in piece.bad)
        rows.blank += piece.blank
        originals.blocks.extend(piece.originals.blocks)
        numbered = piece.rows.append_column("row_id", piece.rows["row_number"])
        yield Batch(header, numbered, trimmed=True, has_marks=has_marks)


def _lead_rows(source: Source, adf: AdfFile, settings: Settings, feed: str | None) -> FileRows:
    """Leads, grouped by the columns they carry; several may start on one line, so they are counted apart."""
    required = [column.name for column in source.mappings[0].feed.columns.values() if column.required]
    groups: dict[frozenset[str], list[tuple[int, int, Mapping[str, str | None]]]] = defaultdict(list)
    for row_id, row in enumerate(adf.rows, start=1):
        values = dict.fromkeys(required, "") | row.values | {"rooftop": _rooftop(row, settings)}
        groups[frozenset(values)].append((row_id, row.row_number, values))
    batches = []
    for names, members in groups.items():
        header = sorted(names)
        columns = {
            f"c{place}": pa.array([values[name] or "" for _, _, values in members], pa.string())
            for place, name in enumerate(header)
        }
        columns["row_number"] = pa.array([number for _, number, _ in members], pa.int64())
        columns["row_id"] = pa.array([row_id for row_id, _, _ in members], pa.int64())
        batches.append(Batch(header, pa.table(columns), trimmed=False))
    after = len(adf.rows) + 1
    return FileRows(
        batches=batches,
        encoding=adf.encoding,
        raw=lambda row_id: adf.rows[row_id - 1].raw,
        bad=[
            Quarantined(row_id, bad.row_number, feed, "unreadable_lead", bad.reason, bad.raw)
            for row_id, bad in enumerate(adf.bad, start=after)
        ],
        repairs=list(adf.repairs),
    )


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
