"""What ``forecourt kpi`` says, beside what the oracle says."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from forecourt.door import Warehouse
from forecourt.kpi import KpiRow, compute, dimensions_of, load_metrics
from forecourt.metrics import Metric, Period
from tests.oracle.oracle import Oracle
from tests.oracle.records import Answer, Number, Question

#: Ratios come out of one division of doubles.
RATIO = Decimal("1e-9")
#: Days of hire and minutes are shown with six decimals.
SHOWN = Decimal("0.000001")


def differences(
    warehouse: Warehouse, oracle: Oracle, question: Question, kpis: Iterable[str], by: Iterable[str] | None = None
) -> list[str]:
    """One line per KPI, group and figure that differ, empty where none does.

    ``by``: dimensions to look at, where a KPI has them, beside the total; None for all of them.
    """
    metrics = load_metrics(warehouse)
    found = []
    for kpi in kpis:
        metric = metrics[kpi]
        for dimension in [None, *(name for name in dimensions_of(metric) if by is None or name in by)]:
            period = Period(question.first, question.last, question.as_of)
            said = {(row.group, row.currency): row for row in compute(warehouse, metric, period, by=dimension)}
            why = said[None, None].reason or "" if list(said) == [(None, None)] else ""
            if why.startswith("no data") and not set(metric.requires) <= set(oracle.world.feeds):
                continue  # what it is made of did not land, so there is nothing to count
            if why.startswith("no "):
                said = {}
            mine = oracle.answer(kpi, question, dimension)
            for key in sorted({*said, *mine}, key=str):
                where = f"{kpi} {question.first}..{question.last} as of {question.as_of} by {dimension} {key}"
                row, answer = said.get(key), mine.get(key)
                if row is None or answer is None:
                    found.append(f"{where}: warehouse {_shown(row)}, oracle {answer}")
                else:
                    found += [f"{where}: {said}" for said in _figures(metric, row, answer)]
    return found


def _shown(row: KpiRow | None) -> Any:
    return None if row is None else (row.value, row.numerator, row.denominator, row.n, row.excluded_reasons)


def _figures(metric: Metric, row: KpiRow, answer: Answer) -> list[str]:
    is_duration, is_money = metric.kind == "duration", metric.unit == "money"
    pairs: dict[str, tuple[Any, Any]] = {
        "n": (row.n, answer.n),
        "excluded": (row.excluded, sum(answer.excluded.values())),
        "excluded_reasons": (row.excluded_reasons, dict(answer.excluded)),
        "denominator": (_number(row.denominator) or None, _as_shown(answer.denominator) or None),
    }
    value = answer.value
    if is_money and value is not None:
        value = value.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    if is_duration:
        pairs["value"] = (_number(row.value), _as_shown(value))
        pairs["p90"] = (_number(row.p90), _as_shown(answer.p90))
    else:
        numerator = answer.numerator if answer.n else None
        pairs["numerator"] = (_number(row.numerator) if row.n else None, _as_shown(numerator))
        pairs["value"] = (_number(row.value), value)
    if is_duration or metric.due:
        pairs["open"] = (row.open, answer.open)
    if metric.kind == "cohort":
        pairs["immature"] = (row.immature, answer.immature)
        pairs["immature_events"] = (row.immature_events, answer.so_far)
    return [
        f"{name}: warehouse {theirs}, oracle {mine}"
        for name, (theirs, mine) in pairs.items()
        if not _is_equal(theirs, mine, RATIO if name == "value" and not is_duration else SHOWN)
    ]


def _number(shown: int | float | str | None) -> Decimal | None:
    return None if shown is None else Decimal(str(shown))


def _as_shown(figure: Number | None) -> Decimal | None:
    return None if figure is None else Decimal(figure).quantize(SHOWN, rounding="ROUND_HALF_UP")


def _is_equal(theirs: Any, mine: Any, tolerance: Decimal) -> bool:
    if isinstance(theirs, Decimal) and isinstance(mine, Decimal):
        return abs(theirs - mine) <= tolerance
    return bool(theirs == mine)
