"""The receivable ageing as a table, its sums, and the facts of the run behind it: what page, csv and workbook share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

import pyarrow as pa

from dashboards import words
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.literals import literal

Basis = Literal["due", "invoice"]
Key = TypeVar("Key", bound=tuple[str, ...])
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


@dataclass(frozen=True)
class Choice:
    """Which documents are asked for; what is empty narrows nothing. ``currency`` is that of the document."""

    rooftops: tuple[str, ...] = ()
    schedule: str | None = None
    entity: str | None = None
    currency: str | None = None

    def where(self, *further: str, is_of_documents: bool = True) -> tuple[str, list[Any]]:
        """A WHERE clause and its parameters; ``further`` conditions have none.

        Accounts and roll-forwards are of a schedule in the rooftop's currency, so no document's currency narrows them.
        """
        conditions: list[str] = []
        parameters: list[Any] = []
        if self.rooftops:
            parameters += self.rooftops
            conditions.append(f"rooftop in ({', '.join(f'${n}' for n in range(1, len(self.rooftops) + 1))})")
        one_of = {"schedule": self.schedule, "legal_entity": self.entity}
        for column, value in (one_of | {"currency": self.currency} if is_of_documents else one_of).items():
            if value:
                parameters.append(value)
                conditions.append(f"{column} = ${len(parameters)}")
        conditions += further
        return (f"where {' and '.join(conditions)}" if conditions else ""), parameters


EVERYTHING = Choice()


def ageing_table(warehouse: Warehouse, as_of: date, basis: Basis = "due", choice: Choice = EVERYTHING) -> pa.Table:
    """The open documents at the end of a day, one row per document, instalment and bucket, in the csv's order.

    ``outstanding`` is in the document's currency and negative for unapplied credits. Raises Problem for an unknown
    basis or where nothing about receivables was ever landed.
    """
    where, parameters = choice.where()
    columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in COLUMNS.items())
    return warehouse.table(
        f"select {columns} from {aged(warehouse, as_of, basis)} {where} "
        f"order by {', '.join(f'{name} nulls first' for name in (*ORDER, *TIES))}",
        parameters,
    )


def aged(warehouse: Warehouse, as_of: date, basis: Basis) -> str:
    """The relation of the open documents of a day. Raises Problem as ``ageing_table`` does."""
    if basis not in BASES:
        raise Problem(f"{basis!r} is no ageing basis: use due or invoice.")
    _require_receivables(warehouse)
    return f"marts.receivable_ageing({literal(as_of)}, '{basis}') as ageing"


def _require_receivables(warehouse: Warehouse) -> None:
    (found,) = warehouse.rows(
        "select count(*) as macros from duckdb_functions() where function_name = $1", ["receivable_ageing"]
    )
    if not found["macros"]:
        raise Problem("no data: this run holds no receivables. Land dms_invoices and run again.")


@dataclass(frozen=True)
class AgeingFacts:
    """What a reader must know beside the rows: what was asked, of which run, and whether it ties to the ledger.

    ``labels`` gives the buckets of each schedule from young to old; ``tieout``, ``provision`` and ``rollforward`` are
    rows as the functions of these names give them.
    """

    as_of: date
    basis: Basis
    choice: Choice
    run_id: str
    version: str
    known_at: datetime | None
    data_through: date | None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tieout: tuple[Mapping[str, Any], ...] = ()
    provision: tuple[Mapping[str, Any], ...] = ()
    rollforward: tuple[Mapping[str, Any], ...] = ()
    part: str = "all open documents"

    def parameters(self) -> dict[str, Any]:
        """The question, as the log of exports keeps it."""
        return {
            "as_of": self.as_of.isoformat(),
            "basis": self.basis,
            "rooftops": list(self.choice.rooftops),
            "schedule": self.choice.schedule,
            "entity": self.choice.entity,
            "currency": self.choice.currency,
            "known_at": self.known_at.isoformat() if self.known_at else None,
            "part": self.part,
        }

    def cover(self, rows: int) -> list[tuple[str, Any]]:
        """The lines of a cover: what was asked, what the data reach, which run said so."""
        return [
            ("What", "What customers and partners owe, and credits not yet applied, document by document"),
            ("As of", self.as_of),
            ("Aged by", BASES[self.basis]),
            ("Rooftops", ", ".join(self.choice.rooftops) or "all"),
            ("Legal entity", self.choice.entity or "all"),
            ("Schedule", self.choice.schedule or "all"),
            ("Currency", self.choice.currency or "all"),
            ("Shown", self.part),
            ("Known at", f"{self.known_at:%Y-%m-%d %H:%M} UTC" if self.known_at else "everything landed in this run"),
            ("Receivables landed to", self.data_through or "not known"),
            *([("Beyond the data", said)] if (said := beyond(self.as_of, self.data_through)) else []),
            ("Run", self.run_id),
            ("Made by", f"forecourt {self.version}"),
            ("Rows", f"{rows:,} documents and instalments, all of them here"),
        ]


def beyond(as_of: date, data_through: date | None) -> str | None:
    """What to say of a day that the receivables landed do not reach; None where they do, or where nothing is known."""
    if data_through is None or as_of <= data_through:
        return None
    return f"The receivables reach only {data_through}; nothing later is in the ageing as of {as_of}."


def ageing_facts(
    warehouse: Warehouse,
    as_of: date,
    basis: Basis = "due",
    choice: Choice = EVERYTHING,
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
        choice=choice,
        run_id=warehouse.run_id,
        version=run["version"],
        known_at=run["known_at"],
        data_through=fresh["day"],
        labels=bucket_labels(warehouse, basis, as_of),
        tieout=tuple(tieout(warehouse, as_of, choice)),
        provision=tuple(provision(warehouse, as_of, basis, choice)),
        rollforward=tuple(rollforward(warehouse, as_of, choice)),
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


def tieout(warehouse: Warehouse, as_of: date, choice: Choice = EVERYTHING) -> list[dict[str, Any]]:
    """What is outstanding of each schedule beside its control account, those that differ first, the largest first.

    ``verdict``: differs, no control balance (of this day was landed), ties. Always of whole schedules.
    """
    where, parameters = choice.where(f"as_of = {literal(as_of)}", is_of_documents=False)
    accounts = warehouse.rows(
        "select rooftop, legal_entity, schedule, currency, control_balance, outstanding, difference, "
        f"documents_without_rate from marts.fct_control_tieout {where}",
        parameters,
    )
    known = {(row["rooftop"], row["schedule"]) for row in accounts}
    where, parameters = choice.where(is_of_documents=False)
    others = warehouse.rows(
        "select rooftop, legal_entity, schedule, base_currency as currency, null as control_balance, "
        "coalesce(sum(outstanding_base), 0) as outstanding, null as difference, "
        "count(*) - count(outstanding_base) as documents_without_rate "
        f"from {aged(warehouse, as_of, 'due')} {where} group by all",
        parameters,
    )
    rows = [*accounts, *(row for row in others if (row["rooftop"], row["schedule"]) not in known)]
    for row in rows:
        off = row["difference"]
        row["verdict"] = "no control balance" if off is None else "differs" if off else "ties"
    order = ("differs", "no control balance", "ties")
    return sorted(
        rows,
        key=lambda row: (
            order.index(row["verdict"]),
            -abs(row["difference"] or 0),
            *(row[name] or "" for name in ("rooftop", "schedule", "currency")),
        ),
    )


def tied(rows: Sequence[Mapping[str, Any]]) -> str:
    """The tie-out in a sentence: how many accounts of the day tie, and which do not."""
    accounts = [row for row in rows if row["verdict"] != "no control balance"]
    if not accounts:
        return "No control balance of this day was landed (dms_control_balances), so nothing is tied to the ledger."
    off = [row for row in accounts if row["verdict"] == "differs"]
    said = f"{len(accounts) - len(off)} of {len(accounts)} control accounts of this day tie"
    if off:
        listed = [
            f"{row['rooftop']} {words.term(row['schedule'])} by {row['currency']} {words.number(row['difference'], 2)}"
            for row in off
        ]
        said += f"; {', '.join(listed)} {'differs' if len(off) == 1 else 'differ'}"
    missing = len(rows) - len(accounts)
    if missing:
        said += f"; {missing} open {'schedule has' if missing == 1 else 'schedules have'} no control balance"
    return said + "."


def tied_by_name(warehouse: Warehouse, rows: Sequence[Mapping[str, Any]]) -> str:
    """The same sentence with the rooftops' names, for whoever has no table of codes beside it."""
    names = {row["rooftop"]: row["name"] for row in warehouse.rows("select rooftop, name from meta.rooftops")}
    return tied([{**row, "rooftop": names.get(row["rooftop"]) or row["rooftop"]} for row in rows])


