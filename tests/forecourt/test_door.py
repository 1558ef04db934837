from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from forecourt.door import Warehouse

WarehouseOf = Callable[..., Warehouse]


@pytest.fixture
def warehouse(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(
        "create table marts.fct_x as select range as number, date '2026-03-01' as day, 1.10 as money from range(1000)"
    )


def test_rows_keep_money_and_days_as_they_are(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows("select day, money, number from marts.fct_x where number = $1", [7])
    assert row == {"day": date(2026, 3, 1), "money": Decimal("1.10"), "number": 7}
    assert warehouse.table("select money from marts.fct_x").num_rows == 1000


def test_a_run_says_which_marts_and_columns_it_has(warehouse: Warehouse) -> None:
    assert warehouse.has("fct_x")
    assert warehouse.has("fct_x", "day", "money")
    assert not warehouse.has("fct_x", "day", "colour")
    assert not warehouse.has("fct_y")
    assert not warehouse.has("metrics"), "a table of meta is no mart"


def test_threads_share_a_warehouse(warehouse: Warehouse) -> None:
    def ask(number: int) -> bool:
        (row,) = warehouse.rows("select number, count(*) over () as n from marts.fct_x where number = $1", [number])
        return row == {"number": number, "n": 1}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


@pytest.mark.parametrize(
    "statement",
    [
        "insert into marts.fct_x values (1, date '2026-03-01', 1.0)",
        "select * from read_text('/etc/hostname')",
        "copy marts.fct_x to 'stolen.csv'",
        "attach 'other.duckdb'",
        "set enable_external_access = true",
        "set global TimeZone = 'America/New_York'",
    ],
)
def test_the_door_only_reads_and_only_its_own_file(
    warehouse: Warehouse, statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(duckdb.Error):
        warehouse.rows(statement)
    assert not (tmp_path / "stolen.csv").exists()
    assert not (tmp_path / "other.duckdb").exists()


def test_instants_are_told_in_utc(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows("select cast(timestamptz '2026-07-01 12:00:00+02' as varchar) as instant")
    assert row == {"instant": "2026-07-01 10:00:00+00"}


def test_a_file_is_opened_again_while_it_is_open(warehouse: Warehouse) -> None:
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: Warehouse(warehouse.path), range(8)))
    assert [each.rows("select count(*) as n from marts.fct_x") for each in again] == [[{"n": 1000}]] * 8
