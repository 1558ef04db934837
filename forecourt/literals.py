"""Values as SQL writes them, for statements that take no parameters: ATTACH, and those that people read and run."""

from __future__ import annotations

from datetime import date
from pathlib import Path


def literal(value: str | Path | date | None) -> str:
    """A text, the path of a file or a day as a literal of SQL; null for none."""
    if value is None:
        return "null"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"
