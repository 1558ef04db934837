"""Why a KPI moved, for people: the sentence under a card, and the chart and tables of a KPI's page.

The split itself is the kernel's (``forecourt.why``); here it is only said and drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import streamlit as st

from dashboards import naming, tables, words
from dashboards.shell import Page
from forecourt.metrics import Metric, Period
from forecourt.why import Effect, Why

#: Groups that the chart shows one by one; the rest is one bar.
STEPS = 7


def asked(page: Page, metric: Metric) -> tuple[Period, Period] | None:
    """The two periods that a KPI is explained between; None where the reader compares with nothing."""
    if page.filters.before is None:
        return None
    reader = page.reader
    return (
        reader.headline_period(metric.name, page.filters.period),
        reader.headline_period(metric.name, page.filters.before),
    )


def found(page: Page, metric: Metric) -> list[Why]:
    """The answers of the kernel, one per currency."""
    periods = asked(page, metric)
    return page.reader.why(metric.name, *periods, rooftops=page.filters.rooftops) if periods else []


def sentence(page: Page, metric: Metric) -> str | None:
    """One sentence of why, for each currency that moved; None where nothing is compared or nothing moved."""
    periods = asked(page, metric)
    known = page.reader.causes(metric.name, *periods, rooftops=page.filters.rooftops) if periods else []
    answers = [each for each in known if each.change is not None and moved(metric, each.change)]
    parts = {each.currency: _cause(page, metric, each) for each in answers}
    if len(set(parts.values())) == 1:
        return next(iter(parts.values()))
    return " · ".join(f"{words.plain(currency or '')}: {said}" for currency, said in parts.items()) or None


def moved(metric: Metric, change: Fraction) -> bool:
    """Whether a change shows at the KPI's decimals."""
    return words.is_visible(metric, _decimal(change))


def _cause(page: Page, metric: Metric, why: Why) -> str:
    """The largest cause: who, how much of the change, by its own figures or by its weight, from how many records."""
    if not why.causes:
        near = why.nearest
        if near is None:
            return "no single group stands out"
        said = f"{words.plain(_name(page, why, near))} ({naming.dimension(near.dimension).lower()})"
        return f"no single group stands out of chance; nearest {said} {_signed(page, metric, why, near.effect)}"
    largest = why.causes[0]
    own = abs(largest.rate_effect) >= abs(largest.mix_effect)
    how = "by own figures" if own else "by another share of the whole"
    what = f"{naming.dimension(largest.dimension).lower()}{_where(page, largest)}"
    count = words.counted(largest.after.records, words.things(metric), page.locale)
    effect = _signed(page, metric, why, largest.effect)
    return f"**{words.plain(_name(page, why, largest))}** ({what}) {effect}, {how}; {count}"


def _where(page: Page, effect: Effect) -> str:
    """The rooftop that carries a cause whose code is known at several."""
    return f" at {words.plain(page.reader.rooftops().get(effect.at, effect.at))}" if effect.at else ""


def draw(page: Page, metric: Metric) -> None:
    """The section *Why* of a page: the sentence, a chart of one dimension, a table of it; causes are marked."""
    answers = found(page, metric)
    if not answers:
        return
    st.subheader("Why it moved", anchor=False)
    for why in answers:
        if len(answers) > 1 and why.currency:
            st.markdown(f"**{words.plain(why.currency)}**")
        _one(page, metric, why)


def _one(page: Page, metric: Metric, why: Why) -> None:
    if why.change is None:
        st.caption(f"Nothing to explain: {why.reason}.")
        return
    dimensions = list(dict.fromkeys(effect.dimension for effect in why.effects))
    mean = " of the mean" if metric.kind == "duration" else ""
    change = _signed(page, metric, why, why.change)
    if not moved(metric, why.change):
        st.markdown(f"It did not move{' (the mean)' if mean else ''}, {page.filters.versus} to now.")
    elif why.causes:
        st.markdown(f"Of {change}{mean}: {_cause(page, metric, why)}.".replace("$", "\\$"))
    else:
        st.markdown(f"No single group stands out in {change}{mean}: the parts differ as chance has it.")
    chosen = st.segmented_control(
        "Told by",
        dimensions,
        default=dimensions[0],
        required=True,
        format_func=lambda name: naming.dimension(name) + (" •" if _has_cause(why, name) else ""),
        key=f"why_{why.currency or 'all'}",
        bind="query-params",
        label_visibility="collapsed",
    )
    effects = [effect for effect in why.effects if effect.dimension == (chosen or dimensions[0])]
    from dashboards import waterfall  # the sentences of the overview need no tools of charts

    drawn, table = st.tabs(["Chart", "Table"])
    steps = _steps(page, metric, why, effects)
    alt = f"{metric.label}: " + "; ".join(f"{step['name']} {step['text']}" for step in steps)
    notes = []
    if len(steps) > 1:
        drawn.altair_chart(waterfall.waterfall(steps, page.palette), alt=alt)
    else:
        notes.append("No group moved it by as much as is shown here; the table has all.")
    if any(effect.cause for effect in effects):
        notes.append("● is a cause: it stands out of chance and makes a tenth of the change or more.")
    if metric.kind == "duration":
        notes.append("Means are explained here, the median stands above.")
    if notes:
        drawn.caption(" ".join(notes))
    table.dataframe(
        tables.numbers(
            _frame(page, metric, why, effects),
            dict.fromkeys(("effect", "rate", "mix", "noise"), 2) | {"records": 0},
            page.locale,
            signed=("effect", "rate", "mix"),
        ),
        hide_index=True,
        column_config=_config(metric, effects),
        alt=alt,
    )


