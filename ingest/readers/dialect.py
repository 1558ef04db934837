"""How a text file is written."""

from __future__ import annotations

from dataclasses import dataclass

#: What a cell may be surrounded by without it being part of the value.
BLANKS = " \t\r\n\u00a0\ufeff"


@dataclass(frozen=True)
class Dialect:
    """The marks of a delimited text. ``delimiter``: one character or several; ``quote`` empty: quotes are ordinary
    characters; ``escape``: what takes the meaning from the mark after it, besides a doubled quote; ``comment``: what
    a line begins with that is no row. Both empty for none."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    comment: str = ""


def folded(name: str) -> str:
    """The name of a column as it is compared: neither case counts nor how many blanks stand around and in it."""
    return " ".join(name.split()).casefold()


def trimmed(text: str) -> str:
    """A cell without what surrounds its value."""
    return text.strip(BLANKS)
