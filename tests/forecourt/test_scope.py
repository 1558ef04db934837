"""A scope file holds the kept rooftop whole and of the other one nothing, in no table and no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.prepared import write
from forecourt import kpi
from forecourt.door import Warehouse, current_run, open_warehouse, published_path
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.periods import default_period
from forecourt.publish import publish
from forecourt.run import build_and_publish
from forecourt.scope import GROUP_WIDE, LEFT_OUT, OWN_RULE, PERSONAL, WHOLE, open_scope, scope_path
from forecourt.settings_file import load_settings
from ingest.landing import land

#: Every text of the other rooftop has its code in it; what both share has not: a car, and a person the group knows.
OTHER = "ZWO"
VIN = "ZZ9SHARED00000017"
SETTINGS = """
[policy]
identity.join_systems = "by_contact"
[[rooftops]]
code = "R1"
[[rooftops]]
code = "ZWO"
[[targets]]
kpi = "gross_margin_rate"
rooftop = "ZWO"
value = 0.2
[[targets]]
kpi = "gross_margin_rate"
value = 0.1
"""
FILES = {
    "crm_customers_2026-03-31.csv": "rooftop,customer_id,name,email\n,C9,Rosa Both,rosa@example.com\n"
    "R1,C8,Uwe One,uwe@example.com\nZWO,C-ZWO8,ZWO Only,zwo@example.com\n",
    "dms_customers_2026-03-31.csv": "rooftop,customer_id,name,email,credit_limit,employee\n"
    "R1,C1,Rosa Both,rosa@example.com,100.00,E1\nZWO,C-ZWO5,Rosa ZWO,rosa@example.com,9999.00,E-ZWO\n",
    "dms_vehicles_2026-03-31.csv": "rooftop,stock_number,vin,make,model,acquired_on,arrived_on\n"
    f"R1,S1,{VIN},Opel,Corsa,2026-01-02,2026-01-03\nZWO,S-ZWO2,{VIN},Opel,Corsa,2026-03-01,2026-03-02\n"
    "ZWO,S-ZWO3,ZZ9ZWO00000000003,ZWO,ZWO,2026-02-01,2026-02-01\n"
    "R1,S4,N/A,Opel,Agila,2026-01-02,2026-01-03\nZWO,S-ZWO4,N/A,ZWO,ZWO,2026-03-01,2026-03-02\n",
    "dms_deals_2026-03-31.csv": "rooftop,deal_number,stock_number,customer_id,salesperson,deal_type,status,"
    "finalised_on,delivered_on,sale_price,vehicle_cost,currency\n"
    "R1,D1,S1,C1,E1,retail,delivered,2026-03-05,2026-03-05,20000.00,18000.00,GBP\n"
    "ZWO,D-ZWO2,S-ZWO2,C-ZWO5,E-ZWO,retail,delivered,2026-03-06,2026-03-06,30000.00,22000.00,GBP\n",
    "dms_invoices_2026-03-31.csv": "rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,currency\n"
    "R1,I1,invoice,C1,2026-01-10,2026-02-09,1000.00,GBP\n"
    "ZWO,I-ZWO1,invoice,C-ZWO5,2026-01-10,2026-02-09,5000.00,GBP\n"
    "ZWO,I-ZWO2,invoice,C-ZWO5,no day ZWO,2026-02-09,5000.00,GBP\n",
    "crm_leads_2026-03-31.csv": "rooftop,lead_id,received_at,source,email\n"
    "R1,L1,2026-03-01T10:00:00,AutoMarkt,uwe@example.com\nZWO,L-ZWO1,2026-03-02T10:00:00,ZWO Portal,zwo@example.com\n",
    "crm_leads_ZWO_2026-03-30.csv": "rooftop,lead_id,received_at\nZWO,L-ZWO2,2026-03-02T10:00:00\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two rooftops with a car, a customer and files in common, published."""
    folder = tmp_path_factory.mktemp("scope")
    home, exports = Home(folder / "home"), folder / "exports"
    home.create()
    exports.mkdir()
    home.settings.write_text(SETTINGS, "utf-8")
    for name, text in FILES.items():
        (exports / name).write_text(text, "utf-8")
    settings = load_settings(home.settings)
    with home.lock():
        land(home, settings, [exports])
        outcome = build_and_publish(home, settings, lambda home, paths: [], prepare=write)
    assert outcome.is_published, outcome.message
    return home


@pytest.fixture(scope="module")
def whole(home: Home) -> Warehouse:
    return open_warehouse(home)


@pytest.fixture(scope="module")
def cut(home: Home, whole: Warehouse) -> Warehouse:
    return open_scope(home, whole.run_id, ["R1"])


