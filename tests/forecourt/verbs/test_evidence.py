from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import call, forecourt, said

CARS = """\
rooftop,stock_number,make
R1,S1,Ford
R1,,Seat
R1,S3,Opel,"one [b] too many"
R1,S4,Fiat
"""
FILE = "dms_vehicles_2026-03-31.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A home where two of four rows were withheld."""
    folder = tmp_path_factory.mktemp("quarantine")
    (folder / FILE).write_text(CARS, encoding="utf-8")
    landed = forecourt("land", str(folder / FILE), "--home", str(folder / "home"), "--json")
    assert [file["rows_quarantined"] for file in json.loads(landed.stdout)] == [2]
    return str(folder / "home")


def test_the_quarantine_lists_every_row_that_did_not_land_with_its_reason(home: str) -> None:
    rows = json.loads(call("quarantine", "--home", home, "--json").output)
    assert [(row["file"], row["row"], row["feed"], row["reason_code"]) for row in rows] == [
        (FILE, 3, "dms_vehicles", "missing_value"),
        (FILE, 4, "dms_vehicles", "unreadable_line"),
    ]
    assert [(row["text"], row["status"]) for row in rows] == [
        ("R1,,Seat", "open"),
        ('R1,S3,Opel,"one [b] too many"', "open"),
    ]
    of_reason = call("quarantine", "--code", "missing_value", "--file", FILE, "--home", home, "--json")
    assert json.loads(of_reason.output) == rows[:1]
    listed = forecourt("quarantine", "--home", home)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"{FILE}:3  line 3: stock_number is empty, and dms_vehicles needs it." in listed.stdout
    assert listed.stdout.endswith("2 rows in quarantine.\n")


def test_a_row_in_quarantine_is_shown_as_its_file_has_it(home: str) -> None:
    shown = call("quarantine", "show", f"{FILE}:4", "--home", home)
    assert 'R1,S3,Opel,"one [b] too many"' in shown.output.replace("\n    ", "\n")
    (row,) = json.loads(call("quarantine", "show", f"{FILE}:3", "--home", home, "--json").output)
    assert (row["text"], row["row"]) == ("R1,,Seat", 3)
    by_id = call("quarantine", "show", f"{row['file_id']}:3", "--home", home, "--json")
    assert json.loads(by_id.output) == [row]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [(f"{FILE}:2", "It has: 3, 4."), (FILE, "write FILE:LINE"), ("other.csv:3", f"Files: {FILE}.")],
)
def test_a_place_where_no_row_lies_says_which_there_are(home: str, place: str, sentence: str) -> None:
    assert sentence in said(call("quarantine", "show", place, "--home", home))


def test_a_quarantine_with_nothing_in_it_says_so(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert "Nothing has landed" in said(call("quarantine", "--home", home))
    assert not (tmp_path / "home").exists()
    (tmp_path / FILE).write_text("\n".join(CARS.splitlines()[:2]) + "\n", encoding="utf-8")
    assert call("land", str(tmp_path / FILE), "--home", home).exit_code == 0
    assert call("quarantine", "--home", home).output == "0 rows in quarantine.\n"


def test_an_option_before_the_word_it_belongs_to_is_not_passed_over(home: str) -> None:
    result = call("quarantine", "--home", home, "show", f"{FILE}:3")
    assert result.exit_code == 2
    assert "Options go behind the word show" in result.output


def test_decisions_settle_rows_and_say_what_they_did(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    (tmp_path / FILE).write_text(CARS + "R1,S5\n", encoding="utf-8")
    assert call("land", str(tmp_path / FILE), "--home", home).exit_code == 0
    sentence = "line 3 cannot be accepted: stock_number is empty"
    assert sentence in said(call("quarantine", "accept", f"{FILE}:3", "--reason", "as it is", "--home", home))
    accepted = call("quarantine", "accept", f"{FILE}:6", "--reason", "no make known", "--who", "Olga", "--home", home)
    assert f"1 row of {FILE} landed: 1 new." in accepted.output.replace("\n", " ")
    assert "nothing lands" in said(call("quarantine", "retry", FILE, "--reason", "again", "--home", home))
    assert call("quarantine", "discard", f"{FILE}:4", "--home", home).exit_code == 2
    discarded = call("quarantine", "discard", f"{FILE}:4", "--reason", "twice", "--home", home, "--json")
    assert json.loads(discarded.output)["rows"] == [4]
    listed = call("quarantine", "--home", home).output
    assert "Settled and not listed: 1 accepted, 1 discarded; --all lists them." in listed
    assert listed.endswith("1 row in quarantine.\n")
    assert "accepted by Olga on " in call("quarantine", "show", f"{FILE}:6", "--home", home).output
    settled = json.loads(call("quarantine", "--all", "--home", home, "--json").output)
    assert [row["status"] for row in settled] == ["open", "discarded", "accepted"]
    status = json.loads(call("status", "--home", home, "--json").output)
    assert (status["run"], status["counted_in"]) == (None, "landing")
    assert {row["status"]: row["rows"] for row in status["quarantine"]} == {
        "open": 1,
        "closed": 0,
        "accepted": 1,
        "retried": 0,
        "discarded": 1,
    }
    again = said(call("quarantine", "discard", f"{FILE}:6", "--reason", "twice", "--home", home))
    assert again == f"Nothing is open at {FILE}:6: its 1 row in quarantine is settled already."
