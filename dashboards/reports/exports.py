"""Exports: the receivable ageing and what goes with it as files, and the log of what was exported.

Equal rows and parameters give equal bytes: nothing in a file reads a clock, and no order is left to chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from dashboards.reports.ageing import ageing_pdf, ageing_xlsx
from dashboards.reports.credits import credits_table, credits_xlsx
from dashboards.reports.receivables import (
    EVERYTHING,
    AgeingFacts,
    Basis,
    Choice,
    ageing_facts,
    ageing_table,
    movements_table,
    sums_by_schedule,
)
from dashboards.reports.statement import statement_pdf
from dashboards.reports.stock_book import stock_book, stock_book_cover, stock_book_xlsx
from forecourt import exported
from forecourt.close import ClosedMonth, closed_file
from forecourt.door import Warehouse
from forecourt.exported import csv_of, name_part
from forecourt.home import Home

Format = Literal["xlsx", "csv", "pdf"]


def export_name(facts: AgeingFacts, suffix: str) -> str:
    """A file name that says what is in it: ageing_2026-09-30_due_R1.xlsx."""
    parts = [
        "ageing",
        facts.as_of.isoformat(),
        facts.basis,
        *facts.choice.rooftops,
        *(part for part in (facts.choice.entity, facts.choice.schedule, facts.choice.currency) if part),
    ]
    return f"{'_'.join(map(name_part, parts))}.{suffix}"


def ageing_file(warehouse: Warehouse, table: pa.Table, facts: AgeingFacts, kind: Format) -> bytes:
    """The bytes of an ageing in one of its formats; ``table`` and ``facts`` are of the same question."""
    match kind:
        case "xlsx":
            return ageing_xlsx(table, movements_table(warehouse, facts.as_of, facts.basis, facts.choice), facts)
        case "pdf":
            return ageing_pdf(table, facts)
        case "csv":
            return csv_of(table)


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
    return f"ageing_{basis}_{name_part(schedule or 'all')}.{suffix}"


def export_statement(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    *,
    customer_id: str,
    as_of: date,
    rooftop: str | None = None,
    since: date | None = None,
) -> dict[str, Any]:
    """Writes a customer's statement of account, enters it in the home's log and returns its facts."""
    data, facts = statement_pdf(warehouse, customer_id, as_of, rooftop=rooftop, since=since)
    exported.write_whole(output, data)
    digest = record_statement(home, data, facts, customer_id, name=output.name, by="command")
    return {"file": str(output), "customer_id": customer_id, "sha256": digest, **facts.parameters()}


def record_statement(home: Home, data: bytes, facts: AgeingFacts, customer_id: str, *, name: str, by: str) -> str:
    """Enters a statement in the home's log and returns its sha256."""
    given = {"parameters": {**facts.parameters(), "customer_id": customer_id}, "version": facts.version}
    return exported.record_export(home, data, export="statement", name=name, run=facts.run_id, by=by, facts=given)


def export_credits(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    *,
    kind: Literal["xlsx", "csv"],
    as_of: date,
    choice: Choice = EVERYTHING,
) -> dict[str, Any]:
    """Writes the list of deposits and credit balances, enters it in the home's log and returns its facts."""
    table = credits_table(warehouse, as_of, choice)
    facts = ageing_facts(warehouse, as_of, choice=choice, part="deposits and credit balances")
    data = credits_xlsx(table, facts) if kind == "xlsx" else csv_of(table)
    exported.write_whole(output, data)
    digest = record_export(home, data, facts, name=output.name, rows=table.num_rows, by="command", export="deposits")
    return {"file": str(output), "rows": table.num_rows, "sha256": digest, **facts.parameters()}


def export_stock_book(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    *,
    kind: Literal["xlsx", "csv"],
    first: date,
    last: date,
    rooftops: Sequence[str] = (),
) -> dict[str, Any]:
    """Writes the margin-scheme stock book of a period, enters it in the home's log and returns its facts."""
    data, facts = stock_book_file(
        home, warehouse, kind=kind, first=first, last=last, rooftops=rooftops, by="command", name=output.name
    )
    exported.write_whole(output, data)
    return {"file": str(output), **facts}


def stock_book_file(
    home: Home,
    warehouse: Warehouse,
    *,
    kind: Literal["xlsx", "csv"],
    first: date,
    last: date,
    rooftops: Sequence[str],
    by: str,
    name: str = "",
) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the stock book, entered in the home's log, and its facts."""
    table = stock_book(warehouse, first, last, rooftops)
    if kind == "xlsx":
        data = stock_book_xlsx(table, stock_book_cover(warehouse, first, last, rooftops), first, last)
    else:
        data = csv_of(table)
    parameters = {"from": first.isoformat(), "to": last.isoformat(), "rooftops": list(rooftops)}
    digest = exported.record_export(
        home,
        data,
        export="stock-book",
        name=name or f"stock_book_{first.isoformat()}_{last.isoformat()}.{kind}",
        run=warehouse.run_id,
        by=by,
        facts={"rows": table.num_rows, "parameters": parameters},
    )
    return data, {"rows": table.num_rows, "sha256": digest, **parameters, "run": warehouse.run_id}


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


def record_export(
    home: Home, data: bytes, facts: AgeingFacts, *, name: str, rows: int, by: str, export: str = "ageing"
) -> str:
    """Enters an ageing, or a list made from it, in the home's log and returns its sha256. ``by``: page or command."""
    given = {
        "rows": rows,
        "parameters": facts.parameters(),
        "data_through": facts.data_through.isoformat() if facts.data_through else None,
        "version": facts.version,
    }
    return exported.record_export(home, data, export=export, name=name, run=facts.run_id, by=by, facts=given)
