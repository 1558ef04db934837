"""Tells where a table ends, when its file goes on below it: with notes, or with another table padded to its width.

A program that writes a sheet as text fills every line up to the width of the sheet, so what stands below a table has
as many values as its rows. Lines that a source declares are passed over. What is not declared and is unlike the rows
above is withheld, because as a row it would be made up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from ingest.mapped import Bytes
from ingest.readers.careful import Lines, Record, read_carefully, read_record
from ingest.readers.dialect import Dialect, folded, trimmed
from ingest.readers.figures import columns_of_figures, form, is_word, shape
from ingest.readers.fragments import GOES_ON, holds_words, may_go_on, starts_alike
from ingest.readers.rows import BadRow

#: Rows above and below an empty line that are compared.
_SAMPLE = 30
#: Notes below a table are looked for in its last lines, and rows to compare in so many bytes above and below.
_LAST, _WINDOW = 100, 1 << 16
#: Of these, so many may be notes.
_NOTES = 30
#: Bytes below a table that are read at once.
_BLOCK = 1 << 20
#: A file with more empty lines has them between its rows, so that they part no tables: only the last ones count.
_GAPS = 10

_OLD_LINE_END = re.compile(rb"\r(?!\n)")
_DIGIT = re.compile(r"\d")

#: What a row of sums or of averages is called; a sum may say of what behind it, or before it.
_SUM = (
    r"(sub|grand )?totals?|total g[ée]n[ée]ra[lt]|totale|totaal|summe|gesamt(summe)?|insgesamt|zusammen|ensemble|somme"
    r"|suma|razem|celkem|összesen|yhteensä|summa|i alt|toplam|итого|всего|合計|总计"
)
_TOTAL = re.compile(
    rf"({_SUM}|sum)|({_SUM})[ :(].*|.* (totals?|insgesamt|gesamt)"
    r"|average|mean|median|durchschnitt|mittelwert|moyenne|media|promedio|gemiddelde"
)

NOTE = "only one of its values is filled, as hardly a row above is: it may be a note, no row of the table"
SHORT = "only two of its values are filled, as hardly a row above is: it may be a note, no row of the table"
WORDS = "it has a word where all rows above have figures: it may be a note, no row of the table"
TOTAL = "it is called a total or an average: it may sum up the rows above, and be no row of the table"
KEYLESS = "its first value is empty, as that of no row above is: it may be a total or a note, no row of the table"
TABLE = "it stands below an empty line and is unlike the rows above it: another table may begin there"
HEADER = "the header stands there again, so another table may begin there"
DECLARED = "it has the shape of a row, and the source declares it as a line below the table"
BELOW = "it stands below line {line}, where the table seems to end: {reason}"

Values = tuple[str, ...]


@dataclass
class Foot:
    """What stands below a table: the offset at which it starts, lines passed over by rule, and what is withheld, its
    row numbers being lines of the data counted from 1."""

    start: int
    skipped: Counter[str] = field(default_factory=Counter)
    withheld: list[BadRow] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    """A record, the offset of its line, its values and the offset after it; no values where it has not as many as the
    header."""

    start: int
    text: str
    values: Values | None
    after: int = 0

    @property
    def filled(self) -> list[int]:
        return [place for place, value in enumerate(self.values or ()) if value]


def find_foot(
    data: Bytes,
    dialect: Dialect,
    declared: int | str,
    headed: str = "",
    check: Callable[[Sequence[BadRow]], None] = lambda withheld: None,
) -> Foot | None:
    """What stands below the table that starts with its header; None for nothing, and for a header that is unreadable.

    ``declared``: how many lines a source says to stand there, or a regular expression that the first of them matches.
    ``headed``: how the first line of a header of several lines reads. ``check`` is called with what is withheld so far,
    and raises where that is too much.
    """
    lines = Lines(data)
    header = read_record(lines, 0, dialect)
    if isinstance(header, str):
        return None
    body, columns = lines.start(header.next_line), len(header.values)
    foot = _declared(data, body, columns, dialect, declared) if declared else Foot(len(data))
    ends = [(start, HEADER) for start in _lines_that_read(data, body, headed)[:1]]
    ends += _unlike_above(data, body, foot.start, columns, dialect)
    start, reason = min([(foot.start, ""), *ends])
    last = _rows_above(data, body, start, columns, dialect, _LAST)
    note = _first_note([row for row in last if row.values and row.filled], dialect.missing)
    if note:
        start, reason = note[0].start, note[1]
    if start < foot.start:
        reasons = {start: reason}
        above = [row for row in _rows_above(data, body, start, columns, dialect) if trimmed(row.text)]
        if reason != HEADER and above and _may_go_on(above, next(_rows(data, start, foot.start, columns, dialect))):
            reasons = {above[-1].start: GOES_ON} | reasons
        _withhold(foot, data, reasons, columns, dialect, check)
    return foot if foot.start < len(data) else None


def _withhold(
    foot: Foot,
    data: Bytes,
    reasons: dict[int, str],
    columns: int,
    dialect: Dialect,
    check: Callable[[Sequence[BadRow]], None],
) -> None:
    """Moves the foot up to the first of the offsets that have a reason; the last is that of all below it."""
    first, last = min(reasons), max(reasons)
    rest, position, number = data[first : foot.start], 0, _line_number(data, first)
    end = number + _line_number(rest, last - first) - 1
    said = {number: reasons[first].format(line=end), end: reasons[last]}
    below = BELOW.format(line=end, reason=reasons[last])
    while position < len(rest):
        found = read_carefully(rest, position, min(position + _BLOCK, len(rest)), columns, dialect)
        foot.skipped += Counter({"blank line": found.blank, "comment line": found.comments})
        for place, (line, raw) in enumerate(zip(found.row_lines, found.raw, strict=True)):
            if any(trimmed(column[place]) for column in found.columns):
                foot.withheld.append(BadRow(number + line, said.get(number + line, below), raw, end))
            else:
                foot.skipped["blank line"] += 1
        foot.withheld += [bad.below(number) for bad in found.bad]
        check(foot.withheld)
        position, number = found.end, number + found.lines
    foot.start = first


def _may_go_on(above: Sequence[_Row], first: _Row) -> bool:
    """True where the last value of the row above may go on in the line that does not belong to the table."""
    last = above[-1].values
    if not last or not first.values or not first.values[-1] or starts_alike(first.values[0], last[0]):
        return False
    return may_go_on(last[-1], holds_words([row.values[-1] for row in above if row.values]))


@dataclass
class FootOfRows:
    """What stands below the table of a sheet: the place of its first row among all, how many rows are passed over,
    and what is withheld: row number, reason and values."""

    start: int
    passed: int = 0
    withheld: list[tuple[int, str, Sequence[str]]] = field(default_factory=list)


def foot_of_rows(
    rows: Sequence[Sequence[str]], numbers: Sequence[int], declared: int | str, missing: Collection[str] = ()
) -> FootOfRows:
    """The same for the filled rows of a sheet and their numbers; a gap between these is an empty row. ``missing``:
    words that stand for a value that there is not, in small letters."""
    foot = FootOfRows(len(rows))
    is_note = re.compile(declared) if isinstance(declared, str) and declared else None
    if is_note:
        first = max(len(rows) - _LAST, 0)
        foot.start = next((p for p in range(first, len(rows)) if is_note.search("\t".join(rows[p]))), len(rows))
    elif declared:
        foot.start = max(len(rows) - int(declared), 0)
    for number, row in zip(numbers[foot.start :], rows[foot.start :], strict=True):
        has_shape = len(row) > 1 and sum(map(bool, row)) > 1
        if has_shape and not (is_note and is_note.search("\t".join(row))):
            foot.withheld.append((number, DECLARED.replace("line", "row"), row))
        else:
            foot.passed += 1
    start, reason = min(_ends_of_rows(rows[: foot.start], numbers, missing), default=(foot.start, ""))
    for place in range(start, foot.start):
        said = reason if place == start else BELOW.format(line=numbers[start], reason=reason).replace("line", "row", 1)
        foot.withheld.append((numbers[place], said, rows[place]))
    foot.start = start
    return foot


def _ends_of_rows(
    rows: Sequence[Sequence[str]], numbers: Sequence[int], missing: Collection[str]
) -> Iterator[tuple[int, str]]:
    gaps = [place for place in range(1, len(rows)) if numbers[place] > numbers[place - 1] + 1]
    for gap in gaps if len(gaps) <= _GAPS else gaps[-1:]:
        after = next((later for later in gaps if later > gap), len(rows))
        below = [_Row(place, "", tuple(rows[place])) for place in range(gap, min(after, gap + _SAMPLE))]
        reason = _why_unlike([tuple(row) for row in rows[max(gap - _SAMPLE, 0) : gap]], below)
        if reason:
            yield gap, reason
            break
    note = _first_note([_Row(place, "", tuple(row)) for place, row in enumerate(rows)][-_LAST:], missing)
    if note:
        yield note[0].start, note[1]


def _declared(data: Bytes, body: int, columns: int, dialect: Dialect, declared: int | str) -> Foot:
    """The lines that a source declares to stand below the table; one that could be a row is withheld."""
    lines = Lines(data, _line_before(data, body, len(data)))
    after = next(line for line in count() if not lines.has(line))
    numbers = range(max(after - _LAST, 0), after)
    filled = [line for line in numbers if trimmed(lines.text(line))]
    is_note = re.compile(declared) if isinstance(declared, str) else None
    if is_note:
        filled = filled[next((place for place, line in enumerate(filled) if is_note.search(lines.text(line))), _LAST) :]
    else:
        last = filled[-1] if filled else 0
        filled = [line for line in filled if line > last - int(declared)]
    foot = Foot(lines.start(filled[0]) if filled else len(data))
    first = _line_number(data, foot.start)
    for line in numbers if filled else []:
        if line < filled[0]:
            continue
        text = lines.text(line)
        if not trimmed(text):
            foot.skipped["blank line"] += 1
            continue
        record = read_record(lines, line, dialect)
        values = record.values if isinstance(record, Record) else []
        has_shape = len(values) == columns > 1 and sum(bool(trimmed(value)) for value in values) > 1
        if has_shape and not (is_note and is_note.search(text)):
            foot.withheld.append(BadRow(first + line - filled[0], DECLARED, text))
        else:
            foot.skipped["row below the table"] += 1
    return foot


def _unlike_above(data: Bytes, body: int, end: int, columns: int, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Where the first row below an empty line is unlike the rows above it, and why."""
    header = Lines(data).text(0)
    for gap in _gaps(data, body, end, columns, dialect):
        below = _rows_below(data, gap, end, columns, dialect)
        before = _rows_above(data, body, gap, columns, dialect)
        # An empty line inside a quoted value parts nothing, and a page goes on below its title and header.
        below = [row for row in below if row.values and row.text != header]
        if not below or (before and before[-1].after > gap):
            continue
        above = [row.values for row in before if row.values]
        # Where nothing of the table can be read, nothing tells what belongs to it.
        is_unread = not above and any(trimmed(row.text) for row in before)
        reason = _why_unlike(above, below) if above else TABLE if is_unread else ""
        if reason:
            yield below[0].start, reason
            return


