"""One car by its VIN: a placeholder joins nothing, and a VIN written with spaces or dashes joins all the same."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from forecourt.home import Home
from tests.support.warehouse import make_warehouse, opened

SETTINGS = """
[[rooftops]]
code = "R1"
country = "GB"
[[rooftops]]
code = "R2"
country = "GB"
"""
GOOD, SPACED = "WVWZZZ1KZAW123456", "wvw zzz-1kz aw123456"

FILES = {
    "dms_vehicles_2026-06-30.csv": f"""\
rooftop,stock_number,vin,registration,make,model,condition,use,acquired_on,arrived_on
R1,S1,{SPACED},,Ford,Fiesta,used,retail,2026-01-05,2026-01-06
R2,S2,{GOOD},,Ford,Fiesta,used,retail,2026-05-05,2026-05-06
R1,S4,N/A,,Ford,Ka,used,retail,2026-01-05,2026-01-06
R2,S5,n / a,,Ford,Ka,used,retail,2026-01-05,2026-01-06
R1,S6,XXXXXXXXXXXXXXXXX,TBA,Ford,Ka,used,retail,2026-01-05,2026-01-06
R1,S7,,T.B.A.,Ford,Ka,used,retail,2026-01-05,2026-01-06
R1,S8,to be confirmed,AB12 CDE,Ford,Ka,used,retail,2026-01-05,2026-01-06
R1,S9,12,,Lotus,Seven,used,retail,2026-01-05,2026-01-06
""",
    "dms_deals_2026-06-30.csv": f"""\
rooftop,deal_number,stock_number,vin,customer_id,deal_type,status,contract_on,delivered_on,sale_price
R1,D1,,XXXXXXXXXXXXXXXXX,C1,retail,delivered,2026-01-10,2026-01-12,9000
R1,D2,S1,,C2,retail,delivered,2026-01-10,2026-01-12,9000
R1,D3,S9,TBC,C3,retail,delivered,2026-01-10,2026-01-12,9000
R1,D4,,unknown,C4,retail,delivered,2026-01-10,2026-01-12,9000
R1,D5,,{GOOD},C5,retail,delivered,2026-06-10,2026-06-12,9000
""",
    "dms_claims_2026-06-30.csv": """\
rooftop,claim_number,kind,vin,opened_at,status
R2,CL1,warranty,XXXXXXXXXXXXXXXXX,2026-01-20 10:00,open
R2,CL2,warranty,WVWZZZ 1KZAW-123456,2026-01-20 10:00,open
R2,CL3,warranty,1-2,2026-01-20 10:00,open
R2,CL4,warranty,00000000000000000,2026-01-20 10:00,open
""",
    "crm_leads_2026-06-30.csv": f"""\
rooftop,lead_id,received_at,source,channel,intent,vin,stage,stage_changed_at,quality
R1,L1,2026-01-04 10:00,AutoMarkt,portal,buy,UNKNOWN,won,2026-01-10 10:00,good
R1,L2,2026-06-04 10:00,AutoMarkt,portal,buy,{SPACED},won,2026-06-10 10:00,good
R1,L3,2026-06-04 10:00,AutoMarkt,portal,buy,N/A,contacted,2026-06-10 10:00,good
""",
    "crm_appointments_2026-06-30.csv": """\
rooftop,appointment_id,vin,kind,created_at,starts_at,status
R1,A1,UNKNOWN,service,2026-01-12 10:00,2026-07-01 10:00,booked
R1,A2,WVWZZZ1KZAW-123456,service,2026-01-12 10:00,2026-03-01 10:00,booked
""",
    "dms_repair_orders_2026-06-30.csv": """\
rooftop,ro_number,vin,customer_id,opened_at,closed_at,comeback_of
R1,1,UNKNOWN,C11,2026-03-01 09:00,2026-03-02 09:00,
R1,2,unknown,C12,2026-03-10 09:00,2026-03-11 09:00,9
R1,3,WVWZZZ1KZ AW123456,C13,2026-03-01 09:00,2026-03-02 09:00,
R2,4,wvwzzz1kz-aw123456,C14,2026-03-10 09:00,2026-03-11 09:00,3
""",
    "dms_ro_lines_2026-06-30.csv": """\
rooftop,ro_number,line,kind,pay_type,op_code,outcome,sold_hours,sale,cost
R1,1,1,labour,customer,BRK10,sold,1,100,40
R1,1,2,labour,customer,CLU20,declined,1,100,40
R1,2,1,labour,customer,CLU20,sold,1,100,40
R1,3,1,labour,customer,BRK10,sold,1,100,40
R1,3,2,labour,customer,CLU20,declined,1,100,40
R2,4,1,labour,customer,CLU20,sold,1,100,40
""",
    "dms_inspections_2026-06-30.csv": """\
