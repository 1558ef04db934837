"""Why a KPI moved: its change split exactly over the groups of each dimension (METRICS.md section 8).

For R = N/D over the groups g of one dimension, from period 0 to period 1:

    effect(g)      = (N1g - R0*D1g)/D1 - (N0g - R0*D0g)/D0
    mix_effect(g)  = (w1 - w0) * (r0 - R0) where D0g > 0, else 0        w = D_g/D, r = N_g/D_g
    rate_effect(g) = effect - mix_effect

The effects of a dimension add up to R1 - R0 exactly, also with new, vanished, zero and negative groups. Durations use
the mean. All arithmetic is in fractions; only what is shown is rounded.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.metrics import Metric, Period
from forecourt.statements import record_statement

#: A group is a cause when its effect is more than this many standard errors ...
NOISE = 3
#: ... and at least this share of the move.
SHARE = Fraction(1, 10)


@dataclass(frozen=True)
class Sums:
    """Numerator and denominator of one group in one period, and the spread of its records."""

    numerator: Fraction = Fraction(0)
    denominator: Fraction = Fraction(0)
    residual_squares: float = 0.0


@dataclass(frozen=True)
class Effect:
    """What one group of one dimension contributed to the change, in the KPI's own unit.

    ``noise`` is the standard error of the effect; ``cause`` is true when it stands out of it and matters.
    """

    dimension: str
    group: str
    rate_effect: Fraction
    mix_effect: Fraction
    effect: Fraction
    noise: float
    cause: bool


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
        return [effect for effect in self.effects if effect.cause]


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
    if metric.denominator is None and metric.kind != "duration":
        raise Problem(f"{metric.name} is a sum, not a ratio or a duration: compare it with `forecourt kpi --by`.")
    scale = Fraction(metric.seconds or 1) if metric.kind == "duration" else Fraction(1)
    chosen = list(dimensions or metric.dimensions)
    found: dict[str | None, dict[str, tuple[Mapping[str, Sums], Mapping[str, Sums]]]] = defaultdict(dict)
    for dimension in chosen:
        before = _sums(warehouse, metric, versus, dimension, rooftops, scale)
        after = _sums(warehouse, metric, period, dimension, rooftops, scale)
        for currency in before.keys() | after.keys():
            found[currency][dimension] = (before.get(currency, {}), after.get(currency, {}))
    return [_why(metric, currency, found[currency]) for currency in sorted(found, key=str)]


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


def _why(
    metric: Metric, currency: str | None, found: Mapping[str, tuple[Mapping[str, Sums], Mapping[str, Sums]]]
) -> Why:
    before, after = next(iter(found.values()))
    total_before, total_after = _total(before), _total(after)
    if total_before.denominator <= 0 or total_after.denominator <= 0:
        which = "earlier" if total_before.denominator <= 0 else "later"
        value = [
            total.numerator / total.denominator if total.denominator > 0 else None
            for total in (total_before, total_after)
        ]
        return Why(metric, currency, value[0], value[1], (), f"the {which} period has no positive denominator")
    first = total_before.numerator / total_before.denominator
    last = total_after.numerator / total_after.denominator
    ranked: list[tuple[Fraction, list[Effect]]] = []
    for dimension, (zero, one) in found.items():
        effects = []
        for group, (rate, mix) in decompose(zero, one).items():
            effect = rate + mix
            noise = math.sqrt(
                zero.get(group, Sums()).residual_squares / float(total_before.denominator) ** 2
                + one.get(group, Sums()).residual_squares / float(total_after.denominator) ** 2
            )
            cause = abs(float(effect)) > NOISE * noise and abs(effect) >= SHARE * abs(last - first) and effect != 0
            effects.append(Effect(dimension, group, rate, mix, effect, noise, cause))
        effects.sort(key=lambda each: (not each.cause, -abs(each.effect), each.group))
        largest = max((abs(each.effect) for each in effects if each.cause), default=Fraction(0))
        ranked.append((largest, effects))
    ranked.sort(key=lambda entry: -entry[0])
    return Why(metric, currency, first, last, tuple(effect for _, effects in ranked for effect in effects))


def _total(groups: Mapping[str, Sums]) -> Sums:
    return Sums(
        sum((each.numerator for each in groups.values()), Fraction(0)),
        sum((each.denominator for each in groups.values()), Fraction(0)),
    )


def _sums(
    warehouse: Warehouse,
    metric: Metric,
    period: Period,
    dimension: str,
    rooftops: Sequence[str] | None,
    scale: Fraction,
) -> dict[str | None, dict[str, Sums]]:
    """Currency -> group -> sums over the group's records in a period."""
    rows = warehouse.rows(record_statement(metric, period, by=dimension, rooftops=rooftops))
    by_currency: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_currency[row["currency"]].append(row)
    return {currency: _grouped(records, scale) for currency, records in by_currency.items()}


def _grouped(records: Iterable[dict[str, Any]], scale: Fraction) -> dict[str, Sums]:
    pairs = [(row["grp"], _exact(row["numerator"]) / scale, _exact(row["denominator"])) for row in records]
    numerator = sum((top for _, top, _ in pairs), Fraction(0))
    denominator = sum((bottom for _, _, bottom in pairs), Fraction(0))
    rate = numerator / denominator if denominator else Fraction(0)
    sums: dict[str, Sums] = {}
    for group, top, bottom in pairs:
        so_far = sums.get(group, Sums())
        residual = float(top - rate * bottom)
        sums[group] = Sums(
            so_far.numerator + top,
            so_far.denominator + bottom,
            so_far.residual_squares + residual * residual,
        )
    return sums


def _exact(value: Any) -> Fraction:
    return Fraction(value if isinstance(value, int | Decimal) else str(value))