def _why_unlike(above: Sequence[Values], below: Sequence[_Row]) -> str:
    """Why rows below an empty line seem to be no rows of the table above it; empty where they are like its rows."""
    first, rows = below[0].values or (), [row.values or () for row in below]
    columns = [_Column([row[place] for row in above], [row[place] for row in rows]) for place in range(len(first))]
    if len(columns) > 1 and len(below[0].filled) == 1 and _are_few(sum(map(bool, row)) < 2 for row in above):
        return NOTE
    figures = [place for place, column in enumerate(columns) if column.has_figures]
    if any(first[place] and not _DIGIT.search(first[place]) for place in figures):
        return TABLE  # words where the rows above have figures: a header
    if any(column.ends for column in columns) or any(column.changes for column in columns):
        return TABLE
    if figures:
        return "" if any(first[place] for place in figures) else TABLE
    # Words alone tell nothing; a word that stands above too tells that it is the same column.
    return "" if any(value and value in column.above for value, column in zip(first, columns, strict=True)) else TABLE


@dataclass(frozen=True)
class _Column:
    """The values of a column in the rows above and below an empty line."""

    above: Sequence[str]
    below: Sequence[str]

    @property
    def has_figures(self) -> bool:
        filled = list(filter(None, self.above))
        return bool(filled) and _are_few(not _DIGIT.search(value) for value in filled)

    @property
    def ends(self) -> bool:
        """True where it was filled and is empty from here on."""
        missing = sum(not value for value in self.above)
        if any(self.below) or len(self.above) < 3:
            return False
        return missing == 0 or (len(self.below) > 1 and _are_few(not value for value in self.above))

    @property
    def changes(self) -> bool:
        """True where most values above have one shape, and none of several below has it."""
        above, below = ([shape(value) for value in part if value] for part in (self.above, self.below))
        if len(above) < 2 or len(below) < 2:
            return False
        usual, count = Counter(above).most_common(1)[0]
        return count * 5 >= len(above) * 4 and usual not in below and bool(_DIGIT.search(usual + below[0]))


