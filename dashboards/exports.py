"""Exports: the receivable ageing as csv and xlsx, and the log of what was exported.

Equal rows and parameters give equal bytes: nothing in a file reads a clock, and no order is left to chance.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from dashboards.receivables import AgeingFacts, ageing_facts, ageing_table
from dashboards.workbook import ageing_xlsx
from forecourt.home import Home

__all__ = [
    "AgeingFacts",
    "ageing_csv",
    "ageing_facts",
    "ageing_table",
    "ageing_xlsx",
    "export_name",
    "harmless",
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


def _csv_column(column: pa.Array) -> list[Any]:
    values = column.to_pylist()
    if pa.types.is_boolean(column.type):
        return [None if value is None else "true" if value else "false" for value in values]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [harmless(value) if value and value[0] in FORMULA_STARTS else value for value in values]
    return values


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
