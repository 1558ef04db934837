"""Who is who: customers matched with their reasons, the ladder from lead to deal to car, and the four grains."""

from __future__ import annotations

import datetime as dt
import random
import re
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.home import Home
from forecourt.kpi import KpiRow, compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from tests.support.warehouse import make_warehouse

ENGINE = Path(__file__).resolve().parents[2] / "macros" / "engine.sql"

PLAIN = """
[[rooftops]]
code = "R1"
country = "GB"
[[rooftops]]
code = "R2"
country = "DE"
"""
#: The other side of every setting of identity, and of the map of sources.
OTHER = (
    PLAIN
    + """
[policy]
identity.match = ["email"]
identity.join_systems = "by_id"
identity.shared_by = 3
identity.never_match = ["desk@dealer.example.com"]
identity.relay_domains = ["carsquare.example"]
[sources]
"Auto Markt / North" = "AutoMarkt"
"Village fete" = "Events"
[[identity.apart]]
a = "crm|R1|C3"
b = "crm|R1|C4"
"""
)

FILES = {
    "crm_customers_2026-06-30.csv": """\
rooftop,customer_id,name,kind,email,phone,merged_into,employee,active
R1,C1,Alma Brindle,individual,alma@example.com,07700 900111,,E1,yes
R1,C2,A. Brindle,individual,,+44 7700 900111,,E2,yes
R1,C3,Bertie Cawdrey,individual,Bertie@Example.com,,,E1,yes
R1,C4,Bert Cawdrey,individual,bertie@example.com,,,E1,yes
R1,C5,Cora Dunmallet,individual,x1@reply.mobile.de,0000000,,E1,yes
R1,C6,Dexter Eskholm,individual,x1@reply.mobile.de,0000000,,E1,yes
R1,C7,Elsie Fennimore,individual,,,C8,E1,yes
R1,C8,Elsie Fennimore,individual,,,,E1,yes
R1,C9,Fergus Gorsewood,individual,,07700 900333,,E1,yes
R1,C10,Greta Hartsop,individual,,07700 900333,,E1,yes
R1,C11,Hattie Inchmere,individual,,07700 900333,,E1,yes
R1,C12,Ivor Jessamy,individual,buyer@mail.carsquare.example,,,E1,yes
R1,C13,Jory Kirkbarrow,individual,buyer@mail.carsquare.example,,,E1,yes
R1,C14,Kezia Larkhill,individual,office@example.com,,,E1,yes
R1,C15,Lowen Larkhill,individual,office@example.com,,,E1,yes
R1,C16,Mabel Larkhill,individual,office@example.com,,,E1,yes
R1,C17,Ned Merriweather,individual,desk@dealer.example.com,,,E1,yes
R1,C18,Odette Nettlebed,individual,desk@dealer.example.com,,,E1,yes
R1,C19,Piers Oakhanger,individual,piers@example.com,,,E1,yes
R1,C20,P. Oakhanger,individual,piers@example.com,,,E1,yes
R2,C1,Birte Dornfeld,individual,alma@example.com,030 23125111,,E1,yes
R2,C2,Birte Dornfeld,individual,,+49 30 23125111,,E1,yes
R1,C21,Odette Larkhill,individual,office@example.com,,,E1,yes
""",
    "dms_customers_2026-06-30.csv": """\
rooftop,customer_id,name,kind,email,phone,terms_days
R1,C1,Somebody Else,individual,,,14
R1,B1,Bertie Cawdrey,individual,bertie@example.com,,
""",
    "crm_employees_2026-06-30.csv": """\
rooftop,employee,name,role,active_from,active_to
R1,E1,Lowen Oakhanger,sales,2020-01-01,
R1,E2,Mabel Pennyfold,sales,2020-01-01,2026-05-31
""",
    "crm_leads_2026-06-30.csv": """\
rooftop,lead_id,received_at,channel,intent,customer_id,email,phone,source,owner,stage,stage_changed_at,vin,stock_number,vehicle_text
R1,L1,2026-03-01T10:00:00,web_form,buy,C1,,,Auto Markt / North,E1,won,2026-03-20T10:00:00,,,
R1,L2,2026-03-05T10:00:00,phone,buy,C2,,,Village fete,E1,contacted,2026-03-06T10:00:00,,,
R1,L3,2026-03-06T10:00:00,portal,buy,,alma@example.com,,AutoMarkt,E1,contacted,2026-03-06T10:00:00,,,
R1,L4,2026-04-01T10:00:00,portal,buy,C3,,,AutoMarkt,E1,won,2026-04-10T10:00:00,,,
R1,L5,2026-04-02T10:00:00,portal,buy,,,07700 900555,AutoMarkt,E1,won,2026-04-20T10:00:00,WVWZZZ3CZEE140287,,
R1,L6,2026-05-01T10:00:00,portal,buy,C8,,,AutoMarkt,E1,won,2026-05-20T10:00:00,,,
R1,L7,2026-05-02T10:00:00,portal,buy,C7,,,AutoMarkt,E1,contacted,2026-05-20T10:00:00,,,Ford Ka
R1,L8,2026-05-03T10:00:00,portal,buy,C9,,,AutoMarkt,E1,contacted,2026-05-20T10:00:00,,S3,
""",
    "dms_deals_2026-06-30.csv": """\
rooftop,deal_number,stock_number,vin,customer_id,lead_id,deal_type,status,contract_on,delivered_on,sale_price,salesperson
R1,D1,S1,,C1,L1,retail,delivered,2026-03-20,2026-03-25,10000.00,E1
R1,D2,S2,,B1,,retail,delivered,2026-04-10,2026-04-15,10000.00,E2
R1,D3,,WVWZZZ3CZEE140287,B9,,retail,delivered,2026-04-27,2026-04-30,10000.00,E2
R1,D4,,,B8,L8,retail,delivered,2026-05-05,2026-05-10,10000.00,E9
R1,D5,,,C3,,retail,delivered,2026-04-12,2026-05-12,10000.00,
R1,D6,,,B6,,wholesale,delivered,2026-05-05,2026-05-10,10000.00,E1
""",
    "dms_vehicles_2026-06-30.csv": """\
rooftop,stock_number,vin,make,model,use,ordered_on,acquired_on,arrived_on,eta_on
R1,S1,1M8GDM9AXKP042788,Ford,Ka,retail,,2026-01-01,2026-01-05,
R1,S2,1HGCM82633AOO4352,Ford,Focus,retail,,2026-01-01,2026-01-05,
R1,S3,WP0ZZZ99ZTS392124,Ford,Ka,retail,2026-04-15,,,2026-07-15
R1,S4,GX100-6001234,Ford,Ka,retail,,2026-01-01,2026-01-05,
R1,S5,1HGCM82633A004353,Ford,Ka,retail,,2026-06-01,2026-06-05,
R1,S6,,Ford,Ka,retail,,2026-06-01,2026-06-05,
R1,S7,11111111111111111,Ford,Ka,retail,,2026-06-01,2026-06-05,
""",
    "portal_calls_2026-06-30.csv": """\
rooftop,call_id,portal,source,started_at,duration_seconds,answered,caller_phone
R1,T1,AutoMarkt,AutoMarkt,2026-03-01T11:00:00,60,yes,(0)7700 900-111
R1,T2,AutoMarkt,AutoMarkt,2026-04-02T11:00:00,60,yes,07700 900555
""",
}
SELECT = (
    "+brg_customer_source +dim_customer +brg_lead_deal +fct_sale_match +brg_lead_vehicle +fct_owner_span +dim_vehicle "
    "+dim_source +fct_lead +fct_episode +fct_deal"
)


