"""How the database of the landing is set: its memory, and what its optimizer must leave alone."""

from __future__ import annotations

import os
from typing import Any

import duckdb

#: In MB: in all, for each processor, and for each part of a comparison by history. What temporary tables held is let go
#: with the transaction only, and some of it cannot go to disk.
_BASE, _OF_PROCESSOR, _OF_PART = 1024, 128, 64

#: The optimizer does not know how many rows a batch of a file has: it would turn joins with one around, hold all its
#: rows for that and store them with one processor. So the smaller side of a join is written last here.
_NO_TURNING = "build_side_probe_side"


def settings() -> dict[str, Any]:
    """What a connection is opened with."""
    return {
        "preserve_insertion_order": "false",
        "disabled_optimizers": _NO_TURNING,
        # A checkpoint would put the ends of files together, and write the rows around them anew.
        "max_vacuum_tasks": 0,
        "memory_limit": memory_limit(),
    }


def memory_limit(parts: int = 0) -> str:
    """As the database takes it, for a comparison in so many parts. Beyond it, work of large files goes to disk."""
    return f"{max(_BASE, _OF_PROCESSOR * (os.cpu_count() or 1)) + _OF_PART * parts}MB"


def as_written(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """The rows of a query whose conditions stay where they are written: pushed down to what they look at, they would
    work it out a second time, which for the columns of a batch is to type them twice."""
    connection.execute(f"set disabled_optimizers = '{_NO_TURNING},filter_pushdown'")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.execute(f"set disabled_optimizers = '{_NO_TURNING}'")