def tables(warehouse: Warehouse) -> dict[str, list[str]]:
    """Table → its columns that hold text."""
    found = warehouse.rows(
        "select schema_name || '.' || table_name as name, list(column_name) filter (data_type = 'VARCHAR') as texts "
        "from duckdb_columns() where schema_name in ('marts', 'meta', 'parts') group by all order by all"
    )
    return {row["name"]: row["texts"] or [] for row in found}


def count(warehouse: Warehouse, table: str, where: str = "true") -> int:
    return int(warehouse.rows(f"select count(*) as found from {table} where {where}")[0]["found"])


def test_no_text_of_another_rooftop(cut: Warehouse) -> None:
    found = [
        (table, column)
        for table, columns in tables(cut).items()
        for column in columns
        if count(cut, table, f"contains(\"{column}\", '{OTHER}')")
    ]
    assert not found


def test_the_rooftop_itself_is_whole(whole: Warehouse, cut: Warehouse) -> None:
    there = tables(whole)
    assert tables(cut).keys() == there.keys()
    for table, texts in there.items():
        if table.startswith("marts.") and "rooftop" in texts and table not in OWN_RULE:
            also = " or coalesce(rooftop, '') = ''" if table in GROUP_WIDE else ""
            assert count(cut, table) == count(whole, table, f"rooftop = 'R1'{also}"), table
    assert count(cut, "marts.fct_deal") == 1
    assert count(cut, "marts.dim_date") == count(whole, "marts.dim_date")


def test_every_table_is_decided(whole: Warehouse) -> None:
    undecided = [
        table
        for table, texts in tables(whole).items()
        if "rooftop" not in texts and table not in WHOLE | OWN_RULE.keys() | LEFT_OUT
    ]
    assert not undecided, "say in forecourt/scope.py what a user limited to rooftops sees of these"


def test_every_number_is_that_of_the_rooftop(whole: Warehouse, cut: Warehouse) -> None:
    period = default_period(kpi.newest_day(whole))
    for name, metric in kpi.load_metrics(whole).items():
        ours, theirs = (
            [(row.value, row.numerator, row.denominator, row.n, row.currency) for row in rows]
            for rows in (
                kpi.compute(cut, metric, period),
                kpi.compute(whole, metric, period, rooftops=["R1"]),
            )
        )
        assert ours == theirs, name


def test_numbers_of_records_do_not_tell_how_many_the_others_have(cut: Warehouse) -> None:
    found = cut.rows(
        "select table_name as name from duckdb_columns() where schema_name = 'parts' and column_name = 'record'"
    )
    told = 0
    for row in found:
        (numbers,) = cut.rows(f"select max(record) as most, count(distinct record) as records from parts.{row['name']}")
        assert (numbers["most"] or 0) == numbers["records"], row["name"]
        told += numbers["records"]
    assert told


def test_a_car_of_both_is_what_the_rooftop_had_of_it(whole: Warehouse, cut: Warehouse) -> None:
    asked = "select vin, make, last_stock_unit_key, stock_units, first_seen_on::varchar as seen from marts.dim_vehicle"
    (before,) = whole.rows(f"{asked} where vin = '{VIN}'")
    assert (before["last_stock_unit_key"], before["stock_units"]) == ("ZWO|S-ZWO2", 2)
    assert cut.rows(f"{asked} order by 1 desc") == [
        {"vin": VIN, "make": "Opel", "last_stock_unit_key": "R1|S1", "stock_units": 1, "seen": "2026-01-03"},
        {"vin": "N/A", "make": "Opel", "last_stock_unit_key": "R1|S4", "stock_units": 1, "seen": "2026-01-03"},
    ]


def test_a_customer_of_both_goes_by_the_number_of_the_rooftop(whole: Warehouse, cut: Warehouse) -> None:
    asked = "select customer_key, customer_name, credit_limit, numbers from marts.dim_customer order by all"
    (both,) = [row for row in whole.rows(asked) if row["numbers"] == 3]
    assert both["customer_key"] == "crm||C9"
    assert cut.rows(asked) == [
        {"customer_key": "crm|R1|C8", "customer_name": "Uwe One", "credit_limit": None, "numbers": 1},
        {"customer_key": "dms|R1|C1", "customer_name": "Rosa Both", "credit_limit": None, "numbers": 1},
    ]
    numbers = "select customer_source_key as number, customer_key from marts.brg_customer_source order by all"
    assert {row["number"]: row["customer_key"] for row in cut.rows(numbers)} == {
        "crm|R1|C8": "crm|R1|C8",
        "dms|R1|C1": "dms|R1|C1",
    }


def test_a_file_of_both_has_its_name_and_no_counts(cut: Warehouse) -> None:
    found = {row["name"]: row["rows_read"] for row in cut.rows("select name, rows_read from meta.files")}
    assert found == dict.fromkeys(sorted(FILES.keys() - {"crm_leads_ZWO_2026-03-30.csv"}), None)
    assert not count(cut, "meta.row_accounting")
    assert not count(cut, "meta.quarantine")


