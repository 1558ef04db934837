"""Turns text into typed values, strictly and in SQL: a text that is not exactly of its type is null, never rounded.

Each function gives a SQL expression over a text expression ``x`` whose surrounding blanks are removed and where an
empty text stands for an empty cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import duckdb

#: What a cell may be surrounded by without it being part of the value: space, tab, line end, form feed, no-break space.
BLANKS = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"

_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(:\d\d(\.\d{1,6}0*)?)?"
_OFFSET = r"[+-]\d\d(:?\d\d)?"

#: Codes of strptime that a date pattern may hold.
_CODES = {"d", "m", "b", "B", "Y", "y", "H", "I", "M", "S", "f", "g", "p", "a", "A", "z"}

#: Order of a date -> which of its three numbers are year, month and day, and where these begin if day and month have
#: two digits.
_ORDERS = {"mdy": (3, 1, 2), "dmy": (3, 2, 1), "ymd": (1, 2, 3)}
_PLACES = {"mdy": (7, 1, 4), "dmy": (7, 4, 1), "ymd": (1, 6, 9)}
#: The time of day that may follow it, and which half of the day that is.
_GIVEN_TIME = r"(?:[T ](\d\d?:\d\d(?::\d\d)?))?"
_HALF = "[ \u00a0\u202f]?" + r"([AaPp])\.?[Mm]\.?"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: Ways to write an instant as a number: days since 30 December 1899 as a spreadsheet counts them, on the clock of the
#: place; seconds and milliseconds since 1970 in UTC.
STAMPS = {
    "excel": r"case when regexp_full_match({x}, '\d+(\.\d+)?') and length({x}) < 18 and try_cast({x} as double) < 1e6 "
    "then timestamp '1899-12-30' + to_seconds(round(try_cast({x} as double) * 86400)::bigint) end",
    "unix": r"case when regexp_full_match({x}, '\d+') and length({x}) < 12 "
    "then make_timestamp(try_cast({x} as bigint) * 1000000) end",
    "unix_ms": r"case when regexp_full_match({x}, '\d+') and length({x}) < 15 "
    "then make_timestamp(try_cast({x} as bigint) * 1000) end",
}

#: How to write a value of each type, for the sentence about one that is wrong.
EXPECTED = {
    "instant": "an instant like 2026-01-31T14:05:00Z",
    "date": "a date like 2026-01-31",
    "money": "an amount like 1234.50 with at most 2 decimals",
    "number": "a number like 12.5 with at most 6 decimals",
    "integer": "a whole number",
    "boolean": "true, false, yes, no, 1 or 0",
}


@dataclass(frozen=True)
class Spelling:
    """How a source writes dates and numbers. ``dates``: iso, mdy, dmy or ymd; the marks may be empty.

    ``patterns``: in the place of ``dates``, ways to write a date in the codes of strptime (``%d %b, %Y %H:%M``), or
    names of ``STAMPS``. ``months``: the words for each month, from January on, where they are not English.
    ``negative``: how a number below zero is written besides ``-5``: brackets ``(5)`` or behind ``5-``; or empty.
    """

    dates: str = "iso"
    decimal: str = "."
    thousands: str = ""
    currency: str = ""
    patterns: tuple[str, ...] = ()
    negative: str = ""
    months: tuple[tuple[str, ...], ...] = ()


def native_form(column_type: str, x: str, spelling: Spelling) -> str:
    """The text as the contract writes it; a text that is not in the declared spelling stays as it is and fails."""
    if column_type in ("money", "number", "integer"):
        return _native_number(x, spelling)
    if column_type in ("date", "instant") and spelling.months:
        x = _in_english(x, spelling.months)
    if column_type in ("date", "instant") and spelling.patterns:
        return _patterned(x, spelling.patterns, column_type == "instant")
    if column_type in ("date", "instant") and spelling.dates != "iso":
        return _native_date(x, spelling.dates, column_type == "instant")
    return x


def typed(column_type: str, x: str, zone: str = "'UTC'") -> str:
    """The value of a text in native form; ``zone`` is the SQL expression of the rooftop's time zone."""
    match column_type:
        case "money":
            return _exact(x, r"-?\d+(\.\d{1,2}0*)?", "decimal(18, 2)")
        case "number":
            return _exact(x, r"-?\d+(\.\d{1,6}0*)?", "decimal(18, 6)")
        case "integer":
            return _exact(x, r"-?\d+", "bigint")
        case "date":
            return _exact(x, _DATE, "date")
        case "boolean":
            return (
                f"case when lower({x}) in ('true', 'yes', '1') then true "
                f"when lower({x}) in ('false', 'no', '0') then false end"
            )
        case "instant":
            return f"""case
                when {x} = '' then null
                when regexp_full_match({x}, '{_DATE}[T ]{_TIME}Z') then try_cast({x} as timestamp)
                when regexp_full_match({x}, '{_DATE}([T ]{_TIME})?')
                then local_to_utc({zone}, try_cast({x} as timestamp))
                when regexp_full_match({x}, '{_DATE}[T ]{_TIME}{_OFFSET}')
                then timezone('UTC', try_cast({x} as timestamptz)) end"""
    return f"nullif({x}, '')"


