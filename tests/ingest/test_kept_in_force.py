"""A key that a full file does not state stays in force where a row withheld without its key may be it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from tests.ingest.landing_scene import Scene
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
