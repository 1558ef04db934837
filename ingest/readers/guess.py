"""Guesses how a delimited text is written, for a person who declares it: nothing is landed by a guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecourt.errors import Problem
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.encoding import decode_as, likely

#: Delimiters that are tried; a longer one before the mark it contains.
_DELIMITERS = (", ", "||", ";", "\t", "|", ",", "^", "~", "¦", "§", "\x1f", "\x01")
#: Marks of several characters that may stand between values.
_LONG_MARK = re.compile(r"(?=([|~^;,¦§]))(?!\1+[^|~^;,¦§])[|~^;,¦§]{2,4}")
_DECIMAL_COMMA = re.compile(r"\d,\d{1,2}(?!\d)")
#: A line drawn between rows.
_RULE = re.compile(r"[|+ ;:,\t]*([-=]{2,}[|+ ;:,\t]*)+")
_YEAR = re.compile(r"(19|20)\d\d")
#: Records that are looked at.
_SAMPLE = 200


@dataclass(frozen=True)
class Guess:
    """How a text seems to be written. ``header``: the names in the line (from 0) that seems to have them, above which
    ``preamble`` lines stand that are no comments; ``rows``: the first records below it.

    ``names``: those to declare by position, where the header has too few or too many, or there is none
    (``is_headless``).
    ``encoding_doubt`` and ``doubt`` are sentences, empty for none.
    """

    encoding: str
    dialect: Dialect
    line: int
    preamble: int
    header: list[str]
    rows: list[list[str]]
    width: int
    names: list[str]
    is_headless: bool
    encoding_doubt: str
    doubt: str


def guess(data: bytes) -> Guess:
    """Raises Problem for bytes that are in no encoding, or in two."""
    try:
        encoding, encoding_doubt = decode_as(data, "utf-8").encoding, ""
    except Problem:
        encoding, encoding_doubt = likely(data)
    decoded = decode_as(data, encoding)
    lines = Lines(decoded.data[: 1 << 20])
    dialect, records = _best_dialect(lines, _comment(lines))
    above, width = header_row([values for _, values in records])
    line, header = records[above] if records else (0, [])
    rows = [values for _, values in records[above + 1 :]]
    comment = dialect.comment
    names = _names_without_end(header, rows)
    is_headless = not names and _is_like_rows(header, rows)
    return Guess(
        decoded.encoding,
        dialect,
        line,
        sum(not comment or not lines.text(place).startswith(comment) for place in range(line)),
        header,
        rows,
        width,
        [f"column {place}" for place in range(1, len(header) + 1)] if is_headless else names,
        is_headless,
        encoding_doubt,
        _why_one_column(lines, records) if width < 2 else "",
    )


def _comment(lines: Lines) -> str:
    """What lines begin with that are no rows: drawn ones, or notes between rows; empty for none."""
    texts = [lines.text(line) for line in range(_SAMPLE) if lines.has(line)]
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


def _best_dialect(lines: Lines, comment: str) -> tuple[Dialect, list[tuple[int, list[str]]]]:
    """The marks with which most records have as many values, and these records with their lines."""
    texts = [lines.text(line) for line in range(_SAMPLE) if lines.has(line)]
    text = "\n".join(texts)
    long_marks = {found[0] for found in _LONG_MARK.finditer(text)}
    long_marks = {mark for mark in (*long_marks, "||") if text.count(mark) * 2 >= len(texts)}
    best: tuple[float, Dialect, list[tuple[int, list[str]]]] = (-1.0, Dialect(), [])
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
    _, dialect, records = best
    if not records:
        # One value a line: between a mark that stands nowhere, so that no comma parts it.
        dialect = Dialect(delimiter=next((mark for mark in ",;\t|^~" if mark not in text), "\x1f"), comment=comment)
        records = list(_records_of(lines, dialect))
    return dialect, records


def _score(text: str, dialect: Dialect, records: Sequence[tuple[int, list[str]]]) -> float:
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
    begun = {
        quote: len(re.findall(rf"(?:^|{border}){quote}|{quote}(?:{border}|$)", text, re.MULTILINE)) for quote in "\"'"
    }
    for quote in sorted(begun, key=begun.__getitem__, reverse=True):
        if begun[quote] or quote == '"':
            yield Dialect(delimiter=mark, quote=quote, comment=comment)
    if '\\"' in text and mark != "\\":
        yield Dialect(delimiter=mark, escape="\\", comment=comment)
    quoted = r"(?:^|[,;\t|]) *\"|(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|$)"
    if text.count('"') > 1 and not re.search(quoted, text, re.MULTILINE):
        yield Dialect(delimiter=mark, quote="", comment=comment)


def _records_of(lines: Lines, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The lines and values of the first records; no values for a line that cannot be read."""
    line = 0
    while line < _SAMPLE and lines.has(line):
        if dialect.comment and lines.text(line).startswith(dialect.comment):
            line += 1
            continue
        record = read_record(lines, line, dialect)
        yield line, [trimmed(value) for value in record.values] if isinstance(record, Record) else []
        line = record.next_line if isinstance(record, Record) else line + 1


