from __future__ import annotations

import json
import re
from typing import Any

import pytest

from forecourt.door import Warehouse
from forecourt.home import Home
from tests.support.command import call, forecourt, said


def kpis(home: Home, *words: str) -> list[dict[str, Any]]:
    result = call("kpi", *words, "--home", str(home.root), "--json")
    assert result.exit_code == 0, result.exception
    rows: list[dict[str, Any]] = json.loads(result.output)
    return rows


def test_kpi_without_a_period_shows_the_month_so_far_and_a_mature_cohort(home: Home) -> None:
    gross, claims = kpis(home)
    assert (gross["kpi"], gross["from"], gross["to"], gross["as_of"]) == (
        "gross_margin_rate",
        "2026-03-01",
        "2026-03-31",
        "2026-03-31",
    )
    assert (gross["value"], gross["numerator"], gross["denominator"]) == (0.068, "170.00", "2500.00")
    assert (gross["data_through"], gross["is_stale"]) == ("2026-03-30", True)
    assert (claims["from"], claims["to"], claims["value"]) == ("2025-12-01", "2025-12-31", 1.0)


def test_kpi_takes_period_group_and_rooftop(home: Home) -> None:
    rows = kpis(home, "gross_margin_rate", "--from", "2026-03-01", "--to", "2026-03-30", "--by", "make")
    assert [(row["group"], row["value"]) for row in rows] == [("Aston", 0.1), ("Berlin", 0.05)]
    (south,) = kpis(home, "gross_margin_rate", "--rooftop", "R2")
    assert south["value"] == 0.04
    (early,) = kpis(home, "gross_margin_rate", "--to", "2026-03-31", "--as-of", "2026-03-30")
    assert (early["value"], early["as_of"]) == (0.075, "2026-03-30")


def test_a_period_that_ends_after_the_data_is_answered_as_of_the_data(home: Home) -> None:
    """Else a cohort whose claims nobody has sent yet would look mature and free of claims."""
    (claims,) = kpis(home, "claim_rate", "--from", "2026-03-01", "--to", "2026-12-31")
    assert (claims["to"], claims["as_of"]) == ("2026-12-31", "2026-03-31")
    assert (claims["value"], claims["reason"]) == (None, "immature: 0 of 3 so far")


def test_by_alone_leaves_out_the_kpis_without_that_dimension(home: Home) -> None:
    assert {row["kpi"] for row in kpis(home, "--by", "make")} == {"gross_margin_rate"}
    assert "No KPI has a dimension 'colour'" in said(call("kpi", "--by", "colour", "--home", str(home.root)))


def test_the_statement_of_a_kpi_runs_as_printed(home: Home) -> None:
    result = call("kpi", "gross_margin_rate", "--sql", "--home", str(home.root))
    (row,) = Warehouse(home.published / "20260401T060000-000001.duckdb").rows(result.output)
    assert (float(row["numerator"]), float(row["denominator"])) == (170, 2500)


def test_a_table_for_people_shows_the_same_number(home: Home) -> None:
    done = forecourt("kpi", "gross_margin_rate", "--home", str(home.root))
    assert done.returncode == 0
    assert re.search(r"Gross margin\s+6\.8 %\s+GBP\s+170\.00\s+2,500\.00\s+3\b", done.stdout), done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gross_margin",), "Did you mean gross_margin_rate?"),
        (("gross_margin_rate", "--by", "colour"), "It has: rooftop, make, month"),
        (("--from", "2026-03-31", "--to", "2026-03-01"), "Swap --from and --to"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_right(home: Home, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in said(call("kpi", *words, "--home", str(home.root)))


def test_known_at_before_the_first_delivery_is_one_sentence(home: Home) -> None:
    words = ("kpi", "gross_margin_rate", "--known-at", "2020-01-01", "--home", str(home.root))
    assert re.match(r"Nothing (was known|has landed)", said(call(*words)))


def test_targets_and_benchmarks_stand_beside_the_number(home: Home) -> None:
    (claims,) = kpis(home, "claim_rate")
    assert claims["target"] == 0.04
    assert claims["benchmark"] == {"value": 0.05, "source": "A survey", "date": "2025-06-01"}
    shown = call("kpi", "claim_rate", "--home", str(home.root)).output
    assert re.search(r"4\.0 % +5\.0 % \(A survey, 2025-06-01\)", shown)
    assert "benchmark" not in call("kpi", "gross_margin_rate", "--home", str(home.root)).output


def test_kpi_explained_has_the_settings_and_benchmarks_of_the_home(home: Home) -> None:
    told = call("kpi", "claim_rate", "--explain", "--home", str(home.root)).output
    assert told.startswith("## Claims\n")
    assert "| Target | 4.0 % for every rooftop from 2025-01-01 |" in told
    assert "| Benchmark | 5.0 % (A survey, 2025-06-01) |" in told
    assert "## Gross margin" not in told
    assert "--explain stands alone" in call("kpi", "--explain", "--sql", "--home", str(home.root)).output
