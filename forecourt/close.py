"""Closed months: the bytes that were signed off, kept for good, and the run they came from.

``closed/<month>/`` of the home holds the files and ``close.json`` (who, when, run, sha256 of each). A month is closed
once; what is learned about it later shows as an adjustment of the period in which it was posted.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from forecourt import durable
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.kpi import load_metrics
from forecourt.metrics import HEADLINES
from forecourt.periods import last_day

RECORD = "close.json"
#: Feeds that an accountant signs for: together they must reach the month's end. The others only warn.
SIGNED = (("dms_invoices", "dms_payments", "dms_allocations"), ("dms_deals",))


@dataclass(frozen=True)
class ClosedMonth:
    """One closed month, ``2026-03``. ``files``: name -> sha256; ``closed_at`` is UTC without offset."""

    month: str
    closed_at: str
    closed_by: str
    run_id: str
    files: Mapping[str, str]
    behind: tuple[str, ...] = ()

    @property
    def first_on(self) -> date:
        return date.fromisoformat(f"{self.month}-01")

    @property
    def last_on(self) -> date:
        return last_day(self.first_on)


def closed_months(home: Home) -> list[ClosedMonth]:
    """The closed months of a home, oldest first. Raises Problem for a record that cannot be read."""
    found = []
    for path in sorted(home.closed.glob(f"*/{RECORD}")):
        if path.parent.name.startswith("."):
            continue
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
            month = ClosedMonth(**{**given, "behind": tuple(given["behind"])})
            datetime.fromisoformat(month.closed_at)
        except (ValueError, TypeError, KeyError) as error:
            raise Problem(f"{path} cannot be read ({error}). Put it back from a copy of the home.") from None
        found.append(month)
    return found


def closed_month(home: Home, month: str) -> ClosedMonth:
    """One closed month. Raises Problem naming the closed ones where it is not."""
    found = {entry.month: entry for entry in closed_months(home)}
    if month not in found:
        listed = ", ".join(found) or "none"
        raise Problem(f"{month} is not closed. Closed: {listed}. `forecourt close {month}` closes it.")
    return found[month]


def closed_file(home: Home, closed: ClosedMonth, name: str) -> bytes:
    """The bytes of a file as they were when the month was closed. Raises Problem when missing or damaged."""
    if name not in closed.files:
        raise Problem(f"{closed.month} was closed without {name}. Kept: {', '.join(closed.files)}.")
    path = home.closed / closed.month / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}). Put it back from a copy of the home.") from None
    if hashlib.sha256(data).hexdigest() != closed.files[name]:
        raise Problem(f"{path} is not what was closed: its sha256 differs. Put it back from a copy of the home.")
    return data


def require_closable(home: Home, warehouse: Warehouse, first_on: date) -> tuple[str, ...]:
    """Feeds that do not reach the month's end and yet do not stop its closing, each with the day it reaches.

    Raises Problem where the month is closed already or the data behind the signed figures do not reach its end.
    """
    month, last_on = f"{first_on:%Y-%m}", last_day(first_on)
    for entry in closed_months(home):
        if entry.month == month:
            raise Problem(f"{month} was closed by {entry.closed_by} at {entry.closed_at} UTC. A month is closed once.")
    reached = {
        row["feed"]: row["day"]
        for row in warehouse.rows("select feed, max(data_through) as day from meta.freshness group by feed")
        if row["day"] is not None
    }
    groups = [[feed for feed in group if feed in reached] for group in SIGNED]
    groups = [group for group in groups if group] or [list(reached)]
    for group in groups:
        newest = max((reached[feed] for feed in group), default=None)
        if newest is None or newest < last_on:
            behind = f"{', '.join(group)} reach {newest}" if newest else "no file says what day it speaks for"
            raise Problem(f"{month} cannot be closed before its data are through {last_on}: {behind}.")
    wanted = {feed for name, metric in load_metrics(warehouse).items() if name in HEADLINES for feed in metric.feeds}
    return tuple(f"{feed} {day}" for feed, day in sorted(reached.items()) if feed in wanted and day < last_on)


def close_month(
    home: Home, run_id: str, first_on: date, files: Mapping[str, bytes], behind: tuple[str, ...]
) -> ClosedMonth:
    """Stores the files of a month's closing with who and when; the month is closed whole or not at all."""
    closed = ClosedMonth(
        month=f"{first_on:%Y-%m}",
        closed_at=datetime.now(UTC).replace(tzinfo=None).isoformat(),
        closed_by=getpass.getuser(),
        run_id=run_id,
        files={name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        behind=behind,
    )
    home.closed.mkdir(parents=True, exist_ok=True)
    beside = home.closed / f".{closed.month}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    record = json.dumps(asdict(closed), ensure_ascii=False, indent=2).encode()
    for name, data in {**files, RECORD: record}.items():
        (beside / name).write_bytes(data)
        durable.sync(beside / name)
    durable.sync(beside)
    beside.rename(home.closed / closed.month)
    durable.sync(home.closed)
    return closed
