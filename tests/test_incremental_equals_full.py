"""However deliveries come, in whatever order and with builds between, the marts are those of one build at the end.

Compared row for row: every table of every mart. What may differ is named in ``OF_THE_DELIVERY``. Deliveries here are
partial and full files, one that says again what an earlier one said, one that says it is empty, rows that fail, and
versions that only their order in time tells apart.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.build import build
from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest.landing import land, rebuild
from ingest.sample import write_sample
from tests.support.warehouse import is_broken, opened

#: When a change became known is when its delivery came; nothing else of a mart tells deliveries apart.
OF_THE_DELIVERY = {("fct_change", "known_at")}

LEADS = """\
rooftop,lead_id,received_at,channel,intent,customer_id,owner,stage
R1,L1,2026-03-01T10:00:00,email,buy,C1,Alma,new
R1,L2,2026-03-01T11:00:00,portal,buy,C2,Alma,new
R1,L3,2026-03-02T11:00:00,phone,buy,C3,Bertie,contacted
"""
FILES = {
    "crm_leads.full.2026-03-03.csv": LEADS,
    "crm_leads.full.2026-03-08.csv": LEADS.replace("C1,Alma,new", "C1,Bertie,quoted").replace(
        "R1,L2,2026-03-01T11:00:00,portal,buy,C2,Alma,new\n", ""
    ),
    "crm_leads.full.2026-03-15.csv": LEADS,
    "crm_activities_2026-03-08.csv": """\
rooftop,activity_id,lead_id,occurred_at,direction,channel,automatic,bulk,outcome,employee
R1,A1,L1,2026-03-02T10:20:00,out,email,no,no,sent,Alma
R1,A2,L2,not a time,out,email,no,no,sent,Alma
""",
    "crm_activities_2026-03-15.csv": """\
rooftop,activity_id,lead_id,occurred_at,direction,channel,automatic,bulk,outcome,employee
R1,A2,L2,2026-03-02T12:00:00,out,email,no,no,sent,Alma
R1,A1,L1,2026-03-02T10:25:00,out,email,no,no,sent,Alma
""",
    "dms_vehicles_2026-03-01.csv": """\
rooftop,stock_number,vin,condition,use,arrived_on,purchase_price
R1,S1,V1,used,retail,2026-02-10,8000.00
R1,S2,V2,used,rental,2026-02-01,5000.00
""",
    "dms_vehicles_2026-03-09.csv": """\
rooftop,stock_number,ready_on,use
R1,S1,2026-02-20,retail
R1,S2,,courtesy
""",
    "dms_vehicles_2026-03-20.csv": """\
rooftop,stock_number,purchase_price
R1,S1,8100.00
""",
    "dms_deals_2026-03-11.csv": """\
rooftop,deal_number,stock_number,lead_id,deal_type,status,contract_on,delivered_on,sale_price,salesperson
R1,D1,S1,L1,retail,booked,2026-03-05,,9900.00,Alma
""",
    "dms_deals_2026-03-14.csv": """\
rooftop,deal_number,deal_type,status,delivered_on,sale_price
R1,D1,retail,delivered,2026-03-12,10000.00
R1,D2,retail,delivered,2026-03-13,12000.00
""",
    "dms_deals_2026-03-31.csv": "rooftop,deal_number,deal_type,status\n",
    "dms_vehicle_costs_2026-03-14.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K1,S1,2026-02-12,recon,150.00
R1,K2,S1,2026-04-05,recon,200.00
""",
    "dms_vehicle_costs_2026-03-20.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K1,S1,2026-02-12,recon,175.00
R1,K3,S1,2026-02-10,purchase,8100.00
""",
    "dms_rentals_2026-03-20.csv": """\
rooftop,agreement_number,stock_number,kind,out_at,due_back_at,returned_at,revenue
R1,H1,S2,rental,2026-03-02T09:00:00,2026-03-04T09:00:00,,80.00
""",
    "dms_rentals_2026-03-31.csv": """\
rooftop,agreement_number,stock_number,kind,out_at,due_back_at,returned_at,revenue
R1,H1,S2,rental,2026-03-02T09:00:00,2026-03-04T09:00:00,2026-03-04T08:00:00,80.00
""",
    "dms_invoices.full.2026-03-20.csv": """\
rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount
R1,I1,invoice,C1,2026-03-01,2026-03-11,1000.00
R1,I2,invoice,C2,2026-03-02,2026-04-01,300.00
""",
    "dms_invoices.full.2026-03-31.csv": """\
rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,credits_invoice
R1,I1,invoice,C1,2026-03-01,2026-03-11,1000.00,
R1,N1,credit_note,C1,2026-03-15,,100.00,I1
""",
    "dms_payments_2026-03-20.csv": "rooftop,payment_number,customer_id,posted_on,amount\nR1,P1,C1,2026-03-05,400.00\n",
    "dms_allocations_2026-03-20.csv": """\
rooftop,allocation_id,from_document,from_kind,to_document,to_kind,allocated_on,amount
R1,A1,P1,payment,I1,invoice,2026-03-06,400.00
""",
    "dms_allocations_2026-03-31.csv": """\
