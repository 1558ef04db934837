"""Which groups stand out of the noise of their records, so that a change of a KPI can be put down to them.

METRICS.md section 8 gives the rule: a group is a cause when its effect is more than 3 standard errors and a tenth of
the move. docs/decisions/0011-why.md says what is added to it, so that chance names nobody, and why. Everything here is
in floats: it judges effects, it is no number of the business.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist, median

#: A cause is more than this many standard errors, more where many groups are looked at ...
NOISE = 3.0
#: ... so that chance names a group in no more than this share of the questions in which nothing happened ...
FALSE_ALARMS = 0.01
#: ... and it is no single record: without its largest the effect is still more than this many.
HABIT = 2.0
#: Groups of fewer records, in the period in which they have more, are not judged.
FEWEST = 5
#: The spread of a small group is taken as if it had so many more records of the usual spread.
PRIOR = 10
#: Of nested groups the smallest with at least this share of its parent's effect is named.
NESTED = 0.8


@dataclass(frozen=True)
class Line:
    """A record of one period (0 before, 1 after), or the part of it that lies in these groups, one per dimension."""

    period: int
    record: str
    groups: tuple[str, ...]
    top: float
    bottom: float


@dataclass
class Group:
    """A group of a dimension (by its place) with its lines (by their places)."""

    dimension: int
    name: str
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Standing:
    """The effect of some lines, its standard error, and the largest part of it that is one record's (0 or more).

    ``records`` counts those of the period that has more.
    """

    effect: float
    noise: float
    largest: float
    records: int


@dataclass(frozen=True)
class _Cell:
    """A group in one period: its sums and its records.

    ``residuals`` sums the squares of N - r*D of its records, ``squares`` those of D.
    """

    top: float
    bottom: float
    records: int
    rate: float
    residuals: float
    squares: float


class Trial:
    """Judges the groups of all dimensions over the same lines.

    Every group is a suspect but one that holds everything: it has the whole change and explains none of it. Both
    totals of the denominator must be positive.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.totals = [math.fsum(line.bottom for line in lines if line.period == p) for p in (0, 1)]
        tops = [math.fsum(line.top for line in lines if line.period == p) for p in (0, 1)]
        self.rate = tops[0] / self.totals[0]
        self.move = tops[1] / self.totals[1] - self.rate
        self.groups = _groups(lines)
        self.squares = sum(cell.squares for cell in _cells(lines))
        self.odds = self._odds([tops[p] / self.totals[p] for p in (0, 1)])
        self.all_odds = tuple(math.fsum(each[part] for each in self.odds) for part in (0, 1))
        self._whole: dict[tuple[int, str], Standing] = {}

    def causes(self, least_share: float, outcomes: Collection[int] = ()) -> list[Group]:
        """The groups to name, the clearest first; each has at least ``least_share`` of the move.

        The clearest is named; then its records are left out of the other groups, so that a group which only moved
        because the named one is in it is not named as well. ``outcomes`` are dimensions that name no cause.
        """
        suspects = [group for group in self.groups if group.dimension not in outcomes and self._is_judged(group)]
        asked = len({tuple(group.lines) for group in self.groups})
        beyond = max(NOISE, NormalDist().inv_cdf(1 - FALSE_ALARMS / 2 / asked))
        named: list[Group] = []
        without: set[int] = set()
        while True:
            clear: list[tuple[float, Group]] = []
            for group in suspects:
                rest = Group(group.dimension, group.name, [i for i in group.lines if i not in without])
                standing = self.standing(group) if len(rest.lines) == len(group.lines) else self._stands(rest)
                errors = _clear_by(standing, beyond, least_share * abs(self.move))
                if errors:
                    clear.append((errors, group))
            if not clear:
                return named
            _, first = max(clear, key=lambda entry: entry[0])
            chosen = self._smallest(first, [group for _, group in clear])
            named.append(chosen)
            without.update(chosen.lines)

    def standing(self, group: Group) -> Standing:
        """How a whole group stands."""
        key = (group.dimension, group.name)
        if key not in self._whole:
            self._whole[key] = self._stands(group)
        return self._whole[key]

    def _is_judged(self, group: Group) -> bool:
        holds_everything = len(group.lines) == len(self.lines)
        return not holds_everything and self.standing(group).records >= FEWEST

    def _smallest(self, parent: Group, clear: Sequence[Group]) -> Group:
        """The smallest clear group inside ``parent`` with most of its effect; of equal ones the last dimension."""
        whole, inside = self.standing(parent).effect, set(parent.lines)
        within = [
            group
            for group in clear
            if inside.issuperset(group.lines) and self.standing(group).effect * whole >= NESTED * whole**2
        ]
        return min(within, key=lambda group: (len(group.lines), -group.dimension))

    def _stands(self, group: Group) -> Standing:
        lines = [self.lines[i] for i in group.lines]
        parts: dict[str, float] = defaultdict(float)
        for line in lines:
            moved = (line.top - self.rate * line.bottom) / self.totals[line.period]
            parts[line.record] += moved if line.period else -moved
        effect = math.fsum(parts.values())
        largest = max((part if effect > 0 else -part for part in parts.values()), default=0.0)
        cells = _cells(lines)
        spread = self._spread(group, cells)
        habit = self._habit(cells, spread)
        weight = sum(cell.bottom for cell in cells) / sum(self.totals)
        inside = sum(cell.squares for cell in cells)
        # How many records of which size fall to a group is chance too; it moves the KPI by the group's usual distance.
        drawn = (1 - weight) ** 2 * inside + weight**2 * max(self.squares - inside, 0.0)
        variance = sum(
            (spread[p] + habit * drawn * self.totals[p] / sum(self.totals)) / self.totals[p] ** 2 for p in (0, 1)
        )
        return Standing(effect, math.sqrt(variance), max(largest, 0.0), max(cell.records for cell in cells))

    def _odds(self, rates: Sequence[float]) -> list[tuple[float, float]]:
        """Per line the squares of N - R*D and of D, from which the usual spread is made.

        Nothing weighs more there than what is of middling size, so that a few large sums do not stand for all.
        """
        middling = median(abs(line.bottom) for line in self.lines)
        odds = []
        for line in self.lines:
            most = min(1.0, (middling / line.bottom) ** 2) if line.bottom else 1.0
            odds.append((most * (line.top - rates[line.period] * line.bottom) ** 2, most * line.bottom**2))
        return odds

    def _spread(self, group: Group, cells: Sequence[_Cell]) -> list[float]:
        """The variance of a group's N - r*D in either period.

        Its own records' together with what is usual for the records of the other groups, by their number: a few
        records that happen to be alike must not look certain.
        """
        above, below = (self.all_odds[part] - math.fsum(self.odds[i][part] for i in group.lines) for part in (0, 1))
        usual = above / below if below > 0 and above > 0 else 0.0
        return [
            (PRIOR * usual * cell.squares + cell.records * cell.residuals) / (PRIOR + max(cell.records - 1, 0))
            for cell in cells
        ]

    def _habit(self, cells: Sequence[_Cell], spread: Sequence[float]) -> float:
        """How far the group usually lies from the KPI, squared: as before, or as now where it is new.

        As much of that distance as two standard errors of the group's rate is taken off: it may be chance.
        """
        for cell, variance in zip(cells, spread, strict=True):
            if cell.bottom > 0:
                return max(abs(cell.rate - self.rate) - HABIT * math.sqrt(variance) / cell.bottom, 0.0) ** 2
        return 0.0


