"""Paper: the few parts a report as pdf is made of (headings, facts, tables that go on over pages), in equal bytes.

Nothing here reads a clock. A sign that the font cannot show, or that would need shaping to be read, is refused with
the text that holds it: a name is shown as it is written or not at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import TTFFont

from dashboards.reports.report import Col, Part, Row
from forecourt.errors import Problem

FONTS = Path(__file__).with_name("fonts")
_FILES = {"": FONTS / "DejaVuSansCondensed.ttf", "B": FONTS / "DejaVuSansCondensed-Bold.ttf"}
_FAMILY = "report"

#: Millimetres.
_MARGIN, _TOP, _BOTTOM, _PADDING = 12.0, 12.0, 16.0, 1.2
_TITLE, _HEADING, _TEXT, _SMALL = 18.0, 11.0, 8.5, 7.0
_ACCENT, _GREY, _BAND, _RULE = (11, 95, 120), (91, 100, 106), (228, 236, 238), (196, 204, 208)
_GOOD, _BAD, _INK = (23, 105, 74), (163, 42, 47), (20, 24, 26)
_LINE = 1.32
_POINT = 25.4 / 72


def written(value: Any) -> str:
    """A value as paper shows it: money with its cents and a comma for thousands, days as ISO, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return value.isoformat() if isinstance(value, date) else str(value)