def provision(warehouse: Warehouse, as_of: date, basis: Basis, choice: Choice = EVERYTHING) -> list[dict[str, Any]]:
    """What to provide by schedule and bucket, in the rooftops' currency: owed, percent, provision."""
    where, parameters = choice.where("is_debit", "outstanding_base is not null")
    rows = warehouse.rows(
        "select schedule, base_currency as currency, bucket, sum(outstanding_base) as owed, "
        f"coalesce(sum(provision), 0) as provision from {aged(warehouse, as_of, basis)} {where} "
        "group by all order by schedule, currency, min(bucket_position)",
        parameters,
    )
    settings = warehouse.rows(
        "select schedule, label, provision_percent from marts.dim_ageing_bucket "
        "where aged_by = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)",
        [basis, as_of],
    )
    percents = {(row["schedule"], row["label"]): row["provision_percent"] for row in settings}
    schedules = {schedule for schedule, _ in percents}
    for row in rows:
        schedule = row["schedule"] if row["schedule"] in schedules else "default"
        row["percent"] = percents.get((schedule, row["bucket"]))
    return rows


#: The roll-forward from opening to closing, and how each part of it counts.
ROLLFORWARD = {
    "opening": 1,
    "invoices": 1,
    "cash": -1,
    "refunds_and_returned": 1,
    "credit_notes": -1,
    "write_offs": -1,
    "fx": 1,
    "transfers": 1,
    "closing": 0,
}


