"""Several KPIs side by side for the groups of one dimension, each value with the records it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards import tables, words
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.metrics import Metric

#: KPI -> its head where a phone has no room for the label and the unit.
SHORT = {
    "response_minutes": "Answer, min",
    "appointment_set_rate": "Set, %",
    "contact_rate": "Contacted, %",
    "repair_order_days": "Order, days",
    "comeback_rate": "Comebacks, %",
    "worked_per_attended": "Worked, %",
    "sold_per_worked": "Sold, %",
}


@dataclass(frozen=True)
class Measure:
    """One column of a scorecard: a KPI, told by that dimension of its own which names the group."""

    kpi: str
    by: str


def of(page: Page, measures: Sequence[Measure], rooftops: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Group → its values: per KPI the value (percentages of 100) and ``<kpi>_n``; missing ones are left out.

    A KPI in money has a value per currency, ``<kpi>_<currency>``: amounts of two currencies are never one.
    """
    metrics = page.reader.metrics()
    found: dict[str, dict[str, Any]] = {}
    for measure in measures:
        metric = metrics.get(measure.kpi)
        if metric is None or (measure.by not in metric.dimensions and measure.by != "month"):
            continue
        period = page.reader.headline_period(metric.name, page.filters.period)
        for row in page.reader.kpi(metric.name, period, by=measure.by, rooftops=rooftops):
            if row.group is None:
                continue
            mine = found.setdefault(row.group, {})
            name = f"{metric.name}_{row.currency}" if row.currency else metric.name
            if row.value is not None:
                mine[name] = float(row.value) * (100 if metric.unit == "percent" else 1)
            mine[f"{name}_n"] = row.n
    return found


def columns(
    metrics: Mapping[str, Metric],
    names: Sequence[str],
    currencies: Sequence[str],
    rows: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Column]:
    """Two columns per KPI, in money per KPI and currency: its value with its unit in the head, and n.

    Counts of ``rows`` have a decimal where one of them is no whole number: a split deal is half a unit.
    """
    made: dict[str, Column] = {}
    for metric in (metrics[name] for name in names if name in metrics):
        for currency in currencies if metric.currency else [""]:
            name = f"{metric.name}_{currency}" if currency else metric.name
            split = any((row.get(name) or 0) % 1 for row in rows)
            made[name] = _value_column(metric, currency if len(currencies) > 1 else "", split)
            if metric.unit != "count":
                made[f"{name}_n"] = Column("n", "count", f"{words.things(metric)} counted.".capitalize())
    return made


def _value_column(metric: Metric, currency: str, split: bool) -> Column:
    unit = {"percent": " %", "money": "", "count": ""}.get(metric.unit, f", {metric.unit}")
    median = "Median " if metric.kind == "duration" else ""
    head = f"{median}{words.in_sentence(metric.label)}{unit}{f', {currency}' if currency else ''}"
    kind: tables.Kind = "money" if metric.unit == "money" else "number"
    decimals = int(split) if metric.unit == "count" else metric.decimals
    short = SHORT.get(metric.name, "")
    return Column(head[:1].upper() + head[1:], kind, metric.description, decimals, short=short)
