"""Files at the edge of what a dealership sends: empty, alone, bare, on the days that are 23 or 25 hours long."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.oracle.building import SETTINGS, apart, compared, files_of
from tests.oracle.exports import contracts
from tests.oracle.records import Question
from tests.oracle.scene import EXPORTED, KEYS, TABLES, Rows, as_csv, scene

QUESTIONS = (
    Question(date(2025, 10, 1), date(2026, 4, 30), date(2026, 4, 30)),
    Question(date(2026, 1, 1), date(2026, 3, 29), date(2026, 3, 31)),
)


def test_files_with_a_header_and_no_row(tmp_path: Path) -> None:
    assert compared(tmp_path, files_of({}), QUESTIONS) == []


@pytest.mark.parametrize("feed", ["crm_leads", "dms_deals"])
def test_one_feed_alone(tmp_path: Path, feed: str) -> None:
    files = files_of({"M00": apart(scene(), 0)})
    alone = {name: text for name, text in files.items() if name == f"{feed}_{EXPORTED}.csv"}
    assert compared(tmp_path, alone, QUESTIONS) == []


def bare(rows: Rows) -> Rows:
    """A scene with nothing but what each feed requires."""
    for feed, table in rows.items():
        needed = {name for name, column in contracts()[feed].columns.items() if column.required}
        for row in table:
            row.update({name: "" for name in row if name not in needed | set(KEYS[feed])})
    return rows


def on_odd_days(rows: Rows) -> Rows:
    """A scene whose times lie in the hours that a clock change doubles or takes out."""
    hours = {"2026-03-2": "2026-03-29T01:30:00", "2026-02-1": "2025-10-26T01:30:00", "2026-02-2": "2025-10-26T00:30:00"}
    for row in [row for table in rows.values() for row in table]:
        for name, cell in row.items():
            if "T" in cell and cell[:9] in hours:
                row[name] = hours[cell[:9]]
    return rows


def test_bare_rows_odd_days_and_full_files_out_of_order(tmp_path: Path) -> None:
    rooftops = {"M00": bare(apart(scene(), 0)), "M01": on_odd_days(apart(scene(), 1)), "M02": apart(scene(), 2)}
    files = files_of(rooftops)
    for feed in ("crm_leads", "dms_vehicles", "dms_repair_orders", "dms_deals", "crm_tasks"):
        header, whole = list(TABLES[feed].strip().splitlines()[0].split(",")), scene()[feed]
        for day, kept in (("2026-05-04", whole[1:]), ("2026-05-02", whole[:-1]), ("2026-05-03", whole)):
            rows = [{"rooftop": "M02", **row} for row in apart({feed: [dict(row) for row in kept]}, 2)[feed]]
            files[f"{feed}_{day}.full.csv"] = as_csv(rows, ["rooftop", *header])
    later = Question(date(2026, 1, 1), date(2026, 5, 4), date(2026, 5, 4))
    assert compared(tmp_path, files, [*QUESTIONS, later], SETTINGS) == []
