"""The request date of a lead: every spelling seen in ADF files, as ISO 8601 text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_CLOCK = r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<dash>[-/]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)(?:(?:\s*T\s*|\s+){_CLOCK}\s*(?P<zone>\S.*)?)?",
    re.IGNORECASE,
)
_YEAR_LAST = re.compile(
    rf"(?P<first>\d{{1,2}})/(?P<other>\d{{1,2}})/(?P<year>\d{{4}})(?:,?\s+{_CLOCK}\s*(?P<half>[AP]\.?M\.?)?\s*(?P<zone>\S.*)?)?",
    re.IGNORECASE,
)
_MAIL = re.compile(r"(?:[A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d{1,2}:\d\d.*", re.DOTALL)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?")


def read_instant(text: str) -> tuple[str, str | None] | None:
    """Return (ISO 8601 text, note or None), or None when the text is no date that can be told for certain.

    The result has an offset where the text gives one that can be read, none otherwise, and no time of day where
    the text is a date alone. The note says what was dropped, for example a broken zone.
    """
    text = " ".join(text.split())
    if match := _YEAR_FIRST.fullmatch(text):
        day, month = int(match["day"]), int(match["month"])
    elif match := _YEAR_LAST.fullmatch(text):
        first, other = int(match["first"]), int(match["other"])
        # US spelling when AM/PM says so; else only when one of the two cannot be a month.
        if other > 12 >= first or (match["half"] and first <= 12):
            month, day = first, other
        elif first > 12 >= other:
            day, month = first, other
        else:
            return None
    elif _MAIL.fullmatch(text):
        return read_mail_date(text)
    else:
        return None
    try:
        when = datetime(int(match["year"]), month, day)  # noqa: DTZ001 - the zone is read below
        if match["hour"] is None:
            return when.date().isoformat(), None
        hour = int(match["hour"])
        half = (match.groupdict().get("half") or "")[:1].upper()
        if half:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half == "P" else 0)
        micros = int((match["fraction"] or "0")[:6].ljust(6, "0"))
        when = when.replace(
            hour=hour, minute=int(match["minute"]), second=int(match["second"] or 0), microsecond=micros
        )
    except ValueError:
        return None
    written = (match["zone"] or "").strip()
    if not written:
        return when.isoformat(), None
    zone = _zone(written)
    if zone is None:
        # A date followed by free text is no date; a broken offset or a zone's name still leaves the local time.
        if not re.fullmatch(r"[+-][\d:]{1,6}|[A-Za-z]{2,5}", written):
            return None
        return when.isoformat(), f"the zone {written!r} of the request date cannot be read and was dropped"
    return when.replace(tzinfo=zone).isoformat(), None


def read_mail_date(text: str) -> tuple[str, str | None] | None:
    """Read the date of a mail header (RFC 5322), with its offset; None when it is not one."""
    try:
        return parsedate_to_datetime(text).isoformat(), None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _zone(written: str) -> timezone | None:
    if written.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    match = _OFFSET.fullmatch(written)
    if match is None:
        return None
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    if hours > 14 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if match["sign"] == "-" else offset)
