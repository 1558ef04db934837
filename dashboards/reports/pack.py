"""The month-end pack: every file that a closed month keeps, each whole in itself, with a list of their sums."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import date
from itertools import chain

import pyarrow as pa

from dashboards.reports.credits import credits_table, credits_xlsx
from dashboards.reports.exports import ageing_file, closed_ageing_name
from dashboards.reports.receivables import BASES, ROLLFORWARD, Choice, ageing_facts, ageing_table, rollforward, tieout
from dashboards.reports.stock_book import stock_book, stock_book_cover, stock_book_xlsx
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.exported import csv_of
from forecourt.kpi import compute, headline_period, load_metrics
from forecourt.metrics import HEADLINES, Period

#: ``sha256sum -c SHA256SUMS`` in the folder says whether every file is still what was closed.
SUMS = "SHA256SUMS"
#: Stands in the pack where a file could not be made: which one, and why.
LEFT_OUT = "LEFT_OUT.txt"
TIE_OUT = "tie_out.csv"

_TIEOUT = (
    *("rooftop", "legal_entity", "schedule", "currency", "control_balance", "outstanding", "difference", "verdict"),
    "documents_without_rate",
)
_ROLLFORWARD = (
    *("rooftop", "legal_entity", "schedule", "currency", "month", "through_on", *ROLLFORWARD),
    "documents_without_rate",
)


def month_end_pack(warehouse: Warehouse, first_on: date, last_on: date) -> dict[str, bytes]:
    """Name -> bytes of a month's end: headlines, ageing, tie-out, roll-forward, deposits and credits, stock book.

    What the run has no data for is left out. A pdf of the ageing is left out where a name holds a sign that paper
    cannot show, since the workbook and the csv hold everything; LEFT_OUT then says which, and why.
    """
    files = {"headlines.csv": _headlines(warehouse, first_on, last_on)}
    if _has(warehouse, "dms_invoices", "dms_payments"):
        left_out: dict[str, str] = {}
        files |= _ageing(warehouse, last_on, left_out)
        if left_out:
            files[LEFT_OUT] = "".join(f"{name}: {why}\n" for name, why in left_out.items()).encode()
        files[TIE_OUT] = _csv(tieout(warehouse, last_on), _TIEOUT)
        files["roll_forward.csv"] = _csv(rollforward(warehouse, last_on), _ROLLFORWARD)
        credits = credits_table(warehouse, last_on)
        files["deposits_and_credits.csv"] = csv_of(credits)
        files["deposits_and_credits.xlsx"] = credits_xlsx(credits, ageing_facts(warehouse, last_on))
    if _has(warehouse, "dms_vehicles", "dms_deals"):
        cars = stock_book(warehouse, first_on, last_on)
        files["stock_book.csv"] = csv_of(cars)
        cover = stock_book_cover(warehouse, first_on, last_on, ())
        files["stock_book.xlsx"] = stock_book_xlsx(cars, cover, first_on, last_on)
    return files


def sums(files: Mapping[str, bytes]) -> bytes:
    """The sha256 of every file, in the form that ``sha256sum -c`` reads."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def _headlines(warehouse: Warehouse, first_on: date, last_on: date) -> bytes:
    """The five headlines of a month as of its end, in total and by rooftop; a cohort is the one mature by then."""
    columns = (
        *("kpi", "label", "unit", "from", "to", "as_of", "rooftop", "currency", "value", "numerator", "denominator"),
        *("n", "open", "excluded", "immature", "data_through", "reason"),
    )
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    metrics = load_metrics(warehouse)
    for metric in (metrics[name] for name in HEADLINES if name in metrics):
        period = headline_period(warehouse, metric, Period(first_on, last_on, last_on))
        for by in (None, "rooftop"):
            for row in compute(warehouse, metric, period, by=by):
                if by and row.group is None:
                    continue
                given = row.as_dict() | {"rooftop": row.group}
                writer.writerow([given[column] for column in columns])
    return out.getvalue().encode()


def _has(warehouse: Warehouse, *feeds: str) -> bool:
    return bool(warehouse.rows("select 1 from meta.freshness where list_contains($1, feed) limit 1", [list(feeds)]))


def _ageing(warehouse: Warehouse, as_of: date, left_out: dict[str, str]) -> dict[str, bytes]:
    """Both bases, all schedules together and each, as csv and xlsx; all together as pdf too.

    ``left_out`` takes the name of a pdf that cannot be made, and why.
    """
    files: dict[str, bytes] = {}
    for basis in BASES:
        schedules = set(ageing_table(warehouse, as_of, basis).column("schedule").to_pylist())
        for schedule in chain([None], sorted(schedules)):
            choice = Choice(schedule=schedule)
            table = ageing_table(warehouse, as_of, basis, choice)
            facts = ageing_facts(warehouse, as_of, basis, choice)
            for kind in ("csv", "xlsx", "pdf") if schedule is None else ("csv", "xlsx"):
                name = closed_ageing_name(basis, schedule, kind)
                try:
                    files[name] = ageing_file(warehouse, table, facts, kind)
                except Problem as problem:
                    if kind != "pdf":
                        raise
                    left_out[name] = str(problem)
    return files


def _csv(rows: list[dict[str, object]], columns: tuple[str, ...]) -> bytes:
    return csv_of(pa.table({column: [row[column] for row in rows] for column in columns}))
