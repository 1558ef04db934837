"""Tells figures from words: a note, or the header of another table, has words where the rows above have figures."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ingest.readers.dialect import trimmed

_FIRST = re.compile(r"[^\W_]")
_LETTERS = re.compile(r"[^\W\d_]{2}")
#: In a code letters stand after digits; a name may have a number behind it.
_CODE, _NUMBERED = re.compile(r"\d[^\W\d_]"), re.compile(r"[^\W\d_]\d")
_DIGITS, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_BARE_FIGURE = re.compile(r"[\d.,:/\s%€$£+-]+")
_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2}")
#: Words that stand for a value that is missing.
_MISSING = frozenset((
    "na", "n/a", "n.a.", "nan", "nil", "none", "null", "unknown", "undefined", "missing", "tba", "tbc", "tbd",
    "on request", "price on request", "auf anfrage", "sur demande", "su richiesta", "op aanvraag", "bajo pedido",
))  # fmt: skip


def is_figure(value: str) -> bool:
    """True where the first letter or digit of a value is a digit: an amount, a number, a day."""
    first = _FIRST.search(value)
    return bool(first and first[0].isdigit())


def is_bare_figure(value: str) -> bool:
    """True for a number, an amount, a day or a time, without words."""
    return _BARE_FIGURE.fullmatch(value) is not None


def is_date(value: str) -> bool:
    """True for a day in figures, with a year of four digits."""
    return _DATE.fullmatch(value) is not None


def is_name(value: str, missing: Collection[str] = ()) -> bool:
    """True where a value may be the name of a column: it begins with a letter, and is neither a code nor a word that
    says that there is no value (``missing``: more of these, in small letters)."""
    first = _FIRST.search(value)
    if not first or first[0].isdigit() or value.lower() in _MISSING or value.lower() in missing:
        return False
    return not _CODE.search(value)


def is_word(value: str, missing: Collection[str] = ()) -> bool:
    """True where a value is such a name, has two letters in a row and no number right behind them."""
    return is_name(value, missing) and bool(_LETTERS.search(value)) and not _NUMBERED.search(value)


def form(value: str) -> str:
    """A value with its numbers as one 0 each; empty where it has none."""
    return _DIGITS.sub("0", value) if _DIGITS.search(value) else ""


def shape(value: str) -> str:
    """A value with its numbers as one 0 each and its words as one x."""
    return _WORD.sub("x", _DIGITS.sub("0", value))


def starts_alike(text: str, first: str) -> bool:
    """True when a line begins like the record above it, so that it is one of its own."""
    text, first = trimmed(text), trimmed(first)
    return text == first or form(text) == form(first) != ""


def columns_of_figures(rows: Sequence[Sequence[str]]) -> list[int]:
    """The places at which some of the rows have a figure, and none has anything else."""
    columns = ([value for value in column if value] for column in zip(*rows, strict=True))
    return [place for place, filled in enumerate(columns) if filled and all(map(is_figure, filled))]
