"""Numbers with their nouns and units: one row, two rows, 3 MB."""

from __future__ import annotations


def form(count: int, plural: str) -> str:
    """A regular noun as it stands behind a number: row behind 1, else rows."""
    singular = plural.removesuffix("ies") + "y" if plural.endswith("ies") else plural.removesuffix("s")
    return singular if count == 1 else plural


def counted(count: int, plural: str) -> str:
    """1 row, 1,204 rows, 0 entries. Pages write numbers as their reader does: ``dashboards.words.counted``."""
    return f"{count:,} {form(count, plural)}"


def megabytes(count: int) -> str:
    """How much so many bytes are: 1,204 MB."""
    return f"{count / (1 << 20):,.0f} MB"
