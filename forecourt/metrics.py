"""KPIs as the manifest defines them, and one SQL template per kind that computes them.

A KPI is a ``metrics:`` entry beside its fact: its numerator and denominator are measures of the fact's semantic
model, its ``config.meta`` says which days it is selected by. METRICS.md section 0 is the source of the kinds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

KINDS = ("flow", "duration", "stock", "cohort")
HEADLINES = (
    "gross_margin_rate",
    "enquiry_to_handover_days",
    "fleet_utilisation_rate",
    "claim_rate",
    "overdue_rate",
)


@dataclass(frozen=True)
class Metric:
    """One KPI. ``numerator`` and ``denominator`` are SQL aggregates over the columns of ``relation``.

    Days (``date``, ``dated`` ...) name columns of the relation; ``seconds`` is the length of the unit for
    durations and for times shown as days; ``dimensions`` maps a name to its SQL expression.
    """

    name: str
    label: str
    description: str
    kind: str
    unit: str
    model: str
    relation: str
    date: str
    numerator: str
    denominator: str | None = None
    decimals: int = 1
    better: str = "up"
    question: str = ""
    dated: str | None = None
    by: str = "stop"
    started: str | None = None
    stopped: str | None = None
    closed: str | None = None
    seconds: int | None = None
    window: str | None = None
    event: str | None = None
    event_by_as_of: str | None = None
    population: str | None = None
    record: str | None = None
    excluded: str | None = None
    currency: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    example: str = ""

    @property
    def formula(self) -> str:
        """The formula as one line of SQL, for people."""
        if self.kind == "duration":
            return f"median of {self.numerator}"
        return f"{self.numerator} / {self.denominator}" if self.denominator else self.numerator

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Metric:
        given = json.loads(text)
        return Metric(**given | {"feeds": tuple(given["feeds"]), "requires": tuple(given["requires"])})


@dataclass(frozen=True)
class Period:
    """From and to, both included, and the day as of which facts count."""

    first: date
    last: date
    as_of: date

    @property
    def end(self) -> date:
        """The last day that can show anything: least(to, as_of)."""
        return min(self.last, self.as_of)


def metrics_of(manifest: Mapping[str, Any]) -> list[Metric]:
    """The KPIs of a dbt manifest: every metric whose ``config.meta`` names a kind.

    Raises ValueError where an entry is not one that a template can compute; a convention test keeps that from
    reaching anyone.
    """
    measures: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for model in manifest["semantic_models"].values():
        for measure in model["measures"]:
            measures[measure["name"]] = (model, measure)
    found = []
    for entry in manifest["metrics"].values():
        meta = {**entry.get("meta", {}), **entry["config"].get("meta", {})}
        if "kind" in meta:
            found.append(_metric(entry, meta, manifest, measures))
    return sorted(found, key=lambda metric: metric.name)


def _metric(
    entry: Mapping[str, Any],
    meta: dict[str, Any],
    manifest: Mapping[str, Any],
    measures: Mapping[str, tuple[dict[str, Any], dict[str, Any]]],
) -> Metric:
    name = entry["name"]
    if meta["kind"] not in KINDS:
        raise ValueError(f"metric {name}: kind {meta['kind']!r} is none of {', '.join(KINDS)}")
    parameters = entry["type_params"]
    if entry["type"] == "ratio":
        tops = [parameters["numerator"]["name"], parameters["denominator"]["name"]]
    else:
        tops = [_measure_name(parameters)]
    resolved = [_resolve(top, manifest, measures) for top in tops]
    model, _ = resolved[0]
    known = {d["name"]: d["expr"] or d["name"] for d in model["dimensions"]}
    listed = [d for d in meta.pop("dimensions", []) if d != "month"]
    missing = [d for d in listed if d not in known]
    if missing:
        raise ValueError(f"metric {name}: {', '.join(missing)} is no dimension of {model['name']}")
    relation = model["node_relation"]
    fields = set(Metric.__dataclass_fields__)
    unknown = set(meta) - fields - {"kind"}
    if unknown:
        raise ValueError(f"metric {name}: unknown meta {', '.join(sorted(unknown))}")
    duration = meta["kind"] == "duration"
    aggregates = [m["expr"] if duration else _aggregate(m) for _, m in resolved]
    return Metric(
        **{
            "model": relation["alias"],
            "relation": f"{relation['schema_name']}.{relation['alias']}",
            "date": meta.pop("date", "as_of"),
            "numerator": aggregates[0],
            "denominator": aggregates[1] if len(aggregates) > 1 else None,
            **meta,
            "name": name,
            "label": entry["label"],
            "description": entry["description"],
            "dimensions": {d: known[d] for d in listed},
            "feeds": tuple(meta.get("feeds", ())),
            "requires": tuple(meta.get("requires", ())),
        }
    )


def _measure_name(parameters: Mapping[str, Any]) -> str:
    measure = parameters["measure"]
    return measure["name"] if isinstance(measure, dict) else measure


def _resolve(
    name: str,
    manifest: Mapping[str, Any],
    measures: Mapping[str, tuple[dict[str, Any], dict[str, Any]]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The semantic model and measure behind a metric or measure name."""
    for entry in manifest["metrics"].values():
        if entry["name"] == name and entry["type"] == "simple":
            return measures[_measure_name(entry["type_params"])]
    return measures[name]


