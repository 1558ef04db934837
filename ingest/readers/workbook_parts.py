"""Finds the cells of an xlsx that the library reads otherwise than a person does, as ``workbook_altered`` does for the
other formats: errors, formulas that were never computed, days, and numbers that a format shows with leading zeros.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from ingest.readers.workbook_altered import (
    Altered,
    Place,
    Places,
    adds_up_above,
    altered_cells,
    column_of,
    day_of,
    error,
    linked_parts,
    parser,
    uncomputed,
)
from ingest.readers.workbook_masks import mask_of, shown

#: A row that says its number.
ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br\s*=\s*[\"'](\d{1,7})[\"']")
#: A row with its attributes, or a cell with its attributes and what is in it.
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(?:row\b([^>]*)>|c(?=[\s/>])([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>))", re.DOTALL)
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_ROW_NUMBER = re.compile(rb"\br\s*=\s*[\"'](\d{1,7})[\"']")
_TYPE = re.compile(rb"\bt\s*=\s*[\"'](\w+)[\"']")
_STYLE = re.compile(rb"\bs\s*=\s*[\"'](\d{1,6})[\"']")
#: Written by programs that cannot compute: whoever opens the workbook is to compute all of it.
_COMPUTE_ON_OPENING = re.compile(rb"\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?v>(.*?)</(?:\w+:)?v>", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
#: In the namespace of the common or of the strict kind.
_RELATION = re.compile(r"\{[^}]*/relationships\}id")


@dataclass
class SheetParts:
    """Of one sheet the cells that the library reads otherwise than a person, and how many rows it states."""

    altered: Places = field(default_factory=dict)
    totals: dict[int, str] = field(default_factory=dict)
    rows: int = 0


def sheet_parts(data: bytes, sheet: str, workbook_format: str) -> SheetParts:
    """What the library leaves out of a sheet."""
    if workbook_format != "xlsx":
        return SheetParts(*altered_cells(data, workbook_format, sheet))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _path_of(archive, sheet)
        if path is None:
            return SheetParts()
        content = archive.read(path)
        masks = _masks(archive)
        is_left_open = _COMPUTE_ON_OPENING.search(archive.read("xl/workbook.xml")) is not None
    parts = SheetParts(rows=max((int(row) for row in ROW.findall(content)), default=0))
    # Most sheets have neither errors nor formulas nor such formats, and then no cell is looked at.
    if masks or any(mark in content for mark in (b't="e"', b"t='e'", b't="d"', b"t='d'", b"<f", b":f>")):
        is_zero_empty = is_left_open and not any(_has_result(inner) for _, _, inner in _cells(content))
        for place, attributes, inner in _cells(content):
            altered = _altered(attributes, inner, masks, is_zero_empty=is_zero_empty)
            if altered:
                parts.altered[place] = altered
            formula = _FORMULA.search(inner) if _has_formula(inner) else None
            if formula and formula[1] and adds_up_above(_unescaped(formula[1]), *place):
                parts.totals.setdefault(place[0], f"={_unescaped(formula[1])}")
    return parts


def _cells(content: bytes) -> Iterator[tuple[Place, bytes, bytes]]:
    """Row and column, the attributes and what is in it, for each cell of a sheet."""
    row = column = -1
    for match in _ROW_OR_CELL.finditer(content):
        of_row, attributes, inner = match.groups()
        if of_row is not None:
            number = _ROW_NUMBER.search(of_row)
            row, column = int(number[1]) - 1 if number else row + 1, -1
            continue
        place = _PLACE.search(attributes)
        # A cell that names no place stands behind the one before it.
        row, column = (int(place[2]) - 1, column_of(place[1].decode()) - 1) if place else (row, column + 1)
        yield (row, column), attributes, inner or b""


def _has_result(inner: bytes) -> bool:
    """True for a formula with a value other than 0, which a program writes that computes none."""
    value = _VALUE.search(inner) if _has_formula(inner) else None
    return value is not None and value[1] not in (b"", b"0") and _FORMULA.search(inner) is not None


def _altered(attributes: bytes, inner: bytes, masks: dict[int, str], *, is_zero_empty: bool) -> Altered | None:
    kind_found = _TYPE.search(attributes) if b"t" in attributes else None
    kind = kind_found[1] if kind_found else b"n"
    formula = _FORMULA.search(inner) if _has_formula(inner) else None
    style = _STYLE.search(attributes) if masks and kind == b"n" else None
    mask = masks.get(int(style[1])) if style else None
    # Most cells are nothing of the kind, and their value is not looked for.
    if not (formula or mask or kind in (b"e", b"d")):
        return None
    value = _VALUE.search(inner)
    text = value[1].strip() if value else b""
    if kind == b"e":
        return error(_unescaped(text) or "#ERROR")
    if kind == b"d":
        return day_of(text.decode("ascii", "replace"))
    # A text may be empty by its formula, a number may not.
    is_text = kind == b"str" and value is not None
    if formula and not is_text and (not text or (text == b"0" and is_zero_empty and kind == b"n")):
        return uncomputed(_unescaped(formula[1] or b""))
    try:
        seen = shown(float(text), mask) if mask and text else None
    except ValueError:
        return None
    return Altered(seen) if seen else None


def _has_formula(inner: bytes) -> bool:
    return b"<f" in inner or b":f" in inner


def _masks(archive: zipfile.ZipFile) -> dict[int, str]:
    """Style of a cell -> the mask that it shows numbers in."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    try:
        styles = etree.fromstring(archive.read("xl/styles.xml"), parser())
    except etree.XMLSyntaxError:
        return {}
    masks = {
        number.get("numFmtId"): mask
        for number in styles.iter("{*}numFmt")
        if (mask := mask_of(number.get("formatCode", "")))
    }
    cells = styles.find("{*}cellXfs")
    return {
        style: masks[entry.get("numFmtId")]
        for style, entry in enumerate(() if cells is None else cells.iterchildren("{*}xf"))
        if entry.get("numFmtId") in masks
    }


def _unescaped(text: bytes) -> str:
    words = text.decode("utf-8", "replace")
    for mark, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        words = words.replace(mark, letter)
    return words


def _path_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part that holds the sheet of that name."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    try:
        book = etree.fromstring(archive.read("xl/workbook.xml"), parser())
        linked = linked_parts(archive, "xl/_rels/workbook.xml.rels")
    except etree.XMLSyntaxError:
        return None
    for entry in book.iter("{*}sheet"):
        if entry.get("name") == sheet:
            link = next((value for name, value in entry.items() if _RELATION.fullmatch(name)), None)
            path = linked.get(link)
            return path if path in names else None
    return None
