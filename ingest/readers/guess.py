"""Guesses how a delimited text is written, for a person who declares it: nothing is landed by a guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from forecourt.errors import Problem
from ingest.mapped import Bytes
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.encoding import decode_as, likely
from ingest.readers.figures import is_bare_figure, is_date
from ingest.readers.heading import find_heading

#: Delimiters that are tried; a longer one before the mark it contains.
_DELIMITERS = (", ", "||", ";", "\t", "|", ",", "^", "~", "¦", "§", "\x1f", "\x01")
#: Marks that stand in words, dates and times as well: tried where no other parts anything, and only whole tables count.
_LAST_DELIMITERS = ("\uff0c", "\uff1b", "\u060c", "\u061b", "\u3001", "\u00fe", "*", "\x14", " ", "/", ":")
#: Marks of several characters that may stand between values.
_LONG_MARK = re.compile(r"(?=([|~^;,¦§]))(?!\1+[^|~^;,¦§])[|~^;,¦§]{2,4}")
_DECIMAL_COMMA = re.compile(r"\d,\d{1,2}(?!\d)")
#: A line drawn between rows.
_RULE = re.compile(r"(?=.*(?:--|==))[|+ ;:,\t]*+(?:[-=]++[|+ ;:,\t]*+)+")
#: Many of one mark in a row, which say no more than a few.
_RUN = re.compile(r"([|~^;,¦§])\1{8,}+")
#: How databases write an empty value, and the end of a table.
_DUMP = re.compile(r"(?:^|\t)\\[N.](?:\t|$)", re.MULTILINE)
_YEAR = re.compile(r"(19|20)\d\d")
#: Records that are looked at; bytes and lines at the end.
_SAMPLE = 200
_HEAD, _TAIL, _MOST_NOTES = 1 << 20, 1 << 16, 50

#: The line on which a record starts, and its values; none for a line that cannot be read.
_Record: TypeAlias = tuple[int, list[str]]


@dataclass(frozen=True)
class Guess:
    """How a text seems to be written. ``header``: the names in the line (from 0) that seems to have them, above which
    ``preamble`` lines stand that are no comments; ``header_lines``: of how many lines it is, ``above_rows``: how many
    stand above the first record below it, ``rows``; ``footer``: how many lines are notes below the table, for certain.

    ``names``: those to declare by position, where the header has too few or too many, or there is none
    (``is_headless``).
    ``encoding_doubt`` and ``doubt`` are sentences, empty for none.
    """

    encoding: str
    dialect: Dialect
    line: int
    preamble: int
    header_lines: int
    above_rows: int
    footer: int
    header: list[str]
    rows: list[list[str]]
    width: int
    names: list[str]
    is_headless: bool
    encoding_doubt: str
    doubt: str


def guess(data: bytes) -> Guess:
    """Raises Problem for bytes that are in no encoding, or in two, and for a text whose columns no mark parts."""
    try:
        encoding, encoding_doubt = decode_as(data, "utf-8", with_faults=True).encoding, ""
    except Problem:
        encoding, encoding_doubt = likely(data)
    decoded = decode_as(data, encoding, with_faults=True)
    lines = Lines(_start(decoded.data))
    dialect, records = _best_dialect(lines)
    table = [values for _, values in records]
    heading = find_heading(table)
    header = heading.names(table) if records else []
    rows = table[heading.last + 1 :]
    names = _names_of_other_width(header, rows, dialect.delimiter)
    is_headless = not names and heading.lines == 1 and _is_like_rows(header, rows)
    line, after = (
        records[place][0] if place < len(records) else 0 for place in (heading.first, heading.last + (not is_headless))
    )

    def above(end: int) -> int:
        return sum(not dialect.comment or not lines.text(place).startswith(dialect.comment) for place in range(end))

    if heading.width < 2:
        _check_one_column(lines, records)
    return Guess(
        encoding=decoded.encoding,
        dialect=dialect,
        line=line,
        preamble=above(line),
        header_lines=heading.lines,
        above_rows=above(after),
        footer=_footer(decoded.data, dialect, rows),
        header=header,
        rows=rows,
        width=heading.width,
        names=[f"column {place}" for place in range(1, len(header) + 1)] if is_headless else names,
        is_headless=is_headless,
        encoding_doubt=encoding_doubt,
        doubt=_why_unlike_width(header, rows, names),
    )


def _start(data: Bytes) -> bytes:
    """The first lines, or the first letters of a line that is as long."""
    start = data[:_HEAD]
    if len(data) <= _HEAD:
        return start
    end = max(start.rfind(b"\n"), start.rfind(b"\r")) + 1
    return start[:end] or start.decode("utf-8", "ignore").encode()


def _comment(texts: Sequence[str]) -> str:
    """What lines begin with that are no rows: drawn ones, or notes between rows; empty for none."""
    ruled = next((text for text in texts if _RULE.fullmatch(text) and text[:1] not in ("", " ", "\t", '"', "'")), "")
    notes = [place for place, text in enumerate(texts) if text.startswith("#")]
    # Where only the first lines begin so, they are a title, and the last of them may be the header.
    if ruled or not notes or len(notes) > notes[-1]:
        return ruled[:4]
    rows = sum(_has_marks_of(texts[place], texts[max(place - 1, 0) : place + 2]) for place in notes)
    return "#" if rows * 2 < len(notes) < len(texts) * 2 / 3 else ""


def _has_marks_of(text: str, others: Sequence[str]) -> bool:
    """True for a line with as many delimiters as one of its neighbours, so that it may be a row."""
    return any(text.count(mark) == other.count(mark) > 0 for mark in ";\t,|" for other in others if other != text)


def _best_dialect(lines: Lines) -> tuple[Dialect, list[_Record]]:
    """The marks with which most records have as many values, and these records with their lines."""
    texts = [lines.text(line) for line in range(_SAMPLE) if lines.has(line)]
    comment = _comment(texts)
    # In empty rows marks stand side by side that are none of several characters.
    texts = [text for text in texts if any(map(str.isalnum, text))]
    text = "\n".join(texts)
    long_marks = {found[0] for found in _LONG_MARK.finditer(_RUN.sub(r"\1" * 8, text))}
    long_marks = {mark for mark in (*long_marks, "||") if text.count(mark) * 2 >= len(texts)}
    best: tuple[float, Dialect, list[_Record]] = (-1.0, Dialect(), [])
    # Blanks between a delimiter and a quote belong to the delimiter.
    padded = {found[1] for found in re.finditer(r"\"( *[;,|\t] *)(?=\")", text) if found[1].strip(" ") != found[1]}
    for mark in (*sorted(long_marks), *sorted(padded), *_DELIMITERS):
        parts = (long for long in long_marks if mark in long and mark != long)
        if any(text.count(mark) * 0.9 <= text.count(long) * long.count(mark) for long in parts):
            continue
        for dialect in _quoting(text, mark, comment):
            records = list(_records_of(lines, dialect))
            score = _score(text, dialect, records)
            if score > best[0] + 0.001:
                best = (score, dialect, records)
    score, dialect, records = best
    for mark in _LAST_DELIMITERS if score < 0 else ():
        for other in _quoting(text, mark, comment):
            found = list(_records_of(lines, other))
            widths = {len(values) for _, values in found if any(values)}
            has_words = all(not all(map(is_bare_figure, values)) for _, values in found if any(values))
            if len(widths) == 1 and widths.pop() > 2 and has_words and len(found) > 2:
                return other, found
    if not records:
        # One value a line: between a mark that stands nowhere, so that no comma parts it.
        dialect = Dialect(delimiter=next((mark for mark in ",;\t|^~" if mark not in text), "\x1f"), comment=comment)
        records = list(_records_of(lines, dialect))
    return dialect, records


def _score(text: str, dialect: Dialect, records: Sequence[_Record]) -> float:
    """How well the marks part a text: by the share of records that have as many values; -1 where they part nothing."""
    widths = Counter(len(values) for _, values in records if len(values) > 1)
    if not widths:
        return -1.0
    width, count = widths.most_common(1)[0]
    unread = sum(not values for _, values in records)
    score = count / len(records) - unread / len(records) + min(width, 20) / 100
    if dialect.quote:
        # A single fault in a record says less than values in quotes.
        border, quote = re.escape(dialect.delimiter), dialect.quote
        quoted = rf"(?:^|{border}){quote}[^{quote}\n]*{quote}(?={border}|$)"
        score += 0.1 * (len(re.findall(quoted, text, re.MULTILINE)) > 2)
    if dialect.delimiter != "," or len(_DECIMAL_COMMA.findall(text)) < text.count(","):
        return score
    # The commas of amounts part no values, where something else does.
    return score - 0.6 if score >= 1.0 else -1.0


def _quoting(text: str, mark: str, comment: str) -> Iterator[Dialect]:
    """The ways in which values between a mark may be quoted: by the quote that most values begin and end with."""
    border = re.escape(mark)
    if mark == "\t" and _DUMP.search(text):
        yield Dialect(delimiter=mark, quote="", escape="\\", comment=comment)
        return
    begun = {
        quote: len(re.findall(rf"(?:^|{border}){quote}|{quote}(?:{border}|$)", text, re.MULTILINE)) for quote in "\"'"
    }
    for quote in sorted(begun, key=begun.__getitem__, reverse=True):
        if begun[quote] or quote == '"':
            yield Dialect(delimiter=mark, quote=quote, comment=comment)
    if ('\\"' in text or f"\\{mark}" in text) and mark != "\\":
        yield Dialect(delimiter=mark, escape="\\", comment=comment)
    quoted = r"(?:^|[,;\t|]) *\"|(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|$)"
    if text.count('"') > 1 and not re.search(quoted, text, re.MULTILINE):
        yield Dialect(delimiter=mark, quote="", comment=comment)


def _records_of(lines: Lines, dialect: Dialect) -> Iterator[_Record]:
    """The first records, without lines of comments."""
    line = 0
    while line < _SAMPLE and lines.has(line):
        if dialect.comment and lines.text(line).startswith(dialect.comment):
            line += 1
            continue
        record = read_record(lines, line, dialect)
        yield line, [trimmed(value) for value in record.values] if isinstance(record, Record) else []
        line = record.next_line if isinstance(record, Record) else line + 1


def _names_of_other_width(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> list[str]:
    """The names of the columns where all lines but the header end in a delimiter, or only the header, or begin with the
    number of the row; else none."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width = max(widths, key=widths.__getitem__, default=0)
    if not width or width == len(header) or widths[width] * 5 < widths.total() * 4:
        return []
    ends = [row[len(header) :] for row in rows if len(row) == width] if width > len(header) else [header[width:]]
    if not any(map(any, ends)):
        return [*header, *[""] * width][:width]
    return ["row", *header] if width == len(header) + 1 and _are_numbered(rows, delimiter) else []


