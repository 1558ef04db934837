"""How a text file is written."""

from __future__ import annotations

from dataclasses import dataclass

#: What a cell may be surrounded by without it being part of the value.
BLANKS = " \t\r\n\u00a0\ufeff"


@dataclass(frozen=True)
class Dialect:
    """The marks of a delimited text. ``quote`` empty: quotes are ordinary characters; ``escape``: what takes the
    meaning from the mark after it inside a quoted value, besides a doubled quote; empty for none."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""


def trimmed(text: str) -> str:
    """A cell without what surrounds its value."""
    return text.strip(BLANKS)
