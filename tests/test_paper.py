"""Ten rows a file, written by hand, and the five numbers that a person works out from them on paper."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

FORECOURT = Path(sys.executable).with_name("forecourt")

SETTINGS = """
[company]
name = "Paper Motors"
currency = "GBP"
[[rooftops]]
code = "R1"
name = "Paper"
"""

FILES = {
    "dms_deals.csv": """\
rooftop,deal_number,stock_number,customer_id,lead_id,deal_type,status,finalised_on,delivered_on,reversed_on,sale_price,vehicle_cost,trade_allowance,trade_acv
R1,D1,S1,C1,L1,retail,delivered,2026-03-09,2026-03-10,,20000.00,,,
R1,D2,S2,C2,L2,lease,delivered,2026-03-19,2026-03-20,,15500.00,14000.00,1200.00,1000.00
R1,D3,S3,C3,L3,retail,delivered,2026-03-11,2026-03-12,,8000.00,,,
R1,D4,S4,C4,,retail,delivered,2026-03-24,2026-03-25,,8400.00,,,
R1,D5,S5,C5,,wholesale,delivered,2026-03-24,2026-03-25,,5000.00,4900.00,,
R1,D6,S6,C6,L6,retail,pending,,,,30000.00,27000.00,,
R1,D7,S7,C7,L7,retail,unwound,2026-02-14,2026-02-15,2026-03-28,10000.00,9000.00,,
""",
    "dms_vehicles.csv": """\
rooftop,stock_number,vin,registration,make,model,condition,use,vat_scheme,acquired_on,purchase_price,arrived_on,removed_on
R1,S1,,AB11 ONE,Alpha,One,used,retail,standard,2026-01-20,,2026-01-25,2026-03-10
R1,S4,,AB44 FOR,Delta,Four,used,retail,margin,2026-02-20,6000.00,2026-02-21,2026-03-25
R1,F1,,AB55 FIV,Alpha,Fleet,used,rental,standard,2026-01-01,12000.00,2026-01-01,
R1,F2,,AB66 SIX,Alpha,Fleet,used,courtesy,standard,2026-03-01,12000.00,2026-03-11,
""",
    "dms_vehicle_costs.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K1,S1,2026-02-01,purchase,17000.00
R1,K2,S1,2026-03-05,recon,500.00
R1,K3,S1,2026-04-02,transport,300.00
R1,K4,S1,2026-03-06,pack,150.00
""",
    "dms_deal_products.csv": """\
rooftop,deal_number,line,product,gross_side,sale,cost
R1,D1,1,warranty,back,900.00,400.00
R1,D2,1,fee,front,250.00,100.00
R1,D2,2,fee,none,99.00,0.00
""",
    "crm_leads.csv": """\
rooftop,lead_id,received_at,channel,intent,customer_id
R1,L1,2026-02-20T10:00:00,portal,buy,C1
R1,L2,2026-03-01T18:30:00,web_form,buy,C2
R1,L3,2026-03-05T09:00:00,phone,test_drive,C3
R1,L6,2026-03-20T09:00:00,phone,buy,C6
R1,L7,2026-02-01T09:00:00,walk_in,buy,C7
""",
    "dms_vehicle_events.csv": """\
rooftop,event_id,stock_number,occurred_at,status
R1,E1,F1,2026-03-05T00:00:00,out_of_service
R1,E2,F1,2026-03-08T00:00:00,ready
""",
    "dms_rentals.csv": """\
rooftop,agreement_number,stock_number,kind,out_at,due_back_at,returned_at,revenue
R1,A1,F1,rental,2026-03-10T00:00:00,2026-03-20T00:00:00,2026-03-20T00:00:00,500.00
R1,A2,F2,courtesy,2026-03-15T12:00:00,2026-03-16T12:00:00,2026-03-16T12:00:00,0.00
R1,A3,F1,rental,2026-03-18T00:00:00,2026-03-19T00:00:00,2026-03-19T00:00:00,50.00
""",
    "dms_claims.csv": """\
rooftop,claim_number,kind,deal_number,opened_at,status
R1,Q1,warranty,D1,2026-04-01T11:00:00,open
R1,Q2,damage,D2,2026-04-02T11:00:00,open
R1,Q3,goodwill,D4,2026-06-29T11:00:00,open
""",
    "dms_invoices.csv": """\
rooftop,invoice_number,kind,schedule,customer_id,customer_name,posted_on,due_on,amount
R1,I1,invoice,,C1,Ann Paper,2026-02-01,2026-03-01,1000.00
R1,I2,invoice,,C2,Bob Paper,2026-03-16,2026-04-15,500.00
R1,I3,invoice,contract_in_transit,F9,Paper Finance,2026-03-25,,15000.00
""",
    "dms_payments.csv": """\
rooftop,payment_number,customer_id,posted_on,amount
R1,P1,C1,2026-03-15,450.00
""",
    "dms_allocations.csv": """\
rooftop,allocation_id,from_document,to_document,allocated_on,amount
R1,X1,P1,I1,2026-03-15,400.00
""",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("paper")
    exports = root / "exports"
    exports.mkdir()
    (exports / "forecourt.toml").write_text(SETTINGS)
    for name, text in FILES.items():
        (exports / name).write_text(text)
    home = root / "warehouse"
    ended = subprocess.run([FORECOURT, "run", exports, "--home", home], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return home


def kpi(home: Path, *arguments: str) -> dict[str, Any]:
    ended = subprocess.run(
        [FORECOURT, "kpi", *arguments, "--home", home, "--json"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)
    return row


MARCH = ("--from", "2026-03-01", "--to", "2026-03-31")


@pytest.mark.parametrize(
    ("as_of", "numerator", "denominator"),
    [
        # D1 3,000 + D2 1,450 + D4 2,000 - D7 1,000 reversed; D3 has no cost and is left out of both sums
        ("2026-03-31", "5450.00", "34650.00"),
        # D4 is not delivered yet and D7 not reversed
        ("2026-03-22", "4450.00", "36650.00"),
        # the transport line of 2 April costs D1 another 300
        ("2026-04-30", "5150.00", "34650.00"),
    ],
)
def test_gross_margin(home: Path, as_of: str, numerator: str, denominator: str) -> None:
    row = kpi(home, "gross_margin_rate", *MARCH, "--as-of", as_of)
    assert (row["numerator"], row["denominator"]) == (numerator, denominator)
    assert row["value"] == pytest.approx(float(numerator) / float(denominator), abs=1e-12)
    assert row["currency"] == "GBP"


def test_unknown_cost_is_excluded_and_counted(home: Path) -> None:
    row = kpi(home, "gross_margin_rate", *MARCH, "--as-of", "2026-03-31")
    assert row["n"] == 4
    assert row["excluded"] == 1
    assert list(row["excluded_reasons"].values()) == [1]


@pytest.mark.parametrize(
    ("as_of", "value", "n"),
    # 20 Feb to 10 Mar is 18 days, 1 to 20 Mar 19, 5 to 12 Mar 7; D4 has no lead
    [("2026-03-31", 18, 3), ("2026-03-15", 12.5, 2)],
)
def test_enquiry_to_handover(home: Path, as_of: str, value: float, n: int) -> None:
    row = kpi(home, "enquiry_to_handover_days", *MARCH, "--as-of", as_of)
    assert (row["value"], row["n"], row["numerator"], row["denominator"]) == (value, n, None, n)


def test_deal_without_a_lead_is_counted(home: Path) -> None:
    assert kpi(home, "enquiry_to_handover_days", *MARCH, "--as-of", "2026-03-31")["excluded"] == 1


def test_utilisation(home: Path) -> None:
    # F1 31 days less 3 out of service, F2 21 days; hires of 10 days (one inside it counts once) and 1 day
    row = kpi(home, "fleet_utilisation_rate", *MARCH, "--as-of", "2026-03-31")
    assert row["value"] == pytest.approx(11 / 49, abs=1e-12)
    assert (row["numerator"], row["denominator"]) == (11, 49)


def test_utilisation_of_an_earlier_day(home: Path) -> None:
    # to the end of 12 March: F1 12 days less 3, F2 2 days; on hire 10, 11 and 12 March
    row = kpi(home, "fleet_utilisation_rate", *MARCH, "--as-of", "2026-03-12")
    assert row["value"] == pytest.approx(3 / 11, abs=1e-12)


@pytest.mark.parametrize(
    ("as_of", "numerator", "denominator", "immature"),
    # damage does not count, and 29 June is day 96 of D4
    [("2026-06-30", 1, 4, 0), ("2026-06-15", 1, 2, 2)],
)
def test_claim_rate(home: Path, as_of: str, numerator: int, denominator: int, immature: int) -> None:
    row = kpi(home, "claim_rate", *MARCH, "--as-of", as_of)
    assert (row["numerator"], row["denominator"], row["immature"]) == (numerator, denominator, immature)
    assert row["value"] == numerator / denominator


def test_immature_cohort_has_no_rate(home: Path) -> None:
    row = kpi(home, "claim_rate", *MARCH, "--as-of", "2026-04-09")
    assert row["value"] is None
    assert "immature" in row["reason"]


@pytest.mark.metrics("5.overdue-rate")
@pytest.mark.parametrize(
    ("as_of", "numerator", "denominator"),
    [("2026-03-31", "600.00", "1100.00"), ("2026-03-10", "1000.00", "1000.00"), ("2026-03-01", "0.00", "1000.00")],
)
def test_overdue_rate(home: Path, as_of: str, numerator: str, denominator: str) -> None:
    row = kpi(home, "overdue_rate", "--as-of", as_of)
    assert (row["numerator"], row["denominator"]) == (numerator, denominator)


def test_unapplied_credits(home: Path) -> None:
    # of the payment of 450.00 the clerk has set 400.00 against the invoice
    assert kpi(home, "unapplied_credits", "--as-of", "2026-03-31")["value"] == "-50.00"


def test_ageing_export(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "ageing.csv"
    subprocess.run(
        [FORECOURT, "export", "ageing", "--as-of", "2026-03-31", "--format", "csv", "-o", file, "--home", home],
        check=True,
        capture_output=True,
    )
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert [
        (r["schedule"], r["document"], r["document_kind"], r["outstanding"], r["days_past_due"], r["bucket"])
        for r in rows
    ] == [
        ("contract_in_transit", "I3", "invoice", "15000.00", "6", "4-7"),
        ("customer", "I1", "invoice", "600.00", "30", "1-30"),
        ("customer", "P1", "payment", "-50.00", "16", "1-30"),
        ("customer", "I2", "invoice", "500.00", "-15", "not_due"),
    ]
    assert [(r["file"], r["row"]) for r in rows[1:3]] == [("dms_invoices.csv", "2"), ("dms_payments.csv", "2")]


def test_the_sql_of_a_number_gives_the_number(home: Path) -> None:
    """Every statement of ``kpi --sql``, run on the published file as printed, gives what ``kpi`` says."""
    asked = (*MARCH, "--as-of", "2026-03-31", "--home", home)
    said = json.loads(subprocess.run([FORECOURT, "kpi", *asked, "--json"], check=True, capture_output=True).stdout)
    printed = subprocess.run([FORECOURT, "kpi", *asked, "--sql"], check=True, capture_output=True, text=True).stdout
    statements = dict(re.findall(r"-- (.+)\n((?:.|\n)+?);\n\n", printed))
    (published,) = (home / "published").glob("*.duckdb")
    compared = 0
    with duckdb.connect(str(published), read_only=True) as warehouse:
        for row in said:
            if (row["reason"] or "").startswith(("no data", "too few")):
                continue
            result = warehouse.execute(statements[row["label"]])
            names = [column[0] for column in result.description or ()]
            found = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
            if row["n"] == 0 and not found:
                continue
            answer = next(each for each in found if each["currency"] == row["currency"])
            for part in ("value", "numerator", "denominator"):
                assert (answer[part] is None) == (row[part] is None), (row["kpi"], part, answer[part], row[part])
                if row[part] is not None:
                    assert float(answer[part]) == pytest.approx(float(row[part]), abs=1e-6), (row["kpi"], part)
            assert (answer["n"], answer["excluded"]) == (row["n"], row["excluded"]), row["kpi"]
            compared += 1
    assert compared >= 8
