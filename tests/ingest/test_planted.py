"""What is planted in a sample: told by name, from its day on, and nothing where nothing is asked for."""

from __future__ import annotations

from datetime import date, datetime
from statistics import mean
from typing import Any

import pytest

from forecourt.errors import Problem
from ingest.sample import simulate
from ingest.sample.planted import PLANTS
from ingest.sample.world import World

SINCE = date(2026, 6, 1)


@pytest.fixture(scope="module")
def worlds() -> tuple[World, World]:
    """The same seed with everything planted and with nothing."""
    planted, _ = simulate(1, 0.5, 3, 0.5, None, dict.fromkeys(PLANTS, SINCE))
    calm, _ = simulate(1, 0.5, 3, 0.5)
    return planted, calm


def culprit(world: World, plant: str) -> str:
    (told,) = [each["group"] for each in world.planted if each["plant"] == plant]
    return told


def test_every_plant_tells_its_culprit(worlds: tuple[World, World]) -> None:
    planted, calm = worlds
    assert {each["plant"]: (each["kpi"], each["dimension"]) for each in planted.planted} == PLANTS
    assert calm.planted == []


def test_the_salesperson_discounts_from_the_day_on(worlds: tuple[World, World]) -> None:
    """Up to the day both worlds sell alike; the same car by the same person is cheaper after it."""
    who = culprit(worlds[0], "discounting_salesperson")
    before = [
        {row["deal_number"]: row["sale_price"] for row in world.tables["dms_deals"].records() if sold(row, who, False)}
        for world in worlds
    ]
    assert before[0]
    assert before[0] == before[1]
    first = min(
        (row for row in worlds[0].tables["dms_deals"].records() if sold(row, who, True)),
        key=lambda row: row["deal_number"],
    )
    calm = {row["deal_number"]: row for row in worlds[1].tables["dms_deals"].records()}[first["deal_number"]]
    assert (calm["stock_number"], calm["salesperson"]) == (first["stock_number"], who)
    assert first["sale_price"] < 0.8 * calm["sale_price"]


def sold(row: dict[str, Any], who: str, is_after: bool) -> bool:
    return row["salesperson"] == who and row["commission"] is None and (row["contract_on"] >= SINCE) is is_after


def test_orders_wait_for_the_parts_of_one_supplier(worlds: tuple[World, World]) -> None:
    who = culprit(worlds[0], "late_parts")
    suppliers = {
        row["ro_number"]: row["supplier"] for row in worlds[0].tables["dms_ro_lines"].records() if row["kind"] == "part"
    }
    hours: dict[bool, list[float]] = {True: [], False: []}
    for row in worlds[0].tables["dms_repair_orders"].records():
        if (
            row["opened_at"].date() >= SINCE
            and isinstance(row["closed_at"], datetime)
            and row["ro_number"] in suppliers
        ):
            took = (row["closed_at"] - row["opened_at"]).total_seconds() / 3600
            hours[suppliers[row["ro_number"]] == who].append(took)
    assert mean(hours[True]) > mean(hours[False]) + 24
    assert {row["supplier"] for row in worlds[1].tables["dms_ro_lines"].records()} == {None, "Parts Depot"}


def test_an_unknown_plant_is_refused() -> None:
    with pytest.raises(Problem, match=r"Nothing named late_cars can be planted.*late_parts"):
        simulate(1, 0.5, 3, 0.3, None, {"late_cars": SINCE})
