"""Warehouse and oracle over the same few files, for tests that write the files themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.meta import write_meta
from tests.oracle.comparison import differences
from tests.oracle.oracle import KPIS, Oracle
from tests.oracle.records import Question
from tests.oracle.scene import EXPORTED, Rows, as_csv, scene
from tests.support.warehouse import make_warehouse

SETTINGS = '[company]\nname = "Oracle Motors"\ncurrency = "GBP"\ntime_zone = "Europe/London"\n'


def apart(rows: Rows, number: int) -> Rows:
    """The rows of a scene as those of one rooftop of many: no car and no customer is at two."""
    for row in [row for table in rows.values() for row in table]:
        for name in ("phone", "caller_phone"):
            if row.get(name):
                row[name] = row[name].replace("+999 ", f"+999 {number:02} 000000")
        if row.get("email"):
            row["email"] = f"m{number:02}.{row['email']}"
        if row.get("vin"):
            row["vin"] = f"M{number:02}{row['vin']}"
    return rows


def files_of(rooftops: Mapping[str, Rows]) -> dict[str, str]:
    """One file a feed with the rows of all rooftops: name to text."""
    files = {}
    for feed, header in {feed: list(table[0]) for feed, table in scene().items()}.items():
        rows = [{"rooftop": code, **row} for code, tables in rooftops.items() for row in tables.get(feed, [])]
        files[f"{feed}_{EXPORTED}.csv"] = as_csv(rows, ["rooftop", *header])
    return files


def compared(
    folder: Path,
    files: Mapping[str, str],
    questions: Iterable[Question],
    settings: str = SETTINGS,
    by: Iterable[str] | None = ("rooftop",),
) -> list[str]:
    """Every difference between what was built from the files and what the oracle reads out of them."""
    home = make_warehouse(folder, files, settings)
    started = dt.datetime(2026, 5, 7)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="oracle", started_at=started, known_at=None)
    warehouse, oracle = Warehouse(home.warehouse), Oracle(folder / "exports", home.settings)
    dimensions = None if by is None else list(by)
    return [line for question in questions for line in differences(warehouse, oracle, question, KPIS, dimensions)]