def _has_cause(why: Why, dimension: str) -> bool:
    return any(effect.cause and effect.dimension == dimension for effect in why.effects)


def _steps(page: Page, metric: Metric, why: Why, effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """The bars of the chart: the largest effects one after the other, the rest together, then the whole change."""
    change = why.change or Fraction(0)
    visible = [each for each in effects if moved(metric, each.effect)]
    largest = sorted(visible, key=lambda each: -abs(each.effect))[:STEPS]
    rest = sum((each.effect for each in effects if each not in largest), Fraction(0))
    parts: list[tuple[str, Fraction, Effect | None]] = [
        (f"{_name(page, why, each)}{' ●' if each.cause else ''}", each.effect, each) for each in largest
    ]
    if moved(metric, rest):
        parts.append(("all others", rest, None))
    steps, at = [], Fraction(0)
    for name, effect, group in parts:
        steps.append(
            {
                "name": name,
                "start": _scaled(metric, at),
                "end": _scaled(metric, at + effect),
                "text": _signed(page, metric, why, effect),
                "tone": "better" if words.is_good(metric, _decimal(effect)) else "worse",
                "detail": "" if group is None else _detail(page, metric, why, group),
            }
        )
        at += effect
    values = [
        words.value_text(metric, str(_decimal(value or Fraction(0))), why.currency, page.locale)
        for value in (why.before, why.after)
    ]
    steps.append(
        {
            "name": f"{values[0]} → {values[1]}",
            "start": 0.0,
            "end": _scaled(metric, change),
            "text": _signed(page, metric, why, change),
            "tone": "plain",
            "detail": "the whole change",
        }
    )
    return steps


def _detail(page: Page, metric: Metric, why: Why, effect: Effect) -> str:
    rate, mix = (_signed(page, metric, why, part) for part in (effect.rate_effect, effect.mix_effect))
    return f"own figures {rate}, share of the whole {mix}"


def _name(page: Page, why: Why, effect: Effect) -> str:
    """What people call the group: a code is looked up at the rooftops that it can belong to."""
    rooftops = [effect.at] if effect.at else naming.rooftops_of(page.reader, why.currency, page.filters.rooftops)
    return naming.called(effect.group, naming.names_of(page.reader, effect.dimension, rooftops))


def _signed(page: Page, metric: Metric, why: Why, effect: Fraction) -> str:
    exact = _decimal(effect)
    sign = "" if not moved(metric, effect) else "+" if exact > 0 else words.MINUS
    return f"{sign}{words.difference_text(metric, exact, why.currency, page.locale)}"


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _scaled(metric: Metric, value: Fraction) -> float:
    return float(value) * (100 if metric.unit == "percent" else 1)


def _frame(page: Page, metric: Metric, why: Why, effects: Sequence[Effect]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "group": _name(page, why, each),
                "effect": _scaled(metric, each.effect),
                "rate": _scaled(metric, each.rate_effect),
                "mix": _scaled(metric, each.mix_effect),
                "records": each.after.records,
                "noise": each.noise * (100 if metric.unit == "percent" else 1),
                "cause": "cause" if each.cause else "",
            }
            for each in effects
        ]
    )


def _config(metric: Metric, effects: Sequence[Effect]) -> dict[str, Any]:
    unit = "points" if metric.unit == "percent" else metric.unit
    return {
        "group": naming.dimension(effects[0].dimension),
        "effect": f"Effect, {unit}",
        "rate": st.column_config.NumberColumn("Own figures", help="Because the group itself did better or worse."),
        "mix": st.column_config.NumberColumn(
            "Share of the whole", help="Because the group became a larger or smaller part."
        ),
        "records": words.things(metric).capitalize(),
        "noise": st.column_config.NumberColumn("Noise", help="Standard error of the effect."),
        "cause": "Cause",
    }
