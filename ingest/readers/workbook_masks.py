"""Numbers that a sheet shows with leading zeros: 123 in the format ``00000`` is the stock number 00123.

A person reads what is shown, and so does whoever exports the same sheet as csv. A format that only says how an amount
looks (``#,##0.00 €``) changes nothing about the number.
"""

from __future__ import annotations

import re

#: Excel has nothing longer.
_LONGEST = 255
#: A quoted text, a sign behind a backslash, a width or filling (not shown), a currency, colour or condition, the rest.
_PIECE = re.compile(r'"([^"]*)"|\\(.)|([_*].)|\[(?:\$([^\]-]*)[^\]]*|[^\]]*)\]|(.)', re.DOTALL)
#: What may stand unquoted between the digits of a number.
_BETWEEN = " -()+:"


def mask_of(number_format: str) -> str | None:
    """The format as a mask, in which each NUL is a digit and the rest stands as it is; None for any other format.

    A mask has two forced digits at least and nothing but them: no decimals, no thousands, no part of a date.
    """
    mask = ""
    for quoted, escaped, unshown, currency, sign in _PIECE.findall(number_format[:_LONGEST]):
        if sign == ";":
            break
        if sign == "0":
            mask += "\0"
        elif sign and sign not in _BETWEEN:
            return None
        elif not unshown:
            mask += quoted or escaped or currency or sign
    return mask if mask.count("\0") > 1 else None


def shown(value: float, mask: str) -> str | None:
    """A number as the mask shows it; None where it has decimals or stands below zero, for which masks are not made."""
    if value < 0 or not float(value).is_integer() or value >= 1 << 53:
        return None
    places = mask.count("\0")
    digits = str(int(value)).zfill(places)
    first, rest = digits[: len(digits) - places + 1], iter(digits[len(digits) - places + 1 :])
    head, _, tail = mask.partition("\0")
    return head + first + "".join(next(rest) if sign == "\0" else sign for sign in tail)
