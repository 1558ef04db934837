"""Tells rows that are unlike the rows above them: a note below a table, or the first row of another one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ingest.readers.dialect import folded
from ingest.readers.figures import columns_of_figures, form, is_word, shape, starts_alike

#: Rows above and below that are compared.
SAMPLE = 30
#: Of the last rows so many may be notes.
_NOTES = 30

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
WORDS = (
    "it has a word where all rows above have figures: it may be a note, no row of the table; "
    "a word that says that there is no value belongs in null_words"
)
TOTAL = "it is called a total or an average: it may sum up the rows above, and be no row of the table"
KEYLESS = "its first value is empty, as that of no row above is: it may be a total or a note, no row of the table"
TABLE = "it stands below an empty line and is unlike the rows above it: another table may begin there"

Values = Sequence[str]


def why_unlike(above: Sequence[Values], below: Sequence[Values]) -> str:
    """Why rows below an empty line seem to be no rows of the table above it; empty where they are like its rows."""
    first = below[0]
    columns = [_Column([row[place] for row in above], [row[place] for row in below]) for place in range(len(first))]
    if len(columns) > 1 and _filled(first) == 1 and are_few(_filled(row) < 2 for row in above):
        return NOTE
    figures = [place for place, column in enumerate(columns) if column.has_figures]
    if any(first[place] and not _DIGIT.search(first[place]) for place in figures):
        return TABLE  # words where the rows above have figures: a header
    if any(column.ends or column.changes for column in columns):
        return TABLE
    if figures:
        return "" if any(first[place] for place in figures) else TABLE
    # Words alone tell nothing; a word that stands above too tells that it is the same column.
    return "" if any(value and value in column.above for value, column in zip(first, columns, strict=True)) else TABLE


def first_note(rows: Sequence[Values], missing: Collection[str]) -> tuple[int, str] | None:
    """The place of the first of the last rows of which each is unlike the rows above them all, and why it is.

    ``missing``: words that stand for a value that there is not, in small letters.
    """
    for first in range(max(len(rows) - _NOTES, 1), len(rows)):
        above = rows[max(first - SAMPLE, 0) : first]
        reason = _why_note(rows[first], above, missing)
        if reason and all(_why_note(row, above, missing) for row in rows[first + 1 :]):
            return first, reason
    return None


def are_few(tests: Iterable[bool]) -> bool:
    """True where at most a fifth of them hold."""
    given = list(tests)
    return sum(given) * 5 <= len(given)


@dataclass(frozen=True)
class _Column:
    """The values of a column in the rows above and below an empty line."""

    above: Sequence[str]
    below: Sequence[str]

    @property
    def has_figures(self) -> bool:
        filled = list(filter(None, self.above))
        return bool(filled) and are_few(not _DIGIT.search(value) for value in filled)

    @property
    def ends(self) -> bool:
        """True where it was filled and is empty from here on."""
        if any(self.below) or len(self.above) < 3:
            return False
        return all(self.above) or (len(self.below) > 1 and are_few(not value for value in self.above))

    @property
    def changes(self) -> bool:
        """True where most values above have one shape, and none of several below has it."""
        above, below = ([shape(value) for value in part if value] for part in (self.above, self.below))
        if len(above) < 2 or len(below) < 2:
            return False
        usual, count = Counter(above).most_common(1)[0]
        return count * 5 >= len(above) * 4 and usual not in below and bool(_DIGIT.search(usual + below[0]))


def _why_note(row: Values, above: Sequence[Values], missing: Collection[str]) -> str:
    """Why a row may be a note below the rows above it; empty for one that is like them."""
    filled = list(filter(None, row))
    if filled and _TOTAL.fullmatch(folded(filled[0]).rstrip(" :.")):
        return TOTAL
    if row[0] and any(starts_alike(row[0], other[0]) for other in above):
        return ""
    if len(filled) < 3 and any(row[: 1 + min(_first_filled(other) for other in above)]):
        shorter = [_filled(other) <= len(filled) for other in above]
        # In a table of two columns each row without its second value is so, and one row tells little of the others.
        is_short = are_few(shorter) if len(row) > 2 else not any(shorter)
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


def _filled(row: Values) -> int:
    """How many values of a row are filled."""
    return sum(map(bool, row))


def _first_filled(row: Values) -> int:
    return next(place for place, value in enumerate(row) if value)
