"""What a row is known by, as SQL: its key, and the hash that tells whether it says the same as another."""

from __future__ import annotations

from ingest.contract import Column, Feed
from ingest.values import canonical_text

#: What stands between the parts of the text that is hashed, and what begins its place holder inside a part: no two
#: different rows may give the same text.
HASH_MARKS = (b"\x1f", b"\x1e")
_BETWEEN, _ESCAPE = "chr(31)", "chr(30)"


def carried_text(feed: Feed, carried: tuple[str, ...]) -> str | None:
    """Null when a file carries every column of the feed, else the names it carries, sorted."""
    return None if set(carried) == set(feed.all_columns) else ",".join(sorted(carried))


def key_text(feed: Feed) -> str:
    """SQL of a key: its parts as text joined with ``|``; a backslash or bar inside a part is escaped."""
    parts = []
    for name in feed.key:
        column = feed.columns[name]
        part = f"""strftime("{name}", '%Y-%m-%d')""" if column.type == "date" else f'"{name}"::varchar'
        if column.type == "text":
            escaped = f"replace(replace({part}, '\\', '\\\\'), '|', '\\|')"
            # Hardly any has one of them, and to look for them is cheaper than to replace them.
            part = f"case when contains({part}, '|') or contains({part}, '\\') then {escaped} else {part} end"
        parts.append(f"coalesce({part}, '')")
    return f"""concat({", '|', ".join(parts)})"""


def row_hash(parts: list[str]) -> str:
    """SQL of the hash of a row (md5, a number) from the parts of its columns (``hash_text``), of which none is null."""
    return f"md5_number(concat({f', {_BETWEEN}, '.join(parts)}))"


def row_hash_of_carried(parts: list[str]) -> str:
    """The same where the part of a column that is not carried is null, and left out."""
    return f"md5_number(concat_ws({_BETWEEN}, {', '.join(parts)}))"


def hash_text(column: Column, value: str, bad: str, is_day: str, *, has_marks: bool = True) -> str:
    """SQL of one column's part of the row hash: its typed value, else the text that failed, else empty.

    ``has_marks`` false: the file is known to hold none of the marks between parts, so none needs to be escaped.
    """

    def escaped(text: str) -> str:
        if not has_marks:
            return text
        return f"replace(replace({text}, {_ESCAPE}, {_ESCAPE} || '0'), {_BETWEEN}, {_ESCAPE} || '1')"

    text = canonical_text(column.type, value)
    if column.type == "text":
        return f"coalesce({escaped(text)}, '')"
    if column.type == "instant":
        text = f"case when {is_day} then 'd' || {text} else {text} end"
    return f"coalesce({text}, case when {bad} <> '' then '!' || {escaped(bad)} end, '')"