class Paper:
    """One report being written, from the top of its first page to its bytes."""

    def __init__(self, title: str, subject: str, stamp: date, footer: str, *, is_landscape: bool = False) -> None:
        self._pdf = FPDF("L" if is_landscape else "P", "mm", "A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_creation_date(datetime.combine(stamp, time()))
        self._pdf.set_title(title)
        self._pdf.set_subject(subject)
        for style, file in _FILES.items():
            self._pdf.add_font(_FAMILY, style, file)
        self._footer = footer
        self._width = self._pdf.w - 2 * _MARGIN
        self.new_page()
        self._say(title, _MARGIN, _TITLE, "B", _ACCENT)
        self._y += _TITLE * _POINT * _LINE + 1

    def new_page(self) -> None:
        """What follows stands on a page of its own."""
        self._pdf.add_page()
        self._y = _TOP

    def heading(self, text: str) -> None:
        """A heading that is never left alone at the foot of a page."""
        self._need(30)
        self._y += 3
        self._say(text, _MARGIN, _HEADING, "B", _ACCENT)
        self._y += _HEADING * _POINT * _LINE + 1

    def paragraph(self, text: str, tone: str = "plain") -> None:
        """A text over the whole width; ``tone`` as of a row, or small."""
        size = _SMALL if tone == "small" else _TEXT
        colour = {"good": _GOOD, "bad": _BAD, "small": _GREY}.get(tone, _INK)
        style = "B" if tone in ("good", "bad") else ""
        for line in _wrapped(text, self._width, size, style):
            self._need(size * _POINT * _LINE)
            self._say(line, _MARGIN, size, style, colour)
            self._y += size * _POINT * _LINE
        self._y += 1

    def facts(self, lines: Iterable[tuple[str, Any]], label_width: float = 48) -> None:
        """Labels and what they say, one a line."""
        step = _TEXT * _POINT * _LINE
        for label, value in lines:
            texts = _wrapped(written(value), self._width - label_width, _TEXT, "")
            self._need(step * len(texts))
            self._say(label, _MARGIN, _TEXT, "", _GREY)
            for text in texts:
                self._say(text, _MARGIN + label_width, _TEXT, "", _INK)
                self._y += step
        self._y += 1

    def part(self, part: Part) -> None:
        """A titled table with its note."""
        self.heading(part.title)
        if part.note:
            self.paragraph(part.note, part.tone)
        if part.rows:
            self.table(part.columns, part.rows)

    def table(self, columns: Sequence[Col], rows: Sequence[Row]) -> None:
        """A table over the whole width. Long texts wrap, numbers never do; the head stands on every page of it."""
        size, edges = _edges(columns, rows, self._width)
        self._need(20)
        self._head(columns, edges, size)
        for row in rows:
            style = "B" if row.tone == "total" else ""
            texts = [
                _wrapped(written(value), right - left - 2 * _PADDING, size, style, is_number=column.is_number)
                for value, column, (left, right) in zip(row.cells, columns, pairwise(edges), strict=True)
            ]
            height = max(map(len, texts)) * size * _POINT * _LINE + 0.8
            if self._y + height > self._pdf.h - _BOTTOM:
                self.new_page()
                self._head(columns, edges, size)
            if row.tone == "total":
                self._rule(_GREY)
            for place, (lines, column) in enumerate(zip(texts, columns, strict=True)):
                is_told = place == len(columns) - 1 and row.tone in ("good", "bad")
                colour = {"good": _GOOD, "bad": _BAD}[row.tone] if is_told else _INK
                self._cell(lines, column, (edges[place], edges[place + 1]), size, "B" if is_told else style, colour)
            self._y += height
            if row.tone != "total":
                self._rule(_RULE)
        self._y += 2

    def data(self) -> bytes:
        """The whole file, page numbers and all."""
        pages = self._pdf.pages_count
        for number in range(1, pages + 1):
            self._pdf.page = number
            # The font is only written where it changes, and this page may have ended in another than the last one.
            self._pdf.set_font(_FAMILY, "B", _TEXT)
            self._y = self._pdf.h - 10
            self._say(self._footer, _MARGIN, _SMALL, "", _GREY)
            said = f"Page {number} of {pages}"
            self._say(said, self._pdf.w - _MARGIN - _width(said, _SMALL, ""), _SMALL, "", _GREY)
        return bytes(self._pdf.output())

    def _head(self, columns: Sequence[Col], edges: Sequence[float], size: float) -> None:
        places = list(zip(columns, pairwise(edges), strict=True))
        texts = [_wrapped(column.head, right - left - 2 * _PADDING, size, "B") for column, (left, right) in places]
        height = max(map(len, texts)) * size * _POINT * _LINE + 1.2
        self._pdf.set_fill_color(*_BAND)
        self._pdf.rect(_MARGIN, self._y, self._width, height, style="F")
        for (column, place), lines in zip(places, texts, strict=True):
            self._cell(lines, column, place, size, "B", _INK)
        self._y += height

    def _cell(
        self,
        lines: Sequence[str],
        column: Col,
        place: tuple[float, float],
        size: float,
        style: str,
        colour: tuple[int, int, int],
    ) -> None:
        top = self._y
        self._y += 0.4
        for line in lines:
            at = place[1] - _PADDING - _width(line, size, style) if column.is_number else place[0] + _PADDING
            self._say(line, at, size, style, colour)
            self._y += size * _POINT * _LINE
        self._y = top

    def _rule(self, colour: tuple[int, int, int]) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(0.15)
        self._pdf.line(_MARGIN, self._y, _MARGIN + self._width, self._y)

    def _say(self, text: str, at: float, size: float, style: str, colour: tuple[int, int, int]) -> None:
        """Sets a text whose upper edge is where the report stands."""
        if text:
            self._pdf.set_font(_FAMILY, style, size)
            self._pdf.set_text_color(*colour)
            self._pdf.text(at, self._y + size * _POINT, _readable(text))

    def _need(self, height: float) -> None:
        if self._y + height > self._pdf.h - _BOTTOM:
            self.new_page()


def _edges(columns: Sequence[Col], rows: Sequence[Row], whole: float) -> tuple[float, list[float]]:
    """The size of a table's type and the edges of its columns: no head's word and no number is ever broken.

    Columns share the width as they ask; one that its own words or numbers do not fit takes what it needs.
    """
    needs = []
    for place, column in enumerate(columns):
        texts = column.head.split() or [""]
        if column.is_number:
            texts += {written(row.cells[place]) for row in rows}
        needs.append(max(_width(text, _SMALL, "B") for text in texts) + 2 * _PADDING)
    squeeze = min(1.0, whole / sum(needs))
    low, high = 0.0, whole
    for _ in range(40):
        middle = (low + high) / 2
        if sum(max(need * squeeze, column.width * middle) for need, column in zip(needs, columns, strict=True)) > whole:
            high = middle
        else:
            low = middle
    edges = [_MARGIN]
    for need, column in zip(needs, columns, strict=True):
        edges.append(edges[-1] + max(need * squeeze, column.width * low))
    edges[-1] = _MARGIN + whole
    return _SMALL * squeeze, edges


@cache
def _advances(style: str) -> dict[int, float]:
    """Code point -> width in ems."""
    pdf = FPDF()
    pdf.add_font(_FAMILY, style, _FILES[style])
    font = pdf.fonts[f"{_FAMILY}{style}"]
    if not isinstance(font, TTFFont):
        raise TypeError(f"{_FILES[style]} is no font of the kind that is put into a report")
    metrics, em = font.ttfont["hmtx"], font.ttfont["head"].unitsPerEm
    return {code: metrics[name][0] / em for code, name in font.ttfont.getBestCmap().items()}


def _width(text: str, size: float, style: str) -> float:
    """Width of a text in millimetres."""
    known = _advances(style)
    return sum(known.get(ord(sign), 0.6) for sign in unicodedata.normalize("NFC", text)) * size * _POINT


def _readable(text: str) -> str:
    """The text in composed signs. Raises Problem for one that the font lacks or that would be set wrongly."""
    composed = unicodedata.normalize("NFC", text)
    known = _advances("B")
    for sign in composed:
        if ord(sign) not in known or unicodedata.bidirectional(sign) in ("R", "AL") or unicodedata.combining(sign):
            raise Problem(
                f"A pdf cannot show {text!r}: its font has no way to write {sign!r} (U+{ord(sign):04X}). "
                "Take xlsx or csv instead, which hold every sign."
            )
    return composed


def _wrapped(text: str, width: float, size: float, style: str, *, is_number: bool = False) -> list[str]:
    """The text in lines no wider than ``width`` mm, broken between words, a longer word between its signs."""
    if is_number or (_width(text, size, style) <= width and "\n" not in text and "\t" not in text):
        return [text]
    lines: list[str] = []
    for part in text.splitlines():
        line = ""
        for word in part.split():
            longer = f"{line} {word}" if line else word
            if _width(longer, size, style) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            line = ""
            for sign in word:
                if line and _width(line + sign, size, style) > width:
                    lines.append(line)
                    line = ""
                line += sign
        lines.append(line)
    return lines or [""]
