"""Every policy has two sides, and a number that tells them apart.

One scene, a rooftop for each policy, is built twice: by the defaults, and by lists in which every policy has another
value (or two) until a day after the scene, on which the default comes back: the value on the fact's day counts, not
the newest one.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from forecourt.build import Paths, build
from forecourt.door import Warehouse
from forecourt.kpi import compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from forecourt.settings import POLICY_DEFAULTS
from forecourt.settings_file import load_settings
from tests.support.warehouse import is_broken, make_warehouse

DAY = date(2026, 6, 30)
LATER = date(2026, 12, 31)

FILES = {
    "dms_deals": """\
rooftop,deal_number,stock_number,customer_id,lead_id,deal_type,status,contract_on,finalised_on,delivered_on,reversed_on,sale_price,vehicle_cost
STEP,1,,,,retail,delivered,2025-01-10,2025-02-10,2025-03-10,,10000.00,9000.00
STEP,2,,,,retail,delivered,2026-01-10,2026-02-10,2026-03-10,,10000.00,9000.00
VIEW,1,,,,retail,unwound,2026-01-10,2026-01-10,2026-01-10,2026-03-05,10000.00,9000.00
PACK,1,S1,,,retail,delivered,2026-03-10,2026-03-10,2026-03-10,,10000.00,
GAP,1,,C1,L2,retail,delivered,2026-02-15,2026-02-15,2026-02-15,,10000.00,9000.00
KIND,1,,,,retail,delivered,2026-01-05,2026-01-05,2026-01-05,,10000.00,9000.00
WINDOW,1,,,,retail,delivered,2026-01-05,2026-01-05,2026-01-05,,10000.00,9000.00
RETURN,1,,,,retail,unwound,2026-01-05,2026-01-05,2026-01-05,2026-02-10,10000.00,9000.00
CONVERT,1,,C2,L1,retail,delivered,2026-03-15,2026-03-15,2026-03-15,,10000.00,9000.00
""",
    "dms_vehicle_costs": """\
rooftop,cost_id,stock_number,posted_on,category,amount
PACK,1,S1,2026-03-01,purchase,8000.00
PACK,2,S1,2026-03-01,pack,200.00
""",
    "dms_vehicles": """\
rooftop,stock_number,condition,use,acquired_on,arrived_on
STOCK,1,used,retail,2026-03-01,2026-04-15
EDGES,1,used,retail,2026-05-01,2026-05-01
PART,1,used,rental,2026-05-01,2026-05-01
OUT,1,used,rental,2026-06-01,2026-06-01
""",
    "dms_vehicle_events": """\
rooftop,event_id,stock_number,occurred_at,status
OUT,1,1,2026-06-10T00:00:00,inspection
OUT,2,1,2026-06-12T00:00:00,ready
""",
    "dms_rentals": """\
rooftop,agreement_number,stock_number,kind,out_at,due_back_at,returned_at
PART,1,1,rental,2026-05-10T12:00:00,2026-05-11T12:30:00,2026-05-11T12:30:00
PART,2,1,rental,2026-06-10T12:00:00,2026-06-11T12:30:00,2026-06-11T12:30:00
""",
    "crm_leads": """\
rooftop,lead_id,received_at,channel,intent,customer_id,stage
CLOCK,L1,2026-06-06T18:40:00,email,buy,,new
CALL,L1,2026-06-03T10:00:00,email,buy,,new
TARGET,L1,2026-06-03T10:00:00,email,buy,,new
PORTAL,L1,2026-06-03T10:00:00,portal,buy,,new
ATTEMPTS,L1,2026-06-03T10:00:00,email,buy,,new
HOURS,L1,2026-06-03T10:00:00,email,buy,,new
GAP,L1,2026-01-01T10:00:00,email,buy,C1,won
GAP,L2,2026-02-10T10:00:00,email,buy,C1,won
CONVERT,L1,2026-01-01T10:00:00,email,buy,C2,won
""",
    "crm_activities": """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome,duration_seconds,employee
CLOCK,1,L1,,2026-06-08T09:25:00,out,email,no,no,sent,,Alma
CALL,1,L1,,2026-06-03T10:05:00,out,call,no,no,connected,8,Alma
TARGET,1,L1,,2026-06-03T10:40:00,out,email,no,no,sent,,Alma
PORTAL,1,L1,,2026-06-03T10:20:00,out,email,no,no,sent,,Alma
ATTEMPTS,1,L1,,2026-06-03T11:00:00,out,email,no,no,sent,,Alma
HOURS,1,L1,,2026-06-04T16:00:00,out,email,no,no,sent,,Alma
HOURS,2,L1,,2026-06-05T09:00:00,out,email,no,no,sent,,Alma
CONVERT,1,L1,C2,2026-01-25T10:00:00,in,email,no,no,,,
CONVERT,2,L1,C2,2026-02-20T10:00:00,in,email,no,no,,,
CONVERT,3,L1,C2,2026-03-10T10:00:00,in,email,no,no,,,
""",
    "crm_quotes": """\
