"""What every KPI of the oracle is made of: records with their parts, and the sums over a group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.clock import Clock
from tests.oracle.exports import Key, Record, Row
from tests.oracle.settings import Settings

Number = int | Decimal

#: What took longer is not a duration but a mistake.
LONGEST = timedelta(days=365)

#: What is typed where no VIN is known.
NO_CAR = {"NA", "NIL", "NO", "NONE", "NULL", "TBA", "TBC", "TBD", "TOFOLLOW", "UNK", "UNKNOWN", "NOVIN", "TEST"}


def car(vin: str | None) -> str | None:
    """A VIN as cars are compared by it: no spaces and dashes, and nothing where it names no car."""
    plain = "".join((vin or "").upper().replace("-", " ").split())
    bare = [sign for sign in plain if sign.isalnum()]
    return None if len(set(bare)) <= 1 or "".join(bare) in NO_CAR else plain


@dataclass(frozen=True)
class Question:
    """The period asked for, both days included, and the day the facts are known through."""

    first: date
    last: date
    as_of: date

    @property
    def end(self) -> date:
        """The last day that counts."""
        return min(self.last, self.as_of)

    def covers(self, day: date | None) -> bool:
        """Whether a day lies in the period and is not after as_of."""
        return day is not None and self.first <= day <= self.end


@dataclass(frozen=True)
class Part:
    """One record of one KPI: what it adds to either side, or why it does not.

    ``top`` and ``bottom`` are the parts of a ratio; a duration carries its length in ``top`` and no ``bottom``.
    Parts that name the same ``record`` are counted once; where they are ``is_once``, in the sums as well.
    """

    day: date | None
    groups: dict[str, Any]
    top: Number | None = None
    bottom: Number | None = None
    currency: str | None = None
    excluded: str | None = None
    is_open: bool = False
    is_immature: bool = False
    so_far: int = 0
    record: Any = None
    is_once: bool = False


@dataclass
class Answer:
    """One KPI for one group and currency."""

    numerator: Number | None = None
    denominator: Number | None = None
    value: Decimal | None = None
    p90: Decimal | None = None
    n: int = 0
    open: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    immature: int = 0
    so_far: int = 0


class World:
    """The folded feeds of one folder, its settings and the clock of its rooftops.

    ``newest`` is the last day that any of its files speaks for.
    """

    def __init__(self, feeds: dict[str, dict[Key, Record]], settings: Settings, newest: date = date.max) -> None:
        self.feeds = feeds
        self.newest = newest
        self.settings = settings
        self.clock = Clock(settings)

    def rows(self, feed: str) -> list[Row]:
        """The state in force of every key of a feed; of a feed that did not land none."""
        return [record.row for record in self.feeds.get(feed, {}).values()]

    def by(self, feed: str, *columns: str) -> dict[tuple[Any, ...], list[Row]]:
        """The rows of a feed by some of their columns."""
        found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in self.rows(feed):
            found[tuple(row.get(column) for column in columns)].append(row)
        return found


def summed(parts: Iterable[Part], by: str | None) -> dict[tuple[str | None, str | None], Answer]:
    """Ratios and sums by group and currency."""
    found = _grouped(parts, by)
    return {key: _sum(group) for key, group in found.items()}


def spread(parts: Iterable[Part], by: str | None) -> dict[tuple[str | None, str | None], Answer]:
    """Median and 90th percentile by group, between neighbours in proportion."""
    found = {}
    for key, group in _grouped(parts, by).items():
        lengths = sorted(Decimal(part.top) for part in group if part.top is not None)
        answer = _sum(group)
        answer.numerator, answer.n, answer.denominator = None, len(lengths), len(lengths)
        answer.value, answer.p90 = _quantile(lengths, Decimal("0.5")), _quantile(lengths, Decimal("0.9"))
        found[key] = answer
    return found


def _grouped(parts: Iterable[Part], by: str | None) -> dict[tuple[str | None, str | None], list[Part]]:
    found: dict[tuple[str | None, str | None], list[Part]] = defaultdict(list)
    for part in parts:
        if by is None:
            group = None
        elif by == "month":
            group = f"{part.day:%Y-%m}" if part.day else "unknown"
        else:
            group = part.groups.get(by) or "unknown"
        found[group, part.currency].append(part)
    return found


def _sum(parts: list[Part]) -> Answer:
    answer = Answer()
    counted = [part for part in parts if part.excluded is None and not part.is_open and not part.is_immature]
    tops = [part.top for part in _once(counted, "top") if part.top is not None]
    bottoms = [part.bottom for part in _once(counted, "bottom") if part.bottom is not None]
    answer.numerator = sum(tops) if tops else 0
    answer.denominator = sum(bottoms) if bottoms else None
    answer.n = _distinct(counted)
    answer.open = sum(part.is_open for part in parts)
    answer.immature = sum(part.is_immature for part in parts)
    answer.so_far = sum(part.so_far for part in parts)
    reasons = {part.excluded for part in parts if part.excluded is not None}
    answer.excluded = Counter(
        {reason: _distinct([part for part in parts if part.excluded == reason]) for reason in reasons}
    )
    if answer.n and answer.denominator is not None and answer.denominator > 0:
        answer.value = Decimal(answer.numerator) / Decimal(answer.denominator)
    elif answer.n and answer.denominator is None:
        answer.value = Decimal(answer.numerator)
    return answer


def _once(parts: list[Part], side: str) -> list[Part]:
    """The parts, those of one ``is_once`` record only by their largest."""
    found = [part for part in parts if not part.is_once]
    largest: dict[Any, Part] = {}
    for part in parts:
        if part.is_once:
            kept = largest.get(part.record)
            largest[part.record] = part if kept is None or getattr(part, side) > getattr(kept, side) else kept
    return [*found, *largest.values()]


def _distinct(parts: list[Part]) -> int:
    """How many records: a deal that moves three times in a period is one."""
    named = {part.record for part in parts if part.record is not None}
    return len(named) + sum(part.record is None for part in parts)


def _quantile(lengths: list[Decimal], share: Decimal) -> Decimal | None:
    if not lengths:
        return None
    place = share * (len(lengths) - 1)
    below = int(place)
    above = min(below + 1, len(lengths) - 1)
    return lengths[below] + (lengths[above] - lengths[below]) * (place - below)
