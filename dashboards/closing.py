"""Month ends for the page about them: what can be closed next, what a closed month keeps, what was learned since."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dashboards.reports.exports import closed_ageing_name
from dashboards.reports.receivables import ageing_table
from forecourt.close import RECORD, ClosedMonth, closed_file
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.periods import last_day

#: The marks of a part of a document in the csv that a closed month keeps.
_PART = ("rooftop", "document_kind", "document", "instalment")


def open_months(newest: date, closed: list[ClosedMonth], back: int = 12) -> Iterator[date]:
    """First days of the months that are over by the newest day of the data and not closed, the latest first."""
    done = {month.first_on for month in closed}
    first = newest.replace(day=1)
    for _ in range(back):
        if last_day(first) <= newest and first not in done:
            yield first
        first = (first - timedelta(days=1)).replace(day=1)


def close_in_process(home: Home, first_on: date) -> None:
    """Closes a month by the command, in a process of its own, so that pages stay free. Raises Problem as it does."""
    done = subprocess.run(
        [sys.executable, "-m", "forecourt.cli", "close", f"{first_on:%Y-%m}", "--home", str(home.root.resolve())],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Problem((said[-1] if said else "Closing failed without a word.").removeprefix("error").strip())


def zipped(home: Home, closed: ClosedMonth) -> bytes:
    """The whole pack of a closed month and its record in one file, in equal bytes. Raises Problem for damage."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in sorted([*closed.files, RECORD]):
            data = (
                (home.closed / closed.month / RECORD).read_bytes()
                if name == RECORD
                else closed_file(home, closed, name)
            )
            # 1980 is the earliest day that the format can say; the files have no time of their own.
            pack.writestr(zipfile.ZipInfo(f"{closed.month}/{name}"), data)
    return out.getvalue()


def changed_since(home: Home, closed: ClosedMonth, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Parts of documents whose open amount at the month's end is now another than was closed, the largest first."""
    name = closed_ageing_name("due", None, "csv")
    if name not in closed.files:
        return []
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    kept = csv.DictReader(io.StringIO(closed_file(home, closed, name).decode("utf-8"), newline=""))
    for side, rows in (("closed", kept), ("now", ageing_table(warehouse, closed.last_on).to_pylist())):
        for row in rows:
            entry = found.setdefault(
                tuple(str(row[column]).removeprefix("'") for column in _PART),
                {column: row[column] for column in (*_PART, "schedule", "customer_name", "currency")}
                | {"closed": Decimal("0.00"), "now": Decimal("0.00")},
            )
            entry[side] += Decimal(str(row["outstanding"]))
    changed = [row | {"change": row["now"] - row["closed"]} for row in found.values() if row["now"] != row["closed"]]
    return sorted(changed, key=lambda row: (-abs(row["change"]), *(str(row[column]) for column in _PART)))


#: What was posted since to deals of a closed month. Parameters: its first and last day.
ADJUSTMENTS = """
select movements.moved_on, movements.rooftop, movements.deal_number, movements.kind, movements.reference,
    movements.total, movements.currency, files.name as file, movements.row_number
from marts.fct_deal_movement as movements
left join meta.files as files on movements.file_id = files.file_id
where movements.is_prior_period_adjustment and movements.recognised_on between $1 and $2
order by movements.moved_on desc, movements.rooftop, movements.deal_number, movements.reference
"""