def _are_numbered(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """True where the first value counts the rows, and no comma may stand in an amount."""
    table = [row for row in rows if any(row)]
    first = [row[0] for row in table]
    numbers = range(int(first[0] == "1"), len(first) + int(first[0] == "1")) if first else range(0)
    if len(first) < 2 or first != list(map(str, numbers)):
        return False
    columns = list(zip(*table, strict=False))
    figures = [all(re.fullmatch(r"-?\d+", value) for value in column) for column in columns]
    return delimiter != "," or not any(left and right for left, right in pairwise(figures))


def _is_like_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True where a header has figures in the form of those below it, and no words above figures: it may be a row."""
    alike = named = 0
    for place, name in enumerate(header):
        forms = Counter(_form(row[place]) for row in rows if place < len(row) and row[place])
        most = max(forms, key=forms.__getitem__, default="")
        is_alike = "0" in most and _form(name) == most and not _YEAR.fullmatch(name)
        if is_alike and is_date(name):  # a day over numbers such as 1.234.567
            is_alike = any(is_date(row[place]) for row in rows if place < len(row))
        alike += is_alike
        named += is_bare_figure(most) and not is_bare_figure(name)
    return alike > 1 or (alike == 1 and not named)


def _why_unlike_width(header: Sequence[str], rows: Sequence[Sequence[str]], names: Sequence[str]) -> str:
    """That most rows have more or fewer values than the header has names, which nothing explains; else empty."""
    widths = Counter(len(row) for row in rows if any(row))
    width = max(widths, key=widths.__getitem__, default=0)
    if names or not rows or width in (1, len(header)) or widths[width] * 2 <= widths.total():
        return ""
    return (
        f"the header names {len(header)} columns and most rows have {width} values, as where the delimiter stands in "
        "amounts, or a column has no name: name the columns under names if the values are whole"
    )


def _form(value: str) -> str:
    return re.sub(r"\d+", "0", value)


def _footer(data: Bytes, dialect: Dialect, rows: Sequence[Sequence[str]]) -> int:
    """How many of the last lines are notes below an empty line, where they can be neither rows of another table nor the
    rest of a value; 0 where that is not certain."""
    texts = re.split(r"\r\n|\n|\r", data[-_TAIL:].decode("utf-8", "replace"))
    while texts and not trimmed(texts[-1]):
        texts.pop()
    width = max((len(row) for row in rows), default=0)
    if width < 2:
        return 0
    last = [row[-1] for row in rows if len(row) == width and row[-1]]
    has_words_last = sum(any(map(str.isalpha, value)) for value in last) * 2 >= len(last)
    counts = [text.count(dialect.delimiter) if text.strip(dialect.delimiter + " ") else -1 for text in texts]
    gaps = [place for place in range(1, len(texts) - 1) if counts[place] < 0 <= counts[place - 1]]
    for gap in gaps:
        notes = range(gap + 1, len(texts))
        first = texts[gap + 1].strip(dialect.delimiter + " ")
        is_note = dialect.delimiter not in first and any(map(str.isalpha, first))
        is_rest = has_words_last and not counts[gap + 1]
        is_table = any(
            counts[place] == counts[place + 1] > 0 for place in notes[:-1] if not _is_padded(texts[place], dialect)
        )
        # An empty line may stand in a value between quotes.
        has_quote = bool(dialect.quote) and any(dialect.quote in texts[place] for place in notes)
        if is_note and not (is_rest or is_table or has_quote) and len(notes) <= _MOST_NOTES:
            return len(notes)
    return 0


def _is_padded(text: str, dialect: Dialect) -> bool:
    """True for a line with one value, and delimiters around it."""
    return dialect.delimiter not in text.strip(dialect.delimiter + " ")


def _check_one_column(lines: Lines, records: Sequence[_Record]) -> None:
    """Raises Problem for a text that seems to have one value a line only because of how it is written."""
    texts = [text for line, _ in records if (text := lines.text(line)).strip()]
    if len(texts) > 1 and sum(bool(re.search(r"\S {2,}\S", text)) for text in texts) * 5 >= len(texts) * 4:
        raise Problem(
            "its values seem to stand in columns of a fixed width, which are not read. Export it with a delimiter."
        )
    values = [value for _, record in records for value in record if value]
    if len(values) > 1 and any(all(mark in value for value in values) for mark in ",;\t|"):
        raise Problem("each line is quoted as a whole, so it is one value. Export it with quotes around values.")
