"""A key that a full file does not state stays in force where a row withheld without its key may be it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ingest.contract import load_feeds
from ingest.deciding import decide
from ingest.landing import rebuild
from tests.ingest.landing_scene import Scene
from tests.ingest.workbooks import xlsx
from tests.support.command import call

STOCK = "rooftop,stock_number,make,purchase_price\n"


def stock(*lines: str) -> str:
    return STOCK + "".join(f"{line}\n" for line in lines)


def in_force(scene: Scene, feed: str = "dms.dms_vehicles") -> set[str]:
    """The keys whose last version is no removal."""
    found = scene.rows(
        f"""select key, op from {feed} as versions
            inner join ledger.files as files on versions.file_id = files.file_id
            qualify row_number() over (
                partition by key order by versions.exported_at desc, versions.updated_at desc nulls last,
                    files.name desc, content_hash desc, versions.row_number desc
            ) = 1"""
    )
    return {key for key, op in found if op == "row"}


def test_a_car_on_a_torn_line_of_the_daily_stock_list_stays_in_stock(tmp_path: Path) -> None:
    cars = ["R1,S1,Fiat,1", "R1,S2,Seat,2000", "R1,S3,Audi,3", "R1,S4,Ford,4"]
    (tmp_path / "dms_vehicles_2026-03-01.full.csv").write_text(stock(*cars))
    (tmp_path / "dms_vehicles_2026-03-02.full.csv").write_text(stock(cars[0], "R1,S2,Seat,2,000,x,y", cars[2]))
    home = tmp_path / "warehouse"
    for day in (1, 2):
        result = call("land", str(tmp_path / f"dms_vehicles_2026-03-0{day}.full.csv"), "--home", str(home), "--json")
        assert result.exit_code == 0, result.output
    (landed,) = json.loads(result.stdout)
    assert (landed["rows_read"], landed["rows_unchanged"], landed["rows_quarantined"]) == (3, 2, 1)
    with duckdb.connect(str(home / "landing.duckdb"), read_only=True) as connection:
        gone = connection.execute("select key from dms.dms_vehicles where op = 'removed'").fetchall()
    assert gone == [("R1|S4",)]
    assert any("R1|S2" in note and "in force" in note for note in landed["notes"])


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("R1,20-17,Fiat,500,,", {"20-17"}),
        ("R1, 20 17 ,Fiat,500,,", {"20-17"}),
        ("R1,ab 7,Fiat,500,,", {"AB|7"}),
        ("R1,wagen über,Fiat,500,,", {"Wagen Über"}),
        ("R1,東京5,Fiat,500,,", {"東京5"}),
        ("R1,S9,Fiat,1,of the 11 ones,,2011", {"1"}),
        ('R1,"S9,Fiat', set()),
        ("R1,20170,Fiat,2017,,,20,1717", set()),
        ("R1,17-20,Fiat,AB,x7,,", set()),
        ("a note of 3 cars and 1,204 keys,,,,", {"1"}),
    ],
)
def test_a_withheld_row_keeps_what_its_words_name(scene: Scene, line: str, kept: set[str]) -> None:
    named = ("1", "20-17", "AB|7", "Wagen Über", "東京5")
    stays = [f"R1,C{number},Ford,4000" for number in range(8)]
    scene.land_text("dms_vehicles_2026-03-01.full.csv", stock(*stays, *(f"R1,{name},Seat,500" for name in named)))
    landed = scene.land_text("dms_vehicles_2026-03-02.full.csv", stock(*stays, line))
    assert (landed.rows_unchanged, landed.rows_quarantined) == (8, 1)
    found = {key.partition("|")[2].replace("\\|", "|") for key in in_force(scene)}
    assert found - {f"C{number}" for number in range(8)} == kept
    ((removed, rows),) = scene.rows(
        """select rows_removed, scopes.rows from ledger.file_feeds
            inner join ledger.full_scopes as scopes using (file_id)
            inner join ledger.files using (file_id) where name like '%-02.full.csv'"""
    )
    assert (removed, rows) == (5 - len(kept), 8 + len(kept))
    assert len(landed.notes) == bool(kept)


def test_a_note_in_every_full_file_keeps_a_key_until_it_is_gone(scene: Scene) -> None:
    cars = [f"R1,C{number},Ford,4000" for number in range(8)]
    scene.land_text("dms_vehicles_2026-03-01.full.csv", stock(*cars, "R1,2026,Seat,5"))
    for day in (2, 3):
        landed = scene.land_text(f"dms_vehicles_2026-03-0{day}.full.csv", stock(*cars, f"Printed 0{day}.03.2026"))
        assert "R1|2026" in in_force(scene)
        assert "R1|2026" in landed.notes[0]
        assert "footer" in landed.notes[0]
    assert scene.land_text("dms_vehicles_2026-03-04.full.csv", stock(*cars)).notes == []
    assert "R1|2026" not in in_force(scene)


def test_a_key_without_letters_and_digits_may_be_on_any_withheld_row(scene: Scene) -> None:
    scene.land_text("dms_vehicles_2026-03-01.full.csv", stock("R1,S1,Fiat,1", "R1,***,Seat,2", "R1,S3,Audi,3"))
    scene.land_text("dms_vehicles_2026-03-02.full.csv", stock("R1,S1,Fiat,1", "R1,S2,Fiat", "R1,S3,Audi,3"))
    assert in_force(scene) == {"R1|S1", "R1|***", "R1|S3"}


def test_a_long_key_is_compared_by_its_first_words(scene: Scene) -> None:
    long = " ".join("abcdefghij")
    spend = "rooftop,month,source,amount\n"
    scene.land_text("crm_spend_2026-03-01.full.csv", f"{spend}R1,2026-03-01,{long},5\nR1,2026-03-01,x,5\n")
    scene.land_text("crm_spend_2026-03-02.full.csv", f"{spend}R1,2026-03-01,x,5\nR1,2026-03-01,{long[:15]},5,,\n")
    assert in_force(scene, "crm.crm_spend") == {f"R1|2026-03-01|{long}", "R1|2026-03-01|x"}


def test_all_lines_of_a_deal_stay_in_force_whichever_is_torn(scene: Scene) -> None:
    header = "rooftop,deal_number,line,product,gross_side,sale\n"
    rows = [f"R1,D{deal},{line},warranty,back,10.00" for deal in (1, 2, 3) for line in (1, 2)]
    scene.land_text("dms_deal_products_2026-03-01.full.csv", header + "\n".join(rows))
    text = header + "\n".join([*rows[4:], rows[2], "R1,D1,x,warranty,back,10.00", ",D1,2,warranty,back,10.00"])
    landed = scene.land_text("dms_deal_products_2026-03-02.full.csv", text)
    assert landed.rows_quarantined == 2
    assert in_force(scene, "dms.dms_deal_products") == {"R1|D1|1", "R1|D1|2", "R1|D2|1", "R1|D3|1", "R1|D3|2"}


def test_workbooks_and_json_keep_what_their_withheld_rows_name(scene: Scene) -> None:
    names = ["rooftop", "stock_number", "make"]
    before = [["R1", "S1", "Fiat"], ["R1", "Ü-7&8", "Seat"], ["R1", "S3", "Audi"], ["R1", "S4", "Audi"]]
    after = [["R1", "S1", "Fiat"], ["", "Ü-7&8", "Seat"], ["R1", "S3", "Audi"]]

    def records(rows: list[list[str]]) -> list[dict[str, str]]:
        return [dict(zip(names, row, strict=True)) for row in rows]

    written = {
        "xlsx": lambda rows: xlsx({"Stock": [names, *rows]}),
        # The letter is written as \u00dc.
        "json": lambda rows: json.dumps(records(rows)).encode(),
        "ndjson": lambda rows: "\n".join(json.dumps(row) for row in records(rows)).encode(),
    }
    for month, (form, write) in enumerate(written.items(), start=1):
        scene.land_text(f"dms_vehicles_2026-0{month}-01.full.{form}", write(before))
        landed = scene.land_text(f"dms_vehicles_2026-0{month}-02.full.{form}", write(after))
        assert (landed.status, landed.rows_quarantined) == ("landed", 1)
        assert in_force(scene) == {"R1|S1", "R1|Ü-7&8", "R1|S3"}


def test_a_line_that_could_not_be_cut_speaks_for_each_feed_of_its_file(scene: Scene) -> None:
    def cars(*numbers: str) -> str:
        return "".join(f"R1;{number};Limousine;Audi;A4" + ";" * 106 + "\n" for number in numbers)

    scene.land_text("mobile_2026-03-30.csv", cars("1", "2", "3", "4"))
    landed = scene.land_text("mobile_2026-03-31.csv", cars("1", "2") + "R1;3;Limousine;Audi;A4\n")
    assert landed.rows_quarantined == 1
    assert in_force(scene) == {"R1|1", "R1|2", "R1|3"}
    assert in_force(scene, "portal.portal_listings") == {"R1|mobile.de|1", "R1|mobile.de|2", "R1|mobile.de|3"}


def test_what_is_decided_on_the_row_changes_no_other_key(scene: Scene) -> None:
    full = stock("R1,S1,Fiat,1", "R1,S2,Seat,2,S3", "R1,,Audi,S5,S6", "R1,S8,Audi,8", "R1,S9,Audi,9")
    file_id = scene.land_text("dms_vehicles_2026-03-05.full.csv", full).file_id
    early = scene.land_text("dms_vehicles_2026-03-01.csv", stock("R1,S2,Seat,1", "R1,S3,Audi,3", "R1,S4,Audi,4"))
    assert any("2 keys stay in force, such as R1|S2 (dms_vehicles_2026-03-05.full.csv)" in said for said in early.notes)
    decide(scene.home, scene.settings, "accept", file_id, [3], who="Olga", why="a stray value")
    decide(scene.home, scene.settings, "discard", file_id, [4], who="Olga", why="no car")
    # These came after the decisions and are as if they had come before.
    scene.land_text("dms_vehicles_2026-03-02.csv", stock("R1,S5,Audi,5", "R1,S7,Audi,7"))
    assert in_force(scene) == {"R1|S1", "R1|S2", "R1|S3", "R1|S5", "R1|S8", "R1|S9"}
    prices = "select purchase_price::integer from dms.dms_vehicles where key = 'R1|S2' order by exported_at"
    assert scene.rows(prices) == [(1,), (2,)]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before
    # A full file that can be read says what is there.
    scene.land_text("dms_vehicles_2026-03-06.full.csv", stock("R1,S1,Fiat,1", "R1,S2,Seat,2", "R1,S8,Audi,8"))
    assert in_force(scene) == {"R1|S1", "R1|S2", "R1|S8"}


def test_the_next_full_file_is_measured_against_what_stayed_in_force(scene: Scene) -> None:
    numbers = range(100, 120)
    cars = [f"R1,S{number},Fiat,1" for number in numbers]
    scene.land_text("dms_vehicles_2026-03-01.full.csv", stock(*cars))
    torn = stock(*cars[:12], *(f"{car},,,," for car in cars[12:]))
    assert scene.land_text("dms_vehicles_2026-03-02.full.csv", torn).status == "landed"
    assert len(in_force(scene)) == 20
    held = scene.land_text("dms_vehicles_2026-03-03.full.csv", stock(*cars[:9]))
    assert (held.status, "has 9 rows where the full file before" in held.reason) == ("held", True)
    assert "had 20" in held.reason
    # Rows that cannot be read are no rows: a file that states too few is held, whatever these name.
    few = stock(*cars[:9], *(f"{car},,,," for car in cars[9:]))
    assert scene.land_text("dms_vehicles_2026-03-04.full.csv", few).status == "held"
    assert len(in_force(scene)) == 20


def test_each_feed_has_a_part_of_its_key_that_names_the_record() -> None:
    parts = {feed.name: feed.named_by for feed in load_feeds().values()}
    assert "rooftop" not in parts.values()
    chosen = ("dms_vehicles", "portal_listings", "dms_documents", "dms_time_clock", "crm_spend")
    assert [parts[feed] for feed in chosen] == ["stock_number", "listing_id", "entity_id", "technician", "source"]
