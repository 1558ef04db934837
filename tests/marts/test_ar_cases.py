"""Receivable cases of other accounting systems: our ageing must give their amounts and days.

The cases (`ar_cases.json`) are facts restated from the tests of open accounting systems. Every case becomes a rooftop
of one warehouse. Their buckets are computed here from our days, because their edges differ from ours: ERPNext puts day
0 into 0-30 where ours is not due, GnuCash likewise; python-accounting has edges of its own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.warehouse import make_warehouse, opened

CASES_FILE = Path(__file__).resolve().parents[2] / "../shared/ar_cases.json"
CASES: dict[str, dict[str, Any]] = (
    {
        case["id"]: case
        for case in json.loads(CASES_FILE.read_text(encoding="utf-8"), parse_float=Decimal)["cases"]
        if case["machine_checkable"]
    }
    if CASES_FILE.exists()
    else {}
)
#: Columns of the native files that the cases need.
COLUMNS = {
    "dms_invoices": "rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,currency,rate",
    "dms_instalments": "rooftop,invoice_number,instalment,due_on,amount",
    "dms_payments": "rooftop,payment_number,customer_id,posted_on,amount",
    "dms_allocations": "rooftop,allocation_id,kind,from_document,to_document,allocated_on,amount",
    "dms_control_balances": "rooftop,schedule,as_of,balance",
}
SETTINGS = """
[company]
name = "Cases"
currency = "INR"
"""
#: Their buckets by days: (label, first day, last day).
SCHEMES: dict[str, list[tuple[str, int, int]]] = {
    "erpnext": [
        ("not_due", -9999, -1),
        ("range1", 0, 30),
        ("range2", 31, 60),
        ("range3", 61, 90),
        ("range4", 91, 120),
        ("range5", 121, 9999),
    ],
    "gnucash": [
        ("current", -9999, -1),
        ("0-30", 0, 30),
        ("31-60", 31, 60),
        ("61-90", 61, 90),
        ("91+", 91, 9999),
    ],
    "python_accounting": [
        ("<=30", -9999, 30),
        ("31-90", 31, 90),
        ("91-180", 91, 180),
        ("181-270", 181, 270),
        ("271-365", 271, 365),
        (">365", 366, 9999),
    ],
}


def native_rows(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The case as rows of native files, in a rooftop named after it."""
    rooftop = case["id"]
    for document in case["documents"]:
        signed = document["amount"]
        common = {"rooftop": rooftop, "customer_id": document["party"], "posted_on": document["posting_date"]}
        if document["type"] in ("invoice", "credit_note") or signed > 0:
            amount, currency, rate = abs(signed), "", ""
            if "fx_rate" in document:
                amount = document.get("document_amount") or document["amount_in_account_currency"]
                currency, rate = document.get("document_currency", "USD"), document["fx_rate"]
            yield (
                "dms_invoices",
                common
                | {
                    "invoice_number": document["id"],
                    "kind": "credit_note" if signed < 0 else "invoice",
                    "due_on": document["due_date"],
                    "amount": amount,
                    "currency": currency,
                    "rate": rate,
                },
            )
        else:
            yield "dms_payments", common | {"payment_number": document["id"], "amount": -signed}
        if case["by_payment_terms"]:
            for number, term in enumerate(document.get("terms", []), start=1):
                yield (
                    "dms_instalments",
                    {"rooftop": rooftop, "invoice_number": document["id"], "instalment": number}
                    | {"due_on": term["due_date"], "amount": term["amount"]},
                )
    for number, allocation in enumerate(case["allocations"], start=1):
        yield (
            "dms_allocations",
            {
                "rooftop": rooftop,
                "allocation_id": f"A{number}",
                "kind": {"paid": "payment"}.get(allocation["kind"], allocation["kind"]),
                "from_document": allocation["from"],
                "to_document": allocation["to"],
                "allocated_on": allocation["date"],
                "amount": allocation["amount"],
            },
        )
    for party in case["expected"].get("summary", []):
        if "gl_balance" in party:
            yield (
                "dms_control_balances",
                {"rooftop": rooftop, "schedule": "customer", "as_of": case["as_of"], "balance": party["gl_balance"]},
            )


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    files: dict[str, list[dict[str, Any]]] = {feed: [] for feed in COLUMNS}
    for case in CASES.values():
        for feed, row in native_rows(case):
            files[feed].append(row)
    newest = max(date.fromisoformat(case["as_of"]) for case in CASES.values()) + timedelta(days=2)
    texts = {}
    for feed, rows in files.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS[feed].split(","))
        writer.writeheader()
        writer.writerows(rows)
        texts[f"{feed}_{newest}.csv"] = text.getvalue()
    return opened(
        make_warehouse(
            tmp_path_factory.mktemp("cases"), texts, SETTINGS, select="+path:marts/finance +int_receivables_aged"
        )
    )