def _aggregate(measure: Mapping[str, Any]) -> str:
    expression = measure["expr"] or measure["name"]
    match measure["agg"]:
        case "sum" | "sum_boolean":
            return f"sum({expression})"
        case "count":
            return f"count({expression})"
        case "count_distinct":
            return f"count(distinct {expression})"
        case other:
            raise ValueError(f"measure {measure['name']}: aggregation {other} has no template")


def statement(metric: Metric, period: Period, *, by: str | None = None, rooftops: Sequence[str] | None = None) -> str:
    """The SQL that computes a KPI: one row per group and currency.

    Columns: grp, currency, numerator, denominator, n, p90, open, immature, so_far, excluded (rows counted by
    record), reasons (JSON of reason -> count). Runs on a published file as it stands, without parameters.
    """
    group = _group(metric, period, by)
    where = [f"({metric.population})"] if metric.population else []
    if rooftops:
        where.append(f"rooftop in ({', '.join(_text(code) for code in rooftops)})")
    template = {"flow": _flow, "duration": _duration, "stock": _stock, "cohort": _cohort}[metric.kind]
    return template(metric, period, group, where)


def _group(metric: Metric, period: Period, by: str | None) -> str:
    if by is None:
        return "cast(null as varchar)"
    if by == "month":
        if metric.kind == "stock":
            return "cast(null as varchar)"
        month = f"strftime({metric.date}, '%Y-%m')"
        if metric.kind == "duration":
            # What is still open has no stop day yet, or one that as_of must not see: it is open in the last month.
            within = f"{metric.date} between {_day(period.first)} and {_day(period.end)}"
            return f"case when {within} then {month} else '{period.end:%Y-%m}' end"
        return month
    return f"coalesce(cast({metric.dimensions[by]} as varchar), 'unknown')"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _day(day: date) -> str:
    return f"date '{day.isoformat()}'"


def _facts(metric: Metric, group: str, where: Sequence[str], relation: str, extra: Sequence[str] = ()) -> str:
    conditions = "\n        and ".join(where) or "true"
    columns = [
        "*",
        f"{group} as grp",
        f"{metric.currency or 'cast(null as varchar)'} as money_currency",
        f"{metric.excluded or 'cast(null as varchar)'} as why_excluded",
        f"{metric.record or 'row_number() over ()'} as counted_record",
        *extra,
    ]
    return (
        "facts as (\n    select\n        "
        + ",\n        ".join(columns)
        + f"\n    from {relation}\n    where {conditions}\n)"
    )


def _excluded(selected: str = "true") -> str:
    """CTE of excluded records and their reasons per group."""
    return f"""excluded as (
    select
        grp,
        money_currency,
        sum(records) as excluded,
        cast(json_group_object(why_excluded, records) as varchar) as reasons,
    from (
        select grp, money_currency, why_excluded, count(distinct counted_record) as records
        from facts
        where why_excluded is not null and ({selected})
        group by grp, money_currency, why_excluded
        order by why_excluded
    )
    group by grp, money_currency
)"""


def _joined(body: str, columns: str) -> str:
    """Values and exclusions side by side, also where a group has only excluded records."""
    return f"""{body}

select
    coalesce(counted.grp, excluded.grp) as grp,
    coalesce(counted.money_currency, excluded.money_currency) as currency,
    {columns},
    coalesce(excluded.excluded, 0) as excluded,
    excluded.reasons,
from counted
full join excluded
    on counted.grp is not distinct from excluded.grp
    and counted.money_currency is not distinct from excluded.money_currency
order by grp, currency"""


def _flow(metric: Metric, period: Period, group: str, where: list[str]) -> str:
    days = [*where, f"{metric.date} between {_day(period.first)} and {_day(period.end)}"]
    if metric.dated:
        days.append(f"{metric.dated} <= {_day(period.as_of)}")
    counts = "why_excluded is null"
    top = counts
    if metric.event_by_as_of:
        top += f" and {metric.event_by_as_of} <= {_day(period.as_of)}"
    denominator = f"{metric.denominator} filter (where {counts})" if metric.denominator else "null"
    body = f"""with {_facts(metric, group, days, metric.relation)},

counted as (
    select
        grp,
        money_currency,
        {metric.numerator} filter (where {top}) as numerator,
        {denominator} as denominator,
        count(distinct counted_record) filter (where {counts}) as n,
    from facts
    group by grp, money_currency
    having n > 0
),

{_excluded()}"""
    return _joined(
        body,
        "counted.numerator,\n    counted.denominator,\n    coalesce(counted.n, 0) as n,\n"
        "    null as p90,\n    null as open,\n    null as immature,\n    null as so_far",
    )


