"""Which groups stand out of the noise of their records, so that a change of a KPI can be put down to them.

METRICS.md section 8 gives the rule: a group is a cause when its effect is more than 3 standard errors and a tenth of
the move. docs/decisions/0011-why.md says what is added to it, so that chance names nobody, and why. Everything here is
in floats: it judges effects, it is no number of the business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[Any]

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
#: A rest that is smaller than this share of the whole is what rounding left.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Lines:
    """Records of both periods, or the parts of them that lie in one group of each dimension: one entry each.

    ``period`` is 0 before and 1 after; ``record`` a code; ``groups`` per dimension a code into its ``names``.
    """

    period: Codes
    record: Codes
    groups: tuple[Codes, ...]
    names: tuple[Sequence[str], ...]
    top: Floats
    bottom: Floats


@dataclass(frozen=True)
class Group:
    """A group of a dimension (by its place) with the places of its lines."""

    dimension: int
    name: str
    lines: Codes


@dataclass(frozen=True)
class Standings:
    """Of each group the effect, its standard error, and the largest part of it that is one record's (0 or more).

    ``records`` counts those of the period that has more.
    """

    effect: Floats
    noise: Floats
    largest: Floats
    records: Codes


@dataclass(frozen=True)
class _Cells:
    """Groups in either period, two cells a group: sums, number of records, the rate.

    ``residuals`` sums the squares of N - r*D of a cell's records, ``squares`` those of D.
    """

    bottom: Floats
    records: Codes
    rate: Floats
    residuals: Floats
    squares: Floats


class Trial:
    """Judges the groups of all dimensions over the same lines.

    Every group is a suspect but one that holds everything: it has the whole change and explains none of it. Both
    totals of the denominator must be positive. ``groups`` are in the order of dimension and name, ``standings`` in
    that of the groups.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.totals = _summed(lines.period, lines.bottom, 2)
        tops = _summed(lines.period, lines.top, 2)
        self.rate = tops[0] / self.totals[0]
        self.move = tops[1] / self.totals[1] - self.rate
        self.moved = (lines.top - self.rate * lines.bottom) / self.totals[lines.period]
        self.moved[lines.period == 0] *= -1
        self.odds = self._odds(tops / self.totals)
        one = np.zeros(len(lines.period), np.int64)
        self._is_once = len(np.unique(lines.record)) == len(one)
        # Added up in the order in which the groups are, so that nothing is left of one that holds everything.
        self.all_odds = [float(_summed(one, each, 1)[0]) for each in self.odds]
        self.squares = float(self._cells(one, np.arange(len(one)), 1).squares.sum())
        self._ranks: list[Codes] = []
        self._sizes: list[int] = []
        self.groups: list[Group] = []
        for dimension, codes in enumerate(lines.groups):
            self._divide(dimension, codes)
        self.standings = self._stand(np.arange(len(one)))

    def causes(self, least_share: float, outcomes: Collection[int] = ()) -> list[int]:
        """The places of the groups to name, the clearest first; each has at least ``least_share`` of the move.

        The clearest is named; then its records are left out of the other groups, so that a group which only moved
        because the named one is in it is not named as well. ``outcomes`` are dimensions that name no cause.
        """
        everything = len(self.lines.period)
        can_be = [group.dimension not in outcomes and len(group.lines) < everything for group in self.groups]
        suspects = np.array(can_be, bool) & (self.standings.records >= FEWEST)
        asked = len({group.lines.tobytes() for group in self.groups})
        beyond = max(NOISE, NormalDist().inv_cdf(1 - FALSE_ALARMS / 2 / max(asked, 1)))
        named: list[int] = []
        kept = np.ones(everything, bool)
        standings = self.standings
        while True:
            errors = np.where(suspects, _clear_by(standings, beyond, least_share * abs(self.move)), 0.0)
            if not errors.any():
                return named
            chosen = self._smallest(int(errors.argmax()), np.flatnonzero(errors))
            named.append(chosen)
            kept[self.groups[chosen].lines] = False
            standings = self._stand(np.flatnonzero(kept))

    def _divide(self, dimension: int, codes: Codes) -> None:
        """Adds the groups of a dimension, by name."""
        names = self.lines.names[dimension]
        there = np.flatnonzero(np.bincount(codes))
        order = sorted(range(len(there)), key=lambda place: names[int(there[place])])
        rank = np.zeros(int(there[-1]) + 1, np.int64)
        rank[there[order]] = np.arange(len(there))
        ranks = rank[codes]
        ends = np.cumsum(np.bincount(ranks, minlength=len(there)))
        few = ranks.astype(np.uint16) if len(there) < 2**16 else ranks  # which are sorted in one go
        parts = np.split(np.argsort(few, kind="stable"), ends[:-1])
        self._ranks.append(ranks)
        self._sizes.append(len(there))
        self.groups += [Group(dimension, names[there[place]], mine) for place, mine in zip(order, parts, strict=True)]

    def _smallest(self, parent: int, clear: Codes) -> int:
        """The smallest clear group inside ``parent`` with most of its effect; of equal ones the last dimension."""
        whole, inside = self.standings.effect[parent], np.zeros(len(self.lines.period), bool)
        inside[self.groups[parent].lines] = True
        within = [
            int(place)
            for place in clear
            if self.standings.effect[place] * whole >= NESTED * whole**2 and inside[self.groups[place].lines].all()
        ]
        return min(within, key=lambda place: (len(self.groups[place].lines), -self.groups[place].dimension))

    def _stand(self, rows: Codes) -> Standings:
        """How all groups stand when only these lines are looked at."""
        found = [self._stand_by(ranks[rows], rows, size) for ranks, size in zip(self._ranks, self._sizes, strict=True)]
        if not found:
            return Standings(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        effects, noises, largest, records = (np.concatenate(each) for each in zip(*found, strict=True))
        return Standings(effects, noises, largest, records)

    def _stand_by(self, group: Codes, rows: Codes, size: int) -> tuple[Floats, Floats, Floats, Codes]:
        """Effect, noise, largest part and records of the groups of one dimension; ``group`` has one for each row."""
        whose, parts = self._by_record(group, rows, self.moved[rows])
        effect = _summed(whose, parts, size)
        most, least = np.zeros(size), np.zeros(size)
        np.maximum.at(most, whose, parts)
        np.minimum.at(least, whose, parts)
        cells = self._cells(group, rows, size)
        spread = self._spread(group, rows, cells)
        pairs = [each.reshape(size, 2) for each in (cells.bottom, cells.squares, spread)]
        bottom, squares, spread_of = pairs
        habit = self._habit(cells, spread, size)
        weight = bottom.sum(axis=1) / self.totals.sum()
        inside = squares.sum(axis=1)
        # How many records of which size fall to a group is chance too; it moves the KPI by the group's usual distance.
        drawn = (1 - weight) ** 2 * inside + weight**2 * np.maximum(self.squares - inside, 0.0)
        share = self.totals / self.totals.sum()
        variance = ((spread_of + (habit * drawn)[:, None] * share) / self.totals**2).sum(axis=1)
        return effect, np.sqrt(variance), np.where(effect > 0, most, -least), cells.records.reshape(size, 2).max(axis=1)

    def _by_record(self, group: Codes, rows: Codes, values: Floats) -> tuple[Codes, Floats]:
        """Values added up by group and record: the group of each sum, and the sum."""
        if self._is_once:
            return group, values
        key, place = np.unique(_paired(group, self.lines.record[rows]), return_inverse=True)
        if len(key) == len(rows):
            return group, values
        whose = np.empty(len(key), np.int64)
        whose[place] = group
        return whose, _summed(place, values, len(key))

    def _cells(self, group: Codes, rows: Codes, size: int) -> _Cells:
        """What the noise needs of the groups in either period; lines of one record count as one."""
        cell = 2 * group + self.lines.period[rows]
        whose, top = self._by_record(cell, rows, self.lines.top[rows])
        _, bottom = self._by_record(cell, rows, self.lines.bottom[rows])
        tops, bottoms = _summed(whose, top, 2 * size), _summed(whose, bottom, 2 * size)
        rate = np.divide(tops, bottoms, out=np.zeros(2 * size), where=bottoms > 0)
        return _Cells(
            bottoms,
            np.bincount(whose, minlength=2 * size),
            rate,
            _summed(whose, (top - rate[whose] * bottom) ** 2, 2 * size),
            _summed(whose, bottom**2, 2 * size),
        )

    def _odds(self, rates: Floats) -> tuple[Floats, Floats]:
        """Per line the squares of N - R*D and of D, from which the usual spread is made.

        Nothing weighs more there than what is of middling size, so that a few large sums do not stand for all.
        """
        bottom = self.lines.bottom
        middling = float(np.median(np.abs(bottom)))
        most = np.minimum(1.0, np.divide(middling, bottom, out=np.ones(len(bottom)), where=bottom != 0) ** 2)
        return most * (self.lines.top - rates[self.lines.period] * bottom) ** 2, most * bottom**2

    def _spread(self, group: Codes, rows: Codes, cells: _Cells) -> Floats:
        """The variance of N - r*D in every cell.

        A group's own records' together with what is usual for the records of the other groups, by their number: a few
        records that happen to be alike must not look certain.
        """
        size = len(cells.rate) // 2
        above, below = (
            np.where(rest > ROUNDING * whole, rest, 0.0)
            for each, whole in zip(self.odds, self.all_odds, strict=True)
            for rest in [whole - _summed(group, each[rows], size)]
        )
        usual = np.repeat(np.divide(above, below, out=np.zeros(size), where=below > 0), 2)
        others = np.maximum(cells.records - 1, 0)
        spread: Floats = (PRIOR * usual * cells.squares + cells.records * cells.residuals) / (PRIOR + others)
        return spread

    def _habit(self, cells: _Cells, spread: Floats, size: int) -> Floats:
        """How far each group usually lies from the KPI, squared: as before, or as now where it is new.

        As much of that distance as two standard errors of the group's rate is taken off: it may be chance.
        """
        chance = np.divide(HABIT * np.sqrt(spread), cells.bottom, out=np.zeros(2 * size), where=cells.bottom > 0)
        far = np.where(cells.bottom > 0, np.maximum(np.abs(cells.rate - self.rate) - chance, 0.0) ** 2, 0.0)
        before, after = far.reshape(size, 2).T
        habit: Floats = np.where(cells.bottom.reshape(size, 2)[:, 0] > 0, before, after)
        return habit


def _clear_by(standings: Standings, beyond: float, least: float) -> Floats:
    """By how many standard errors each effect is clear; 0.0 where it is not, or too small."""
    effect, noise = np.abs(standings.effect), standings.noise
    is_clear = (effect >= least) & (noise > 0) & (effect > beyond * noise)
    is_clear &= effect - standings.largest > HABIT * noise
    return np.divide(effect, noise, out=np.zeros(len(effect)), where=is_clear)


def _paired(one: Codes, other: Codes) -> Codes:
    """One code for each pair of codes."""
    return one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other


def _summed(codes: Codes, values: Floats, size: int) -> Floats:
    """The sum of the values of every code from 0 on, added up in their order."""
    return np.bincount(codes, values, size).astype(np.float64)