def _are_few(tests: Iterable[bool]) -> bool:
    """True where at most a fifth of them hold."""
    given = list(tests)
    return sum(given) * 5 <= len(given)


def _first_note(rows: Sequence[_Row], missing: Collection[str]) -> tuple[_Row, str] | None:
    """The first of the last rows of which each is unlike the rows above them all, and why it is."""
    values = [row.values or () for row in rows]
    for first in range(max(len(rows) - _NOTES, 1), len(rows)):
        above = values[max(first - _SAMPLE, 0) : first]
        reason = _why_note(values[first], above, missing)
        if reason and all(_why_note(row, above, missing) for row in values[first + 1 :]):
            return rows[first], reason
    return None


def _why_note(row: Values, above: Sequence[Values], missing: Collection[str]) -> str:
    """Why a row may be a note below the rows above it; empty for one that is like them."""
    filled = list(filter(None, row))
    if filled and _TOTAL.fullmatch(folded(filled[0]).rstrip(" :.")):
        return TOTAL
    if row[0] and any(starts_alike(row[0], other[0]) for other in above):
        return ""
    if len(filled) < 3 and any(row[: 1 + min(_first_filled(other) for other in above)]):
        shorter = [sum(map(bool, other)) <= len(filled) for other in above]
        # In a table of two columns each row without its second value is so, and one row tells little of the others.
        is_short = _are_few(shorter) if len(row) > 2 else not any(shorter)
        if is_short and len(above) > (len(row) == 2 or len(filled) == 2):
            return NOTE if len(filled) == 1 else SHORT
    if not row[0] and filled and len(above) > 1 and all(other[0] for other in above):
        figures = columns_of_figures(above)
        if len(filled) == 1 or (figures and all(row[place] for place in figures)):
            return KEYLESS
    # One row tells nothing of its columns.
    words = [place for place, value in enumerate(row) if len(above) > 1 and is_word(value, missing)]
    keys = {form(other[0]) for other in above}
    has_word_for_key = 0 in words and len(keys) == 1 and "" not in keys
    has_word = has_word_for_key or columns_of_figures([[other[place] for place in words] for other in above])
    return WORDS if has_word else ""