def _duration(metric: Metric, period: Period, group: str, where: list[str]) -> str:
    started, stopped = metric.started or metric.date, metric.stopped or metric.date
    end = _day(period.end)
    within = f"{metric.date} between {_day(period.first)} and {end}"
    if metric.by == "start":
        done = f"{within} and {stopped} <= {_day(period.as_of)}"
        still = f"{within} and ({stopped} is null or {stopped} > {_day(period.as_of)})"
    else:
        done = within
        still = f"{started} <= {end} and ({stopped} is null or {stopped} > {end})"
    if metric.closed:
        still += f" and ({metric.closed} is null or {metric.closed} > {end})"
    counted = "why_excluded is null"
    body = f"""with {_facts(metric, group, where, metric.relation)},

counted as (
    select
        grp,
        money_currency,
        quantile_cont({metric.numerator}, 0.5) filter (where {done} and {counted}) as median_seconds,
        quantile_cont({metric.numerator}, 0.9) filter (where {done} and {counted}) as p90_seconds,
        count(*) filter (where {done} and {counted} and {metric.numerator} is not null) as n,
        count(*) filter (where {still} and {counted}) as open,
    from facts
    group by grp, money_currency
    having n > 0 or open > 0
),

{_excluded(within)}"""
    return _joined(
        body,
        "counted.median_seconds as numerator,\n    counted.n as denominator,\n    coalesce(counted.n, 0) as n,\n"
        "    counted.p90_seconds as p90,\n    coalesce(counted.open, 0) as open,\n    null as immature,\n"
        "    null as so_far",
    )


def _stock(metric: Metric, period: Period, group: str, where: list[str]) -> str:
    relation = metric.relation.replace("{as_of}", _day(period.end))
    relation = relation if relation.startswith("marts.") else f"marts.{relation}"
    counts = "why_excluded is null"
    denominator = f"{metric.denominator} filter (where {counts})" if metric.denominator else "null"
    body = f"""with {_facts(metric, group, where, relation)},

counted as (
    select
        grp,
        money_currency,
        {metric.numerator} filter (where {counts}) as numerator,
        {denominator} as denominator,
        count(distinct counted_record) filter (where {counts}) as n,
    from facts
    group by grp, money_currency
    having n > 0
),

{_excluded()}"""
    return _joined(
        body,
        "counted.numerator,\n    counted.denominator,\n    coalesce(counted.n, 0) as n,\n"
        "    null as p90,\n    null as open,\n    null as immature,\n    null as so_far",
    )


def _cohort(metric: Metric, period: Period, group: str, where: list[str]) -> str:
    days = [*where, f"{metric.date} between {_day(period.first)} and {_day(period.end)}"]
    window = f"""cast((
            select policies.value
            from meta.policies
            where policies.key = '{metric.window}'
                and {metric.date} >= policies.valid_from
                and ({metric.date} < policies.valid_to or policies.valid_to is null)
        ) as integer)"""
    mature = f"{metric.date} + window_days <= {_day(period.as_of)}"
    happened = (
        f"{metric.event} >= {metric.date} and {metric.event} <= {metric.date} + window_days"
        f" and {metric.event} <= {_day(period.as_of)}"
    )
    counted = "why_excluded is null"
    body = f"""with {_facts(metric, group, days, metric.relation, [f"{window} as window_days"])},

counted as (
    select
        grp,
        money_currency,
        count(distinct counted_record) filter (where {counted} and {mature} and {happened}) as numerator,
        count(distinct counted_record) filter (where {counted} and {mature}) as denominator,
        count(distinct counted_record) filter (where {counted} and not ({mature})) as immature,
        count(distinct counted_record) filter (where {counted} and not ({mature}) and {happened}) as so_far,
    from facts
    group by grp, money_currency
    having denominator > 0 or immature > 0
),

{_excluded()}"""
    return _joined(
        body,
        "counted.numerator,\n    counted.denominator,\n    coalesce(counted.denominator, 0) as n,\n"
        "    null as p90,\n    null as open,\n    coalesce(counted.immature, 0) as immature,\n"
        "    coalesce(counted.so_far, 0) as so_far",
    )


def shown(metric: Metric, value: Any, *, is_count: bool = False) -> int | float | str | None:
    """A part of a KPI as JSON shows it: money as a decimal string, times in the KPI's unit, counts whole."""
    if value is None:
        return None
    if metric.currency and not is_count:
        return str(Decimal(value).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))
    if metric.seconds and metric.kind != "cohort":
        return _number(float(value) / metric.seconds)
    return _number(value)


def _number(value: Any) -> int | float:
    as_float = float(value)
    return int(as_float) if as_float.is_integer() else round(as_float, 6)
