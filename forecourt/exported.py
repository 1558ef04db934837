"""What all exported files share: csv that no spreadsheet runs, a file that is there whole or not at all, the log."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forecourt import durable
from forecourt.errors import Problem
from forecourt.home import Home

#: First characters that make a spreadsheet read a text as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def csv_of(table: pa.Table) -> bytes:
    """UTF-8, a header line, LF, money with all its decimals, ISO days, true/false, an empty cell for what is unknown.

    A text or a name of a column that a spreadsheet would run as a formula is led by an apostrophe; plain numbers are
    left as they are.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([harmless(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=50_000):
        writer.writerows(zip(*(_cells(column) for column in batch.columns), strict=True))
    return out.getvalue().encode("utf-8")


def _cells(column: pa.Array) -> list[str | None]:
    """The cells of a column; Arrow writes decimals with all their places and days as ISO does."""
    try:
        written = pc.cast(column, pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists, structs, intervals, bytes
        written = [None if value is None else _as_text(value) for value in column.to_pylist()]
    if pa.types.is_primitive(column.type) or pa.types.is_decimal(column.type):
        return written  # numbers, days, instants, true and false
    return [value and harmless(value) for value in written]


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)


def harmless(text: str) -> str:
    """The text, led by an apostrophe where a spreadsheet would run it: ``=1+1``, ``@sum``, ``-cmd``; not ``-12.50``."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+").replace(".", "", 1).replace(",", "")
    return digits.isascii() and digits.isdigit()


def parquet_of(table: pa.Table) -> bytes:
    """The table as Parquet, every column in its own type. Raises Problem where Parquet cannot hold one."""
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    try:
        parquet.write_table(table, sink)
    except pa.ArrowNotImplementedError as error:
        raise Problem(f"Parquet cannot hold a column of this answer: {error}. Cast it, or take csv.") from None
    return bytes(sink.getvalue())


def name_part(text: str) -> str:
    """A text of a source as part of a file's name: what is neither letter, digit, hyphen nor underscore is a hyphen."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in text)


def write_whole(output: Path, data: bytes) -> None:
    """The file appears whole or not at all. Raises Problem where it cannot be written."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(output, data)
    except OSError as error:
        raise Problem(f"{output} cannot be written: {error.strerror}. Give another file with -o.") from None


def record_export(
    home: Home, data: bytes, *, export: str, name: str, run: str, by: str, facts: Mapping[str, Any]
) -> str:
    """Enters an export in the home's log and returns its sha256. ``by``: page or command; ``facts`` ready for JSON."""
    digest = hashlib.sha256(data).hexdigest()
    entry = {
        "at": datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat(),
        "export": export,
        "name": name,
        "sha256": digest,
        "bytes": len(data),
        **facts,
        "run": run,
        "by": by,
    }
    # One write, so that lines of two writers never mix.
    descriptor = os.open(home.exports_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{json.dumps(entry, ensure_ascii=False)}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest
