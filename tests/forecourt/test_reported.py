from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from forecourt.metrics import Metric, Period
from forecourt.reported import Contribution, restate
from forecourt.verbs import show_figures
from tests.forecourt.conftest import WarehouseOf

MARGIN = Metric(
    name="margin",
    label="Margin",
    description="",
    kind="flow",
    unit="percent",
    model="fct_sale",
    relation="marts.fct_sale",
    date="day",
    numerator="sum(gross)",
    denominator="sum(revenue)",
    record="sale_key",
    currency="currency",
    dimensions={"rooftop": "rooftop"},
    feeds=("dms_deals",),
    requires=("dms_deals",),
)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 31))
LANDED = [("dms_deals", "R1", date(2026, 3, 31))]


def sales(*rows: str) -> str:
    return f"""
        create table marts.fct_sale as select *, 'f1' as file_id from (values {", ".join(rows)})
            as rows(sale_key, rooftop, day, gross, revenue, currency, row_number);
        insert into meta.files (name, file_id) values ('deals.csv', 'f1');
    """


THEN = sales(
    "('R1|A', 'R1', date '2026-03-02', 100.00, 1000.00, 'GBP', 2)",
    "('R1|B', 'R1', date '2026-03-03', 50.00, 500.00, 'GBP', 3)",
    "('R1|C', 'R1', date '2026-03-04', 10.00, 100.00, 'GBP', 4)",
)
NOW = sales(
    "('R1|A', 'R1', date '2026-03-02', 100.00, 1000.00, 'GBP', 2)",
    "('R1|B', 'R1', date '2026-03-03', 20.00, 500.00, 'GBP', 7)",
    "('R1|D', 'R1', date '2026-03-05', 40.00, 400.00, 'GBP', 9)",
)


def test_the_records_that_differ_add_up_to_the_difference(
    tmp_path: Path, warehouse_of: WarehouseOf, capsys: pytest.CaptureFixture[str]
) -> None:
    then = warehouse_of(THEN, path=tmp_path / "then.duckdb", freshness=LANDED)
    now = warehouse_of(NOW, path=tmp_path / "now.duckdb", freshness=LANDED)
    (found,) = restate(then, now, MARGIN, MARCH)
    assert (found.then.numerator, found.now.numerator) == ("160.00", "160.00")
    assert [(r.record, r.change, r.file, r.row) for r in found.records] == [
        ("R1|B", "changed", "deals.csv", 7),
        ("R1|C", "gone", "deals.csv", 4),
        ("R1|D", "added", "deals.csv", 9),
    ]
    nothing = Contribution(Decimal(0), Decimal(0))
    for part, difference in (("numerator", Decimal(0)), ("denominator", Decimal("300.00"))):
        moved = [getattr(r.now or nothing, part) - getattr(r.then or nothing, part) for r in found.records]
        assert sum(moved) == difference
    show_figures.print_restated([found, *restate(then, then, MARGIN, MARCH)])
    told = capsys.readouterr().out
    assert "Margin (GBP) 2026-03-01 to 2026-03-31: reported 10.00 %, now 8.42 %" in told
    assert "1 of 2 figures are as they were reported." in told


def test_a_record_between_excluded_and_counted_is_listed(
    tmp_path: Path, warehouse_of: WarehouseOf, capsys: pytest.CaptureFixture[str]
) -> None:
    gross = replace(MARGIN, denominator=None, unit="money", excluded="case when gross is null then 'cost unknown' end")
    day = "date '2026-03-02'"
    rows = (f"('R1|A', 'R1', {day}, null, 9.00, 'GBP', 2)", f"('R1|B', 'R1', {day}, 5.00, 9.00, 'GBP', 3)")
    later = (rows[0].replace("null", "40.00"), rows[1].replace("5.00", "cast(null as decimal(18, 2))"))
    then = warehouse_of(sales(*rows), path=tmp_path / "then.duckdb", freshness=LANDED)
    now = warehouse_of(sales(*later), path=tmp_path / "now.duckdb", freshness=LANDED)
    (found,) = restate(then, now, gross, MARCH)
    unknown = Contribution(excluded="cost unknown")
    assert [(r.record, r.change, r.then, r.now) for r in found.records] == [
        ("R1|A", "changed", unknown, Contribution(Decimal("40.00"))),
        ("R1|B", "changed", Contribution(Decimal("5.00")), unknown),
    ]
    show_figures.print_restated([found])
    told = " ".join(capsys.readouterr().out.split())
    assert "R1|A changed excluded: cost unknown 40.00 deals.csv:2" in told


def test_what_had_not_landed_then_is_told_with_its_reason(tmp_path: Path, warehouse_of: WarehouseOf) -> None:
    then = warehouse_of(sales("('', '', date '2026-01-01', 0.00, 0.00, 'GBP', 0)"), path=tmp_path / "then.duckdb")
    now = warehouse_of(NOW, path=tmp_path / "now.duckdb", freshness=LANDED)
    (found,) = restate(then, now, replace(MARGIN, model="fct_absent"), MARCH)
    facts = found.as_dict()
    assert facts["as_reported"]["reason"] == "no data: no dms_deals landed"
    assert facts["as_now_known"]["numerator"] == "160.00"
    assert {(r["change"], r["file"]) for r in facts["records"]} == {("added", "deals.csv")}
