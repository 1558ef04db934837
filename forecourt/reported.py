"""As reported against as now known: a KPI on two states of knowledge, and the records that made the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from forecourt.door import Warehouse
from forecourt.kpi import KpiRow, compute
from forecourt.learned import Learned, learned_rows
from forecourt.metrics import Metric, Period
from forecourt.statements import excluded_record_statement, record_statement
from forecourt.trace import leading_rows


@dataclass(frozen=True)
class Contribution:
    """What a record gives to a KPI; ``denominator`` is None where the KPI has none. What is excluded gives nothing
    and says why in ``excluded``.
    """

    numerator: Any = None
    denominator: Any = None
    excluded: str | None = None


@dataclass(frozen=True)
class Moved:
    """One record that counts differently. ``change``: added, gone or changed; ``then`` and ``now``: what it gives, None
    where it is not in the KPI; ``file`` and ``row`` of the record as it now is, else as it was; ``learned``: the file
    rows behind it that became known in between, none where a setting or a closing made the difference.
    """

    record: str
    change: str
    then: Contribution | None
    now: Contribution | None
    file: str | None
    row: int | None
    learned: tuple[Learned, ...] = ()


@dataclass(frozen=True)
class Restated:
    """A KPI in one currency on both states. The differences of the records add up to those of the KPI's parts."""

    then: KpiRow
    now: KpiRow
    records: tuple[Moved, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; money parts are decimal strings."""
        shown = self.now.as_dict()
        return {
            **{name: shown[name] for name in ("kpi", "label", "unit", "kind", "from", "to", "as_of")},
            "currency": self.now.currency or self.then.currency,
            "as_reported": _figures(self.then),
            "as_now_known": _figures(self.now),
            "records": [
                {
                    "record": moved.record,
                    "change": moved.change,
                    "as_reported": _plain(moved.then),
                    "as_now_known": _plain(moved.now),
                    "file": moved.file,
                    "row": moved.row,
                    "learned": [asdict(each) for each in moved.learned],
                }
                for moved in self.records
            ],
        }


def restate(
    then: Warehouse, now: Warehouse, metric: Metric, period: Period, rooftops: Sequence[str] | None = None
) -> list[Restated]:
    """The KPI of one period as ``then`` and as ``now`` know it, one entry per currency, records in order."""
    before, after = (
        {row.currency: row for row in compute(warehouse, metric, period, rooftops=rooftops)}
        for warehouse in (then, now)
    )
    old_of, new_of = (_contributions(warehouse, metric, period, rooftops) for warehouse in (then, now))
    different = [key for key in {**old_of, **new_of} if old_of.get(key) != new_of.get(key)]
    records = sorted({record for _, record in different})
    # A record is found where it is now; one that is gone where it was.
    places: dict[str, tuple[str, int]] = {}
    for warehouse in (then, now) if records else ():
        places |= leading_rows(warehouse, metric.model, records, metric.record or "")
    learned = learned_rows(then, now, metric, records)
    moved: dict[str | None, list[Moved]] = {}
    for currency, record in sorted(different, key=lambda key: (key[0] or "", key[1])):
        old, new = old_of.get((currency, record)), new_of.get((currency, record))
        change = "added" if old is None else "gone" if new is None else "changed"
        file, row = places.get(record, (None, None))
        moved.setdefault(currency, []).append(Moved(record, change, old, new, file, row, learned.get(record, ())))
    # A state without any record has one row that says why, in no currency.
    named = [currency for currency in {**before, **after} if currency is not None]
    currencies: Sequence[str | None] = named or (None,)
    return [
        Restated(
            before.get(currency) or next(iter(before.values())),
            after.get(currency) or next(iter(after.values())),
            tuple(moved.get(currency, ())),
        )
        for currency in currencies
    ]


def _contributions(
    warehouse: Warehouse, metric: Metric, period: Period, rooftops: Sequence[str] | None
) -> dict[tuple[str | None, str], Contribution]:
    landed = {row["feed"] for row in warehouse.rows("select distinct feed from meta.freshness")}
    if not set(metric.requires) <= landed:
        return {}
    has_denominator = metric.denominator is not None or metric.kind != "flow"
    found = {
        (row["currency"], str(row["record"])): Contribution(
            row["numerator"], row["denominator"] if has_denominator else None
        )
        for row in warehouse.rows(record_statement(metric, period, rooftops=rooftops))
    }
    for row in warehouse.rows(excluded_record_statement(metric, period, rooftops=rooftops)):
        key = (row["currency"], str(row["record"]))
        found[key] = replace(found.get(key, Contribution()), excluded=row["reason"])
    return found


def _figures(row: KpiRow) -> dict[str, Any]:
    shown = row.as_dict()
    return {name: shown[name] for name in ("value", "numerator", "denominator", "n", "excluded", "reason")}


def _plain(parts: Contribution | None) -> dict[str, Any] | None:
    if parts is None:
        return None
    said = {
        name: str(part) if isinstance(part, Decimal) else part
        for name, part in (("numerator", parts.numerator), ("denominator", parts.denominator))
    }
    return said | ({"excluded": parts.excluded} if parts.excluded else {})
