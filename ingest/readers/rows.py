"""What every reader hands to landing: rows of text, and the pieces that could not be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextRow:
    """One row as text. In `values` an absent key means "not carried" and '' means "cleared"."""

    row_number: int
    values: dict[str, str | None]
    raw: str


@dataclass(frozen=True)
class BadRow:
    """A piece of a file that gives no row: `reason` says in a sentence what to do, `raw` is its original text."""

    row_number: int
    reason: str
    raw: str