rooftop,quote_id,lead_id,requested_at,sent_at
QUOTE,1,L1,2026-06-01T10:00:00,2026-06-02T16:00:00
""",
    "dms_claims": """\
rooftop,claim_number,kind,deal_number,opened_at,status
KIND,1,damage,1,2026-01-20T10:00:00,open
WINDOW,1,warranty,1,2026-03-26T10:00:00,open
""",
    "dms_repair_orders": """\
rooftop,ro_number,vin,customer_id,opened_at,closed_at,voided
COMEBACK,1,V1,C1,2026-02-01T08:00:00,2026-02-01T18:00:00,no
COMEBACK,2,V1,C1,2026-03-10T08:00:00,2026-03-10T18:00:00,no
DECLINED,1,V2,C1,2026-01-10T08:00:00,2026-01-10T18:00:00,no
DECLINED,2,V2,C1,2026-03-20T08:00:00,2026-03-20T18:00:00,no
""",
    "dms_ro_lines": """\
rooftop,ro_number,line,kind,op_code,pay_type,outcome,sale,cost
COMEBACK,1,1,labour,BRAKES,customer,sold,100.00,40.00
COMEBACK,2,1,labour,BRAKES,customer,sold,100.00,40.00
DECLINED,1,1,labour,TYRES,customer,declined,100.00,40.00
DECLINED,2,1,labour,TYRES,customer,sold,100.00,40.00
""",
    "dms_invoices": """\
rooftop,invoice_number,kind,schedule,customer_id,posted_on,due_on,amount
AGED,1,invoice,wholesale,C1,2026-04-01,2026-05-01,100.00
CUSTOMER,1,invoice,customer,C1,2026-04-01,2026-05-01,100.00
CONTRACT,1,invoice,contract_in_transit,C1,2026-05-01,2026-05-01,100.00
TERMS,1,invoice,wholesale,C1,2026-06-10,,100.00
OWNTERMS,1,invoice,insurance,C1,2026-06-10,,100.00
HEADLINE,1,invoice,customer,C1,2026-06-10,2026-07-10,100.00
HEADLINE,2,invoice,warranty,C1,2026-04-01,2026-05-01,100.00
""",
}


@dataclass(frozen=True)
class Asked:
    """A part of a KPI at one rooftop; by group where ``by`` is given, groups without a number left out."""

    kpi: str
    rooftop: str
    first: date = date(2026, 1, 1)
    last: date = DAY
    by: str | None = None
    part: str = "value"

    def of(self, warehouse: Warehouse) -> Any:
        metric = load_metrics(warehouse)[self.kpi]
        rows = compute(warehouse, metric, Period(self.first, self.last, DAY), by=self.by, rooftops=[self.rooftop])
        if self.by is None:
            (row,) = rows
            return getattr(row, self.part)
        return {row.group: getattr(row, self.part) for row in rows if row.group is not None}


@dataclass(frozen=True)
class Sides:
    """What a number is by a policy's default and by its other value, or values by the day from which each applies."""

    key: str
    other: Any
    asked: Asked
    by_default: Any
    by_other: Any

    @property
    def values(self) -> dict[date, Any]:
        """The value by the day it begins; at last the default again."""
        family = "sla.default_minutes" if self.key.startswith("sla.") else f"{self.key.rpartition('.')[0]}.default"
        values = self.other if isinstance(self.other, dict) else {date(1900, 1, 1): self.other}
        return values | {LATER: POLICY_DEFAULTS[self.key if self.key in POLICY_DEFAULTS else family]}


