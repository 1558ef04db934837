"""KPIs as the manifest defines them; ``statements.py`` has the SQL template of each kind.

A KPI is a ``metrics:`` entry beside its fact: its numerator and denominator are measures of the fact's semantic
model, its ``config.meta`` says which days it is selected by. METRICS.md section 0 is the source of the kinds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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

    Days (``date``, ``dated`` ...) name columns of the relation; a flow's record counts from the day ``due`` on and is
    open before it; in ``relation``, ``population``, ``excluded``, ``date``, dimensions and the aggregates ``{as_of}``
    stands for as_of, for a stock the last day of the period; before ``excluded_on`` nothing was known of the
    exclusion (empty: it always was); ``seconds`` is the length of the unit for durations and for times shown as days;
    ``dimensions`` maps a name to its SQL expression. Below ``fewest`` counted records there is no number: too few.
    ``outcomes`` are dimensions that say how it went rather than who or what it was (the bucket of an overdue
    invoice): to ``why`` they are no causes. ``tested_by`` names the test that holds the ``example``. What only a
    build knows: ``sources`` are columns of feeds (``dms_deals.status``), ``settings`` policy keys (a family of them
    ends in a dot), ``reasons`` the exclusions in words.
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
    due: str | None = None
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
    excluded_on: str | None = None
    currency: str | None = None
    fewest: int = 0
    outcomes: tuple[str, ...] = ()
    dimensions: Mapping[str, str] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    example: str = ""
    tested_by: str = ""
    sources: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

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
        given: dict[str, Any] = json.loads(text)
        return Metric(**given | {key: tuple(value) for key, value in given.items() if isinstance(value, list)})


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
            "outcomes": tuple(meta.get("outcomes", ())),
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


def shown(metric: Metric, value: Any, *, is_count: bool = False) -> int | float | str | None:
    """A part of a KPI as JSON shows it: money as a decimal string, times in the KPI's unit, counts whole."""
    if value is None:
        return None
    if metric.currency and not is_count:
        return str(Decimal(value).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))
    if metric.seconds and metric.kind != "cohort":
        return _number(float(value) / metric.seconds)
    return _number(value)


def figure(metric: Metric, value: int | float | str | Decimal) -> str:
    """A value of a KPI in its unit: 12.0 %, 25.0 minutes, 1,234."""
    scale = 100 if metric.unit == "percent" else 1
    places = 0 if metric.unit in ("money", "count") else metric.decimals
    rounded = (Decimal(str(value)) * scale).quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")
    unit = {"percent": " %", "money": "", "count": ""}.get(metric.unit, f" {metric.unit}")
    return f"{rounded:,}{unit}"


def _number(value: Any) -> int | float:
    as_float = float(value)
    return int(as_float) if as_float.is_integer() else round(as_float, 6)
