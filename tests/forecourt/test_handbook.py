"""An entry of the handbook says what a KPI is, with the settings, targets and benchmarks of its home."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from forecourt.handbook import Book, entry, page
from forecourt.metrics import Metric

CLAIMS = Metric(
    name="claim_rate",
    label="Claim rate",
    description="Units with a claim\nover units.",
    kind="cohort",
    unit="percent",
    model="fct_exposure",
    relation="marts.fct_exposure",
    date="started_on",
    numerator="count(claimed_on)",
    denominator="count(deal_key)",
    better="down",
    question="How many cars come back?",
    event="claimed_on",
    window="claim.window_days",
    population="kind = 'a' || 'b'",
    dimensions={"rooftop": "rooftop"},
    requires=("dms_claims",),
    example="6 / 100 = 6.0 %.",
    tested_by="tests/x.py::test_x",
    sources=("dms_claims.kind", "dms_claims.opened_at", "dms_deals.status"),
    settings=("ageing.edges.", "claim.window_days"),
    reasons=("no unit", "too early"),
)
BOOK = Book(
    {"claim_rate": CLAIMS, "units": Metric("units", "Units", "", "flow", "count", "m", "marts.m", "day", "sum(unit)")},
    policies=[
        {"key": "ageing.edges.customer", "value": "30,60", "valid_from": date(1900, 1, 1), "valid_to": None},
        {
            "key": "claim.window_days",
            "value": "60",
            "valid_from": date(1900, 1, 1),
            "valid_to": date(2026, 1, 1),
        },
        {"key": "claim.window_days", "value": "90", "valid_from": date(2026, 1, 1), "valid_to": None},
        {"key": "deal.pack", "value": "beside", "valid_from": date(1900, 1, 1), "valid_to": None},
    ],
    targets=[{"kpi": "claim_rate", "rooftop": "R1", "valid_from": date(2026, 1, 1), "value": Decimal("0.04")}],
    benchmarks=[{"kpi": "claim_rate", "value": Decimal("0.05"), "source": "A survey", "on": date(2025, 6, 1)}],
    columns={("fct_exposure", "claimed_on"): "Day of the first claim."},
)


@pytest.mark.parametrize(
    "said",
    [
        "## Claim rate",
        "less is better",
        "**How many cars come back?** Units with a claim over units.",
        "`count(claimed_on) / count(deal_key)` over `fct_exposure`. `claimed_on`: Day of the first claim.",
        "cohort by `started_on`, an event by `claimed_on`; only where `kind = 'a' \\|\\| 'b'`",
        "| Settings in force | `ageing.edges.customer` 30, 60; `claim.window_days` 60, then 90 from 2026-01-01 |",
        "| Left out, and counted | no unit; too early |",
        "| Causes are seen by | rooftop, month |",
        "| Made of | `dms_claims` (kind, opened_at); `dms_deals` (status) |",
        "| Target | 4.0 % for R1 from 2026-01-01 |",
        "| Benchmark | 5.0 % (A survey, 2025-06-01) |",
        "| Example | 6 / 100 = 6.0 %. |",
        "| Tested by | `tests/x.py::test_x` |",
    ],
)
def test_an_entry_says(said: str) -> None:
    assert said in entry(BOOK, "claim_rate")


def test_a_kpi_without_settings_targets_or_exclusions_says_so() -> None:
    text = entry(BOOK, "units")
    assert "| Settings in force | none |" in text
    assert "| Left out, and counted | nothing |" in text
    assert "Target" not in text
    assert "Benchmark" not in text


def test_the_page_lists_every_question_and_explains_the_kinds_once() -> None:
    text = page(BOOK, "KPIs", "Lead.")
    assert text.count("| **cohort** |") == 1
    assert "| [Claim rate](#claim-rate) | How many cars come back? |" in text
    assert text.count("\n## ") == 2
