"""The receivable ageing as a table, its sums, and the facts of the run behind it: what page, csv and workbook share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from forecourt.door import Warehouse
from forecourt.errors import Problem

Basis = Literal["due", "invoice"]
BASES: dict[Basis, str] = {"due": "days past the due date", "invoice": "days since the document's date"}

#: The contract of the csv (DESIGN.md): column -> SQL type, in order.
COLUMNS = {
    "rooftop": "varchar",
    "legal_entity": "varchar",
    "schedule": "varchar",
    "customer_id": "varchar",
    "customer_name": "varchar",
    "document": "varchar",
    "document_kind": "varchar",
    "instalment": "bigint",
    "posted_on": "date",
    "due_on": "date",
    "currency": "varchar",
    "amount": "decimal(18,2)",
    "outstanding": "decimal(18,2)",
    "rate": "decimal(18,6)",
    "outstanding_base": "decimal(18,2)",
    "base_currency": "varchar",
    "days_past_due": "bigint",
    "bucket": "varchar",
    "disputed": "boolean",
    "received_after": "decimal(18,2)",
    "file": "varchar",
    "row": "bigint",
}
ORDER = ("rooftop", "schedule", "customer_id", "posted_on", "document_kind", "document", "instalment")
#: Of rows equal in ORDER (a document split over buckets), so that their order is not left to chance.
TIES = ("due_on", "outstanding", "file", '"row"')


def ageing_table(
    warehouse: Warehouse,
    as_of: date,
    basis: Basis = "due",
    rooftops: Sequence[str] | None = None,
    schedule: str | None = None,
) -> pa.Table:
    """The open documents at the end of a day, one row per document, instalment and bucket, in the csv's order.

    ``outstanding`` is in the document's currency and negative for unapplied credits. Raises Problem for an unknown
    basis or where nothing about receivables was ever landed.
    """
    if basis not in BASES:
        raise Problem(f"{basis!r} is no ageing basis: use due or invoice.")
    _require_receivables(warehouse)
    where, parameters = _selection(rooftops, schedule)
    columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in COLUMNS.items())
    return warehouse.table(
        f"select {columns} from marts.receivable_ageing(date '{as_of.isoformat()}', '{basis}') as ageing {where} "
        f"order by {', '.join(f'{name} nulls first' for name in (*ORDER, *TIES))}",
        parameters,
    )


def _require_receivables(warehouse: Warehouse) -> None:
    (found,) = warehouse.rows(
        "select count(*) as macros from duckdb_functions() where function_name = $1", ["receivable_ageing"]
    )
    if not found["macros"]:
        raise Problem("no data: this run holds no receivables. Land dms_invoices and run again.")


def _selection(rooftops: Sequence[str] | None, schedule: str | None) -> tuple[str, list[str]]:
    """A WHERE clause and its parameters for a choice of rooftops and schedule."""
    conditions: list[str] = []
    parameters: list[str] = []
    if rooftops:
        parameters += rooftops
        conditions.append(f"rooftop in ({', '.join(f'${n}' for n in range(1, len(rooftops) + 1))})")
    if schedule:
        parameters.append(schedule)
        conditions.append(f"schedule = ${len(parameters)}")
    return (f"where {' and '.join(conditions)}" if conditions else ""), parameters


@dataclass(frozen=True)
class AgeingFacts:
    """What a reader must know beside the rows: what was asked, of which run, and whether it ties to the ledger.

    ``labels`` gives the buckets of each schedule from young to old; ``tieout`` one row per rooftop, schedule and
    currency with a control balance on the day.
    """

    as_of: date
    basis: Basis
    rooftops: tuple[str, ...]
    schedule: str | None
    run_id: str
    version: str
    known_at: datetime | None
    data_through: date | None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tieout: tuple[Mapping[str, Any], ...] = ()
    part: str = "all open documents"

    def parameters(self) -> dict[str, Any]:
        """The question, as the log of exports keeps it."""
        return {
            "as_of": self.as_of.isoformat(),
            "basis": self.basis,
            "rooftops": list(self.rooftops),
            "schedule": self.schedule,
            "known_at": self.known_at.isoformat() if self.known_at else None,
            "part": self.part,
        }


def ageing_facts(
    warehouse: Warehouse,
    as_of: date,
    basis: Basis = "due",
    rooftops: Sequence[str] | None = None,
    schedule: str | None = None,
    part: str = "all open documents",
) -> AgeingFacts:
    """Gathers the facts of an export from the published run itself."""
    (run,) = warehouse.rows("select version, known_at from meta.runs")
    (fresh,) = warehouse.rows(
        "select max(data_through) as day from meta.freshness "
        "where feed in ('dms_invoices', 'dms_payments', 'dms_allocations')"
    )
    return AgeingFacts(
        as_of=as_of,
        basis=basis,
        rooftops=tuple(rooftops or ()),
        schedule=schedule,
        run_id=warehouse.run_id,
        version=run["version"],
        known_at=run["known_at"],
        data_through=fresh["day"],
        labels=bucket_labels(warehouse, basis, as_of),
        tieout=tuple(tieout(warehouse, as_of, rooftops, schedule)),
        part=part,
    )


def bucket_labels(warehouse: Warehouse, basis: Basis, as_of: date) -> dict[str, tuple[str, ...]]:
    """The bucket labels of each schedule, from young to old; schedules without edges of their own are ``default``."""
    rows = warehouse.rows(
        "select schedule, label from marts.dim_ageing_bucket "
        "where aged_by = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2) order by schedule, position",
        [basis, as_of],
    )
    labels: dict[str, tuple[str, ...]] = {}
    for row in rows:
        labels[row["schedule"]] = (*labels.get(row["schedule"], ()), row["label"])
    return labels


def bucket_order(label: str) -> tuple[int, int]:
    """Sorts bucket labels from young to old: not_due, 1-30 ... 121+."""
    first = label.removesuffix("+").split("-")[0]
    return (int(first), 1) if first.isdigit() else (-1, 0)


def tieout(
    warehouse: Warehouse, as_of: date, rooftops: Sequence[str] | None, schedule: str | None
) -> list[dict[str, Any]]:
    """One row per rooftop, schedule and currency that has a control balance of the day; empty where there is none."""
    there = warehouse.rows(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'fct_control_tieout'"
    )
    if not there:
        return []
    where, parameters = _selection(rooftops, schedule)
    parameters.append(as_of.isoformat())
    day = f"as_of = cast(${len(parameters)} as date)"
    return warehouse.rows(
        "select rooftop, schedule, currency, control_balance, outstanding, difference from marts.fct_control_tieout "
        f"{where + ' and' if where else 'where'} {day} order by rooftop, schedule, currency",
        parameters,
    )


@dataclass(frozen=True)
class Sums:
    """Outstanding of one schedule in one currency: by bucket, and what is owed apart from what is unapplied.

    ``buckets`` holds everything, credits negative; ``owed`` only debit documents.
    """

    buckets: Mapping[str, Decimal]
    owed: Mapping[str, Decimal]
    gross: Decimal
    unallocated: Decimal
    disputed: Decimal
    documents: int

    @property
    def net(self) -> Decimal:
        """Gross less what is unallocated: the sum of the buckets."""
        return self.gross + self.unallocated


def sums_by_schedule(table: pa.Table) -> dict[tuple[str, str], Sums]:
    """(schedule, currency) → sums, in order; currencies are never added up."""
    wanted = ("schedule", "currency", "bucket", "outstanding", "disputed")
    zero = Decimal("0.00")
    buckets: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: zero))
    gross: dict[tuple[str, str], Decimal] = defaultdict(lambda: zero)
    credit: dict[tuple[str, str], Decimal] = defaultdict(lambda: zero)
    disputed: dict[tuple[str, str], Decimal] = defaultdict(lambda: zero)
    documents: dict[tuple[str, str], int] = defaultdict(int)
    owed: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: zero))
    for schedule, currency, bucket, outstanding, is_disputed in zip(
        *(table.column(name).to_pylist() for name in wanted), strict=True
    ):
        key = (schedule, currency)
        buckets[key][bucket] += outstanding
        documents[key] += 1
        if outstanding < 0:
            credit[key] += outstanding
        else:
            gross[key] += outstanding
            owed[key][bucket] += outstanding
        if is_disputed:
            disputed[key] += outstanding
    return {
        key: Sums(dict(buckets[key]), dict(owed[key]), gross[key], credit[key], disputed[key], documents[key])
        for key in sorted(buckets)
    }


def summary_blocks(
    sums: Mapping[tuple[str, str], Sums], labels: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], list[tuple[tuple[str, str], Sums]]]]:
    """Bucket labels with the (schedule, currency) entries that age by them; labels that only rows carry are added."""
    blocks: dict[tuple[str, ...], list[tuple[tuple[str, str], Sums]]] = defaultdict(list)
    for key, entry in sums.items():
        blocks[labels.get(key[0], labels.get("default", ()))].append((key, entry))
    for known, entries in sorted(blocks.items(), key=lambda block: (-len(block[1]), block[0])):
        extra = {bucket for _, entry in entries for bucket in entry.buckets} - set(known)
        yield tuple(sorted({*known, *extra}, key=bucket_order)), entries


def bucket_title(label: str) -> str:
    """A bucket for people: not due, 1-30 days."""
    return "not due" if label == "not_due" else f"{label} days"
