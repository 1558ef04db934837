"""Why a KPI moved: its change split exactly over the groups of each dimension (METRICS.md section 8).

For R = N/D over the groups g of one dimension, from period 0 to period 1:

    effect(g)      = (N1g - R0*D1g)/D1 - (N0g - R0*D0g)/D0
    mix_effect(g)  = (w1 - w0) * (r0 - R0) where D0g > 0, else 0        w = D_g/D, r = N_g/D_g
    rate_effect(g) = effect - mix_effect

The effects of a dimension add up to R1 - R0 exactly, also with new, vanished, zero and negative groups. Durations use
the mean. All arithmetic is exact; only what is shown is rounded. Which groups are causes says ``causes.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from forecourt.causes import NESTED, Codes, Group, Lines, Trial
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.metrics import Metric, Period
from forecourt.records import Amounts, Named, Records
from forecourt.statements import grouped_record_statement

#: A cause makes at least this share of the move.
SHARE = 0.1


@dataclass(frozen=True)
class Sums:
    """Numerator, denominator and number of records of one group in one period."""

    numerator: Fraction = Fraction(0)
    denominator: Fraction = Fraction(0)
    records: int = 0

    @property
    def rate(self) -> Fraction | None:
        """None where the denominator is not positive."""
        return self.numerator / self.denominator if self.denominator > 0 else None


@dataclass(frozen=True)
class Effect:
    """What one group of one dimension contributed to the change, in the KPI's own unit.

    ``before`` and ``after`` are the group's own sums; ``noise`` is the standard error of the effect; ``cause`` is
    true when the group is named as a cause. ``at`` names the rooftop that carries a cause whose name is known at
    several.
    """

    dimension: str
    group: str
    rate_effect: Fraction
    mix_effect: Fraction
    effect: Fraction
    before: Sums
    after: Sums
    noise: float
    cause: bool
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
    def nearest(self) -> Effect | None:
        """Of the groups that are no cause the one furthest out of chance in the direction of the change."""
        change = self.change
        if not change:
            return None
        parts = (
            effect
            for effect in self.effects
            if effect.noise > 0
            and effect.effect * change > 0
            and effect.effect != change
            and effect.dimension not in self.metric.outcomes
        )
        # Rounded, so that of two that are as far the same is named, however their noise was added up.
        return max(
            parts,
            key=lambda effect: (round(abs(effect.effect) / effect.noise, 9), effect.dimension, effect.group),
            default=None,
        )

    @property
    def causes(self) -> list[Effect]:
        """The named causes, the largest first."""
        return sorted((effect for effect in self.effects if effect.cause), key=lambda effect: -abs(effect.effect))


#: The counted records of a period by dimensions and currency; None where they must be asked of the marts.
Told = Callable[[Period, Sequence[str]], dict[str | None, Records] | None]


def is_explained(metric: Metric) -> bool:
    """Whether a KPI has a rate to explain: a plain sum has none."""
    return metric.denominator is not None or metric.kind in ("duration", "cohort")


def explain(
    warehouse: Warehouse,
    metric: Metric,
    period: Period,
    versus: Period,
    *,
    rooftops: Sequence[str] | None = None,
    dimensions: Sequence[str] | None = None,
    parts: Told | None = None,
    is_brief: bool = False,
) -> list[Why]:
    """Splits the change of a ratio or duration from ``versus`` to ``period``: one Why per currency.

    ``parts`` tells the counted records without a statement where it can; ``is_brief``: of the effects only the causes
    are told or, where there are none, the nearest to be one. Raises Problem for a KPI without a denominator (a sum has
    no rate to explain).
    """
    if not is_explained(metric):
        raise Problem(f"{metric.name} is a sum, not a ratio or a duration: compare it with `forecourt kpi --by`.")
    chosen = list(dimensions or metric.dimensions)
    both = (versus, period)
    told = [parts(days, chosen) for days in both] if parts else []
    # Of both periods or of none: parts number their records, a statement names them.
    found = [each for each in told if each is not None]
    if len(found) < len(both):
        found = [_asked(warehouse, metric, days, chosen, rooftops) for days in both]
    none = Records.none(len(chosen))
    return [
        split(metric, currency, chosen, *(each.get(currency, none) for each in found), is_brief=is_brief)
        for currency in sorted({currency for each in found for currency in each}, key=str)
    ]


def _asked(
    warehouse: Warehouse, metric: Metric, days: Period, dimensions: Sequence[str], rooftops: Sequence[str] | None
) -> dict[str | None, Records]:
    """The counted records of a period, by currency."""
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in warehouse.rows(grouped_record_statement(metric, days, dimensions, rooftops=rooftops)):
        found.setdefault(row["currency"], []).append(row)
    return {
        currency: Records(
            Named.of([row["record"] for row in rows]),
            Amounts.of(_exact(row["numerator"]) for row in rows),
            Amounts.of(_exact(row["denominator"]) for row in rows),
            tuple(Named.of([row[f"g{place}"] for row in rows]) for place in range(len(dimensions))),
        )
        for currency, rows in found.items()
    }


def rate_and_mix(own: tuple[Sums, Sums], totals: tuple[Sums, Sums]) -> tuple[Fraction, Fraction]:
    """(rate_effect, mix_effect) of a group, whose sums before and after are given with those of all groups.

    Their sum over all groups is R1 - R0 exactly. Both totals of the denominator must be positive.
    """
    (zero, one), (before, after) = own, totals
    rate = before.numerator / before.denominator
    effect = (one.numerator - rate * one.denominator) / after.denominator - (
        zero.numerator - rate * zero.denominator
    ) / before.denominator
    mix = Fraction(0)
    if zero.denominator > 0:
        weight = one.denominator / after.denominator - zero.denominator / before.denominator
        mix = weight * (zero.numerator / zero.denominator - rate)
    return effect - mix, mix


def split(
    metric: Metric,
    currency: str | None,
    dimensions: Sequence[str],
    before: Records,
    after: Records,
    *,
    is_brief: bool = False,
) -> Why:
    """The Why of one currency from the records of both periods; ``is_brief`` as in ``explain``."""
    both = _Both(metric, before, after)
    totals = both.sums(np.arange(len(both.period)))
    if totals[0].rate is None or totals[1].rate is None:
        which = "earlier" if totals[0].rate is None else "later"
        reason = f"the {which} period has no positive denominator"
        return Why(metric, currency, totals[0].rate, totals[1].rate, (), reason)
    trial = Trial(both.lines())
    outcomes = [dimensions.index(name) for name in metric.outcomes if name in dimensions]
    named = set(trial.causes(SHARE, outcomes))

    def told(place: int) -> Effect:
        group = trial.groups[place]
        own = both.sums(group.lines)
        rate, mix = rate_and_mix(own, totals)
        return Effect(
            dimension=dimensions[group.dimension],
            group=group.name,
            rate_effect=rate,
            mix_effect=mix,
            effect=rate + mix,
            before=own[0],
            after=own[1],
            noise=float(trial.standings.noise[place]),
            cause=place in named,
            at=_rooftop(dimensions, group, trial) if place in named else None,
        )

    every = (named or _nearest(trial, outcomes)) if is_brief else range(len(trial.groups))
    ranked: list[list[Effect]] = [[] for _ in dimensions]
    for place in every:
        ranked[trial.groups[place].dimension].append(told(place))
    for effects in ranked:
        effects.sort(key=lambda each: (not each.cause, -abs(each.effect), each.group))
    ranked.sort(key=_rank)
    effects_of_all = tuple(effect for effects in ranked for effect in effects)
    return Why(metric, currency, totals[0].rate, totals[1].rate, effects_of_all)


class _Both:
    """The records of two periods as one; a duration's in the KPI's unit."""

    def __init__(self, metric: Metric, before: Records, after: Records) -> None:
        self.scale = metric.seconds or 1 if metric.kind == "duration" else 1
        self.records = before.joined(after)
        sizes = len(before.record.codes), len(after.record.codes)
        self.period = np.repeat(np.arange(2), sizes)

    def lines(self) -> Lines:
        records = self.records
        return Lines(
            self.period,
            records.record.codes,
            tuple(group.codes for group in records.groups),
            tuple(group.names for group in records.groups),
            records.numerator.floats() / self.scale,
            records.denominator.floats(),
        )

    def sums(self, rows: Codes) -> tuple[Sums, Sums]:
        """The exact sums of some lines before and after."""
        periods = self.period[rows]
        before, after = (self._sums(rows[periods == period]) for period in (0, 1))
        return before, after

    def _sums(self, rows: Codes) -> Sums:
        records = self.records
        return Sums(
            records.numerator.fraction(rows) / self.scale,
            records.denominator.fraction(rows),
            len(np.unique(records.record.codes[rows])),
        )


def _nearest(trial: Trial, outcomes: Sequence[int]) -> list[int]:
    """The groups furthest out of chance in the direction of the change: all that are as far."""
    effect, noise = trial.standings.effect, trial.standings.noise
    may_be = np.array([group.dimension not in outcomes for group in trial.groups], bool)
    may_be &= (effect * trial.move > 0) & (noise > 0) & (np.abs(effect - trial.move) > 1e-9 * abs(trial.move))
    far = np.divide(np.abs(effect), noise, out=np.zeros(len(effect)), where=may_be)
    return [int(place) for place in np.flatnonzero(may_be & (far > (1 - 1e-9) * far.max(initial=0.0)))]


def _rank(effects: Sequence[Effect]) -> tuple[Fraction, bool]:
    """Dimensions by their largest cause; those that split nothing last."""
    return (-max((abs(each.effect) for each in effects if each.cause), default=Fraction(0)), len(effects) < 2)


def _rooftop(dimensions: Sequence[str], group: Group, trial: Trial) -> str | None:
    """The rooftop with most of a group's effect, where the name is known at several (numbers repeat there)."""
    if "rooftop" not in dimensions:
        return None
    place = dimensions.index("rooftop")
    codes = trial.lines.groups[place][group.lines]
    parts = np.bincount(codes, trial.moved[group.lines])
    whole = float(parts.sum())
    there = np.unique(codes)
    names = trial.lines.names[place]
    return next((names[code] for code in there if len(there) > 1 and parts[code] / whole >= NESTED), None)


def _exact(value: Any) -> Decimal | int:
    return value if isinstance(value, int | Decimal) else Decimal(str(value))