def rollforward(warehouse: Warehouse, as_of: date, choice: Choice = EVERYTHING) -> list[dict[str, Any]]:
    """The roll-forward of the last month that was over by the end of a day, or that the data end in, by schedule."""
    until = f"through_on <= {literal(as_of)}"
    where, parameters = choice.where(
        until,
        f"month = (select max(month) from marts.fct_receivable_rollforward where {until})",
        is_of_documents=False,
    )
    return warehouse.rows(
        f"select rooftop, legal_entity, schedule, currency, month, through_on, {', '.join(ROLLFORWARD)}, "
        f"documents_without_rate from marts.fct_receivable_rollforward {where} order by rooftop, schedule",
        parameters,
    )


#: One movement of an open document: column -> SQL type, in order.
MOVEMENTS = {
    "rooftop": "varchar",
    "schedule": "varchar",
    "customer_id": "varchar",
    "customer_name": "varchar",
    "document": "varchar",
    "document_kind": "varchar",
    "instalment": "bigint",
    "effective_on": "date",
    "movement": "varchar",
    "kind": "varchar",
    "counter_document": "varchar",
    "currency": "varchar",
    "amount": "decimal(18,2)",
    "open_after": "decimal(18,2)",
    "file": "varchar",
    "row": "bigint",
}


def movements_table(warehouse: Warehouse, as_of: date, basis: Basis = "due", choice: Choice = EVERYTHING) -> pa.Table:
    """Everything that moved the documents open at the end of a day up to it; by document it adds up to what is open."""
    where, parameters = choice.where()
    columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in MOVEMENTS.items())
    return warehouse.table(
        f"""with open_documents as (
    select * from {aged(warehouse, as_of, basis)} {where}
),

moved as (
    select
        open_documents.*,
        movements.movement_key,
        movements.effective_on,
        movements.movement,
        movements.kind,
        replace(movements.counter_document_key, '|', ' ') as counter_document,
        movements.amount as moved,
        sum(movements.amount) over (
            partition by open_documents.key
            order by movements.effective_on, movements.movement <> 'posted', movements.movement_key
        ) as open_after,
        files.name as moving_file,
        movements.row_number as moving_row
    from open_documents
    inner join marts.fct_receivable_movement as movements on open_documents.key = movements.receivable_key
    left join meta.files as files on movements.file_id = files.file_id
    where movements.effective_on <= {literal(as_of)}
)

select {columns}
from (
    select * replace (moved as amount, moving_file as file, moving_row as "row") from moved
) as moved
order by {", ".join(f"{name} nulls first" for name in ORDER)}, key, effective_on, movement <> 'posted', movement_key""",
        parameters,
    )


