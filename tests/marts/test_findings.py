"""What a source says wrongly must be listed, with its rows: one small warehouse that holds every such case once.

Beside each wrong row stands one like it that is right, so a finding that lists everything fails here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecourt.build import Paths, results
from forecourt.meta import CheckResult
from forecourt.run import dbt_checks
from tests.support.warehouse import make_warehouse

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = (
    "money_rows_vanished",
    "values_that_failed",
    "counted_deals_without_a_day",
    "documents_below_zero",
    "rates_that_are_none",
)
#: Until the end of 2025 a deal counted from its contract.
SETTINGS = """
[company]
name = "Findings"
currency = "GBP"

[policy]
deal.recognition = [{ from = 2024-01-01, value = "contract" }, { from = 2026-01-01, value = "delivered" }]
"""
#: By money feed its header and the end of both its rows: one stays, one is gone from the later full file.
MONEY = {
    "dms_vehicle_costs": ("cost_id,stock_number,posted_on,category,amount", "S1,2026-03-01,recon,100"),
    "dms_deals": ("deal_number,deal_type,status,delivered_on", "retail,delivered,2026-03-01"),
    "dms_deal_products": ("deal_number,line,product,gross_side,sale", "1,warranty,back,100"),
    "dms_rentals": ("agreement_number,stock_number,out_at,revenue", "S1,2026-03-01T09:00:00,100"),
    "dms_claims": ("claim_number,kind,opened_at,status", "warranty,2026-03-01T09:00:00,open"),
    "dms_invoices": ("invoice_number,kind,posted_on,amount", "invoice,2026-03-01,100"),
    "dms_instalments": ("invoice_number,instalment,due_on,amount", "1,2026-03-01,100"),
    "dms_payments": ("payment_number,posted_on,amount", "2026-03-01,100"),
    "dms_allocations": ("allocation_id,from_document,to_document,allocated_on,amount", "stays,stays,2026-03-01,1"),
    "dms_counter_sales": ("ticket,line,sold_on,department,sale", "1,2026-03-01,parts,100"),
}
DEALS = """\
rooftop,deal_number,deal_type,status,finalised_on,delivered_on,reversed_on,sale_price,rate,currency
R1,good,retail,delivered,2026-03-01,2026-03-02,,9000,,
R1,unread,retail,delivered,2026-03-01,31.02.2026,,9000,,
R1,empty,retail,unwound,2026-03-01,,2026-03-20,9000,,
R1,said_delivered,retail,finalised,2026-03-01,soon,,9000,,
R1,not_yet,retail,finalised,2026-03-01,,,9000,,
R1,never,retail,cancelled,2026-03-01,,2026-03-09,9000,,
R1,mended,retail,delivered,2026-03-01,later,,dear,,
R1,unsigned,retail,finalised,2025-12-30,2026-01-04,,9000,,
R1,unsigned_booked,retail,booked,2025-12-31,,,9000,,
R1,home_at_zero,retail,booked,,,,9000,0,GBP
R1,abroad_at_zero,retail,booked,,,,9000,0,EUR
R1,home_at_more,retail,booked,,,,9000,1.17,
"""
MENDED = """\
rooftop,deal_number,deal_type,status,delivered_on
R1,mended,retail,delivered,2026-03-05
"""
INVOICES = """\
rooftop,invoice_number,kind,posted_on,due_on,amount,currency,rate
R1,right,invoice,2026-03-01,2026-03-31,100,EUR,0.85
R1,below,invoice,2026-03-01,2026-03-31,-100,,
R1,credit_below,credit_note,2026-03-01,,-50,,
R1,rate_below,invoice,2026-03-01,2026-03-31,100,EUR,-0.85
"""
PAYMENTS = """\
rooftop,payment_number,posted_on,amount
R1,right,2026-03-05,40
R1,below,2026-03-05,-40
"""
INSPECTIONS = """\
rooftop,inspection_id,inspected_at,result,attempt
R1,stays,2026-03-01T09:00:00,pass,1
"""
FX_RATES = """\
currency,to_currency,on,kind,rate
EUR,GBP,2026-03-01,booked,0.85
EUR,GBP,2026-03-02,booked,0
"""


def money_files() -> dict[str, str]:
    found = {}
    for feed, (header, rest) in MONEY.items():
        for day, keys in (("2026-03-10", ("stays", "goes")), ("2026-03-20", ("stays",))):
            rows = "".join(f"V1,{key},{rest}\n" for key in keys)
            found[f"{feed}.full.{day}.csv"] = f"rooftop,{header}\n{rows}"
    return found


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CheckResult]:
    home = make_warehouse(
        tmp_path_factory.mktemp("findings"),
        money_files()
        | {
            "dms_deals_2026-03-11.csv": DEALS,
            "dms_deals_2026-03-12.csv": MENDED,
            "dms_invoices_2026-03-11.csv": INVOICES,
            "dms_payments_2026-03-11.csv": PAYMENTS,
            "fx_rates_2026-03-11.csv": FX_RATES,
            "dms_inspections.full.2026-03-11.csv": INSPECTIONS + "R1,goes,2026-03-01T10:00:00,pass,first\n",
            "dms_inspections.full.2026-03-12.csv": INSPECTIONS,
        },
        SETTINGS,
        select=" ".join(f"+{name}" for name in FINDINGS),
        tests=True,
    )
    paths = Paths(home.build)
    return {check.name: check for check in dbt_checks(home, paths, list(results(paths)))}


def rows(check: CheckResult, *columns: str) -> list[tuple[Any, ...]]:
    assert check.outcome == "finding"
    assert check.failures == len(check.rows), "more rows than a check keeps: look at fewer cases"
    return sorted(tuple(row[column] for column in columns) for row in check.rows)


def test_a_row_that_vanished_is_listed_for_every_money_feed(checks: Mapping[str, CheckResult]) -> None:
    feeds = yaml.safe_load((ROOT / "ingest" / "feeds" / "dms.yml").read_text(encoding="utf-8"))
    assert set(MONEY) == {name for name, feed in feeds.items() if feed.get("money")}
    check = checks["money_rows_vanished"]
    assert (check.outcome, check.failures) == ("finding", len(MONEY))
    assert len({row["feed"] for row in check.rows}) == len(check.rows) == 5
    for row in check.rows:
        assert "goes" in row["record_key"]
        assert row["gone_at"].date() == date(2026, 3, 20)


@pytest.mark.metrics("0.findings")
def test_values_that_failed_their_type_are_counted_by_column_with_one_of_them(
    checks: Mapping[str, CheckResult],
) -> None:
    assert rows(checks["values_that_failed"], "feed", "column_name", "failed_values", "example", "example_key") == [
        ("dms_deals", "delivered_on", 2, "31.02.2026", "R1|unread"),
        ("dms_deals", "sale_price", 1, "dear", "R1|mended"),
    ]


@pytest.mark.metrics("0.findings")
def test_a_deal_that_counts_and_has_no_day_is_listed(checks: Mapping[str, CheckResult]) -> None:
    assert rows(checks["counted_deals_without_a_day"], "deal_key", "missing_day", "unreadable_day", "sale_price") == [
        ("R1|empty", "delivered_on", None, Decimal(9000)),
        ("R1|said_delivered", "delivered_on", "soon", Decimal(9000)),
        ("R1|unread", "delivered_on", "31.02.2026", Decimal(9000)),
        ("R1|unsigned", "contract_on", None, Decimal(9000)),
        ("R1|unsigned_booked", "contract_on", None, Decimal(9000)),
    ]


def test_documents_with_an_amount_below_zero_are_listed(checks: Mapping[str, CheckResult]) -> None:
    assert rows(checks["documents_below_zero"], "feed", "record_key", "amount") == [
        ("dms_invoices", "R1|below", Decimal(-100)),
        ("dms_invoices", "R1|credit_below", Decimal(-50)),
        ("dms_payments", "R1|below", Decimal(-40)),
    ]


def test_rates_of_zero_and_below_and_beside_the_own_currency_are_listed(checks: Mapping[str, CheckResult]) -> None:
    assert rows(checks["rates_that_are_none"], "feed", "record_key", "rate") == [
        ("dms_deals", "R1|abroad_at_zero", 0),
        ("dms_deals", "R1|home_at_more", Decimal("1.17")),
        ("dms_invoices", "R1|rate_below", Decimal("-0.85")),
        ("fx_rates", "EUR|GBP|2026-03-02|booked", 0),
    ]