def warehouse_of(home: Home) -> Warehouse:
    paths = Paths(home.build)
    write_meta(
        home,
        paths,
        run_id="20260701T000000-test",
        started_at=dt.datetime(2026, 7, 1),  # noqa: DTZ001
        known_at=dt.datetime(2026, 7, 1),  # noqa: DTZ001
    )
    return Warehouse(paths.warehouse)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return warehouse_of(make_warehouse(tmp_path_factory.mktemp("plain"), FILES, PLAIN, select=SELECT))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return warehouse_of(make_warehouse(tmp_path_factory.mktemp("other"), FILES, OTHER, select=SELECT))


def asked(warehouse: Warehouse, question: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.rows(question)]


def customers(warehouse: Warehouse) -> dict[str, tuple[str, str, str | None]]:
    """Source number -> customer, reason, evidence (line) where it is not its own."""
    rows = asked(
        warehouse,
        "select customer_source_key, customer_key, matched_by, matched_row_number from marts.brg_customer_source "
        "where customer_source_key <> customer_key",
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def kpi(warehouse: Warehouse, name: str, first: date, last: date, as_of: date | None = None) -> KpiRow:
    (row,) = compute(warehouse, load_metrics(warehouse)[name], Period(first, last, as_of or last))
    return row


def test_each_match_has_its_reason_and_evidence(plain: Warehouse) -> None:
    assert customers(plain) == {
        "crm|R1|C2": ("crm|R1|C1", "same phone", 2),
        "crm|R1|C4": ("crm|R1|C3", "same e-mail", 4),
        "crm|R1|C7": ("crm|R1|C8", "merged by the CRM", 8),
        "crm|R1|C9": ("crm|R1|C10", "same phone", 11),
        "crm|R1|C11": ("crm|R1|C10", "same phone", 11),
        "crm|R1|C13": ("crm|R1|C12", "same e-mail", 13),
        "crm|R1|C15": ("crm|R1|C14", "same e-mail", 15),
        "crm|R1|C16": ("crm|R1|C14", "same e-mail", 15),
        "crm|R1|C18": ("crm|R1|C17", "same e-mail", 18),
        "crm|R1|C20": ("crm|R1|C19", "same e-mail", 20),
        "crm|R1|C21": ("crm|R1|C14", "same e-mail", 15),
        "crm|R2|C2": ("crm|R2|C1", "same phone", 22),
    }


def test_the_other_side_of_every_setting_of_identity(other: Warehouse) -> None:
    assert customers(other) == {
        "crm|R1|C7": ("crm|R1|C8", "merged by the CRM", 8),
        "crm|R1|C20": ("crm|R1|C19", "same e-mail", 20),
        "dms|R1|C1": ("crm|R1|C1", "same id, joined by settings", 2),
        "dms|R1|C3": ("crm|R1|C3", "same id, joined by settings", 4),
        "dms|R1|B1": ("crm|R1|C3", "same e-mail", 4),
    }


def test_a_customer_stands_once_whatever_its_numbers(plain: Warehouse, other: Warehouse) -> None:
    for warehouse in (plain, other):
        ((numbers, people, rows),) = asked(
            warehouse,
            "select (select count(*) from marts.brg_customer_source), "
            "(select count(distinct customer_key) from marts.brg_customer_source), "
            "(select count(*) from marts.dim_customer)",
        )
        assert people == rows == numbers - len(customers(warehouse))
    ((name, terms),) = asked(
        other, "select customer_name, terms_days from marts.dim_customer where customer_key = 'crm|R1|C1'"
    )
    assert (name, terms) == ("Alma Brindle", 14)


@pytest.mark.metrics("6.fct-lead")
def test_message_lead_episode_and_customer_are_four_grains(plain: Warehouse) -> None:
    """Ten messages; one call belongs to a lead; three leads of Alma under two numbers and none are one episode."""
    ((messages,),) = asked(
        plain,
        "select sum(rows_read) from meta.files where name like 'crm_leads%' or name like 'portal_calls%'",
    )
    ((leads, episodes, people),) = asked(
        plain,
        "select count(*), count(distinct episode_key), count(distinct customer_id) from marts.fct_lead",
    )
    assert (messages, leads, episodes, people) == (10, 9, 5, 4)
    assert asked(
        plain, "select lead_id, customer_id from marts.fct_lead where episode_key = 'R1|L1' order by lead_id"
    ) == [("L1", "C1"), ("L2", "C1"), ("L3", "C1")]
    assert asked(plain, "select customer_id, is_in_crm from marts.fct_lead where lead_id = 'T1'") == [("C1", False)]


@pytest.mark.metrics("6.crm-to-dms-match")
def test_a_deal_finds_its_lead_by_the_ladder(plain: Warehouse, other: Warehouse) -> None:
    rungs = (
        "select deal_number, lead_id, matched_by from marts.brg_lead_deal where matched_by <> 'episode' order by all"
    )
    found = [("D1", "L1", "lead"), ("D2", "L4", "e-mail"), ("D3", "L5", "VIN"), ("D4", "L8", "lead")]
    assert asked(plain, rungs) == found
    assert asked(other, rungs) == [*found, ("D5", "L4", "customer")]


@pytest.mark.metrics("6.crm-to-dms-match")
def test_sales_of_crm_and_dms_in_four_counts(plain: Warehouse, other: Warehouse) -> None:
    names = ("sales_matched", "sales_in_crm_only", "sales_crm_unmatched", "sales_dms_unmatched")
    year = [kpi(plain, name, date(2026, 1, 1), date(2026, 6, 30)) for name in names]
    assert [row.value for row in year] == [3, 1, 1, 1]
    assert [row.excluded for row in year] == [0, 0, 0, 1]
    assert [kpi(other, name, date(2026, 1, 1), date(2026, 6, 30)).value or 0 for name in names] == [4, 1, 1, 0]
    before, after = date(2026, 3, 22), date(2026, 3, 31)
    march = [[kpi(plain, name, date(2026, 3, 1), day).value or 0 for name in names] for day in (before, after)]
    assert march == [[0, 1, 0, 0], [1, 0, 0, 0]]


@pytest.mark.metrics("6.orphan-rate")
def test_owners_whose_salesperson_has_left(plain: Warehouse) -> None:
    before = kpi(plain, "orphan_rate", date(2026, 5, 1), date(2026, 5, 31))
    after = kpi(plain, "orphan_rate", date(2026, 6, 1), date(2026, 6, 30))
    assert (before.numerator, before.denominator, before.excluded) == (0, 4, 1)
    assert (after.numerator, after.denominator, after.excluded) == (1, 4, 1)


def test_who_waits_for_a_car_in_transit(plain: Warehouse) -> None:
    rows = asked(
        plain,
        "select lead_id, stock_number, matched_by, waiting_from, is_waiting from marts.brg_lead_vehicle order by all",
    )
    assert rows == [
        ("L7", "S3", "vehicle text", date(2026, 5, 2), True),
        ("L7", "S4", "vehicle text", None, False),
        ("L8", "S3", "stock number", date(2026, 5, 3), True),
    ]


def test_no_vin_drops_a_car(plain: Warehouse) -> None:
    rows = asked(plain, "select last_stock_unit_key, vin_status, vin_suggested from marts.dim_vehicle order by all")
    assert rows == [
        ("R1|S1", "valid_checked", None),
        ("R1|S2", "malformed", "1HGCM82633A004352"),
        ("R1|S3", "valid_unchecked", None),
        ("R1|S4", "short_chassis", None),
        ("R1|S5", "check_failed", None),
        ("R1|S6", "missing", None),
        ("R1|S7", "malformed", None),
        (None, "valid_unchecked", None),
    ]


def test_spellings_of_the_settings_go_before_the_built_in_map(plain: Warehouse, other: Warehouse) -> None:
    sources = "select lead_id, source from marts.fct_lead where lead_id in ('L1', 'L2') order by all"
    assert asked(plain, sources) == [("L1", "unknown"), ("L2", "unknown")]
    assert asked(other, sources) == [("L1", "AutoMarkt"), ("L2", "Events")]
    assert asked(other, "select kind, is_known from marts.dim_source where source = 'Events'") == [("other", True)]


def connected(links: list[tuple[str, str]]) -> dict[str, str]:
    """The labels that the macro connected_nodes gives."""
    body = re.search(r"default__connected_nodes\(links\) -%}(.*?){%- endmacro", ENGINE.read_text("utf-8"), re.S)
    assert body is not None
    with duckdb.connect() as connection:
        connection.execute("create table links (node varchar, other varchar)")
        connection.executemany("insert into links values (?, ?)", links)
        found = connection.execute(body[1].replace("{{ links }}", "links")).fetchall()
    assert len(found) == len({node for node, _ in found})
    return dict(found)


def united(links: list[tuple[str, str]]) -> dict[str, str]:
    """The same by joining one pair after the other."""
    groups = {node: {node} for link in links for node in link}
    for a, b in links:
        if groups[a] is not groups[b]:
            groups[a] |= groups[b]
            for node in groups[b]:
                groups[node] = groups[a]
    return {node: min(group) for node, group in groups.items()}


@pytest.mark.parametrize("seed", range(8))
def test_what_is_connected_has_one_label(seed: int) -> None:
    chance = random.Random(seed)
    nodes = [f"n{number:03d}" for number in range(chance.choice((2, 12, 150)))]
    links = [(chance.choice(nodes), chance.choice(nodes)) for _ in range(chance.choice((1, len(nodes), 80)))]
    assert connected(links) == united(links)


def test_a_long_chain_is_one_customer() -> None:
    links = [(f"c{number:04d}", f"c{number + 1:04d}") for number in range(200)]
    random.Random(1).shuffle(links)
    assert set(connected(links).values()) == {"c0000"}


def test_a_hundred_thousand_customers_are_joined_in_seconds() -> None:
    body = re.search(r"default__connected_nodes\(links\) -%}(.*?){%- endmacro", ENGINE.read_text("utf-8"), re.S)
    assert body is not None
    with duckdb.connect() as connection:
        connection.execute(
            "create table links as select 'c' || i as node, 'e' || i // 2 as other from range(100000) as t(i) "
            "union all select 'c' || i, 'p' || i // 3 from range(0, 100000, 7) as t(i)"
        )
        started = time.process_time()
        connection.execute(f"create table labels as {body[1].replace('{{ links }}', 'links')}")
        assert time.process_time() - started < 10
        assert connection.execute("select count(distinct label) from labels").fetchone() == (50_000,)