@dataclass(frozen=True)
class Sums:
    """Outstanding of one schedule in one currency: by bucket, and what is owed apart from what is unapplied.

    ``buckets`` holds everything, credits negative; ``owed`` only debit documents, and so does ``received_after``.
    """

    buckets: Mapping[str, Decimal]
    owed: Mapping[str, Decimal]
    gross: Decimal
    unallocated: Decimal
    disputed: Decimal
    received_after: Decimal
    documents: int

    @property
    def net(self) -> Decimal:
        """Gross less what is unallocated: the sum of the buckets."""
        return self.gross + self.unallocated


#: Which amounts are in which currency, said wherever both stand.
CURRENCIES = (
    "Totals by schedule, customer and document are in the document's currency, each by itself; the tie-out, the "
    "provision and the roll-forward are in the rooftop's currency at the booked rate."
)
#: What to sum by, besides the currency: a customer stands once per rooftop and schedule.
SCHEDULE = ("schedule",)
CUSTOMER = ("schedule", "rooftop", "customer_id", "customer_name")


def sums_by_schedule(table: pa.Table) -> dict[tuple[str, str], Sums]:
    """(schedule, currency) → sums, in order; currencies are never added up."""
    return {(key[0], key[-1]): part for key, part in sums_by(table, SCHEDULE).items()}


def sums_in_base(table: pa.Table) -> tuple[dict[str, Decimal], int]:
    """Rooftop currency → what is open at the booked rate, credits taken off; and how many documents have no rate."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    unrated = 0
    names = ("base_currency", "outstanding_base")
    for currency, outstanding in zip(*(table.column(name).to_pylist() for name in names), strict=True):
        if outstanding is None:
            unrated += 1
        else:
            sums[currency or ""] += outstanding
    return dict(sums), unrated


def sums_by(table: pa.Table, columns: Sequence[str]) -> dict[tuple[str, ...], Sums]:
    """(the columns' values, currency) → sums, in order; currencies are never added up."""
    parts: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    wanted = ("bucket", "outstanding", "disputed", "received_after")
    keys = zip(*(table.column(name).to_pylist() for name in (*columns, "currency")), strict=True)
    values = zip(*(table.column(name).to_pylist() for name in wanted), strict=True)
    for key, row in zip(keys, values, strict=True):
        parts[tuple(part or "" for part in key)].append(row)
    return {key: _sums(parts[key]) for key in sorted(parts)}


def _sums(rows: Sequence[tuple[Any, ...]]) -> Sums:
    zero = Decimal("0.00")
    buckets: dict[str, Decimal] = defaultdict(lambda: zero)
    owed: dict[str, Decimal] = defaultdict(lambda: zero)
    unallocated = disputed = received = zero
    for bucket, outstanding, is_disputed, received_after in rows:
        buckets[bucket] += outstanding
        if outstanding < 0:
            unallocated += outstanding
        else:
            owed[bucket] += outstanding
            received += received_after or zero
        if is_disputed:
            disputed += outstanding
    return Sums(dict(buckets), dict(owed), sum(owed.values(), zero), unallocated, disputed, received, len(rows))


def summary_blocks(
    sums: Mapping[Key, Sums], labels: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], list[tuple[Key, Sums]]]]:
    """Bucket labels with the entries (schedule first in the key) that age by them; labels only rows carry are added."""
    blocks: dict[tuple[str, ...], list[tuple[Key, Sums]]] = defaultdict(list)
    for key, entry in sums.items():
        blocks[labels.get(key[0], labels.get("default", ()))].append((key, entry))
    for known, entries in sorted(blocks.items(), key=lambda block: (-len(block[1]), block[0])):
        extra = {bucket for _, entry in entries for bucket in entry.buckets} - set(known)
        yield tuple(sorted({*known, *extra}, key=bucket_order)), entries


def bucket_title(label: str) -> str:
    """A bucket for people: not due, 1-30 days."""
    return "not due" if label == "not_due" else f"{label} days"