def is_local(x: str) -> str:
    """True for an instant given with a time of day and without an offset."""
    return f"regexp_full_match({x}, '{_DATE}[T ]{_TIME}')"


def canonical_text(column_type: str, value: str) -> str:
    """A typed value as text that no version of any library writes differently; null for null."""
    match column_type:
        case "text":
            return value
        case "instant":
            return f"epoch_us({value})::varchar"
        case "date":
            return f"datediff('day', date '1970-01-01', {value})::varchar"
        case "boolean":
            return f"case when {value} then 't' when not {value} then 'f' end"
    return f"{value}::varchar"


def why_no_pattern(pattern: str) -> str | None:
    """What is wrong with a date pattern; None for one that can be used."""
    if pattern in STAMPS:
        return None
    codes = re.findall("%(.?)", pattern)
    unknown = [code for code in codes if code not in _CODES]
    if unknown:
        return f"%{unknown[0]} is none of its codes"
    if "d" not in codes or not {"m", "b", "B"} & set(codes) or not {"Y", "y"} & set(codes):
        return "it needs a day, a month and a year"
    if "I" in codes and "p" not in codes:
        return "%I needs %p"
    return None


def contradicts_order(x: str, spelling: Spelling) -> str:
    """True where a date cannot be in the declared order and would be one in the other (day 13 as a month)."""
    if spelling.patterns:
        swapped = [_other_order(pattern) for pattern in spelling.patterns if "%m" in pattern]
        if not swapped:
            return "false"
        is_one = _moment(x, spelling.patterns)
        return f"({x} <> '' and {is_one} is null and {_moment(x, swapped)} is not null)"
    if spelling.dates not in ("mdy", "dmy"):
        return "false"
    low, high = "(0?[1-9]|1[0-2])", r"(1[3-9]|2\d|3[01])"
    first, second = (high, low) if spelling.dates == "mdy" else (low, high)
    return rf"regexp_full_match({x}, '{first}[-/.]{second}[-/.]\d{{4}}{_GIVEN_TIME}(?:{_HALF})?')"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Defines what the expressions of this module call; once per connection.

    ``local_to_utc(zone, local)`` follows the rule of the contract: the first of an ambiguous hour, shifted forward
    over a missing one. The engine's own conversion takes the last of an ambiguous hour, so the offset of three hours
    before is tried first: it is the one before a clock change that is near.
    """
    connection.execute("set TimeZone = 'UTC'")
    earlier = "timezone(zone, local - interval 3 hour) + interval 3 hour"
    connection.execute(
        f"""create or replace temp macro local_to_utc(zone, local) as timezone('UTC', case
            when timezone(zone, {earlier}) = local then {earlier}
            else timezone(zone, local) end)"""
    )


@cache
def clock_changes(time_zone: str) -> tuple[tuple[datetime, datetime, str], ...]:
    """Local spans (from, to, 'ambiguous' or 'missing') of a zone's clock changes, 1970 to 2100."""
    zone = ZoneInfo(time_zone)
    spans = []
    moment, before = datetime(1970, 1, 1, tzinfo=UTC), _offset(zone, datetime(1970, 1, 1, tzinfo=UTC))
    # No zone has ever changed its clock twice in a week since 1970.
    step = timedelta(days=7)
    while moment.year < 2100:
        after = _offset(zone, moment + step)
        if before != after:
            low, high = moment, moment + step
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
            change = high.replace(microsecond=0, tzinfo=None)
            kind = "missing" if after > before else "ambiguous"
            spans.append((change + min(before, after), change + max(before, after), kind))
        moment, before = moment + step, after
    return tuple(spans)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _exact(x: str, pattern: str, sql_type: str) -> str:
    return f"case when regexp_full_match({x}, '{pattern}') then try_cast({x} as {sql_type}) end"


def _given_date(order: str, with_time: bool) -> str:
    date = r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" if order == "ymd" else r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})"
    return date + _GIVEN_TIME if with_time else date


