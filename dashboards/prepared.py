"""Answers to what the overview asks first, computed when a run is published and kept in its file (``meta.answers``).

They are rows of ``kpi.compute`` and causes of ``why.explain`` for the questions that the page asks as it opens, and as
one filter is changed from there. A page that asks anything else, or a run without such answers, is answered by the same
two functions there and then. Nothing is defined here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa

from dashboards import periods
from forecourt import kpi, why
from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.kpi import KpiRow
from forecourt.metrics import HEADLINES, Metric, Period
from forecourt.why import Effect, Sums, Why

#: KPIs with a card on the overview, beside the five headlines.
FIRST_STEPS = ("response_minutes", "appointment_set_rate", "conversion_rate")
#: Sums of the month so far, which stand beside the whole month before.
SOLD = ("units", "total_gross")
#: Further figures of the month, with the dimension that they are asked by.
MONTH = (
    ("stock_units", None),
    ("stock_units", "bucket"),
    ("stock_cost", None),
    ("stock_cost", "bucket"),
    ("receivable_outstanding", "schedule"),
    ("response_minutes", None),
)


@dataclass(frozen=True)
class Question:
    """A KPI of a period at some rooftops (none: all): its rows by a dimension or, against another period, why."""

    kpi: str
    period: Period
    by: str | None = None
    rooftops: tuple[str, ...] = ()
    versus: Period | None = None

    @property
    def key(self) -> str:
        """The question as a text, by which its answer is kept."""
        return json.dumps(asdict(self), default=date.isoformat)


def rows(warehouse: Warehouse, question: Question) -> list[KpiRow] | None:
    """The kept rows of a question; None where nobody prepared them."""
    kept = _answers(warehouse).get(question.key)
    return None if kept is None else [_row(each) for each in json.loads(kept)]


def causes(warehouse: Warehouse, metric: Metric, question: Question) -> list[Why] | None:
    """The kept answers why, one per currency; None where nobody prepared them.

    Their effects are the causes only, or where there are none the one nearest to be one.
    """
    kept = _answers(warehouse).get(question.key)
    return None if kept is None else [_why(metric, each) for each in json.loads(kept)]


def write(home: Home, paths: Paths) -> None:
    """Fills ``meta.answers`` of the candidate file, which nobody may hold open for writing."""
    answers = _answered(Warehouse(paths.warehouse))
    with duckdb.connect(str(paths.warehouse)) as connection:
        connection.execute("create or replace table meta.answers (question varchar, answer varchar)")
        connection.execute(
            "comment on table meta.answers is "
            "'What the overview asks first, answered when the run was published: rows of forecourt kpi and causes of "
            "forecourt why as JSON. For the pages; ask meta.metrics and the marts.'"
        )
        if answers:
            given = pa.table({"question": list(answers), "answer": list(answers.values())})
            connection.register("given", given)
            connection.execute("insert into meta.answers select * from given order by question")
            connection.unregister("given")


def _answered(warehouse: Warehouse) -> dict[str, str]:
    try:
        asked = questions(warehouse)
    except Problem:
        return {}  # no file landed: there is no newest day, and no page asks
    metrics = kpi.load_metrics(warehouse)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        answers = list(workers.map(lambda question: _answer(warehouse, metrics[question.kpi], question), asked))
    return dict(zip([question.key for question in asked], answers, strict=True))


def questions(warehouse: Warehouse) -> list[Question]:
    """What the overview asks as it opens, and as one filter is changed from there; each once.

    The month to date against the month before for all rooftops and for each; for all of them also the other periods,
    and the month against that of last year. Raises Problem where no file landed.
    """
    as_of = kpi.newest_day(warehouse)
    views: list[tuple[str, str, tuple[str, ...]]] = [
        (periods.MONTH, periods.BEFORE, ()),
        *((periods.MONTH, periods.BEFORE, (code,)) for code in _rooftops(warehouse)),
        *((choice, periods.BEFORE, ()) for choice in (periods.LAST_MONTH, periods.QUARTER, periods.YEAR)),
        (periods.MONTH, periods.YEAR_AGO, ()),
    ]
    metrics = kpi.load_metrics(warehouse)
    found: dict[Question, None] = {}
    for choice, versus, rooftops in views:
        period = periods.period_of(choice, as_of)
        before = periods.before_of(choice, versus, period)
        found |= dict.fromkeys(_of_view(warehouse, metrics, period, before, rooftops))
    return list(found)


def _of_view(
    warehouse: Warehouse,
    metrics: Mapping[str, Metric],
    period: Period,
    before: Period | None,
    rooftops: tuple[str, ...],
) -> Iterator[Question]:
    """What one view of the overview asks."""
    for metric in (metrics[name] for name in (*HEADLINES, *FIRST_STEPS) if name in metrics):
        now = kpi.headline_period(warehouse, metric, period)
        yield Question(metric.name, now, None, rooftops)
        yield Question(metric.name, periods.months_to(now), "month", rooftops)
        yield Question(metric.name, kpi.headline_period(warehouse, metric, kpi.year_before(period)), None, rooftops)
        if before:
            then = kpi.headline_period(warehouse, metric, before)
            yield Question(metric.name, then, None, rooftops)
            if why.is_explained(metric):
                yield Question(metric.name, now, None, rooftops, then)
    month = periods.month_of(period)
    for name in (name for name in SOLD if name in metrics):
        yield Question(name, month, None, rooftops)
        yield Question(name, periods.whole_month_before(month), None, rooftops)
    for name, by in MONTH:
        if name in metrics:
            yield Question(name, month, by, rooftops)


def _rooftops(warehouse: Warehouse) -> list[str]:
    """The codes of the rooftops; none where there is only one, which nobody can choose."""
    found = warehouse.rows(
        "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'dim_rooftop' limit 1"
    )
    codes = warehouse.rows("select rooftop from marts.dim_rooftop order by rooftop") if found else []
    return [row["rooftop"] for row in codes] if len(codes) > 1 else []


def _answer(warehouse: Warehouse, metric: Metric, question: Question) -> str:
    only = question.rooftops or None
    if question.versus is None:
        computed = kpi.compute(warehouse, metric, question.period, by=question.by, rooftops=only)
        return json.dumps([row.as_dict() for row in computed], ensure_ascii=False)
    explained = why.explain(warehouse, metric, question.period, question.versus, rooftops=only)
    said = [asdict(replace(each, effects=tuple(each.causes) or _of(each.nearest))) for each in explained]
    return json.dumps([each | {"metric": metric.name} for each in said], ensure_ascii=False, default=str)


def _of(effect: Effect | None) -> tuple[Effect, ...]:
    return () if effect is None else (effect,)


_kept: WeakKeyDictionary[Warehouse, Mapping[str, str]] = WeakKeyDictionary()


def _answers(warehouse: Warehouse) -> Mapping[str, str]:
    """Question → answer, read once for a run; empty where it has none (an older run, a scope file)."""
    found = _kept.get(warehouse)
    if found is None:
        there = warehouse.rows(
            "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'answers' limit 1"
        )
        kept = warehouse.rows("select question, answer from meta.answers") if there else []
        found = _kept[warehouse] = {row["question"]: row["answer"] for row in kept}
    return found


_DAYS = ("from", "to", "as_of", "data_through")


def _row(told: dict[str, Any]) -> KpiRow:
    for name in _DAYS:
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    told["from_"] = told.pop("from")
    return KpiRow(**told)


def _why(metric: Metric, told: dict[str, Any]) -> Why:
    before, after = (_fraction(told[name]) for name in ("before", "after"))
    effects = tuple(_effect(each) for each in told["effects"])
    return Why(metric, told["currency"], before, after, effects, told["reason"])


def _effect(told: dict[str, Any]) -> Effect:
    exact = {name: Fraction(told[name]) for name in ("rate_effect", "mix_effect", "effect")}
    sums = {
        name: Sums(
            Fraction(told[name]["numerator"]), Fraction(told[name]["denominator"]), records=told[name]["records"]
        )
        for name in ("before", "after")
    }
    return Effect(**(told | exact | sums))


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