rooftop,allocation_id,from_document,from_kind,to_document,to_kind,allocated_on,amount
R1,A1,P1,payment,I1,invoice,2026-03-06,350.00
R1,A2,P1,payment,I2,invoice,2026-03-07,50.00
""",
    "dms_claims_2026-03-31.csv": """\
rooftop,claim_number,kind,deal_number,opened_at,status
R1,Q1,warranty,D1,2026-03-20T10:00:00,open
""",
}

Table = tuple[list[str], list[tuple[Any, ...]]]


def marts(home: Home) -> dict[str, Table]:
    """Every table of the built file: its columns and its rows in order, with a file's name for its id."""
    with duckdb.connect(str(home.landing), read_only=True) as landing:
        names = dict(landing.execute("select file_id, name from ledger.files").fetchall())
    found: dict[str, Table] = {}
    with opened(home) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        for (table,) in tables:
            read = connection.execute(f"select * from marts.{table}")
            columns = [column[0] for column in read.description or ()]
            rows = [
                tuple(
                    None if (table, name) in OF_THE_DELIVERY else names[value] if name == "file_id" and value else value
                    for name, value in zip(columns, row, strict=True)
                )
                for row in read.fetchall()
            ]
            found[table] = columns, sorted(rows, key=repr)
    return found


def differences(one: dict[str, Table], other: dict[str, Table]) -> list[str]:
    """A line for each row that stands in one of the two alone."""
    assert one.keys() == other.keys()
    lines = []
    for table in one:
        assert one[table][0] == other[table][0]
        for sign, these, those in (("-", one, other), ("+", other, one)):
            more = Counter(map(repr, these[table][1])) - Counter(map(repr, those[table][1]))
            lines += [f"{sign} {table} {row}" for row in more.elements()]
    return lines


class Deliveries:
    """A home, and batches of files that come to it one after the other."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.home = Home(folder / "home")
        self.home.create()
        self.home.settings.write_text(settings, encoding="utf-8")
        self.came = datetime.fromisoformat("2026-04-01T06:00+00:00")

    def land(self, paths: Sequence[Path]) -> dict[str, str]:
        """Lands the files one after the other; the status of each by its name."""
        settings = load_settings(self.home.settings)
        statuses = {}
        with self.home.lock():
            for path in paths:
                self.came += timedelta(hours=1)
                (result,) = land(self.home, settings, [path], received_at=self.came)
                statuses[path.name] = result.status
        return statuses

    def build(self, select: str | None = None) -> dict[str, Table]:
        nodes = build(self.home, load_settings(self.home.settings), select=select, tests=False)
        assert [node.name for node in nodes if is_broken(node)] == []
        return marts(self.home)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("exports")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory, exports: list[Path]) -> tuple[Deliveries, dict[str, Table]]:
    deliveries = Deliveries(tmp_path_factory.mktemp("once"))
    assert set(deliveries.land(exports).values()) == {"landed"}
    return deliveries, deliveries.build()


def test_the_scene_reaches_the_marts(at_once: tuple[Deliveries, dict[str, Table]]) -> None:
    """Equal and empty would be equal too."""
    _, expected = at_once
    filled = {table for table, (_, rows) in expected.items() if rows}
    assert filled >= {
        *("fct_lead", "fct_lead_activity", "fct_deal_movement", "fct_vehicle_cost", "fct_vehicle_day", "fct_rental"),
        *("fct_receivable", "fct_receivable_movement", "fct_claim", "fct_change", "fct_stock_unit", "fct_case"),
    }


@pytest.mark.parametrize("seed", range(2))
def test_any_order_in_any_batches_with_builds_between(
    tmp_path: Path, exports: list[Path], at_once: tuple[Deliveries, dict[str, Table]], seed: int
) -> None:
    dice = random.Random(seed)
    order = dice.sample(exports, len(exports))
    cut = dice.randint(1, len(order) - 1)
    deliveries = Deliveries(tmp_path)
    assert set(deliveries.land(order[:cut]).values()) == {"landed"}
    deliveries.build("+fct_change +fct_deal_movement +fct_lead +receivable_ageing")
    assert set(deliveries.land(order[cut:]).values()) == {"landed"}
    assert differences(at_once[1], deliveries.build()) == []


def test_rebuilt_from_the_archive_and_its_log(at_once: tuple[Deliveries, dict[str, Table]]) -> None:
    deliveries, expected = at_once
    deliveries.home.landing.unlink()
    with deliveries.home.lock():
        rebuild(deliveries.home, load_settings(deliveries.home.settings))
    assert differences(expected, deliveries.build()) == []


def test_half_a_year_of_a_dealership_delivered_backwards(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", rooftops=1, years=0.5, seed=5, scale=0.05)
    files = sorted(path for path in (tmp_path / "sample").iterdir() if path.suffix not in (".toml", ".json"))
    settings = (tmp_path / "sample" / "forecourt.toml").read_text(encoding="utf-8")
    (tmp_path / "forwards").mkdir()
    forwards = Deliveries(tmp_path / "forwards", settings)
    landed = forwards.land(files)
    assert list(landed.values()).count("landed") > len(files) / 2
    (tmp_path / "backwards").mkdir()
    backwards = Deliveries(tmp_path / "backwards", settings)
    assert backwards.land(files[::-1]) == landed
    assert differences(forwards.build(), backwards.build()) == []
