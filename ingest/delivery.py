"""What the name of a file says: which native feed, full or partial, and when it was exported."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from ingest.contract import load_feeds

_DATE = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:[T_](?P<hour>\d\d)[:-]?(?P<minute>\d\d)(?:[:-]?(?P<second>\d\d))?(?P<utc>Z)?(?!-?\d))?(?!\d)"
)


#: What the name of a native file may end in; what the file is, its bytes say.
NATIVE_ENDINGS = (".csv", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".json", ".ndjson", ".jsonl")


def own_name(name: str) -> str:
    """The name of a file itself, without the containers and folders that it came in."""
    return PurePosixPath(name).name


def told_name(name: str) -> str:
    """A name as text that can be written: bytes that are no UTF-8, which file systems allow, as ``\\xe9``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def native_feed(name: str) -> str | None:
    """The feed of a file named ``<feed>[_anything].csv`` or another of the endings; None for any other name."""
    return named_feed(name) if name.lower().endswith(NATIVE_ENDINGS) else None


def named_feed(name: str) -> str | None:
    """The feed that a name starts with, whatever its ending says; None when it is that of no feed."""
    fitting = [feed for feed in load_feeds() if re.match(rf"{feed}(?![a-z0-9])", name.lower())]
    return max(fitting, key=len, default=None)


def is_full(name: str) -> bool:
    """True for a native name that says so: ``dms_vehicles.full.2026-03-31.csv``."""
    return ".full." in name.lower()


def exported_at(name: str, time_zone: str) -> datetime | None:
    """The instant (UTC, no offset) that a file's name states, read in the company's time zone; None without a date.

    A date alone speaks for its whole day, so it counts as 23:59:59 of it. The last date in the name counts.
    """
    instants = [_instant(match, time_zone) for match in _DATE.finditer(name)]
    return next((instant for instant in reversed(instants) if instant), None)


def impossible_date(name: str) -> str | None:
    """What stands in a name where its date is expected and names no day or time there is: ``2026-99-99``."""
    last = None
    for match in _DATE.finditer(name):
        last = match
    return last[0] if last and _instant(last, "UTC") is None else None


def _instant(match: re.Match[str], time_zone: str) -> datetime | None:
    try:
        day = datetime(int(match["year"]), int(match["month"]), int(match["day"])).date()  # noqa: DTZ001
        moment = (
            time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
            if match["hour"]
            else time(23, 59, 59)
        )
    except ValueError:
        return None
    zone = UTC if match["utc"] else ZoneInfo(time_zone)
    return datetime.combine(day, moment, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
