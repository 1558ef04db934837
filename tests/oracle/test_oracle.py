"""Every KPI of three invented dealerships, recomputed from their csv files by other means: no difference at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from forecourt.door import Warehouse, open_warehouse
from forecourt.home import Home
from forecourt.kpi import load_metrics, newest_day
from tests.oracle.comparison import differences
from tests.oracle.oracle import KPIS, Oracle
from tests.oracle.records import Question
from tests.support.dealership import SEEDS, forecourt
from tests.support.dealership import dealership as made

#: Days before the newest of the data: that day itself, some weeks, and most of the year.
BACK = (0, 47, 200)


@dataclass(frozen=True)
class Dealership:
    """A published sample and the oracle over the same files."""

    home: Path
    warehouse: Warehouse
    oracle: Oracle

    def day(self, back: int) -> date:
        """A day before the newest of the data."""
        return newest_day(self.warehouse) - timedelta(days=back)


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def dealership(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dealership:
    root = made(tmp_path_factory, request.param)
    home = root / "warehouse"
    return Dealership(home, open_warehouse(Home(home)), Oracle(root / "sample", home / "forecourt.toml"))


def test_every_published_kpi_is_recomputed(dealership: Dealership) -> None:
    assert set(load_metrics(dealership.warehouse)) == KPIS


@pytest.mark.parametrize("back", BACK)
def test_a_year_by_every_dimension(dealership: Dealership, back: int) -> None:
    day = dealership.day(back)
    question = Question(day - timedelta(days=400), day, day)
    assert differences(dealership.warehouse, dealership.oracle, question, KPIS) == []


@pytest.mark.parametrize("back", BACK)
def test_a_month_so_far(dealership: Dealership, back: int) -> None:
    day = dealership.day(back)
    question = Question(day.replace(day=1), day, day)
    assert differences(dealership.warehouse, dealership.oracle, question, KPIS, ["rooftop"]) == []


@pytest.mark.parametrize("back", BACK)
def test_a_period_known_later_and_one_that_is_not_over(dealership: Dealership, back: int) -> None:
    day = dealership.day(back)
    known_later = Question(day - timedelta(days=120), day - timedelta(days=25), day)
    assert differences(dealership.warehouse, dealership.oracle, known_later, KPIS, ["rooftop", "month"]) == []
    not_over = Question(day - timedelta(days=20), day + timedelta(days=15), day)
    assert differences(dealership.warehouse, dealership.oracle, not_over, KPIS, ["rooftop", "month"]) == []


def test_the_command_line_says_the_same_as_the_rows_compared(dealership: Dealership) -> None:
    day = dealership.day(0)
    said = json.loads(forecourt("kpi", "units", "--home", dealership.home, "--as-of", day, "--json"))
    answer = dealership.oracle.answer("units", Question(day.replace(day=1), day, day))
    assert [(row["value"], row["n"]) for row in said] == [(answer[None, None].value, answer[None, None].n)]
