"""Why a KPI moved: its change split exactly over the groups of each dimension (METRICS.md section 8).

For R = N/D over the groups g of one dimension, from period 0 to period 1:

    effect(g)      = (N1g - R0*D1g)/D1 - (N0g - R0*D0g)/D0
    mix_effect(g)  = (w1 - w0) * (r0 - R0) where D0g > 0, else 0        w = D_g/D, r = N_g/D_g
    rate_effect(g) = effect - mix_effect

The effects of a dimension add up to R1 - R0 exactly, also with new, vanished, zero and negative groups. Durations use
the mean. All arithmetic is exact; only what is shown is rounded. Which groups are causes says ``causes.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from forecourt.causes import NESTED, Line, Trial
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.metrics import Metric, Period
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
        return max(parts, key=lambda effect: abs(effect.effect) / effect.noise, default=None)

    @property
    def causes(self) -> list[Effect]:
        """The named causes, the largest first."""
        return sorted((effect for effect in self.effects if effect.cause), key=lambda effect: -abs(effect.effect))


@dataclass(frozen=True)
class Counted:
    """A record of one period (0 before, 1 after), or the part of it that lies in these groups, one per dimension."""

    period: int
    record: str
    groups: tuple[str, ...]
    numerator: Decimal | int
    denominator: Decimal | int


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
) -> list[Why]:
    """Splits the change of a ratio or duration from ``versus`` to ``period``: one Why per currency.

    Raises Problem for a KPI without a denominator (a sum has no rate to explain).
    """
    if not is_explained(metric):
        raise Problem(f"{metric.name} is a sum, not a ratio or a duration: compare it with `forecourt kpi --by`.")
    chosen = list(dimensions or metric.dimensions)
    counted: dict[str | None, list[Counted]] = defaultdict(list)
    for number, days in enumerate((versus, period)):
        for row in warehouse.rows(grouped_record_statement(metric, days, chosen, rooftops=rooftops)):
            groups = tuple(row[f"g{place}"] for place in range(len(chosen)))
            parts = _exact(row["numerator"]), _exact(row["denominator"])
            counted[row["currency"]].append(Counted(number, row["record"], groups, *parts))
    return [split(metric, currency, chosen, counted[currency]) for currency in sorted(counted, key=str)]


def cohort_before(period: Period) -> Period:
    """The cohort that ends the day before ``period`` begins and has as many days, as known on the same day."""
    last = period.first - timedelta(days=1)
    return Period(last - (period.last - period.first), last, period.as_of)


def decompose(before: Mapping[str, Sums], after: Mapping[str, Sums]) -> dict[str, tuple[Fraction, Fraction]]:
    """(rate_effect, mix_effect) of every group; their sum over all groups is R1 - R0 exactly.

    Both totals of the denominator must be positive.
    """
    total_before, total_after = _total(before.values()), _total(after.values())
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


def split(metric: Metric, currency: str | None, dimensions: Sequence[str], counted: Sequence[Counted]) -> Why:
    """The Why of one currency from its records. A duration's numerators are seconds."""
    scale = metric.seconds or 1 if metric.kind == "duration" else 1
    totals = [_sums([each for each in counted if each.period == p], scale) for p in (0, 1)]
    before, after = totals[0].rate, totals[1].rate
    if before is None or after is None:
        which = "earlier" if before is None else "later"
        return Why(metric, currency, before, after, (), f"the {which} period has no positive denominator")
    trial = Trial(
        [
            Line(each.period, each.record, each.groups, float(each.numerator) / scale, float(each.denominator))
            for each in counted
        ]
    )
    named = {
        (group.dimension, group.name)
        for group in trial.causes(SHARE, [dimensions.index(name) for name in metric.outcomes if name in dimensions])
    }
    sums: dict[tuple[int, str], list[Sums]] = {
        (group.dimension, group.name): [
            _sums([counted[i] for i in group.lines if counted[i].period == p], scale) for p in (0, 1)
        ]
        for group in trial.groups
    }
    ranked: list[list[Effect]] = []
    for place, dimension in enumerate(dimensions):
        own = [group for group in trial.groups if group.dimension == place]
        parts = decompose(*({group.name: sums[place, group.name][p] for group in own} for p in (0, 1)))
        effects = []
        for group in own:
            rate, mix = parts[group.name]
            cause = (place, group.name) in named
            effects.append(
                Effect(
                    dimension=dimension,
                    group=group.name,
                    rate_effect=rate,
                    mix_effect=mix,
                    effect=rate + mix,
                    before=sums[place, group.name][0],
                    after=sums[place, group.name][1],
                    noise=trial.standing(group).noise,
                    cause=cause,
                    at=_rooftop(dimensions, [trial.lines[i] for i in group.lines], trial) if cause else None,
                )
            )
        effects.sort(key=lambda each: (not each.cause, -abs(each.effect), each.group))
        ranked.append(effects)
    ranked.sort(key=_rank)
    return Why(metric, currency, before, after, tuple(effect for effects in ranked for effect in effects))


def _rank(effects: Sequence[Effect]) -> tuple[Fraction, bool]:
    """Dimensions by their largest cause; those that split nothing last."""
    return (-max((abs(each.effect) for each in effects if each.cause), default=Fraction(0)), len(effects) < 2)


def _rooftop(dimensions: Sequence[str], lines: Sequence[Line], trial: Trial) -> str | None:
    """The rooftop with most of a group's effect, where the name is known at several (numbers repeat there)."""
    if "rooftop" not in dimensions:
        return None
    parts: dict[str, float] = defaultdict(float)
    for line in lines:
        moved = (line.top - trial.rate * line.bottom) / trial.totals[line.period]
        parts[line.groups[dimensions.index("rooftop")]] += moved if line.period else -moved
    whole = sum(parts.values())
    return next((name for name, part in parts.items() if len(parts) > 1 and part / whole >= NESTED), None)


def _total(sums: Iterable[Sums]) -> Sums:
    numerator = denominator = Fraction(0)
    for each in sums:
        numerator, denominator = numerator + each.numerator, denominator + each.denominator
    return Sums(numerator, denominator)


def _sums(counted: Sequence[Counted], scale: int) -> Sums:
    with localcontext() as exactly:
        exactly.prec = 60  # decimals add up without rounding, and a hundred times faster than fractions
        numerator, denominator = sum(each.numerator for each in counted), sum(each.denominator for each in counted)
    return Sums(Fraction(numerator) / scale, Fraction(denominator), len({each.record for each in counted}))


def _exact(value: Any) -> Decimal | int:
    return value if isinstance(value, int | Decimal) else Decimal(str(value))
