"""Exports: the receivable ageing as csv and xlsx, and the log of what was exported.

Equal rows and parameters give equal bytes: nothing in a file reads a clock, and no order is left to chance.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from dashboards.receivables import BASES, AgeingFacts, Basis, ageing_facts, ageing_table, sums_by_schedule
from dashboards.workbook import ageing_xlsx
from forecourt.close import ClosedMonth, closed_file
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home

__all__ = [
    "AgeingFacts",
    "ageing_csv",
    "ageing_facts",
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

#: First characters that make a spreadsheet read a text as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def ageing_csv(table: pa.Table) -> bytes:
    """UTF-8, a header line, LF, money with two decimals, ISO days, true/false, an empty cell where nothing is known.

    A text that a spreadsheet would run as a formula is led by an apostrophe; plain numbers are left as they are.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=50_000):
        writer.writerows(zip(*(_csv_column(column) for column in batch.columns), strict=True))
    return out.getvalue().encode("utf-8")


def _csv_column(column: pa.Array) -> list[str | None]:
    """The cells of a column; Arrow writes decimals with all their places and days as ISO does."""
    written = pc.cast(column, pa.string()).to_pylist()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [harmless(value) if value and value[0] in FORMULA_STARTS else value for value in written]
    return written


def harmless(text: str) -> str:
    """The text, led by an apostrophe where a spreadsheet would run it: ``=1+1``, ``@sum``, ``-cmd``; not ``-12.50``."""
    return text if _is_number(text) else f"'{text}"


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+").replace(".", "", 1).replace(",", "")
    return digits.isascii() and digits.isdigit()


def export_name(facts: AgeingFacts, suffix: str) -> str:
    """A file name that says what is in it: ageing_2026-09-30_due_R1.xlsx."""
    parts = [
        "ageing",
        facts.as_of.isoformat(),
        facts.basis,
        *facts.rooftops,
        *([facts.schedule] if facts.schedule else []),
    ]
    safe = ("".join(c if c.isalnum() or c in "-_" else "-" for c in part) for part in parts)
    return f"{'_'.join(safe)}.{suffix}"


def export_ageing(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    *,
    kind: Literal["xlsx", "csv"],
    as_of: date,
    basis: Basis = "due",
    rooftops: Sequence[str] | None = None,
    schedule: str | None = None,
    known_at: datetime | None = None,
) -> dict[str, Any]:
    """Writes one file, enters it in the home's log, and returns the facts of it, ready for JSON.

    ``known_at`` says what the given warehouse was built as known at, where it is not a published run. The file
    appears whole or not at all. Raises Problem where it cannot be written.
    """
    table = ageing_table(warehouse, as_of, basis, rooftops, schedule)
    facts = ageing_facts(warehouse, as_of, basis, rooftops, schedule)
    if known_at:
        facts = replace(facts, known_at=known_at)
    data = ageing_xlsx(table, facts) if kind == "xlsx" else ageing_csv(table)
    _write_whole(output, data)
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
            table = ageing_table(warehouse, as_of, basis, schedule=schedule)
            facts = ageing_facts(warehouse, as_of, basis, schedule=schedule)
            files[closed_ageing_name(basis, schedule, "csv")] = ageing_csv(table)
            files[closed_ageing_name(basis, schedule, "xlsx")] = ageing_xlsx(table, facts)
    return files


def export_closed_ageing(
    home: Home, closed: ClosedMonth, output: Path, *, kind: Literal["xlsx", "csv"], basis: Basis, schedule: str | None
) -> dict[str, Any]:
    """Writes the ageing that a closed month keeps, byte for byte, enters it in the home's log and returns its facts.

    Raises Problem where the month keeps no such file or the bytes are not those that were closed.
    """
    name = closed_ageing_name(basis, schedule, kind)
    data = closed_file(home, closed, name)
    _write_whole(output, data)
    parameters = {"closed": closed.month, "as_of": closed.last_on.isoformat(), "basis": basis, "schedule": schedule}
    entry = {
        "at": datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat(),
        "export": "ageing",
        "name": output.name,
        "sha256": closed.files[name],
        "bytes": len(data),
        "parameters": parameters,
        "run": closed.run_id,
        "by": "command",
    }
    _append(home, json.dumps(entry, ensure_ascii=False))
    return {
        "file": str(output),
        "format": kind,
        "sha256": closed.files[name],
        **parameters,
        "closed_at": closed.closed_at,
        "closed_by": closed.closed_by,
        "run": closed.run_id,
    }


def _write_whole(output: Path, data: bytes) -> None:
    beside = output.with_name(f".{output.name}.part")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        os.replace(beside, output)
    except OSError as error:
        raise Problem(f"{output} cannot be written: {error.strerror}. Give another file with -o.") from None


def record_export(home: Home, data: bytes, facts: AgeingFacts, *, name: str, rows: int, by: str) -> str:
    """Enters an export in the home's log and returns its sha256. ``by``: page or command."""
    digest = hashlib.sha256(data).hexdigest()
    entry = {
        "at": datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat(),
        "export": "ageing",
        "name": name,
        "sha256": digest,
        "bytes": len(data),
        "rows": rows,
        "parameters": facts.parameters(),
        "data_through": facts.data_through.isoformat() if facts.data_through else None,
        "run": facts.run_id,
        "version": facts.version,
        "by": by,
    }
    _append(home, json.dumps(entry, ensure_ascii=False))
    return digest


def _append(home: Home, line: str) -> None:
    """One write, so that lines of two writers never mix."""
    descriptor = os.open(home.exports_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
