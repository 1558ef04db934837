"""Reads the tables of a web page: many programs write a report as HTML and call the file .xls.

Each table is a sheet of text, so that a header is found in it and rows are read from it as in a workbook.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from forecourt.errors import Problem
from ingest.readers.dialect import DETECT, is_character_set
from ingest.readers.encoding import decode_as
from ingest.readers.sheets import Sheet, Workbook
from ingest.readers.workbook_extent import MAX_CELLS

MAX_BYTES = 64 << 20
#: A cell that spans more columns or rows than this is no cell of an export.
MAX_SPAN = 1_000

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_LINE_ENDS = re.compile(r"\s*\n\s*|[ \t]+")


def open_page(data: bytes) -> Workbook:
    """The tables of a page, named Table 1, Table 2, ... in their order; those without two cells are left out.

    Raises Problem (without the file's name) for a page without a table, or one that is larger than can be read.
    """
    if len(data) > MAX_BYTES:
        raise Problem(f"it is a web page of more than {MAX_BYTES >> 20} MB. Export it as csv or xlsx.")
    found = _CHARSET.search(data[:4096])
    said = found[1].decode("ascii") if found else ""
    try:
        decoded = decode_as(data, "utf-8")
    except Problem:
        decoded = decode_as(data, said if is_character_set(said) and said.lower() != "utf-8" else DETECT)
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(decoded.data, parser=parser)
    except etree.ParserError:
        raise Problem("it is a web page without a table. Export it as csv or xlsx.") from None
    etree.strip_elements(root, "script", "style", with_tail=False)
    sheets: dict[str, Sheet] = {}
    left = MAX_CELLS
    for number, table in enumerate(root.iter("table"), start=1):
        sheet = _sheet(table, left)
        left -= sum(map(len, sheet.rows))
        if sum(map(len, sheet.rows)) > 1:
            sheets[f"Table {number}"] = sheet
    if not sheets:
        raise Problem("it is a web page without a table. Export it as csv or xlsx.")
    return Workbook("html", sheets, [])


def _sheet(table: Any, most: int) -> Sheet:
    """The cells of a table where they stand; one that spans several stands in the first of them."""
    rows: list[list[Any]] = []
    merged: list[tuple[int, int, int]] = []
    taken: dict[int, int] = {}  # column -> rows that a cell above still reaches down
    cells = 0
    for place, row in enumerate(table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")):
        line: list[Any] = []
        below = {column: left - 1 for column, left in taken.items() if left > 1}
        for cell in row.xpath("./td | ./th"):
            while len(line) in taken:
                line.append("")
            across, down = _span(cell, "colspan"), _span(cell, "rowspan")
            below |= dict.fromkeys(range(len(line), len(line) + across), down - 1) if down > 1 else {}
            if across > 1 or down > 1:
                merged.append((place, len(line), len(line) + across - 1))
            line += [_text(cell), *[""] * (across - 1)]
            cells += across
            if cells > most:
                raise Problem(f"its tables have more than {MAX_CELLS:,} cells. Export it as csv.")
        taken = below
        rows.append(line)
    return Sheet(rows, merged)


def _span(cell: Any, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    span = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    if span > MAX_SPAN:
        raise Problem(f"a cell of its table spans {span:,} others, so it is no report. Export it as csv.")
    return max(span, 1)


def _text(cell: Any) -> str:
    """What a person reads in a cell, on one line."""
    for field in cell.iter("select"):
        options = field.xpath(".//option")
        chosen = field.xpath(".//option[@selected]") or options[:1]
        for option in options:
            option.text = option.text if option in chosen else ""
    for field in cell.iter("input"):
        if (field.get("type") or "text").lower() in ("text", "number", "date", "email", "tel", "url", "search"):
            field.tail = f"{field.get('value') or ''}{field.tail or ''}"
    for line_end in cell.iter("br"):
        line_end.tail = f" {line_end.tail or ''}"
    return _LINE_ENDS.sub(" ", cell.text_content()).strip(" \u00a0")