rooftop,inspection_id,vin,kind,inspected_at,result
R1,I1,NONE,statutory,2026-03-01 09:00,fail
R1,I2,none,statutory,2026-03-02 09:00,pass
R1,I3,WVW-ZZZ1KZAW123456,statutory,2026-03-01 09:00,fail
R1,I4,WVWZZZ1KZAW123456,statutory,2026-03-02 09:00,pass
""",
}
MODELS = (
    "dim_vehicle fct_stock_unit fct_deal fct_claim fct_claim_exposure fct_repair_order fct_repair_order_line "
    "fct_owner_span fct_inspection brg_lead_vehicle brg_lead_deal fct_promise"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("vins")
    return make_warehouse(folder, FILES, SETTINGS, select=" ".join(f"+{model}" for model in MODELS.split()))


@pytest.fixture(scope="module")
def marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(home) as connection:
        yield connection


def test_a_placeholder_is_no_car_and_one_vin_is_one_car(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        "select vehicle_key, vin, vin_status, last_stock_unit_key, stock_units from marts.dim_vehicle order by 1"
    ).fetchall() == [
        ("12", "12", "malformed", "R1|S9", 1),
        (GOOD, GOOD, "valid_unchecked", "R2|S2", 2),
        ("registration|AB12CDE", "TO BE CONFIRMED", "malformed", "R1|S8", 1),
        ("stock|R1|S4", "N/A", "malformed", "R1|S4", 1),
        ("stock|R1|S6", "XXXXXXXXXXXXXXXXX", "malformed", "R1|S6", 1),
        ("stock|R1|S7", None, "missing", "R1|S7", 1),
        ("stock|R2|S5", "N / A", "malformed", "R2|S5", 1),
    ]


def test_a_deal_has_the_car_it_names_else_that_of_its_stock_unit(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute("select deal_number, vehicle_key, vin from marts.fct_deal order by 1").fetchall() == [
        ("D1", None, "XXXXXXXXXXXXXXXXX"),
        ("D2", GOOD, SPACED.upper()),
        ("D3", "12", "12"),
        ("D4", None, "UNKNOWN"),
        ("D5", GOOD, GOOD),
    ]


def test_a_claim_finds_its_deal_by_vin_but_by_no_placeholder(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute("select claim_number, deal_key, excluded from marts.fct_claim order by 1").fetchall() == [
        ("CL1", None, "claim without a unit"),
        ("CL2", "R1|D2", None),
        ("CL3", "R1|D3", None),
        ("CL4", None, "claim without a unit"),
    ]


def test_leads_find_deals_and_cars_by_vin_but_by_no_placeholder(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute("select lead_key, deal_key, matched_by from marts.brg_lead_deal").fetchall() == [
        ("R1|L2", "R1|D5", "VIN")
    ]
    assert marts.execute("select lead_key, stock_unit_key, matched_by from marts.brg_lead_vehicle").fetchall() == [
        ("R1|L2", "R1|S1", "VIN")
    ]


def test_the_workshop_knows_a_car_again_by_vin_but_by_no_placeholder(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        "select ro_number, vin, comeback_key, excluded_comeback from marts.fct_repair_order order by 1"
    ).fetchall() == [
        ("1", "UNKNOWN", None, "no VIN"),
        ("2", "UNKNOWN", None, "no VIN"),
        ("3", "WVWZZZ1KZ AW123456", "R2|4", None),
        ("4", "WVWZZZ1KZ-AW123456", None, None),
    ]
    assert marts.execute(
        "select ro_number, cast(sold_later_on as varchar), excluded_recovery from marts.fct_repair_order_line "
        "where is_declined order by 1"
    ).fetchall() == [("1", None, "no VIN"), ("3", "2026-03-11", None)]
    assert marts.execute(
        "select inspection_id, vehicle_key, is_first_attempt from marts.fct_inspection order by 1"
    ).fetchall() == [("I1", None, True), ("I2", None, True), ("I3", GOOD, True), ("I4", GOOD, False)]


def test_owners_come_back_by_vin_but_by_no_placeholder(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        "select deal_key, owner_span_key from marts.fct_owner_span where row_kind = 'paid visit' order by 2"
    ).fetchall() == [("R1|D2", "R1|D2|R1|3"), ("R1|D2", "R1|D2|R2|4")]
    assert marts.execute(
        "select deal_number, cast(first_service_set_on as varchar), excluded_service from marts.fct_claim_exposure "
        "where row_kind = 'unit' order by 1"
    ).fetchall() == [
        ("D1", None, "neither VIN nor lead"),
        ("D2", "2026-01-12", None),
        ("D3", None, None),
        ("D4", None, "neither VIN nor lead"),
        ("D5", None, None),
    ]