def _native_date(x: str, order: str, with_time: bool) -> str:
    pattern = _given_date(order, with_time)
    # Most dates have two digits everywhere, and to take them apart by their places is ten times as fast.
    usual = pattern.replace("{1,2}", "{2}").replace(r"\d\d?:", r"\d\d:")
    year, month, day = (
        f"substring({x}, {start}, {width})" for start, width in zip(_PLACES[order], (4, 2, 2), strict=True)
    )
    by_places = f"concat({year}, '-', {month}, '-', {day}, substring({x}, 11))"
    year, month, day = (
        f"lpad(regexp_extract({x}, '{pattern}', {place}), {width}, '0')"
        for place, width in zip(_ORDERS[order], (4, 2, 2), strict=True)
    )
    date = f"{year} || '-' || {month} || '-' || {day}"
    other = x
    if with_time:
        clock, half = (f"regexp_extract({x}, '{pattern}(?:{_HALF})?', {place})" for place in (4, 5))
        read = f"try_strptime({date} || ' ' || {clock} || {half} || 'm', ['%Y-%m-%d %I:%M%p', '%Y-%m-%d %I:%M:%S%p'])"
        told = f"coalesce(strftime({read}, '%Y-%m-%d %H:%M:%S'), {x})"
        other = f"case when regexp_full_match({x}, '{pattern}{_HALF}') then {told} else {x} end"
        date += (
            f" || case when {clock} = '' then '' when length({clock}) in (4, 7) then ' 0' || {clock} "
            f"else ' ' || {clock} end"
        )
    return (
        f"case when regexp_full_match({x}, '{usual}') then {by_places} "
        f"when regexp_full_match({x}, '{pattern}') then {date} else {other} end"
    )


def _in_english(x: str, months: Iterable[Iterable[str]]) -> str:
    """The text with the word for a month in English, as strptime knows it; a word within another is none."""
    for english, words in zip(_MONTHS, months, strict=True):
        said = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)).replace("'", "''")
        x = rf"regexp_replace({x}, '(?i)(^|[^\p{{L}}])({said})([^\p{{L}}]|$)', '\1{english}\3')"
    return x


def _other_order(pattern: str) -> str:
    """The pattern with day and month of it changed over."""
    return re.sub("%([dm])", lambda code: "%m" if code[1] == "d" else "%d", pattern)


def _moment(x: str, patterns: Iterable[str]) -> str:
    """The text read by the first pattern that fits, as a timestamp; a year of two digits under %Y fits none."""
    tries = []
    for pattern in patterns:
        if pattern in STAMPS:
            read = f"({STAMPS[pattern].replace('{x}', x)})"
        else:
            read = f"try_strptime({x}, '{pattern.replace(chr(39), chr(39) * 2)}')"
            read = f"timezone('UTC', {read})" if "%z" in pattern else read
        tries.append(f"case when year({read}) between 1900 and 2199 then {read} end")
    return f"coalesce({', '.join(tries)})" if len(tries) > 1 else tries[0]


def _patterned(x: str, patterns: tuple[str, ...], with_time: bool) -> str:
    """The text in native form by the first pattern that reads it; a text that none reads stays as it is and fails."""
    tries = []
    for pattern in patterns:
        form = "%Y-%m-%d"
        if with_time and ("%H" in pattern or "%I" in pattern or pattern in STAMPS):
            form += " %H:%M:%S" + (".%f" if "%f" in pattern or "%g" in pattern or pattern == "unix_ms" else "")
        ending = "'Z'" if with_time and ("%z" in pattern or pattern.startswith("unix")) else "''"
        tries.append(f"strftime({_moment(x, [pattern])}, '{form}') || {ending}")
    return f"coalesce({', '.join(tries)}, {x})"


def _native_number(x: str, spelling: Spelling) -> str:
    # An apostrophe is a thousands mark in Switzerland, and ends a SQL literal.
    decimal, thousands, currency = (
        mark.replace("'", "''") for mark in (spelling.decimal, spelling.thousands, spelling.currency)
    )
    if currency:
        x = f"trim(replace({x}, '{currency}', ''))"
    if spelling.negative:
        form = r"\((.*)\)" if spelling.negative == "brackets" else r"([^-]*)-"
        inner = f"trim(regexp_extract({x}, '{form}', 1))"
        x = f"case when regexp_full_match({x}, '{form}') then '-' || {inner} else {x} end"
    if decimal == "." and not thousands:
        return x
    # In India the groups before the last have two digits: 4,25,000.
    whole = rf"(\d+|\d{{1,3}}([{thousands}]\d{{2,3}})*[{thousands}]\d{{3}})" if thousands else r"\d+"
    pattern = rf"-?{whole}([{decimal}]\d+)?"
    plain = f"replace({x}, '{thousands}', '')" if thousands else x
    # A comma as decimal mark: a text with a point is not in the declared spelling and must not pass as it is.
    return (
        f"case when {x} = '' then '' when regexp_full_match({x}, '{pattern}') "
        f"then replace({plain}, '{decimal}', '.') else 'not in the declared spelling' end"
    )
