from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.trace import changes_of, leading_rows, made_of, trace

TABLES = r"""
create schema marts;
create schema meta;
create table marts.fct_deal as select * from (values
    ('R1|D1', 'R1', 'f2', 7), ('R1|D11', 'R1', 'f1', 3), ('R1|a\|b', 'R1', 'f1', 4)
) as rows(deal_key, rooftop, file_id, row_number);
create table marts.fct_deal_movement as select * from (values
    ('R1|D1|sale', 'R1|D1', 'f2', 7), ('R1|D1|late_cost|K1', 'R1|D1', 'f3', 2)
) as rows(movement_key, deal_key, file_id, row_number);
create table marts.fct_sums as select 'R1' as rooftop, 1 as total;
create table meta.files as select * from (values
    ('f1', 'deals_1.csv', 'aa', timestamp '2026-03-01', timestamp '2026-03-02'),
    ('f2', 'deals_2.csv', 'bb', timestamp '2026-03-03', timestamp '2026-03-04'),
    ('f3', 'costs.csv', 'cc', timestamp '2026-03-03', timestamp '2026-03-04'),
    ('f0', 'deals_0.full.csv', 'dd', timestamp '2026-02-27', timestamp '2026-03-09')
) as rows(file_id, name, content_hash, exported_at, received_at);
create table meta.versions as select * from (values
    ('dms_deals', 'R1|D1', 'row', 'f1', 2, timestamp '2026-03-02'),
    ('dms_deals', 'R1|D1', 'row', 'f2', 7, timestamp '2026-03-04'),
    ('dms_deals', 'R1|D1', 'removed', 'f0', null, timestamp '2026-03-09'),
    ('dms_vehicles', 'R1|S1', 'row', 'f2', 7, timestamp '2026-03-04'),
    ('dms_deals', 'R1|D11', 'row', 'f1', 3, timestamp '2026-03-02'),
    ('dms_deals', 'R1|a\|b', 'row', 'f1', 4, timestamp '2026-03-02'),
    ('dms_vehicle_costs', 'R1|K1', 'row', 'f3', 2, timestamp '2026-03-04')
) as rows(feed, key, op, file_id, row_number, received_at);
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    path = tmp_path / "run1.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return Warehouse(path)


def test_all_versions_of_the_record_in_the_order_of_their_exports(warehouse: Warehouse) -> None:
    """A file row that gave a deal and a vehicle tells the deal's story; a late full file has its place."""
    versions = trace(warehouse, "fct_deal", ["R1", "D1"])
    assert [(v.feed, v.file, v.row, v.op, v.is_in_force) for v in versions] == [
        ("dms_deals", "deals_0.full.csv", None, "removed", False),
        ("dms_deals", "deals_1.csv", 2, "row", False),
        ("dms_deals", "deals_2.csv", 7, "row", True),
    ]


def test_a_key_may_be_given_whole_and_its_bars_are_its_own(warehouse: Warehouse) -> None:
    assert [v.key for v in trace(warehouse, "fct_deal", ["R1|D11"])] == ["R1|D11"]
    assert [v.key for v in trace(warehouse, "fct_deal", ["R1", "a|b"])] == [r"R1|a\|b"]


def test_the_first_parts_find_all_rows_below_them(warehouse: Warehouse) -> None:
    versions = trace(warehouse, "fct_deal_movement", ["R1", "D1"])
    assert {v.mart_key for v in versions} == {"R1|D1|sale", "R1|D1|late_cost|K1"}
    assert ("dms_vehicle_costs", "R1|K1") in {(v.feed, v.key) for v in versions}


@pytest.mark.parametrize(
    ("mart", "key", "sentence"),
    [
        ("fct_deals", ["R1", "D1"], "fct_deals is no mart with a file row behind its rows. Did you mean fct_deal?"),
        ("fct_sums", ["R1"], "fct_sums is no mart with a file row behind its rows."),
        ("fct_deal", ["R1", "D12"], r"fct_deal has no row R1|D12. The nearest: R1|D1, R1|D11"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is_near(
    warehouse: Warehouse, mart: str, key: list[str], sentence: str
) -> None:
    with pytest.raises(Problem) as raised:
        trace(warehouse, mart, key)
    assert str(raised.value).startswith(sentence)


def test_leading_rows_by_key(warehouse: Warehouse) -> None:
    assert leading_rows(warehouse, "fct_deal", ["R1|D1", "R1|D9"]) == {"R1|D1": ("deals_2.csv", 7)}
    assert leading_rows(warehouse, "fct_sums", ["R1"]) == {}


PARTS = """
alter table marts.fct_deal add column stock_unit_key varchar;
update marts.fct_deal set stock_unit_key = 'R1|S1' where deal_key = 'R1|D1';
create table marts.fct_deal_product as
    select 'R1|D1|warranty' as deal_product_key, 'R1|D1' as deal_key, 'f3' as file_id, 9 as row_number;
create table marts.fct_vehicle_cost as select * from (values
    ('R1|K0', 'R1|S1', 'f3', 3), ('R1|K9', 'R1|S9', 'f3', 4)
) as rows(vehicle_cost_key, stock_unit_key, file_id, row_number);
insert into meta.versions values
    ('dms_deal_products', 'R1|D1|warranty', 'row', 'f3', 9, timestamp '2026-03-04'),
    ('dms_vehicle_costs', 'R1|K0', 'row', 'f1', 8, timestamp '2026-03-02'),
    ('dms_vehicle_costs', 'R1|K0', 'row', 'f3', 3, timestamp '2026-03-04'),
    ('dms_vehicle_costs', 'R1|K9', 'row', 'f3', 4, timestamp '2026-03-04');
create table marts.fct_change as select 'c1' as change_key, 'dms_vehicle_costs' as feed, 'R1|K0' as record_key,
    'f3' as file_id, 3 as row_number, 'amount' as field, '90.00' as previous_value, '80.00' as new_value,
    'typed wrongly' as reason;
"""


def test_a_deal_has_its_products_and_costs_with_it_and_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "run1.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
        connection.execute(PARTS)
    warehouse = Warehouse(path)
    versions = trace(warehouse, "fct_deal", ["R1", "D1"])
    parts = made_of(warehouse, "fct_deal", versions)
    assert [(each.feed, each.key, each.file, each.row) for each in parts] == [
        ("dms_deal_products", "R1|D1|warranty", "costs.csv", 9),
        ("dms_vehicle_costs", "R1|K0", "deals_1.csv", 8),
        ("dms_vehicle_costs", "R1|K0", "costs.csv", 3),
        ("dms_vehicle_costs", "R1|K1", "costs.csv", 2),
        ("dms_vehicles", "R1|S1", "deals_2.csv", 7),
    ]
    assert changes_of(warehouse, [*versions, *parts]) == {
        ("dms_vehicle_costs", "R1|K0", "f3", 3): ["amount: 90.00 to 80.00 (typed wrongly)"]
    }
