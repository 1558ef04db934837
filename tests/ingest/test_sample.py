"""The sample dealership: same arguments same bytes, believable numbers, mess that changes none, and a truth that
agrees with the vectors of METRICS.md."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from forecourt.errors import Problem
from forecourt.settings_file import load_settings
from ingest.contract import load_feeds
from ingest.delivery import exported_at, native_feed
from ingest.sample import simulate, write_sample
from ingest.sample.files import as_texts
from ingest.sample.truth import (
    AS_OF,
    claim_rate,
    enquiry_to_handover,
    fleet_utilisation,
    gross_margin,
    overdue,
)
from ingest.sample.truth_fleet import FleetFacts
from ingest.sample.truth_ledger import Doc, documents, open_rows
from ingest.sample.truth_sales import SalesFacts, episodes
from ingest.sample.world import World

SMALL = {"rooftops": 2, "years": 1, "scale": 0.3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sample") / "files"
    write_sample(directory, seed=4, **SMALL)
    return directory


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(2, 1, 4, 0.3)[0]


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


# files -------------------------------------------------------------------------------------------------------


def test_same_arguments_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again", seed=4, **SMALL)
    write_sample(tmp_path / "other", seed=5, **SMALL)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first
    assert (tmp_path / "other/dms_deals_2026-09-30.csv").read_bytes() != first["dms_deals_2026-09-30.csv"]


def test_every_feed_is_there_with_its_own_columns(folder: Path) -> None:
    seen = set()
    for path in folder.glob("*.csv"):
        feed = native_feed(path.name)
        assert feed, path.name
        header = set(read(path)[0])
        assert header - {"utm_campaign", "desk_note"} <= set(load_feeds()[feed].all_columns), path.name
        assert set(load_feeds()[feed].key) <= header, path.name
        seen.add(feed)
    assert seen == set(load_feeds()) - {"portal_leads"}
    assert (folder / "portal_leads_R1_2026-09-30.xml").read_bytes().startswith(b"<?xml")
    assert (folder / "notes_from_the_manager.txt").exists()


def test_the_summary_counts_what_was_written(tmp_path: Path) -> None:
    steps: list[tuple[str, int]] = []
    summary = write_sample(tmp_path / "s", rooftops=1, years=0.5, scale=0.02, on_step=lambda *step: steps.append(step))
    assert summary.files == len(list(summary.directory.iterdir()))
    truth = json.loads((tmp_path / "s/truth.json").read_text(encoding="utf-8"))
    assert summary.rows == sum(file["rows"] for file in truth["files"].values())
    assert sum(rows for _, rows in steps) == summary.rows - sum(
        file["rows"] for name, file in truth["files"].items() if name.endswith(".xml")
    )
    assert summary.as_of == date(2026, 9, 30)


def test_settings_are_those_of_the_rooftops(folder: Path) -> None:
    settings = load_settings(folder / "forecourt.toml")
    assert [settings.rooftop(code).currency for code in ("R1", "R2")] == ["GBP", "EUR"]
    assert [settings.rooftop(code).vat_rate for code in ("R1", "R2")] == [Decimal("0.20"), Decimal("0.19")]
    assert settings.policy("ageing.default_terms.parts_account") == 30
    assert len(settings.targets) == 5


@pytest.mark.parametrize("wrong", [{"rooftops": 0}, {"years": 0.1}, {"scale": 0}])
def test_impossible_numbers_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(Problem):
        write_sample(tmp_path / "s", **wrong)  # type: ignore[arg-type]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("x", encoding="utf-8")
    with pytest.raises(Problem, match="already holds something"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


# the mess changes nothing ------------------------------------------------------------------------------------


def test_the_last_version_of_each_column_is_the_simulated_row(
    folder: Path, world: World, truth: dict[str, Any]
) -> None:
    """An own small reader: files by export time, broken rows refused, later cells over earlier ones."""
    files = sorted(folder.glob("*.csv"), key=lambda path: (exported_at(path.name, "Europe/London"), path.name))
    state: dict[str, dict[tuple[str, ...], dict[str, str]]] = defaultdict(dict)
    refused: dict[str, int] = defaultdict(int)
    for path in files:
        feed = load_feeds()[native_feed(path.name) or ""]
        header, *rows = read(path)
        for row in rows:
            cells = dict(zip(header, row, strict=False))
            key = tuple(cells.get(column, "") for column in feed.key)
            if len(row) != len(header) or not all(key[1:]) or "31/02/2026" in row or "12,3O" in row:
                refused[path.name] += 1
                continue
            state[feed.name].setdefault(key, {}).update(cells)
    counted = {name: file["bad"] for name, file in truth["files"].items() if file["bad"]}
    assert refused == counted
    assert state["crm_tasks"].pop(("R2", "BAD4"))["completed_at"] == "some time in May"
    zones = {rooftop.code: rooftop.time_zone for rooftop in world.rooftops}
    for name, table in world.tables.items():
        columns = [c for c, kind in zip(table.feed.columns, table.feed.types, strict=True) if kind != "boolean"]
        expected = {}
        for cells in as_texts(table, tuple(columns), table.rows, 0, zones):
            row = dict(zip(columns, cells, strict=True))
            expected[tuple(row[column] for column in table.feed.key)] = row
        found = {key: {column: row.get(column, "") for column in columns} for key, row in state[name].items()}
        assert found == expected, name


def test_keys_are_unique(world: World) -> None:
    for name, table in world.tables.items():
        keys = [tuple(row[column] for column in table.feed.key) for row in table.records()]
        assert len(keys) == len(set(keys)), name
        assert keys or name == "portal_leads", name


def test_required_columns_and_word_lists_hold(world: World) -> None:
    for name, table in world.tables.items():
        columns = load_feeds()[name].columns
        for row in table.records():
            for column in columns.values():
                value = row[column.name]
                assert value is not None or not column.required, (name, column.name, row)
                assert not column.values or value is None or value in column.values, (name, column.name, value)


def test_the_mess_is_there(folder: Path, truth: dict[str, Any]) -> None:
    assert sum(file["bad"] for file in truth["files"].values()) > 20
    contents = [path.read_bytes() for path in folder.glob("*.csv")]
    assert len(contents) > len(set(contents)), "no file was sent again"
    deals = list(folder.glob("dms_deals_*.csv"))
    assert len({tuple(sorted(read(path)[0])) for path in deals}) == 3, "whole, with an unknown column, partial"
    assert any(b'"asked twice,\n' in content for content in contents)
    assert any(content.startswith(b"\xef\xbb\xbf") for content in contents)
    assert any(path.name.endswith(".full.csv") for path in folder.iterdir())


# believable --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_year_lies_within_the_benchmarks_of_the_trade(seed: int) -> None:
    world, _ = simulate(2, 2, seed, 0.5)
    facts, docs, codes = SalesFacts(world), documents(world), {"R1", "R2"}
    first, last = date(2025, 10, 1), world.end
    assert all(0.08 <= gross_margin(facts, {code}, first, last)["value"] <= 0.14 for code in codes)
    assert 12 <= enquiry_to_handover(facts, codes, first, last)["value"] <= 25
    assert 0.60 <= fleet_utilisation(FleetFacts(world), codes, date(2026, 4, 1), last)["value"] <= 0.75
    assert 0.03 <= claim_rate(facts, codes, date(2025, 1, 1), last)["value"] <= 0.08
    days = [date(2026, month, day) for month in range(1, 10) for day in (8, 18, 28)]
    rates = [overdue(open_rows(day, docs), codes) for day in days]
    late = sum(Decimal(rate["numerator"]) for rate in rates) / sum(Decimal(rate["denominator"]) for rate in rates)
    assert Decimal("0.20") <= late <= Decimal("0.40"), late
    appointments = [row for row in world.tables["crm_appointments"].records() if row["starts_at"].date() <= last]
    due = [row for row in appointments if row["status"] not in ("cancelled", "rescheduled")]
    assert 0.55 <= sum(row["status"] == "shown" for row in due) / len(due) <= 0.70
    funded = sorted(
        (doc.allocations[-1][0] - doc.contract_on).days
        for doc in docs
        if doc.schedule == "contract_in_transit" and doc.kind == "invoice" and doc.allocations and doc.contract_on
    )
    assert 4 <= funded[len(funded) // 2] <= 10
    sold = sum(row["stage"] == "won" for row in world.tables["crm_leads"].records())
    assert 0.10 <= sold / len(world.tables["crm_leads"].rows) <= 0.25


# the truth agrees with itself --------------------------------------------------------------------------------


def test_buckets_add_up_to_the_outstanding(truth: dict[str, Any]) -> None:
    for groups in truth["ageing"].values():
        assert groups
        for key, row in groups.items():
            sums = {name: Decimal(value) for name, value in row.items()}
            outstanding = sums.pop("outstanding")
            assert sums.pop("gross") + sums.pop("unallocated") == outstanding, key
            assert sum(sums.values()) == outstanding, key


def test_months_and_rooftops_add_up(truth: dict[str, Any], world: World) -> None:
    assert [date.fromisoformat(day) for day in truth["dates"]] == list(AS_OF)
    months = truth["gross_by_month"]
    facts = SalesFacts(world)
    moved = [movement for movement in facts.movements if movement.dated_on <= world.end]
    assert sum(month["units"] for month in months.values()) == sum(movement.unit for movement in moved)
    assert all(Decimal(m["front"]) + Decimal(m["back"]) == Decimal(m["total"]) for m in months.values())
    figures = truth["headlines"]["2026-09-30"]
    for code in ("R1", "R2"):
        gross, month = figures[code]["gross_margin_rate"], months[f"{code}|2026-09"]
        assert (gross["numerator"], gross["denominator"]) == (month["total"], month["revenue"])
    for kpi in ("fleet_utilisation_rate", "claim_rate", "enquiry_to_handover_days"):
        for part in ("denominator", "n", "excluded"):
            sums = figures["R1"][kpi][part] + figures["R2"][kpi][part]
            assert figures["all"][kpi][part] == pytest.approx(sums, abs=2e-6)


def test_control_accounts_tie_but_for_one_cent(world: World) -> None:
    docs, differences = documents(world), []
    for row in world.tables["dms_control_balances"].records():
        own = [r for r in open_rows(row["as_of"], docs) if r.rooftop == row["rooftop"]]
        difference = row["balance"] - sum(r.base for r in own if r.schedule == row["schedule"])
        if difference:
            differences.append((row["rooftop"], row["schedule"], row["as_of"], difference))
    assert differences == [("R1", "customer", date(2026, 9, 30), 1)]


def test_every_reading_of_the_episode_gap_gives_the_same_days(world: World) -> None:
    """By the days between leads alone, contacts and handovers left out, the first leads are the same."""
    leads: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in world.tables["crm_leads"].records():
        if row["customer_id"] and row["intent"] in ("buy", "finance", "test_drive", "trade_in"):
            leads[row["rooftop"], row["customer_id"]].append(row)
    first = {key: began for group in leads.values() for key, began in episodes(group, [], {}).items()}
    facts = SalesFacts(world)
    days = {(handover.rooftop, handover.deal): handover.days for handover in facts.handovers}
    checked = 0
    for deal in facts.sold:
        known = days.get((deal["rooftop"], deal["deal_number"]))
        if known is not None:
            began = first[deal["rooftop"], deal["lead_id"]]
            assert (deal["delivered_on"] - began.date()).days == known
            checked += 1
    assert checked > 30


# the vectors of METRICS.md -----------------------------------------------------------------------------------


def empty_world() -> World:
    return World(rooftops=1, years=1, seed=1, scale=1)


def deal(world: World, number: str, delivered: date, **values: Any) -> None:
    world.tables["dms_vehicles"].add(
        delivered, rooftop="R1", stock_number=f"S-{number}", use="retail", acquired_on=date(2025, 11, 1),
        purchase_price=values.pop("purchase_price", None), currency="GBP",
    )  # fmt: skip
    row = {
        "rooftop": "R1", "deal_number": number, "stock_number": f"S-{number}", "deal_type": "retail", "vin": number,
        "status": "delivered", "contract_on": delivered, "delivered_on": delivered, "currency": "GBP",
        "vat_scheme": "standard",
    }  # fmt: skip
    world.tables["dms_deals"].add(delivered, **(row | values))


def product(world: World, number: str, line: int, side: str, sale: int, cost: int) -> None:
    world.tables["dms_deal_products"].add(
        date(2025, 12, 1), rooftop="R1", deal_number=number, line=line, product="other", gross_side=side, sale=sale,
        cost=cost,
    )  # fmt: skip


def cost(world: World, number: str, posted: date, amount: int, category: str = "recon") -> None:
    world.tables["dms_vehicle_costs"].add(
        posted, rooftop="R1", cost_id=f"{number}-{posted}-{category}", stock_number=f"S-{number}", posted_on=posted,
        category=category, amount=amount, currency="GBP",
    )  # fmt: skip


def moved(world: World, until: date = date(2026, 9, 30)) -> tuple[int, int, int]:
    """Revenue, front and back of all movements dated up to a day, in cents."""
    found = [movement for movement in SalesFacts(world).movements if movement.dated_on <= until]
    return sum(m.revenue for m in found), sum(m.front for m in found), sum(m.back for m in found)


@pytest.mark.metrics("1.golden-deal")
def test_the_golden_deal() -> None:
    world = empty_world()
    day = date(2026, 3, 10)
    deal(world, "G", day, sale_price=23_900_00, vehicle_cost=22_327_50, trade_allowance=2_000_00, trade_acv=2_500_00)
    product(world, "G", 1, "back", 2_195_00, 1_482_00)
    product(world, "G", 2, "none", 230_00, 0)
    assert moved(world)[1:] == (2_072_50, 713_00)
    cost(world, "G", date(2026, 4, 2), 120_00)
    assert moved(world)[1:] == (1_952_50, 713_00)
    assert moved(world, date(2026, 3, 31))[1:] == (2_072_50, 713_00)


@pytest.mark.parametrize(("sold", "revenue", "gross"), [(6_200_00, 6_000_00, 700_00), (4_800_00, 4_800_00, -500_00)])
def test_the_margin_scheme(sold: int, revenue: int, gross: int) -> None:
    world = empty_world()
    deal(world, "M", date(2026, 3, 10), sale_price=sold, purchase_price=5_000_00, vat_scheme="margin")
    cost(world, "M", date(2026, 3, 1), 300_00)
    cost(world, "M", date(2026, 3, 1), 150_00, category="pack")
    assert moved(world) == (revenue, gross, 0)


def test_a_reversal_takes_back_all_that_moved() -> None:
    world = empty_world()
    day = date(2026, 3, 10)
    deal(world, "R", day, sale_price=10_000_00, vehicle_cost=9_000_00, status="unwound", reversed_on=date(2026, 5, 4))
    cost(world, "R", date(2026, 4, 5), 200_00)
    cost(world, "R", date(2026, 6, 1), 70_00)
    assert moved(world, date(2026, 4, 30)) == (10_000_00, 800_00, 0)
    assert moved(world) == (0, 0, 0)
    assert sum(movement.unit for movement in SalesFacts(world).movements) == 0


def test_unknown_gross_is_counted_and_left_out() -> None:
    world = empty_world()
    deal(world, "U", date(2026, 3, 10), sale_price=10_000_00)
    cost(world, "U", date(2026, 3, 1), 300_00)
    deal(world, "A", date(2026, 3, 11), sale_price=10_000_00, vehicle_cost=9_000_00, trade_allowance=500_00)
    figure = gross_margin(SalesFacts(world), {"R1"}, date(2026, 3, 1), date(2026, 3, 31))
    assert figure == {"value": None, "numerator": "0.00", "denominator": "0.00", "n": 0, "excluded": 2}


def test_claims_by_mature_cohort() -> None:
    world = empty_world()
    for number in range(4):
        deal(world, f"C{number}", date(2026, 1, 5), sale_price=1, vehicle_cost=1)
    opened = [
        ({"deal_number": "C0"}, local("2026-04-05T12:00")),  # the 90th day
        ({"stock_number": "S-C1"}, local("2026-04-06T12:00")),  # a day late
        ({"vin": "C2"}, local("2026-01-05T09:00")),
        ({"vin": "C2"}, local("2026-01-09T09:00")),
        ({"vin": "nobody's"}, local("2026-01-07T09:00")),
        ({"deal_number": "C3"}, local("2026-01-04T09:00")),  # before delivery: left out and counted
    ]
    for number, (link, moment) in enumerate(opened):
        world.tables["dms_claims"].add(
            moment, rooftop="R1", claim_number=str(number), kind="warranty", opened_at=moment, status="rejected", **link
        )
    figure = claim_rate(SalesFacts(world), {"R1"}, date(2026, 4, 1), date(2026, 4, 9))
    assert (figure["numerator"], figure["denominator"], figure["excluded"]) == (2, 4, 2)


def test_leads_within_sixty_days_are_one_episode() -> None:
    moments = [local("2026-01-01T09:00"), local("2026-02-20T09:00"), local("2026-04-11T09:00")]  # days 0, 50, 100
    leads = [{"rooftop": "R1", "lead_id": f"L{n}", "received_at": moment} for n, moment in enumerate(moments)]
    handover = {("R1", "L2"): [date(2026, 4, 21)]}  # day 110
    first = episodes(leads, [], handover)
    assert (date(2026, 4, 21) - first["R1", "L2"].date()).days == 110
    later = {"rooftop": "R1", "lead_id": "L3", "received_at": local("2026-05-01T09:00")}
    assert episodes([*leads, later], [], handover)["R1", "L3"] == later["received_at"]


def test_utilisation_of_ten_cars() -> None:
    world = empty_world()
    for number in range(10):
        stock = f"F{number}"
        world.tables["dms_vehicles"].add(
            date(2026, 4, 1), rooftop="R1", stock_number=stock, use="rental", acquired_on=date(2026, 3, 15)
        )
        back = local(f"2026-04-{1 + (20 if number < 8 else 18)}T00:00")  # 8 x 20 + 2 x 18 = 196 days
        for agreement, (out, returned) in enumerate(
            [(local("2026-04-01T00:00"), local("2026-04-10T00:00")), (local("2026-04-08T00:00"), back)]
        ):
            world.tables["dms_rentals"].add(
                out, rooftop="R1", agreement_number=f"{stock}-{agreement}", stock_number=stock, out_at=out,
                returned_at=returned,
            )  # fmt: skip
        if number < 2:  # ten days each, after the hire
            for day, status in (("2026-04-21", "out_of_service"), ("2026-05-01", "ready")):
                happened = local(f"{day}T00:00")
                world.tables["dms_vehicle_events"].add(
                    happened, rooftop="R1", event_id=f"{stock}{day}", stock_number=stock, occurred_at=happened,
                    status=status,
                )  # fmt: skip
    use = FleetFacts(world).use({"R1"}, date(2026, 4, 1), date(2026, 4, 30))
    assert (use.in_fleet, use.out_of_service, use.on_hire) == (300 * 86_400, 20 * 86_400, 196 * 86_400)
    assert fleet_utilisation(FleetFacts(world), {"R1"}, date(2026, 4, 1), date(2026, 4, 30))["value"] == 0.7


@pytest.mark.metrics("5.vector")
@pytest.mark.parametrize(
    ("day", "outstanding", "days", "bucket"),
    [(date(2026, 3, 15), 600_00, 34, "31-60"), (date(2026, 3, 31), 500_00, 50, "31-60")],
)
def test_the_receivable_vector(day: date, outstanding: int, days: int, bucket: str) -> None:
    world = empty_world()
    books = world.tables
    books["dms_invoices"].add(
        date(2026, 1, 10), rooftop="R1", invoice_number="I", kind="invoice", posted_on=date(2026, 1, 10),
        due_on=date(2026, 2, 9), amount=1_000_00,
    )  # fmt: skip
    books["dms_invoices"].add(
        date(2026, 3, 20), rooftop="R1", invoice_number="C", kind="credit_note", posted_on=date(2026, 3, 20),
        amount=100_00, credits_invoice="I",
    )  # fmt: skip
    books["dms_payments"].add(
        date(2026, 3, 1), rooftop="R1", payment_number="P", posted_on=date(2026, 3, 1), amount=400_00
    )
    books["dms_allocations"].add(
        date(2026, 3, 1), rooftop="R1", allocation_id="A", from_document="P", to_document="I",
        allocated_on=date(2026, 3, 1), amount=400_00,
    )  # fmt: skip
    (row,) = open_rows(day, documents(world))
    assert (row.outstanding, row.days_past_due, row.bucket, row.kind) == (outstanding, days, bucket, "invoice")


def test_instalments_overpayments_and_early_allocations() -> None:
    invoice = Doc("R1", "I", "invoice", "customer", date(2026, 1, 1), date(2026, 1, 1), 100_00, "GBP", 1_000_000, True)
    invoice.instalments = [(date(2026, 3, 1), 40_00), (date(2026, 2, 1), 40_00)]  # and a rest of 20.00
    invoice.allocations = [(date(2026, 2, 10), 50_00), (date(2026, 4, 1), 65_00)]
    open_in_february = [(r.outstanding, r.days_past_due) for r in open_rows(date(2026, 2, 28), [invoice])]
    assert open_in_february == [(30_00, -1), (20_00, -1)]
    (over,) = open_rows(date(2026, 4, 11), [invoice])
    assert (over.outstanding, over.kind, over.days_past_due, over.is_debit) == (-15_00, "overpayment", 10, False)


def local(text: str) -> datetime:
    """A rooftop's local time, as the simulation keeps it."""
    return datetime.fromisoformat(text)


def read(path: Path) -> list[list[str]]:
    """The rows of a file, the header first; the csv module closes a quote that the file leaves open."""
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
