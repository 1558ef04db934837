"""The contract of the marts: what breaks readers is refused until its version goes up, what is added is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from forecourt.errors import Problem
from forecourt.reference import CONTRACT, Column, Mart, breaches, page, relations, renewed, unit_of

ROOT = Path(__file__).resolve().parents[2]
MARTS = {"fct_x": {"x_key": "varchar", "amount": "decimal(18,2)"}}
KEPT = {"version": "2.3", "marts": MARTS}


def marts_now() -> dict[str, dict[str, str]]:
    """Mart -> column -> type as the descriptions beside the marts say, which the build enforces."""
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for path in (ROOT / "marts").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


def test_the_marts_keep_the_contract_or_its_version_has_gone_up() -> None:
    kept = json.loads((ROOT / "docs" / "reference" / "contract.json").read_text(encoding="utf-8"))
    now = marts_now()
    assert len(now) > 50
    assert renewed(kept, now)["version"]  # raises a Problem that says what is broken and what to do
    assert kept["version"].partition(".")[0] == str(CONTRACT), "run `make docs`"


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({}, "fct_x is gone."),
        ({"fct_x": {"x_key": "varchar"}}, "fct_x.amount is gone."),
        (
            {"fct_x": {"x_key": "varchar", "amount": "double"}},
            "fct_x.amount was decimal(18,2) and is double.",
        ),
    ],
)
def test_a_breach_is_refused_until_the_version_goes_up(now: dict[str, dict[str, str]], sentence: str) -> None:
    assert breaches(MARTS, now) == [sentence]
    with pytest.raises(Problem) as refused:
        renewed(KEPT, now, major=2)
    assert str(refused.value).startswith(sentence)
    assert "raise CONTRACT in forecourt/reference.py to 3" in str(refused.value)
    assert renewed(KEPT, now, major=3) == {"version": "3.0", "marts": now}


def test_what_is_added_raises_the_second_number_once() -> None:
    more = {"fct_x": {"x_key": "varchar", "note": "varchar", "amount": "decimal(18,2)"}}
    grown = renewed(KEPT, more, major=2)
    assert grown == {"version": "2.4", "marts": more}
    assert renewed(grown, more, major=2) == grown
    # The order of columns is no promise.
    assert renewed(grown, {"fct_x": dict(sorted(more["fct_x"].items()))}, major=2)["version"] == "2.4"


DEAL = Mart(
    "fct_deal",
    "One row per deal.\nKey: rooftop, deal_number. Figures as sold | now.",
    (
        Column("deal_key", "varchar", "", "Rooftop | number.", "dms_deals.deal_number, dms_deals.rooftop"),
        Column("vehicle_key", "varchar", "", "The car.", ""),
        Column("rooftop", "varchar", "", "Code.", "a.b, a.c, a.d, a.e, a.f"),
    ),
)
CAR = Mart("dim_vehicle", "One row per car.\nKey: vehicle_key.", (Column("vehicle_key", "varchar", "", "It.", ""),))
AGED = Mart("ageing", "One row per part.", (Column("rooftop", "varchar", "", "Code.", ""),), ("as_of", "basis"))


def test_an_entry_says_grain_key_joins_columns_and_sources() -> None:
    marts = {mart.name: mart for mart in (DEAL, CAR, AGED)}
    assert (DEAL.grain, DEAL.key, DEAL.rules) == (
        "One row per deal.",
        "rooftop, deal_number",
        "Figures as sold | now.",
    )
    assert relations(marts, "fct_deal") == [("vehicle_key", "dim_vehicle")]
    assert relations(marts, "dim_vehicle") == []
    text = page(marts, "1.2", "Lead.")
    for said in (
        "**version 1.2**",
        "| [fct_deal](#fct_deal) | One row per deal. |",
        "Key: rooftop, deal_number.",
        "`vehicle_key` is that of [dim_vehicle](#dim_vehicle)",
        "| `deal_key` | varchar |  | Rooftop \\| number. | dms_deals (deal_number, rooftop) |",
        "| `rooftop` | varchar |  | Code. | a |",
        "A table function: `from ageing(as_of, basis)`.",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("column", "type_", "unit"),
    [
        ("total_gross", "decimal(18,2)", "money"),
        ("unit", "decimal(18,2)", "cars"),
        ("open_seconds_before", "bigint", "seconds"),
        ("days_in_stock", "bigint", "days"),
        ("sold_hours", "decimal(18,6)", "hours"),
        ("vat_rate", "decimal(6,4)", "0 to 1"),
        ("booked_rate", "decimal(18,6)", "rooftop's currency for one"),
        ("outstanding_at_closing_rate", "decimal(18,2)", "money"),
        ("documents_without_rate", "bigint", ""),
        ("received_at", "timestamp", "instant, UTC"),
        ("delivered_on", "date", "day"),
        ("is_open", "boolean", "true or false"),
        ("row_number", "bigint", ""),
        ("seconds_hand", "varchar", ""),
    ],
)
def test_a_unit_follows_from_name_and_type(column: str, type_: str, unit: str) -> None:
    assert unit_of(column, type_) == unit