SIDES = (
    Sides(
        "deal.recognition",
        {date(1900, 1, 1): "contract", date(2026, 1, 1): "finalised"},
        Asked("units", "STEP", first=date(2025, 1, 1), by="month"),
        {"2025-03": 1, "2026-03": 1},
        {"2025-01": 1, "2026-02": 1},
    ),
    Sides("deal.view", "cohort", Asked("units", "VIEW", last=date(2026, 1, 31)), 1, 0),
    Sides("deal.pack", "in_cost", Asked("total_gross", "PACK"), "2000.00", "1800.00"),
    Sides("stock.in_stock_from", "acquired_on", Asked("stock_units", "STOCK", last=date(2026, 3, 31)), None, 1),
    Sides("stock.edges", [50, 70], Asked("stock_units", "EDGES", by="bucket"), {"46-60": 1}, {"51-70": 1}),
    Sides(
        "rental.part_day",
        {date(1900, 1, 1): "started_day", date(2026, 6, 1): "day_24h"},
        Asked("fleet_utilisation_rate", "PART", by="month", part="numerator"),
        {"2026-05": 1.020833, "2026-06": 1.020833},
        {"2026-05": 2, "2026-06": 1},
    ),
    Sides("fleet.out_of_service", ["in_recon"], Asked("fleet_utilisation_rate", "OUT", part="denominator"), 28, 30),
    Sides("response.clock", "elapsed", Asked("sla_met_rate", "CLOCK"), 1.0, 0.0),
    Sides("response.min_call_seconds", 5, Asked("response_minutes", "CALL", part="n"), 0, 1),
    Sides("sla.default_minutes", 60, Asked("sla_met_rate", "TARGET"), 0.0, 1.0),
    Sides("sla.portal.buy_minutes", 15, Asked("sla_met_rate", "PORTAL"), 1.0, 0.0),
    Sides("follow_up.attempts", 1, Asked("follow_up_rate", "ATTEMPTS"), 0.0, 1.0),
    Sides("follow_up.hours", 24, Asked("follow_up_rate", "HOURS"), 1.0, 0.0),
    Sides("episode.gap_days", 30, Asked("enquiry_to_handover_days", "GAP"), 45, 5),
    Sides("claim.kinds", ["warranty", "damage"], Asked("claim_rate", "KIND", last=date(2026, 1, 31)), 0.0, 1.0),
    Sides("claim.window_days", 60, Asked("claim_rate", "WINDOW", last=date(2026, 1, 31)), 1.0, 0.0),
    Sides("return.window_days", 60, Asked("return_rate", "RETURN", last=date(2026, 1, 31)), 0.0, 1.0),
    Sides("comeback.days", 45, Asked("comeback_rate", "COMEBACK", last=date(2026, 2, 28)), 0.0, 1.0),
    Sides("declined.window_days", 30, Asked("declined_recovery_rate", "DECLINED", last=date(2026, 1, 31)), 1.0, 0.0),
    Sides("conversion.window_days", 60, Asked("conversion_rate", "CONVERT", last=date(2026, 1, 31)), 1.0, 0.0),
    Sides(
        "ageing.edges.default",
        [45, 90],
        Asked("receivable_outstanding", "AGED", by="bucket"),
        {"31-60": "100.00"},
        {"46-90": "100.00"},
    ),
    Sides(
        "ageing.edges.customer",
        [70],
        Asked("receivable_outstanding", "CUSTOMER", by="bucket"),
        {"31-60": "100.00"},
        {"1-70": "100.00"},
    ),
    Sides(
        "ageing.edges.contract_in_transit",
        [3, 60],
        Asked("receivable_outstanding", "CONTRACT", by="bucket"),
        {"16+": "100.00"},
        {"4-60": "100.00"},
    ),
    Sides("ageing.default_terms.default", 30, Asked("overdue_rate", "TERMS"), 1.0, 0.0),
    Sides("ageing.default_terms.insurance", 60, Asked("overdue_rate", "OWNTERMS"), 1.0, 0.0),
    Sides(
        "ageing.headline_schedules",
        ["customer", "warranty", "wholesale", "insurance"],
        Asked("overdue_rate", "HEADLINE"),
        0.0,
        0.5,
    ),
    Sides("ageing.provision.default", 2, Asked("receivable_provision", "AGED"), "0.00", "2.00"),
    Sides("ageing.provision.1-70", 50, Asked("receivable_provision", "CUSTOMER"), "0.00", "50.00"),
    Sides(
        "quote.answer_hours",
        48,
        Asked("promise_kept_rate", "QUOTE", by="rule"),
        {"Quotation not answered in time": 0.0},
        {"Quotation not answered in time": 1.0},
    ),
)


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def policy_line(sides: Sides) -> str:
    """A line of the settings file that gives a policy the values of ``sides``."""
    values = ", ".join(f"{{ from = {day}, value = {written(value)} }}" for day, value in sides.values.items())
    return f'"{sides.key}" = [{values}]'


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Warehouse]:
    """The scene by the defaults and by the other values."""
    folder = tmp_path_factory.mktemp("sides")
    company = '[company]\nname = "Sides"\n'
    home = make_warehouse(folder, {f"{feed}_{DAY}.csv": text for feed, text in FILES.items()}, company)
    started = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="default", started_at=started, known_at=None)
    shutil.move(home.warehouse, folder / "default.duckdb")
    home.settings.write_text("\n".join([company, "[policy]", *map(policy_line, SIDES)]), encoding="utf-8")
    assert [node.name for node in build(home, load_settings(home.settings), tests=False) if is_broken(node)] == []
    write_meta(home, Paths(home.build), run_id="other", started_at=started, known_at=None)
    return {"default": Warehouse(folder / "default.duckdb"), "other": Warehouse(home.warehouse)}


@pytest.mark.metrics("9.keys")
@pytest.mark.parametrize("sides", SIDES, ids=lambda sides: sides.key)
def test_a_policy_has_two_sides(warehouses: Mapping[str, Warehouse], sides: Sides) -> None:
    assert sides.by_default != sides.by_other
    found = {side: sides.asked.of(warehouse) for side, warehouse in warehouses.items()}
    assert found == {"default": sides.by_default, "other": sides.by_other}


@pytest.mark.metrics("9.keys")
def test_every_policy_is_here() -> None:
    """A new policy comes with a number that its two sides change.

    The rules of identity say who is one customer, before there is any number: their sides stand with the matching.
    Those of preparation mark cars in a list and change no number: theirs stand in tests/dashboards/test_desks.py.
    """
    policies = {key for key in POLICY_DEFAULTS if not key.startswith(("identity.", "stock.prep_"))}
    assert policies - {sides.key for sides in SIDES} == set()