def _first_filled(row: Values) -> int:
    return next(place for place, value in enumerate(row) if value)


def _gaps(data: Bytes, body: int, end: int, columns: int, dialect: Dialect) -> list[int]:
    """Offsets of empty lines, and of lines without any value, in their order; of many the last."""
    empty = dialect.delimiter.encode() * (columns - 1)
    marks = [b"\n\n", b"\n" + empty + b"\n"]
    if data.find(b"\r", body, end) >= 0:
        marks += [b"\n\r\n", b"\r\r", b"\n" + empty + b"\r", b"\r" + empty + b"\r"]
    found: set[int] = set()
    for mark in marks:
        place = data.find(mark, max(body - 1, 0), end)
        while place >= 0 and len(found) <= _GAPS:
            found.add(place + 1)
            place = data.find(mark, place + 1, end)
        if place >= 0:
            found.add(data.rfind(mark, place, end) + 1)
    return sorted(found) if len(found) <= _GAPS else [max(found)]


def _rows_above(data: Bytes, body: int, end: int, columns: int, dialect: Dialect, most: int = _SAMPLE) -> list[_Row]:
    """The last records before an offset."""
    return list(_rows(data, _line_before(data, body, end), end, columns, dialect))[-most:]


def _rows_below(data: Bytes, start: int, end: int, columns: int, dialect: Dialect) -> list[_Row]:
    """The first filled records at and after an offset, up to the next empty line."""
    found: list[_Row] = []
    for row in _rows(data, start, end, columns, dialect):
        is_empty = not row.filled if row.values else not trimmed(row.text)
        if (is_empty and found) or len(found) == _SAMPLE:
            break
        if not is_empty:
            found.append(row)
    return found


def _rows(data: Bytes, start: int, end: int, columns: int, dialect: Dialect) -> Iterator[_Row]:
    lines = Lines(data, start)
    line = 0
    while lines.has(line) and lines.start(line) < end:
        record = read_record(lines, line, dialect)
        values = tuple(trimmed(value) for value in record.values) if isinstance(record, Record) else ()
        is_sound = isinstance(record, Record) and len(values) == columns
        after = record.next_line if is_sound and isinstance(record, Record) else line + 1
        yield _Row(lines.start(line), lines.text(line), values if is_sound else None, lines.start(after))
        line = after


def _line_before(data: Bytes, body: int, end: int) -> int:
    """Where a line starts, some lines before an offset."""
    start = end - _WINDOW
    if start <= body:
        return body
    after = [place for place in (data.find(b"\n", start, end), data.find(b"\r", start, end)) if place >= 0]
    return min(after) + 1 if after else body


def _lines_that_read(data: Bytes, body: int, text: str) -> list[int]:
    line = text.encode()
    places = [data.find(mark + line, max(body - 1, 0)) for mark in (b"\n", b"\r")] if line else []
    return [place + 1 for place in sorted(places) if place >= 0]


def _line_number(data: Bytes, offset: int) -> int:
    """The line that starts at an offset, counted from 1."""
    return data.count(b"\n", 0, offset) + sum(1 for _ in _OLD_LINE_END.finditer(data, 0, offset)) + 1