def test_targets_and_freshness_of_others_are_left_out(cut: Warehouse) -> None:
    assert [row["rooftop"] for row in cut.rows("select rooftop from meta.targets")] == [None]
    assert {row["rooftop"] or "" for row in cut.rows("select rooftop from meta.freshness")} <= {"R1", ""}


def test_comments_and_table_functions_come_with_it(whole: Warehouse, cut: Warehouse) -> None:
    asked = "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts' order by all"
    assert cut.rows(asked) == whole.rows(asked)
    assert count(cut, "marts.receivable_ageing(date '2026-03-31', 'due')") == 1


def test_all_rooftops_named_are_all_their_rows(home: Home, whole: Warehouse) -> None:
    both = open_scope(home, whole.run_id, ["ZWO", "R1"])
    assert count(both, "marts.fct_deal") == 2
    # The group's own customer occurs in no fact, so it is nobody's.
    assert count(both, "meta.versions") == count(whole, "meta.versions", "key <> '|C9'")
    assert scope_path(home, whole.run_id, ["ZWO", "R1"]) == scope_path(home, whole.run_id, ["R1", "ZWO", "R1"])


def test_a_rooftop_that_does_not_occur_sees_nothing(home: Home, whole: Warehouse) -> None:
    none = open_scope(home, whole.run_id, ["R9"])
    assert not count(none, "marts.fct_deal")
    assert not count(none, "marts.dim_customer")
    assert not count(none, "marts.dim_vehicle")


def test_a_scope_file_goes_with_its_run(home: Home, whole: Warehouse, tmp_path: Path) -> None:
    other = Home(tmp_path / "home")
    other.create()
    first = published_path(other, "20260101T000000-000000")
    first.write_bytes(whole.path.read_bytes())
    cut = open_scope(other, first.stem, ["R1"])
    left = cut.path.with_name(f"{first.stem}.0123456789abcdef")  # half made when the machine stopped
    left.touch()
    spilled = cut.path.with_name(f"{cut.path.name}.0123456789abcdef.tmp")  # what a statement has put on disk
    spilled.mkdir()
    candidate = tmp_path / "candidate.duckdb"
    candidate.write_bytes(whole.path.read_bytes())
    publish(other, candidate, "20260102T000000-000000", keep=1)
    assert not cut.path.exists()
    assert not left.exists()
    assert spilled.exists()
    with pytest.raises(Problem, match="is not kept"):
        open_scope(other, first.stem, ["R1"])
    assert current_run(other) == "20260102T000000-000000"


#: Names and contacts of the customers in FILES, and a quarantined line.
PERSONS = ("Rosa Both", "Uwe One", "Rosa ZWO", "ZWO Only", "example.com", "no day ZWO")


def test_to_whom_it_is_masked_no_customer_has_a_name(home: Home, whole: Warehouse) -> None:
    """Nothing of a person stands in any text of the masked file, nor in its bytes; the whole run has all of them."""
    masked = open_scope(home, whole.run_id, None, is_masked=True)
    for person in PERSONS:
        where = {
            warehouse.run_id + str(warehouse is masked): [
                f"{table}.{column}"
                for table, columns in tables(warehouse).items()
                for column in columns
                if count(warehouse, table, f"contains(\"{column}\", '{person}')")
            ]
            for warehouse in (whole, masked)
        }
        assert [bool(found) for found in where.values()] == [True, False], (person, where)
        assert person.encode() not in masked.path.read_bytes()
    assert count(masked, "marts.fct_deal") == count(whole, "marts.fct_deal") == 2
    names = masked.rows("select customer_id, customer_name from marts.dim_customer where customer_name is not null")
    assert names
    assert all(row["customer_name"] == f"customer {row['customer_id']}" for row in names)


def test_a_limit_and_a_mask_hold_together(home: Home, whole: Warehouse) -> None:
    both = open_scope(home, whole.run_id, ["R1"], is_masked=True)
    assert count(both, "marts.fct_deal") == 1
    assert count(both, "marts.dim_customer", "customer_name like 'Rosa%' or customer_name like 'Uwe%'") == 0
    asked = [(kept, is_masked) for kept in (None, ["R1"]) for is_masked in (True, False)]
    assert len({scope_path(home, "run1", kept, is_masked=is_masked) for kept, is_masked in asked}) == 4


def test_every_column_that_is_called_personal_is_masked_or_an_employees(whole: Warehouse) -> None:
    said = whole.rows(
        "select mart, \"column\" from meta.columns where description ilike '%personal data%' "
        "and mart not in (select function_name from duckdb_functions() where function_type = 'table_macro')"
    )
    found = {(row["mart"], row["column"]) for row in said}
    masked = {
        (table.removeprefix("marts."), column)
        for table, columns in PERSONAL.items()
        for column in columns
        if table.startswith("marts.")
    }
    assert found == masked | {("dim_employee", "employee_name")}
