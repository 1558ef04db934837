"""Exports: the receivable ageing as csv and xlsx, and the log of what was exported.

Equal rows and parameters give equal bytes: nothing in a file reads a clock, and no order is left to chance.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from dashboards.ageing_report import ageing_pdf, ageing_xlsx
from dashboards.receivables import (
    BASES,
    EVERYTHING,
    AgeingFacts,
    Basis,
    Choice,
    ageing_facts,
    ageing_table,
    movements_table,
    sums_by_schedule,
)
from forecourt import exported
from forecourt.close import ClosedMonth, closed_file
from forecourt.door import Warehouse
from forecourt.exported import FORMULA_STARTS, harmless
from forecourt.exported import csv_of as ageing_csv
from forecourt.home import Home

Format = Literal["xlsx", "csv", "pdf"]

__all__ = [
    "FORMULA_STARTS",
    "AgeingFacts",
    "ageing_csv",
    "ageing_facts",
    "ageing_file",
    "ageing_pdf",
    "ageing_table",
    "ageing_xlsx",
    "closed_ageing_name",
    "export_ageing",
    "export_closed_ageing",
    "export_name",
    "harmless",
    "month_end_ageing",
    "record_export",
]


def export_name(facts: AgeingFacts, suffix: str) -> str:
    """A file name that says what is in it: ageing_2026-09-30_due_R1.xlsx."""
    parts = [
        "ageing",
        facts.as_of.isoformat(),
        facts.basis,
        *facts.choice.rooftops,
        *(part for part in (facts.choice.entity, facts.choice.schedule, facts.choice.currency) if part),
    ]
    safe = ("".join(c if c.isalnum() or c in "-_" else "-" for c in part) for part in parts)
    return f"{'_'.join(safe)}.{suffix}"


def ageing_file(warehouse: Warehouse, table: pa.Table, facts: AgeingFacts, kind: Format) -> bytes:
    """The bytes of an ageing in one of its formats; ``table`` and ``facts`` are of the same question."""
    match kind:
        case "xlsx":
            return ageing_xlsx(table, movements_table(warehouse, facts.as_of, facts.basis, facts.choice), facts)
        case "pdf":
            return ageing_pdf(table, facts)
        case "csv":
            return ageing_csv(table)


def export_ageing(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    *,
    kind: Format,
    as_of: date,
    basis: Basis = "due",
    choice: Choice = EVERYTHING,
    known_at: datetime | None = None,
) -> dict[str, Any]:
    """Writes one file, enters it in the home's log, and returns the facts of it, ready for JSON.

    ``known_at`` says what the given warehouse was built as known at, where it is not a published run. The file
    appears whole or not at all. Raises Problem where it cannot be written.
    """
    table = ageing_table(warehouse, as_of, basis, choice)
    facts = ageing_facts(warehouse, as_of, basis, choice)
    if known_at:
        facts = replace(facts, known_at=known_at)
    data = ageing_file(warehouse, table, facts, kind)
    exported.write_whole(output, data)
    digest = record_export(home, data, facts, name=output.name, rows=table.num_rows, by="command")
    totals = [
        {"schedule": key[0], "currency": key[1], "gross": str(part.gross), "unallocated": str(part.unallocated)}
        | {"net": str(part.net), "rows": part.documents}
        for key, part in sums_by_schedule(table).items()
    ]
    return {
        "file": str(output),
        "format": kind,
        "rows": table.num_rows,
        "sha256": digest,
        **facts.parameters(),
        "data_through": facts.data_through.isoformat() if facts.data_through else None,
        "run": facts.run_id,
        "totals": totals,
    }


def closed_ageing_name(basis: Basis, schedule: str | None, suffix: str) -> str:
    """The name under which a closed month keeps an ageing; without a schedule that of all of them."""
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in schedule or "all")
    return f"ageing_{basis}_{safe}.{suffix}"


def month_end_ageing(warehouse: Warehouse, as_of: date) -> dict[str, bytes]:
    """Name -> bytes of the ageing at a month's end: both bases, all schedules together and each, csv and xlsx."""
    files: dict[str, bytes] = {}
    for basis in BASES:
        schedules = set(ageing_table(warehouse, as_of, basis).column("schedule").to_pylist())
        for schedule in (None, *sorted(schedules)):
            table = ageing_table(warehouse, as_of, basis, Choice(schedule=schedule))
            facts = ageing_facts(warehouse, as_of, basis, Choice(schedule=schedule))
            files[closed_ageing_name(basis, schedule, "csv")] = ageing_csv(table)
            files[closed_ageing_name(basis, schedule, "xlsx")] = ageing_file(warehouse, table, facts, "xlsx")
    return files


def export_closed_ageing(
    home: Home, closed: ClosedMonth, output: Path, *, kind: Format, basis: Basis, schedule: str | None
) -> dict[str, Any]:
    """Writes the ageing that a closed month keeps, byte for byte, enters it in the home's log and returns its facts.

    Raises Problem where the month keeps no such file or the bytes are not those that were closed.
    """
    name = closed_ageing_name(basis, schedule, kind)
    data = closed_file(home, closed, name)
    exported.write_whole(output, data)
    parameters = {"closed": closed.month, "as_of": closed.last_on.isoformat(), "basis": basis, "schedule": schedule}
    facts = {"parameters": parameters}
    exported.record_export(home, data, export="ageing", name=output.name, run=closed.run_id, by="command", facts=facts)
    return {
        "file": str(output),
        "format": kind,
        "sha256": closed.files[name],
        **parameters,
        "closed_at": closed.closed_at,
        "closed_by": closed.closed_by,
        "run": closed.run_id,
    }


def record_export(home: Home, data: bytes, facts: AgeingFacts, *, name: str, rows: int, by: str) -> str:
    """Enters an ageing in the home's log and returns its sha256. ``by``: page or command."""
    given = {
        "rows": rows,
        "parameters": facts.parameters(),
        "data_through": facts.data_through.isoformat() if facts.data_through else None,
        "version": facts.version,
    }
    return exported.record_export(home, data, export="ageing", name=name, run=facts.run_id, by=by, facts=given)
