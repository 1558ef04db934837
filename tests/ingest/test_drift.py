"""What a file does otherwise than the one before, or than it should, is told: keys, columns, currency, its name."""

from __future__ import annotations

import json

from tests.ingest.landing_scene import Scene

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


def test_a_column_that_the_file_before_had_is_missed(scene: Scene) -> None:
    scene.land_text("crm_leads_2026-01-01.csv", leads("R1,L1,2026-01-01,5,GBP,new"))
    header = "rooftop,lead_id,received_at,budget,Stage 2\n"
    result = scene.land_text("crm_leads_2026-01-02.csv", leads("R1,L1,2026-01-01,6,won", header=header))
    assert result.notes == [
        "Column 'Stage 2' is in no feed; its 1 row are kept aside.",
        "crm_leads: currency, which the file before carried, is not in it; its values stay as they were.",
        "crm_leads: stage, which the file before carried, is not in it; its values stay as they were.",
    ]
    # A file from before says nothing about a column that came later.
    assert scene.land_text("crm_leads_2025-12-01.csv", leads("R1,L9,2025-12-01,6,x", header=header)).notes[1:] == []


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
