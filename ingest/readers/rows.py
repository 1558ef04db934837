"""What every reader hands to landing: rows of text, and the pieces that could not be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from forecourt.errors import Problem
from ingest.readers.arrays import integers, strings

#: Exports have a few hundred columns; of this many a landing takes some seconds, and of more it would take minutes.
MAX_COLUMNS = 2_000
MAX_CELLS = 100_000_000


@dataclass(frozen=True)
class TextRow:
    """One row as text. In `values` an absent key means "not carried" and '' means "cleared"."""

    row_number: int
    values: dict[str, str | None]
    raw: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A piece of a file that gives no row: `reason` says why, `raw` is its original text, `line` is another line that
    the reason names, if it does."""

    row_number: int
    reason: str
    raw: str
    line: int = 0

    def below(self, lines: int) -> BadRow:
        """The same where so many lines stand above those that were counted."""
        reason = self.reason
        if self.line:
            reason = re.sub(rf"\bline {self.line}\b", f"line {self.line + lines}", reason, count=1)
        return BadRow(self.row_number + lines, reason, self.raw, self.line and self.line + lines)


@dataclass(frozen=True)
class Remark:
    """Something odd about a file as a whole, for the ledger: what, in a sentence, and how many rows it concerns."""

    sentence: str
    rows: int = 0


@dataclass
class Records:
    """The rows of a table that is no text: one string column a header name (c0, c1, ...), row_number and row_id.

    ``skipped``: rule -> rows that it passed over. ``place``: where the names stand, for a sentence that goes on with
    "has no column". ``raw`` gives the original text by row_id, which counts from 1.
    """

    header: list[str]
    rows: pa.Table
    raw: Callable[[int], str]
    place: str
    skipped: dict[str, int] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


@dataclass
class Objects:
    """The records of a JSON or XML file, or of a chat, each with names of its own.

    ``raw`` gives the original text by position. A row number is the line on which a record starts where each has one
    of its own, else its place among the records from 1: no two have the same. ``unit`` says which, in a word.
    """

    values: list[Mapping[str, str]]
    row_numbers: list[int]
    raw: Callable[[int], str]
    encoding: str
    bad: list[BadRow] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    unit: str = "line"

    @cached_property
    def names(self) -> list[str]:
        """The names of all records, in the order in which they first appear. Raises Problem for too many."""
        names = list(dict.fromkeys(name for record in self.values for name in record))
        if len(names) > MAX_COLUMNS or len(names) * len(self.values) > MAX_CELLS:
            raise Problem(
                f"its {len(self.values):,} records have {len(names):,} different fields; files are read up to "
                f"{MAX_COLUMNS:,} columns and {MAX_CELLS:,} cells. Export only the fields needed."
            )
        return names


def as_table(columns: Sequence[Sequence[str]], row_numbers: Sequence[int], row_ids: Sequence[int]) -> pa.Table:
    """Columns of text as c0, c1, ..., with row_number and row_id."""
    return pa.table(
        {f"c{place}": strings(values) for place, values in enumerate(columns)}
        | {"row_number": integers(row_numbers), "row_id": integers(row_ids)}
    )