@pytest.fixture
def rows(request: pytest.FixtureRequest, warehouse: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The case's ageing rows at its day, each with `paid` and `credited` of the part and the document's total."""
    case = CASES[request.node.callspec.params["case_id"]]
    basis = "invoice" if case["ageing_basis"] == "posting_date" else "due"
    found = warehouse.execute(
        """
        select
            aged.*,
            coalesce(-sum(moved.amount_base) filter (where moved.kind = 'payment'), 0) as paid,
            coalesce(-sum(moved.amount_base) filter (where moved.kind = 'credit_note'), 0) as credited,
            (
                select sum(amount_base) from marts.fct_receivable where document_key = aged.document_key
            ) as document_total
        from marts.receivable_ageing($1, $2) as aged
        left join marts.fct_receivable_movement as moved
            on aged.key = moved.receivable_key and moved.effective_on <= $1
        where aged.rooftop = $3
        group by all
        """,
        [date.fromisoformat(case["as_of"]), basis, case["id"]],
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


#: What a case may say of a row -> the same from our row. What it says of credits is the open amount alone: ERPNext
#: shows a payment's own amount as paid of itself.
FIGURES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "invoiced": lambda row: row["amount"] * row["rate"] if row["is_debit"] else 0,
    "outstanding": lambda row: row["outstanding_base"],
    "paid": lambda row: row["paid"] if row["is_debit"] else -row["outstanding_base"],
    "credit_note": lambda row: row["credited"] if row["is_debit"] else 0,
    "future_amount": lambda row: row["received_after"],
    "remaining_balance": lambda row: row["outstanding"] - row["received_after"],
    "document_total": lambda row: row["document_total"],
    "invoiced_party_currency": lambda row: row["amount"],
    "outstanding_in_account_currency": lambda row: row["outstanding"],
    "account_currency": lambda row: row["currency"],
    "bucket": lambda row: row["bucket"],
}
#: Facts of a row that our documents do not carry (a ledger account, a cost centre).
NOT_OURS = {"doc", "term", "account", "attributes"}


def matching(rows: list[dict[str, Any]], expected: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        row
        for row in rows
        if row["document"] == expected["doc"] and ("term" not in expected or row["instalment"] == expected["term"] + 1)
    ]


@pytest.mark.metrics("5.unallocated")
@pytest.mark.parametrize("case_id", sorted(CASES))
def test_rows_have_their_amounts(case_id: str, rows: list[dict[str, Any]]) -> None:
    case = CASES[case_id]
    for said in (case["expected"], case.get("derived_by_us", {})):
        for expected in said.get("rows", []):
            (row,) = matching(rows, expected)
            unknown = set(expected) - set(FIGURES) - NOT_OURS
            assert not unknown, f"{case_id} says what this test does not read: {unknown}"
            for figure in set(expected) & set(FIGURES):
                assert FIGURES[figure](row) == expected[figure], (figure, expected, row)
        for gone in said.get("absent", []):
            assert not matching(rows, gone)
        if "row_count" in said:
            assert len(rows) == said["row_count"]


@pytest.mark.parametrize("case_id", sorted(i for i, case in CASES.items() if "summary" in case["expected"]))
def test_customers_have_their_totals(
    case_id: str, rows: list[dict[str, Any]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    for party in CASES[case_id]["expected"]["summary"]:
        own = [row for row in rows if row["customer_id"] == party["party"]]
        debits = [row for row in own if row["is_debit"]]
        assert sum(row["outstanding"] for row in own) == party["outstanding"]
        assert sum(row["amount"] for row in debits) == party["invoiced"]
        assert sum(row["paid"] for row in debits) == party["paid"]
        assert sum(row["credited"] for row in debits) == party["credit_note"]
        assert -sum(row["outstanding"] for row in own if row["document_kind"] == "payment") == party["advance"]
        assert sum(row["received_after"] for row in own) == party["future_amount"]
        assert by_bucket(own, SCHEMES["erpnext"]) == {"not_due": 0, **party["buckets"]}
        if "diff" in party:
            tied = warehouse.execute(
                "select control_balance, outstanding, difference from marts.fct_control_tieout where rooftop = $1",
                [case_id],
            ).fetchall()
            assert tied == [(party["gl_balance"], party["outstanding"], party["diff"])]


@pytest.mark.metrics("5.buckets")
@pytest.mark.parametrize("case_id", sorted(i for i, case in CASES.items() if "totals" in case["expected"]))
def test_days_fall_into_their_buckets(case_id: str, rows: list[dict[str, Any]]) -> None:
    case = CASES[case_id]
    if case.get("options", {}).get("net_unallocated_credits") is False:
        rows = [row for row in rows if row["is_debit"]]
    scheme = SCHEMES[case["bucket_scheme"]]
    totals = case["expected"]["totals"]
    expected = {label: amount for label, amount in totals["buckets"].items() if label != "prepayment"}
    assert by_bucket(rows, scheme) == expected
    for party, buckets in totals.get("by_party", {}).items():
        assert by_bucket([row for row in rows if row["customer_id"] == party], scheme) == buckets
    if "grand" in totals:
        assert sum(row["outstanding"] for row in rows) == totals["grand"]["outstanding"]


@pytest.mark.parametrize("case_id", sorted(i for i, case in CASES.items() if "filters" in case["expected"]))
def test_an_account_is_a_currency(case_id: str, rows: list[dict[str, Any]]) -> None:
    """Of the filters only those by account have a counterpart here: the currency that the account is kept in."""
    for kept in CASES[case_id]["expected"]["filters"]:
        currency = kept["filter"].get("account", "").removeprefix("AR-")
        for expected in kept["rows"] if currency else []:
            (row,) = [row for row in rows if row["currency"] == currency]
            assert row["document"] == expected["doc"]
            assert row["amount"] == expected["invoiced"]
            assert row["outstanding"] == expected["outstanding"]


def by_bucket(rows: list[dict[str, Any]], scheme: list[tuple[str, int, int]]) -> dict[str, Decimal]:
    return {
        label: sum((row["outstanding"] for row in rows if first <= row["days_past_due"] <= last), Decimal(0))
        for label, first, last in scheme
    }
