"""Opens a workbook (xlsx, xlsm, xls, xlsb, ods, XML of Excel 2003): the cells of its sheets, as a person sees them.

A formula gives the value that was last computed and never runs. What the library leaves out of a cell is put back: an
error (``#DIV/0!``) as its text, a formula that was never computed as its own text, so that neither passes for an empty
cell, and the leading zeros of a number that is shown with them.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecourt.errors import Problem
from ingest.readers.sheets import Sheet, Workbook
from ingest.readers.workbook_extent import PASSWORD, check_extent
from ingest.readers.workbook_parts import SheetParts, sheet_parts
from ingest.readers.workbook_process import Answer
from ingest.readers.workbook_xml import is_open_document, packed, sheets_of

#: A workbook that takes longer than this is none that anybody opens.
MAX_SECONDS = 600

#: A workbook of as many rows as a sheet can have is smaller.
MAX_BYTES = 200 << 20

_PROCESS = Path(__file__).with_name("workbook_process.py")


def open_workbook(data: bytes) -> Workbook:
    """The workbook in these bytes. Raises Problem (without the file's name) for one that is damaged, protected by a
    password, or larger than can be read."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        if not is_open_document(data):
            return _opened(sheets_of(data), "xml")
        data = packed(data)
    workbook_format = check_extent(data)
    found = _cells_of(data)
    if found == "password":
        raise Problem(PASSWORD)
    if isinstance(found, str):
        raise Problem(f"it is no readable workbook ({found}). Save it again and deliver it.")
    sheets = {
        name: _sheet(*content, sheet_parts(data, name, workbook_format)) if content else None
        for name, content in found.items()
    }
    return _opened(sheets, workbook_format)


def _sheet(rows: list[list[Any]], merged: list[Any], parts: SheetParts) -> Sheet:
    """The cells of a sheet, with what the library leaves out of them put back."""
    for (row, column), altered in parts.altered.items():
        rows.extend([] for _ in range(row + 1 - len(rows)))
        rows[row].extend([""] * (column + 1 - len(rows[row])))
        rows[row][column] = altered.text
    rows.extend([] for _ in range(parts.rows - len(rows)))
    doubts = {place: altered.doubt for place, altered in parts.altered.items() if altered.doubt}
    return Sheet(rows, [(row, first, last) for (row, first), (_, last) in merged], doubts, parts.totals)


def _opened(sheets: Mapping[str, Sheet | None], workbook_format: str) -> Workbook:
    """``sheets``: None for one that is hidden."""
    visible = {name: sheet for name, sheet in sheets.items() if sheet is not None}
    if not visible:
        raise Problem("it is a workbook without a visible sheet. Export it again.")
    return Workbook(workbook_format, visible, [name for name in sheets if name not in visible])


def _cells_of(data: bytes) -> Answer:
    """What the library reads, in a process that a file may end without ending this one."""
    # By its path and without this folder on the path: it must find the libraries, and nothing that lies about.
    command = [sys.executable, "-P", str(_PROCESS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"reading it took longer than {MAX_SECONDS // 60} minutes"
    if done.returncode:
        return "reading it ended the reader, as damaged files do"
    answer: Answer = pickle.loads(done.stdout)
    return answer