def _clear_by(standing: Standing, beyond: float, least: float) -> float:
    """By how many standard errors an effect is clear; 0.0 where it is not, or too small."""
    effect = abs(standing.effect)
    if effect < least or standing.noise == 0 or effect <= beyond * standing.noise:
        return 0.0
    return effect / standing.noise if effect - standing.largest > HABIT * standing.noise else 0.0


def _groups(lines: Sequence[Line]) -> list[Group]:
    found: dict[tuple[int, str], Group] = {}
    for place, line in enumerate(lines):
        for dimension, name in enumerate(line.groups):
            found.setdefault((dimension, name), Group(dimension, name)).lines.append(place)
    return [found[key] for key in sorted(found)]


def _cells(lines: Sequence[Line]) -> tuple[_Cell, _Cell]:
    """What the noise needs of the lines in either period; lines of one record count as one."""
    records: tuple[dict[str, list[float]], dict[str, list[float]]] = ({}, {})
    for line in lines:
        so_far = records[line.period].setdefault(line.record, [0.0, 0.0])
        so_far[0] += line.top
        so_far[1] += line.bottom
    return _cell(records[0]), _cell(records[1])


def _cell(records: Mapping[str, Sequence[float]]) -> _Cell:
    top = math.fsum(each[0] for each in records.values())
    bottom = math.fsum(each[1] for each in records.values())
    rate = top / bottom if bottom > 0 else 0.0
    return _Cell(
        top,
        bottom,
        len(records),
        rate,
        math.fsum((each[0] - rate * each[1]) ** 2 for each in records.values()),
        math.fsum(each[1] ** 2 for each in records.values()),
    )
