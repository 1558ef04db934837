"""What changed, from files in any order: an older file arriving late, full files X, Y, X, a partial file arriving late;
now, and as it was known before the late ones came. Real files, landed and built.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from forecourt.asof import known_at
from forecourt.build import build
from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest.landing import land
from tests.support.warehouse import is_broken, opened

X = "rooftop,stock_number,use,purchase_price\nR1,S1,retail,5000.00\nR1,S2,retail,6000.00\n"
Y = "rooftop,stock_number,use,purchase_price\nR1,S1,demo,5000.00\nR1,S3,retail,7000.00\n"
IN_TIME = {
    "dms_vehicles_2026-03-01.full.csv": X,
    "dms_vehicles_2026-03-02.full.csv": Y,
    "dms_vehicles_2026-03-03.full.csv": X,
    "crm_leads_2026-03-01.csv": "rooftop,lead_id,received_at,stage,owner\nR2,L1,2026-03-01T09:00:00,new,Ann\n",
    "crm_leads_2026-03-03.csv": "rooftop,lead_id,received_at,stage,owner\nR2,L1,2026-03-01T09:00:00,qualified,Ann\n",
    "dms_deals_2026-03-01.csv": "rooftop,deal_number,deal_type,status,sale_price\nR3,D1,retail,booked,10000.00\n",
    "dms_deals_2026-03-03.csv": "rooftop,deal_number,deal_type,status\nR3,D1,retail,finalised\n",
    "dms_exceptions_2026-03-03.csv": (
        "rooftop,exception_id,event,event_kind,kind,entity,entity_id,field,previous_value,new_value,reason,occurred_at,"
        "role,employee\n"
        "R3,X1,1,opened,price_override,deal,D1,sale_price,,,asked,2026-03-02T09:00:00,sales,Ann\n"
        "R3,X1,2,decided,price_override,deal,D1,sale_price,10000,9900,price match,2026-03-02T10:00:00,manager,Bob\n"
    ),
}
LATE = {
    "crm_leads_2026-03-02.csv": "rooftop,lead_id,received_at,stage,owner\nR2,L1,2026-03-01T09:00:00,contacted,Bob\n",
    "dms_deals_2026-03-02.csv": "rooftop,deal_number,deal_type,status,sale_price\nR3,D1,retail,booked,9900.00\n",
}
COLUMNS = "record_key, field, previous_value, new_value, changed_on, reason, known_at"


class Told(NamedTuple):
    """A home after all files, and the instants before and after the late ones."""

    home: Home
    before_late: datetime
    after_late: datetime


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("changes")
    home = Home(folder / "home")
    home.create()
    home.settings.write_text("", encoding="utf-8")
    settings = load_settings(home.settings)
    moments = []
    for number, files in enumerate((IN_TIME, LATE)):
        exports = folder / f"exports{number}"
        exports.mkdir()
        with home.lock():
            for name, text in files.items():
                (exports / name).write_text(text, encoding="utf-8")
                (landed,) = land(home, settings, [exports / name])
                assert landed.status == "landed", landed.reason
        moments.append(now())
    assert not [node.name for node in build(home, settings, select="+fct_change +fct_deal") if is_broken(node)]
    return Told(home, *moments)


@pytest.mark.metrics("7.change-coverage")
def test_every_change_stands_in_the_order_of_the_exports(told: Told) -> None:
    with opened(told.home) as connection:
        found = connection.execute(f"select {COLUMNS} from marts.fct_change order by all").fetchall()
    assert [(*row[:4], f"{row[4]:%m-%d}", row[5]) for row in found] == [
        ("R1|S1", "use", "demo", "retail", "03-03", None),
        ("R1|S1", "use", "retail", "demo", "03-02", None),
        ("R2|L1", "owner", "Ann", "Bob", "03-02", None),
        ("R2|L1", "owner", "Bob", "Ann", "03-03", None),
        ("R2|L1", "stage", "contacted", "qualified", "03-03", None),
        ("R2|L1", "stage", "new", "contacted", "03-02", None),
        ("R3|D1", "sale_price", "10000.00", "9900.00", "03-02", "price match"),
        ("R3|D1", "status", "booked", "finalised", "03-03", None),
    ]
    late = {row[:2] for row in found if row[6] > told.before_late}
    assert late == {("R2|L1", "owner"), ("R2|L1", "stage"), ("R3|D1", "sale_price")}


def test_a_partial_file_that_came_late_fills_its_place_in_the_deal(told: Told) -> None:
    with opened(told.home) as connection:
        deals = connection.execute("select status, sale_price from marts.fct_deal").fetchall()
    assert [(status, str(price)) for status, price in deals] == [("finalised", "9900.00")]


def test_before_the_late_files_the_changes_were_others(told: Told) -> None:
    settings = load_settings(told.home.settings)
    with known_at(told.home, settings, told.before_late, ["fct_change"]) as warehouse:
        found = warehouse.rows(f"select {COLUMNS} from marts.fct_change where record_key <> 'R1|S1' order by all")
    assert [tuple(row.values())[:4] for row in found] == [
        ("R2|L1", "stage", "new", "qualified"),
        ("R3|D1", "status", "booked", "finalised"),
    ]


def test_full_files_x_y_x_end_as_x(told: Told) -> None:
    with opened(told.home) as connection:
        connection.execute(f"attach '{told.home.scratch}' as scratch (read_only)")
        found = connection.execute(
            "select stock_number, use, gone_at is null from scratch.staging.stg_dms__vehicles order by all"
        ).fetchall()
    assert found == [("S1", "retail", True), ("S2", "retail", True), ("S3", "retail", False)]