def header_row(records: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many rows stand above the header, and how many columns it has: the first row that is as wide as most rows
    and filled with words. Two columns of words and values above an empty line are no table, if a larger one follows.
    """
    widths = Counter(_width(record) for record in records if _width(record))
    if not widths:
        return 0, 0
    width = max(widths, key=lambda width: (widths[width] * min(width, 3), width))
    width = max(width, _common_width(records))
    found = [place for place, record in enumerate(records) if _may_be_header(record, width)]
    blocks = {place: _rows_below(records, place) for place in found}
    end = -1
    for place in (place for place in found if place > end):
        follows = [other for other in found if blocks[other] > blocks[place] > 0 and other > place + blocks[place] + 1]
        if width > 2 or not any(_is_all_words(records[other]) for other in follows):
            return place, len(records[place])
        end = place + blocks[place]
    return 0, len(records[0])


def _common_width(records: Sequence[Sequence[str]]) -> int:
    """How many values nearly all records have, without the last ones that are always empty; else 0."""
    widths = Counter(len(record) for record in records if len(record) > 1)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    alike = [record for record in records if len(record) == width]
    return max(map(_width, alike), default=0) if count * 5 >= widths.total() * 4 else 0


def _may_be_header(record: Sequence[str], width: int) -> bool:
    filled = [value for value in record if value]
    is_wide = _width(record) >= width or (len(record) >= width and len(filled) * 4 >= width * 3)
    has_words = not all(map(_is_figure, filled)) or (len(filled) > 1 and all(map(_YEAR.fullmatch, filled)))
    return is_wide and len(filled) * 2 > width and has_words


def _is_all_words(record: Sequence[str]) -> bool:
    return all(value and not re.search(r"\d", value) for value in record)


def _rows_below(records: Sequence[Sequence[str]], place: int) -> int:
    """How many rows stand below a row, up to the next empty one."""
    # A line that cannot be read has no values, and is none.
    empty = (later for later in range(place + 1, len(records)) if records[later] and not any(records[later]))
    return next(empty, len(records)) - place - 1


def _names_without_end(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns where all lines but the header end in a delimiter, or only the header; else none."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width = max(widths, key=widths.__getitem__, default=0)
    if not width or width == len(header) or widths[width] * 5 < widths.total() * 4:
        return []
    ends = [row[len(header) :] for row in rows if len(row) == width] if width > len(header) else [header[width:]]
    return [*header, *[""] * width][:width] if not any(map(any, ends)) else []


def _is_like_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True where a header has figures in the form of those below it, in several columns: it may be a row itself."""
    alike = 0
    for place, name in enumerate(header):
        forms = Counter(_form(row[place]) for row in rows if place < len(row) and row[place])
        most = max(forms, key=forms.__getitem__, default="")
        alike += "0" in most and _form(name) == most and not _YEAR.fullmatch(name)
    return alike > 1


def _form(value: str) -> str:
    return re.sub(r"\d+", "0", value)


def _why_one_column(lines: Lines, records: Sequence[tuple[int, list[str]]]) -> str:
    """What is odd about a text that has one value a line; empty where it may well be so."""
    texts = [text for line, _ in records if (text := lines.text(line)).strip()]
    if len(texts) > 1 and sum(bool(re.search(r"\S {2,}\S", text)) for text in texts) * 5 >= len(texts) * 4:
        return "its values seem to stand in columns of a fixed width, which are not read: export it with a delimiter"
    values = [value for _, record in records for value in record if value]
    if len(values) > 1 and any(all(mark in value for value in values) for mark in ",;\t|"):
        return "each line is quoted as a whole, so it is one value: export it with quotes around values"
    return ""


def _width(record: Sequence[str]) -> int:
    return next((place for place in range(len(record), 0, -1) if record[place - 1]), 0)


def _is_figure(value: str) -> bool:
    return re.fullmatch(r"[\d.,:/\s%€$£+-]+", value) is not None


def columns_of(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The filled values of so many columns."""
    return [[row[place] for row in rows if place < len(row) and row[place]] for place in range(width)]
