from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from forecourt.close import close_month, closed_file, closed_month, closed_months, require_closable
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.inputs import write_inputs
from forecourt.settings_file import load_settings
from tests.forecourt.conftest import WarehouseOf

MARCH = date(2026, 3, 1)
Freshness = Sequence[tuple[str, str | None, date | None]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "warehouse")
    made.create()
    return made


@pytest.mark.parametrize(
    "freshness",
    [
        [("dms_invoices", "R1", date(2026, 3, 31))],
        [("dms_invoices", "R1", date(2026, 3, 30)), ("dms_payments", "R1", date(2026, 4, 1))],
        [("dms_invoices", "R1", date(2026, 3, 15)), ("dms_invoices", "R2", date(2026, 3, 31))],
        [("crm_leads", "R1", date(2026, 3, 31))],
        [("dms_deals", None, date(2026, 4, 2)), ("dms_rentals", "R1", date(2026, 2, 1))],
    ],
)
def test_a_month_whose_ledger_reaches_its_end_may_be_closed(
    home: Home, warehouse_of: WarehouseOf, freshness: Freshness
) -> None:
    assert require_closable(home, warehouse_of("", freshness=freshness), MARCH) == ()


@pytest.mark.parametrize(
    ("freshness", "sentence"),
    [
        ([("dms_invoices", "R1", date(2026, 3, 30))], "dms_invoices reach 2026-03-30"),
        (
            [("dms_invoices", "R1", date(2026, 4, 1)), ("dms_deals", "R1", date(2026, 3, 30))],
            "dms_deals reach 2026-03-30",
        ),
        ([("crm_leads", "R1", date(2026, 3, 30))], "crm_leads reach 2026-03-30"),
        ([], "no file says what day it speaks for"),
    ],
)
def test_a_month_is_not_closed_before_its_data_are_through(
    home: Home, warehouse_of: WarehouseOf, freshness: Freshness, sentence: str
) -> None:
    with pytest.raises(Problem, match=f"2026-03 cannot be closed before its data are through 2026-03-31: {sentence}"):
        require_closable(home, warehouse_of("", freshness=freshness), MARCH)


def test_a_closing_is_read_back_and_done_once(home: Home, warehouse_of: WarehouseOf) -> None:
    closed = close_month(home, "run7", MARCH, {"headlines.csv": b"kpi\n"}, ("dms_rentals 2026-02-01",))
    assert closed_months(home) == [closed]
    assert (closed.month, closed.first_on, closed.last_on) == ("2026-03", MARCH, date(2026, 3, 31))
    assert closed_file(home, closed_month(home, "2026-03"), "headlines.csv") == b"kpi\n"
    with pytest.raises(Problem, match=r"2026-03 was closed without ageing\.csv\. Kept: headlines\.csv"):
        closed_file(home, closed, "ageing.csv")
    with pytest.raises(Problem, match="A month is closed once"):
        require_closable(home, warehouse_of("", freshness=[("dms_deals", None, date(2026, 4, 2))]), MARCH)


def test_what_a_broken_closing_left_is_no_closed_month(home: Home) -> None:
    leftover = home.closed / ".2026-03.new"
    leftover.mkdir()
    (leftover / "close.json").write_text("{}", encoding="utf-8")
    assert closed_months(home) == []
    assert close_month(home, "run7", MARCH, {}, ()).files == {}


def test_a_record_that_cannot_be_read_is_said(home: Home) -> None:
    (home.closed / "2026-03").mkdir()
    (home.closed / "2026-03" / "close.json").write_text('{"month": "2026-03"}', encoding="utf-8")
    with pytest.raises(Problem, match=r"close\.json cannot be read"):
        closed_months(home)


@pytest.mark.parametrize(("known_at", "months"), [("2026-04-03T07:59:59", 0), ("2026-04-03T08:00:00", 1)])
def test_before_its_closing_a_month_was_open(home: Home, known_at: str, months: int) -> None:
    closed = (MARCH, date(2026, 3, 31), datetime.fromisoformat("2026-04-03T08:00:00"))
    with duckdb.connect() as connection:
        write_inputs(
            connection,
            load_settings(home.settings),
            rooftops=["R1"],
            first_day=MARCH,
            last_day=MARCH,
            known_at=datetime.fromisoformat(known_at),
            closed=[closed],
        )
        assert len(connection.execute("select * from settings.closed_months").fetchall()) == months
