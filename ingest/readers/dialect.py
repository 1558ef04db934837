"""How a text file is written."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

#: What a cell may be surrounded by without it being part of the value; a form feed begins a page of a printed report.
BLANKS = " \t\r\n\v\f\u00a0\ufeff"

#: What a source writes for `encoding` to have it detected.
DETECT = "detect"

#: Only character sets: Python also knows "encodings" such as punycode and rot13.
_CHARACTER_SET = re.compile(
    r"utf-8(-sig)?|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|iso8859-\d+|cp\d+|mac-\w+|koi8-[rut]|tis-620|gbk|gb2312|gb18030"
    r"|big5|shift_jis|euc_(jp|kr)"
)


@dataclass(frozen=True)
class Dialect:
    """The marks of a delimited text. ``delimiter``: one character or several; ``quote`` empty: quotes are ordinary
    characters; ``escape``: what takes the meaning from the mark after it, besides a doubled quote; ``comment``: what
    a line begins with that is no row. Both empty for none. ``missing``: words that stand for a value that there is
    not, in small letters."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    missing: frozenset[str] = frozenset()


def folded(name: str) -> str:
    """The name of a column as it is compared: neither case counts nor how many blanks stand around and in it."""
    return " ".join(name.split()).casefold()


def trimmed(text: str) -> str:
    """A cell without what surrounds its value."""
    return text.strip(BLANKS)


def is_character_set(name: object) -> bool:
    """True for a name under which Python knows a character set."""
    try:
        return isinstance(name, str) and _CHARACTER_SET.fullmatch(codecs.lookup(name).name) is not None
    except LookupError:
        return False
