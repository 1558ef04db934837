"""Drift and guards: columns that come and go, keys written otherwise or twice, clocks, currencies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.deciding import confirm
from ingest.landing import rebuild
from tests.ingest.landing_scene import Scene

VEHICLES = "rooftop,stock_number,make,purchase_price\n"


def cars(numbers: list[str], header: str = VEHICLES) -> str:
    return header + "".join(f"R1,{number},Example,\n" for number in numbers)


def kinds(scene: Scene, name: str) -> list[tuple[str, str, int]]:
    return [
        (kind, detail, rows)
        for kind, detail, rows in scene.rows(
            f"""select kind, detail, rows from ledger.notes
                where file_id = (select file_id from ledger.files where name = '{name}') order by all"""
        )
    ]


def test_columns_that_come_and_go_are_kept_and_said(scene: Scene) -> None:
    scene.land_text("dms_vehicles_2026-01-01.csv", "rooftop,stock_number,make,Mood\nR1,S1,Example,\n")
    assert kinds(scene, "dms_vehicles_2026-01-01.csv") == []
    result = scene.land_text("dms_vehicles_2026-01-02.csv", "rooftop,stock_number,Model,Shine\nR1,S1,One,high\n")
    assert result.notes == [
        "Column 'Shine' is in no feed; its values are kept aside (1 row).",
        "Columns that the file of this kind before did not have: 'Model', 'Shine'.",
        "Columns that the file of this kind before had: 'make', 'Mood'. Their values stay as they were.",
    ]
    assert scene.rows("select make, rest->>'Shine' from dms.dms_vehicles order by exported_at") == [
        ("Example", None),
        (None, "high"),
    ]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_of_many_columns_the_first_are_said_and_all_are_kept(scene: Scene) -> None:
    scene.land_text("dms_vehicles_2026-01-01.csv", "rooftop,stock_number\nR1,S1\n")
    names = ",".join(f"extra {place}" for place in range(100))
    text = f"rooftop,stock_number,{names}\nR1,S1{',' * 100}\n"
    result = scene.land_text("dms_vehicles_2026-01-02.csv", text)
    (said,) = result.notes
    assert said.endswith("'extra 24' and more.")
    assert kinds(scene, "dms_vehicles_2026-01-02.csv")[0][1].count("extra") == 100


def test_a_file_that_says_it_was_exported_after_it_came_is_told(scene: Scene) -> None:
    text = "rooftop,lead_id,received_at\nR1,L1,2026-01-01T10:00\n"
    early, late = scene.write("crm_leads_2031-01-02.csv", text), scene.write("crm_leads_2026-01-02.csv", text)
    scene.land(early, late, received_at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert ("future export", "2031-01-02", 0) in kinds(scene, early.name)
    assert not [kind for kind, *_ in kinds(scene, late.name) if kind == "future export"]


def test_an_instant_to_come_is_counted(scene: Scene) -> None:
    scene.land_text(
        "crm_leads_2026-01-02.csv",
        "rooftop,lead_id,received_at\nR1,L1,2026-01-01T10:00\nR1,L2,2026-02-01T10:00\nR1,L3,2026-01-03T10:00\n",
    )
    assert kinds(scene, "crm_leads_2026-01-02.csv") == [("future instant", "received_at", 1)]


@pytest.mark.parametrize("others", [[], ["R2,A,Example,\n"]], ids=["one rooftop", "two rooftops"])
def test_a_full_file_with_other_keys_is_held(scene: Scene, others: list[str]) -> None:
    scene.land_text("dms_vehicles.full.2026-01-01.csv", cars([f"00{n}" for n in range(10, 30)]) + "".join(others))
    held = scene.land_text("dms_vehicles.full.2026-01-02.csv", cars([str(n) for n in range(10, 30)]))
    assert held.status == "held"
    assert held.reason.startswith(
        "dms_vehicles seems to write its keys otherwise: 0 of the 20 keys in force are in it; before one was R1|0010, "
        "now one is R1|10. It is held, because it would end the others and begin all anew. If that is right, confirm"
    )
    assert scene.rows("select count(*) from dms.dms_vehicles where op = 'removed'") == [(0,)]
    confirm(scene.home, scene.settings, held.file_id, who="Olga", why="the zeros were dropped for good")
    assert scene.rows("select count(*) from dms.dms_vehicles where op = 'removed'") == [(20,)]


def test_a_full_file_that_keeps_half_of_its_keys_lands(scene: Scene) -> None:
    scene.land_text("dms_vehicles.full.2026-01-02.csv", cars([f"S{n}" for n in range(20)]))
    half = scene.land_text("dms_vehicles.full.2026-01-03.csv", cars([f"S{n}" for n in range(10, 30)]))
    assert (half.status, half.rows_new, half.rows_unchanged) == ("landed", 10, 10)
    # What is older than the state in force is history, whatever its keys are.
    late = scene.land_text("dms_vehicles.full.2026-01-01.csv", cars([f"T{n}" for n in range(20)]))
    assert late.status == "landed"


def test_a_full_file_that_calls_a_rooftop_otherwise_is_held(scene: Scene) -> None:
    """Its cars would stand twice: a full file speaks for the rooftops that it names, and no longer for the other."""
    own = cars([f"S{n}" for n in range(10, 30)])
    scene.land_text("dms_vehicles.full.2026-01-01.csv", own)
    held = scene.land_text(
        "dms_vehicles.full.2026-01-02.csv", own.replace("R1,", "R01,").replace("R01,S10,", "R01,T10,")
    )
    assert held.status == "held"
    assert held.reason.startswith(
        "dms_vehicles seems to call rooftop R1 R01: 19 of the 20 rows in force of R1 are in it as rows of R01, and "
        "none as its own. It is held, because all would stand twice. If R01 is R1, give it to R1 as an alias in "
        "forecourt.toml. Then"
    )
    aliased = replace(scene.settings, rooftops={"R1": replace(scene.settings.rooftops["R1"], aliases=("R01",))})
    result = confirm(scene.home, aliased, held.file_id, who="Olga", why="R01 is R1")
    assert (result.rows_new, result.rows_unchanged) == (1, 19)
    assert scene.rows("select distinct rooftop from dms.dms_vehicles") == [("R1",)]


@pytest.mark.parametrize(
    ("before", "later"),
    [
        pytest.param("R1,S{n},Audi", "R2,S{n},BMW", id="numbers repeat at a new rooftop"),
        pytest.param("R1,S{n},Audi", "R1,S{n},Audi\nR2,S{n},Audi", id="the other is there too"),
    ],
)
def test_a_new_rooftop_is_no_other_name_of_an_old_one(scene: Scene, before: str, later: str) -> None:
    def cars_of(row: str) -> str:
        return "rooftop,stock_number,make\n" + "".join(f"{row.format(n=n)}\n" for n in range(10, 30))

    scene.land_text("dms_vehicles.full.2026-01-01.csv", cars_of(before))
    assert scene.land_text("dms_vehicles.full.2026-01-02.csv", cars_of(later)).status == "landed"


HEADER = "rooftop,lead_id,received_at,budget,currency,stage\n"


def leads(*rows: str, header: str = HEADER) -> str:
    return header + "".join(f"{row}\n" for row in rows)


def test_a_key_that_stands_twice_with_different_values_is_told(scene: Scene) -> None:
    row = "R1,{},2026-01-01T10:00Z,5,GBP,{}"
    result = scene.land_text(
        "crm_leads_2026-01-01.csv",
        leads(
            *(row.format(*pair) for pair in (("L1", "new"), ("L1", "won"), ("L2", "new"), ("L2", "new"), ("L3", "")))
        ),
    )
    assert result.notes == [
        "crm_leads: 1 key in 2 rows with different values; the latest by updated_at counts, else the last row."
    ]
    assert (result.rows_new, result.rows_changed, result.rows_unchanged) == (3, 1, 1)
    assert scene.land_text("crm_leads_2026-01-02.csv", leads(row.format("L1", "lost"))).notes == []


def test_amounts_without_their_currency_are_counted_where_the_file_has_a_column_for_it(scene: Scene) -> None:
    result = scene.land_text(
        "crm_leads_2026-01-01.csv",
        leads("R1,L1,2026-01-01,5,GBP,new", "R1,L2,2026-01-01,5,,new", "R1,L3,2026-01-01,,,new"),
    )
    assert result.notes == [
        "crm_leads: currency is empty in 1 row with an amount; they count in the rooftop's currency."
    ]


def test_a_required_column_that_was_renamed_is_refused_with_the_nearest_one_in_every_format(scene: Scene) -> None:
    row = {"rooftop": "R1", "lead-id": "L1", "received_at": "2026-01-01"}
    refused = scene.land_text("crm_leads_2026-01-01.json", json.dumps([row]))
    assert refused.reason == (
        "the file has no column 'lead_id', which crm_leads needs. The nearest column is 'lead-id': rename it if that "
        "is the one. Export the file again with it."
    )


def test_a_formula_in_every_cell_lands_as_text(scene: Scene) -> None:
    formula = '=HYPERLINK(""http://127.0.0.1/""&A1)'
    result = scene.land_text("crm_leads_2026-01-01.csv", leads(f'R1,"{formula}",2026-01-01,"{formula}",=1+1,@SUM(1)'))
    assert result.rows_new == 1
    text = formula.replace('""', '"')
    assert scene.rows("select lead_id, currency, stage, budget, bad->>'budget' from crm.crm_leads") == [
        (text, "=1+1", "@SUM(1)", None, text)
    ]
