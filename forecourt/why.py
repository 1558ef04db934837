"""Why a KPI moved: its change split exactly over the groups of each dimension (METRICS.md section 8).

For R = N/D over the groups g of one dimension, from period 0 to period 1:

    effect(g)      = (N1g - R0*D1g)/D1 - (N0g - R0*D0g)/D0
    mix_effect(g)  = (w1 - w0) * (r0 - R0) where D0g > 0, else 0        w = D_g/D, r = N_g/D_g
    rate_effect(g) = effect - mix_effect

The effects of a dimension add up to R1 - R0 exactly, also with new, vanished, zero and negative groups. Durations use
the mean. Effects are exact fractions; only what is shown is rounded. Noise is a float: it judges, it is no number of
the business. Which groups are causes is decided as docs/decisions/0011-why.md says.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import Any

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.metrics import Metric, Period
from forecourt.statements import unit_statement

#: A group is a cause when its effect is more than this many standard errors, more where many groups are looked at ...
NOISE = 3.0
#: ... so that chance names a group in no more than this share of the questions in which nothing happened ...
FALSE_ALARMS = 0.01
#: ... and at least this share of the move.
SHARE = Fraction(1, 10)
#: Of nested groups the smallest with at least this share of its parent's effect is named.
NESTED = Fraction(4, 5)


@dataclass(frozen=True)
class Sums:
    """Numerator and denominator of one group in one period."""

    numerator: Fraction = Fraction(0)
    denominator: Fraction = Fraction(0)


@dataclass(frozen=True)
class Effect:
    """What one group of one dimension contributed to the change, in the KPI's own unit.

    ``noise`` is the standard error of the effect; ``cause`` is true when the group is named as a cause; ``records``
    counts the group's records in the later period, ``records_before`` in the earlier. ``at`` names the rooftop that
    carries the effect of a cause whose name is known at several.
    """

    dimension: str
    group: str
    rate_effect: Fraction
    mix_effect: Fraction
    effect: Fraction
    noise: float
    cause: bool
    records: int
    records_before: int
    rate: Fraction | None
    rate_before: Fraction | None
    at: str | None = None


@dataclass(frozen=True)
class Why:
    """A KPI's change and its effects, dimensions ranked by their largest cause, groups by size.

    ``before`` and ``after`` are the KPI's values (a duration's mean, in its unit) or None where the denominator is
    not positive; then ``effects`` is empty and ``reason`` says so.
    """

    metric: Metric
    currency: str | None
    before: Fraction | None
    after: Fraction | None
    effects: tuple[Effect, ...]
    reason: str | None = None

    @property
    def change(self) -> Fraction | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def causes(self) -> list[Effect]:
        """The named causes, the largest first."""
        return sorted((effect for effect in self.effects if effect.cause), key=lambda effect: -abs(effect.effect))


@dataclass(frozen=True)
class Line:
    """One unit of one period (0 before, 1 after) with its group in each dimension."""

    period: int
    unit: str
    groups: tuple[str, ...]
    records: int
    top: Decimal | int
    bottom: Decimal | int


@dataclass
class _Group:
    """The lines of one group, by their place in the list of all."""

    dimension: int
    name: str
    lines: list[int] = field(default_factory=list)


def explain(
    warehouse: Warehouse,
    metric: Metric,
    period: Period,
    versus: Period,
    *,
    rooftops: Sequence[str] | None = None,
    dimensions: Sequence[str] | None = None,
) -> list[Why]:
    """Splits the change of a ratio or duration from ``versus`` to ``period``: one Why per currency.

    Raises Problem for a KPI without a denominator (a sum has no rate to explain).
    """
    if metric.denominator is None and metric.kind not in ("duration", "cohort"):
        raise Problem(f"{metric.name} is a sum, not a ratio or a duration: compare it with `forecourt kpi --by`.")
    chosen = list(dimensions or metric.dimensions)
    lines: dict[str | None, list[Line]] = defaultdict(list)
    for number, days in enumerate((versus, period)):
        for row in warehouse.rows(unit_statement(metric, days, chosen, rooftops=rooftops)):
            groups = tuple(row[f"g{place}"] for place in range(len(chosen)))
            lines[row["currency"]].append(
                Line(number, row["unit"], groups, row["records"], _exact(row["numerator"]), _exact(row["denominator"]))
            )
    scale = metric.seconds or 1 if metric.kind == "duration" else 1
    return [split(metric, currency, chosen, lines[currency], scale) for currency in sorted(lines, key=str)]


def decompose(before: Mapping[str, Sums], after: Mapping[str, Sums]) -> dict[str, tuple[Fraction, Fraction]]:
    """(rate_effect, mix_effect) of every group; their sum over all groups is R1 - R0 exactly.

    Both totals of the denominator must be positive.
    """
    total_before, total_after = _total(before), _total(after)
    rate_before = total_before.numerator / total_before.denominator
    effects = {}
    for group in sorted(before.keys() | after.keys()):
        zero, one = before.get(group, Sums()), after.get(group, Sums())
        effect = (one.numerator - rate_before * one.denominator) / total_after.denominator - (
            zero.numerator - rate_before * zero.denominator
        ) / total_before.denominator
        mix = Fraction(0)
        if zero.denominator > 0:
            weight = one.denominator / total_after.denominator - zero.denominator / total_before.denominator
            mix = weight * (zero.numerator / zero.denominator - rate_before)
        effects[group] = (effect - mix, mix)
    return effects


def split(
    metric: Metric, currency: str | None, dimensions: Sequence[str], lines: Sequence[Line], scale: int = 1
) -> Why:
    """The Why of one currency from its units; numerators are divided by ``scale`` (seconds to the KPI's unit)."""
    totals = [_sum(lines, (place for place, line in enumerate(lines) if line.period == p), scale) for p in (0, 1)]
    values = [total.numerator / total.denominator if total.denominator > 0 else None for total in totals]
    before, after = values
    if before is None or after is None:
        which = "earlier" if before is None else "later"
        return Why(metric, currency, before, after, (), f"the {which} period has no positive denominator")
    groups = _groups(dimensions, lines)
    trial = _Trial(lines, groups, [float(total.denominator) for total in totals], float(before), scale)
    outcomes = {dimensions.index(name) for name in metric.outcomes if name in dimensions}
    causes = trial.causes(abs(float(after - before) * float(SHARE)), outcomes)
    ranked: list[tuple[Fraction, Fraction, list[Effect]]] = []
    for dimension, name in enumerate(dimensions):
        own = [group for group in groups if group.dimension == dimension]
        sums = {
            group.name: [_sum(lines, (i for i in group.lines if lines[i].period == p), scale) for p in (0, 1)]
            for group in own
        }
        parts = decompose({key: each[0] for key, each in sums.items()}, {key: each[1] for key, each in sums.items()})
        effects = []
        for group in own:
            rate, mix = parts[group.name]
            is_cause = any(cause is group for cause in causes)
            rates = [each.numerator / each.denominator if each.denominator > 0 else None for each in sums[group.name]]
            counts = [sum(lines[i].records for i in group.lines if lines[i].period == p) for p in (0, 1)]
            effects.append(
                Effect(
                    dimension=name,
                    group=group.name,
                    rate_effect=rate,
                    mix_effect=mix,
                    effect=rate + mix,
                    noise=trial.noise(group),
                    cause=is_cause,
                    records=counts[1],
                    records_before=counts[0],
                    rate=rates[1],
                    rate_before=rates[0],
                    at=_rooftop(dimensions, lines, group, before, totals, scale) if is_cause else None,
                )
            )
        effects.sort(key=lambda each: (not each.cause, -abs(each.effect), each.group))
        largest = max((abs(each.effect) for each in effects if each.cause), default=Fraction(0))
        spread = max((abs(each.effect) for each in effects), default=Fraction(0)) if len(effects) > 1 else Fraction(0)
        ranked.append((largest, spread, effects))
    ranked.sort(key=lambda entry: (-entry[0], -entry[1]))
    return Why(metric, currency, before, after, tuple(effect for *_, effects in ranked for effect in effects))


def _groups(dimensions: Sequence[str], lines: Sequence[Line]) -> list[_Group]:
    found: dict[tuple[int, str], _Group] = {}
    for place, line in enumerate(lines):
        for dimension in range(len(dimensions)):
            key = (dimension, line.groups[dimension])
            if key not in found:
                found[key] = _Group(*key)
            found[key].lines.append(place)
    return [found[key] for key in sorted(found)]


def _rooftop(
    dimensions: Sequence[str],
    lines: Sequence[Line],
    group: _Group,
    rate_before: Fraction,
    totals: Sequence[Sums],
    scale: int,
) -> str | None:
    """The rooftop with most of the group's effect, where the group has records at several (ids repeat there)."""
    if "rooftop" not in dimensions:
        return None
    place = dimensions.index("rooftop")
    parts: dict[str, Fraction] = defaultdict(Fraction)
    for line in (lines[i] for i in group.lines):
        moved = Fraction(line.top) / scale - rate_before * Fraction(line.bottom)
        parts[line.groups[place]] += moved / totals[line.period].denominator * (1 if line.period else -1)
    whole = sum(parts.values(), Fraction(0))
    return next((name for name, part in parts.items() if len(parts) > 1 and part / whole >= NESTED), None)


class _Trial:
    """Which groups stand out of the noise of their units.

    Every group of every dimension is a suspect but one that holds everything. The clearest is named; its units are
    then left out of the others, so that a group that only moved because the named one is in it is not named too.
    """

    def __init__(
        self, lines: Sequence[Line], groups: Sequence[_Group], totals: Sequence[float], rate_before: float, scale: int
    ) -> None:
        self.lines, self.groups, self.totals, self.rate = lines, groups, totals, rate_before
        self.tops = [float(line.top) / scale for line in lines]
        self.bottoms = [float(line.bottom) for line in lines]
        self.squares = [0.0, 0.0]
        for place, line in enumerate(lines):
            self.squares[line.period] += self.bottoms[place] ** 2
        self.usual = self._usual()

    def causes(self, least: float, outcomes: set[int]) -> list[_Group]:
        """The groups named, the clearest first: effects above noise and at least ``least``."""
        suspects = [group for group in self.groups if group.dimension not in outcomes and self._says_something(group)]
        asked = len({tuple(group.lines) for group in suspects})
        beyond = max(NOISE, NormalDist().inv_cdf(1 - FALSE_ALARMS / 2 / asked)) if asked else NOISE
        named: list[_Group] = []
        without: set[int] = set()
        while True:
            left = []
            for group in suspects:
                rest = [i for i in group.lines if i not in without] if without else group.lines
                clear = self._clear(group.dimension, rest, beyond, least)
                if clear:
                    left.append((clear, len(rest), group))
            if not left:
                return named
            _, _, first = max(left, key=lambda entry: (entry[0], -entry[1], entry[2].name))
            chosen = self._smallest(first, [group for _, _, group in left])
            named.append(chosen)
            without.update(chosen.lines)
            # The same records under another name (one salesperson is one rooftop) are one cause.
            suspects = [group for group in suspects if group is not chosen]

    def noise(self, group: _Group) -> float:
        return self._standing(group.dimension, group.lines)[1]

    def _says_something(self, group: _Group) -> bool:
        """False for a group that holds everything: it has the whole change and explains none of it."""
        return len(group.lines) < len(self.lines)

    def _smallest(self, group: _Group, clear: Sequence[_Group]) -> _Group:
        """The smallest clear group inside ``group`` that has at least four fifths of its effect."""
        whole = self._standing(group.dimension, group.lines)[0]
        inside = set(group.lines)
        best = group
        for other in clear:
            if len(other.lines) < len(best.lines) and inside.issuperset(other.lines):
                part = self._standing(other.dimension, other.lines)[0]
                if part * whole > 0 and abs(part) >= float(NESTED) * abs(whole):
                    best = other
        return best

    def _clear(self, dimension: int, places: Sequence[int], beyond: float, least: float) -> float:
        """How many standard errors the effect of these lines is, 0.0 where that is not enough to name them."""
        effect, noise, single = self._standing(dimension, places)
        if effect == 0 or abs(effect) < least or noise == 0:
            return 0.0
        clear = abs(effect) / noise
        # One record is an event, not a habit: without the largest the group must still stand out.
        return clear if clear > beyond and (abs(effect) - single) / noise > NOISE else 0.0

    def _standing(self, dimension: int, places: Sequence[int]) -> tuple[float, float, float]:
        """Effect, its standard error, and the largest part of the effect that is one unit's."""
        cells = self._cells(places)
        effect = 0.0
        parts: dict[str, float] = defaultdict(float)
        for place in places:
            period = self.lines[place].period
            moved = (self.tops[place] - self.rate * self.bottoms[place]) / self.totals[period]
            parts[self.lines[place].unit] += moved if period else -moved
        effect = math.fsum(parts.values())
        single = max((part if effect > 0 else -part for part in parts.values()), default=0.0)
        habit = self._habit(cells)
        weight = sum(cell.bottom for cell in cells) / sum(self.totals)
        inside = sum(cell.squares for cell in cells)
        outside = sum(self.squares) - inside
        variance = 0.0
        for period, cell in enumerate(cells):
            total = self.totals[period]
            # How many records of which size a group gets is chance too: it moves the KPI by what is usual there.
            drawn = ((1 - weight) ** 2 * inside + weight**2 * max(outside, 0.0)) * total / sum(self.totals)
            own = cell.residuals * cell.units / (cell.units - 1) if cell.units > 1 else 0.0
            variance += (max(own, self.usual[dimension] * cell.squares) + habit**2 * drawn) / total**2
        return effect, math.sqrt(variance), max(single, 0.0)

    def _habit(self, cells: Sequence[_Cell]) -> float:
        """How far the group usually lies from the KPI: as before, or as now where it is new."""
        for cell in cells:
            if cell.bottom > 0:
                return cell.top / cell.bottom - self.rate
        return 0.0

    def _usual(self) -> list[float]:
        """Per dimension the spread of one unit around the rate of its group and period, per squared denominator."""
        found = []
        for dimension in range(len(self.lines[0].groups) if self.lines else 0):
            residuals = squares = 0.0
            for group in self.groups:
                if group.dimension == dimension:
                    for cell in self._cells(group.lines):
                        residuals += cell.residuals
                        squares += cell.squares * (cell.units - 1) / cell.units if cell.units else 0.0
            found.append(residuals / squares if squares else 0.0)
        return found

    def _cells(self, places: Sequence[int]) -> tuple[_Cell, _Cell]:
        """What the noise needs of the lines in either period; lines of one unit count as one."""
        units: tuple[dict[str, list[float]], ...] = ({}, {})
        for place in places:
            line = self.lines[place]
            so_far = units[line.period].setdefault(line.unit, [0.0, 0.0])
            so_far[0] += self.tops[place]
            so_far[1] += self.bottoms[place]
        first, second = (_cell(each) for each in units)
        return first, second


@dataclass(frozen=True)
class _Cell:
    """A group in one period: its sums, its units, their residuals N - r*D and denominators squared and summed."""

    top: float
    bottom: float
    units: int
    residuals: float
    squares: float


def _cell(units: Mapping[str, Sequence[float]]) -> _Cell:
    top = math.fsum(each[0] for each in units.values())
    bottom = math.fsum(each[1] for each in units.values())
    rate = top / bottom if bottom > 0 else 0.0
    return _Cell(
        top,
        bottom,
        len(units),
        math.fsum((each[0] - rate * each[1]) ** 2 for each in units.values()),
        math.fsum(each[1] ** 2 for each in units.values()),
    )


def _total(groups: Mapping[str, Sums]) -> Sums:
    return Sums(
        sum((each.numerator for each in groups.values()), Fraction(0)),
        sum((each.denominator for each in groups.values()), Fraction(0)),
    )


def _sum(lines: Sequence[Line], places: Iterator[int], scale: int) -> Sums:
    top, bottom = Fraction(0), Fraction(0)
    for place in places:
        top += Fraction(lines[place].top)
        bottom += Fraction(lines[place].bottom)
    return Sums(top / scale, bottom)


def _exact(value: Any) -> Decimal | int:
    return value if isinstance(value, int | Decimal) else Decimal(str(value))
