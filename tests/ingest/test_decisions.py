"""What becomes of a row in quarantine: closed by a later file, retried, accepted or discarded, and the same again."""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path

import pytest

from forecourt.errors import Problem
from ingest.deciding import decide, retry_file
from ingest.landing import open_landing, rebuild
from tests.ingest.landing_scene import Scene

LEADS = "rooftop,lead_id,received_at,budget,stage\n"
TASKS = "rooftop,task_id,due_at\n"

ROADBOOK = """
description: Roadbook export of enquiries
evidence: invented for this test
files: ['roadbook_*.csv']
header: [Filiale, Nr, Eingang]
delimiter: ';'
dates: dmy
feeds:
  crm_leads:
    columns:
      rooftop: Filiale
      lead_id: Nr
      received_at: {column: Eingang}
      stage: {column: Status, map: {offen: new}}
"""


@pytest.fixture
def declared(scene: Scene) -> Path:
    """The declaration of Roadbook in the home folder."""
    path = scene.home.sources / "roadbook.yml"
    path.write_text(ROADBOOK, encoding="utf-8")
    return path


def status(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows(
        """select q.row_number, q.status, closers.name from ledger.quarantine as q
            left join ledger.files as closers on q.closed_by = closers.file_id order by q.row_number"""
    )


def same_again(scene: Scene) -> None:
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_a_later_file_with_the_key_sound_closes_the_row_and_is_named(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-02.csv", TASKS + "R1,T1,soon\nR1,T2,later\nR1,T3,2026-01-05\n")
    scene.land_text("crm_tasks_2026-01-01.csv", TASKS + "R1,T1,2026-01-04\n")
    assert status(scene) == [(2, "open", None), (3, "open", None)]
    scene.land_text("crm_tasks_2026-01-03.csv", TASKS + "R1,T1,2026-01-04\nR1,T2,never\n")
    assert [row[:2] for row in status(scene)] == [(2, "closed"), (2 + 1, "open"), (3, "open")]
    assert scene.rows("select name from ledger.files where file_id in (select closed_by from ledger.quarantine)") == [
        ("crm_tasks_2026-01-03.csv",)
    ]
    same_again(scene)


def test_a_row_without_a_key_is_closed_by_a_corrected_delivery_of_its_file(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-02.csv", TASKS + "R1,,2026-01-04\nR1,T2\n")
    scene.land_text("crm_tasks_2026-01-03.csv", TASKS + "R1,T8,2026-01-04\nR1,T9,2026-01-04\n")
    assert status(scene) == [(2, "open", None), (3, "open", None)]
    scene.land_text("crm_tasks_2026-01-02.csv", TASKS + "R1,T1,2026-01-04\nR1,T2\n")
    assert [row[:2] for row in status(scene)] == [(2, "closed"), (3, "open"), (3, "open")]
    same_again(scene)


def test_discarded_rows_stay_on_the_ledger_with_the_reason(scene: Scene) -> None:
    file_id = scene.land_text("crm_tasks_2026-01-01.csv", TASKS + "R1,,2026-01-04\nR1,T2\n").file_id
    decided = decide(scene.home, scene.settings, "discard", file_id, [2], who="Olga", why="a test task")
    assert decided.rows == [2]
    assert scene.rows(
        "select row_number, status, decided_by, decided_why from ledger.quarantine order by row_number"
    ) == [(2, "discarded", "Olga", "a test task"), (3, "open", None, None)]
    assert scene.rows("select rows_read, rows_quarantined from ledger.files") == [(2, 2)]
    entry = json.loads(scene.home.log.read_text().splitlines()[-1])
    assert (entry["decision"], entry["rows"], entry["who"], entry["why"]) == ("discard", [2], "Olga", "a test task")
    with pytest.raises(Problem, match="on these lines waits for a decision"):
        decide(scene.home, scene.settings, "discard", file_id, [2], who="Olga", why="again")
    assert len(scene.home.log.read_text().splitlines()) == 3
    same_again(scene)


def test_an_accepted_line_lands_as_it_is_and_is_known_from_the_decision(scene: Scene) -> None:
    text = LEADS + "R1,L1,2026-01-01,5\nR1,L2,2026-01-01,5,new,hot,now\n"
    file_id = scene.land_text("crm_leads_2026-01-01.csv", text).file_id
    later = scene.land_text("crm_leads_2026-01-02.csv", LEADS + "R1,L2,2026-01-01,6,won\n")
    assert later.rows_new == 1
    decided = decide(scene.home, scene.settings, "accept", file_id, [2, 3], who="Olga", why="stage came later")
    assert decided.results == {2: "new", 3: "changed"}
    assert scene.rows(
        """select lead_id, budget::varchar, stage, rest::varchar, exported_at::varchar, row_number,
                landed_at > (select received_at from ledger.files where files.file_id = leads.file_id)
            from crm.crm_leads as leads order by lead_id, exported_at"""
    ) == [
        ("L1", "5.00", None, None, "2026-01-01 23:59:59", 2, True),
        ("L2", "5.00", "new", '{"column 6":"hot","column 7":"now"}', "2026-01-01 23:59:59", 3, True),
        ("L2", "6.00", "won", None, "2026-01-02 23:59:59", 2, False),
    ]
    assert scene.rows("select rows_read, rows_new, rows_changed, rows_quarantined from ledger.files limit 1") == [
        (2, 1, 1, 0)
    ]
    assert scene.rows("select feed, rows_new, rows_changed, rows_quarantined from ledger.file_feeds limit 1") == [
        ("crm_leads", 1, 1, 0)
    ]
    same_again(scene)


def test_a_row_that_was_taken_for_a_note_is_accepted(scene: Scene, declared: Path) -> None:
    rows = [f"{number};R1;0{number}.01.2026;offen" for number in (7, 8, 9)]
    text = "\n".join(["Nr;Filiale;Eingang;Status", *rows, "Neu;R1;10.01.2026;offen"])
    landed = scene.land_text("roadbook_1.csv", text)
    # The row above, too: the last line might be the rest of its last value.
    assert (landed.rows_new, landed.rows_quarantined) == (2, 2)
    decide(scene.home, scene.settings, "accept", landed.file_id, [4, 5], who="Olga", why="the CRM calls it so")
    assert scene.rows("select lead_id from crm.crm_leads order by row_number") == [("7",), ("8",), ("9",), ("Neu",)]
    same_again(scene)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("R1,,2026-01-01,5,new", "line 2 cannot be accepted: lead_id is empty, and crm_leads needs it. Correct it"),
        ("R1,L1,soon,5", "line 2 cannot be accepted: received_at is 'soon', which is not an instant"),
        ('R1,"L"1,2026-01-01,5,new', "a quoted value goes on after its closing quote, so its values cannot be told"),
    ],
)
def test_only_a_line_with_sound_key_and_required_columns_is_accepted(scene: Scene, line: str, sentence: str) -> None:
    file_id = scene.land_text("crm_leads_2026-01-01.csv", f"{LEADS}{line}\n").file_id
    before = scene.everything(), scene.home.log.read_text()
    with pytest.raises(Problem, match="cannot be accepted") as raised:
        decide(scene.home, scene.settings, "accept", file_id, [2], who="Olga", why="it is fine")
    assert sentence in str(raised.value)
    assert (scene.everything(), scene.home.log.read_text()) == before


def test_a_retry_lands_what_the_mended_mapping_reads_and_leaves_the_rest(scene: Scene, declared: Path) -> None:
    only_open = "{column: Eingang, when: {column: Status, in: [offen]}}"
    declared.write_text(ROADBOOK.replace("{column: Eingang}", only_open), encoding="utf-8")
    text = "Filiale;Nr;Eingang;Status\nNord;1;03.11.2026 09:15;offen\nNord;2;04.11.2026 10:00;weg\nNord;;;weg\n"
    result = scene.land_text("roadbook_2026-11-05.csv", text)
    assert (result.rows_new, result.rows_quarantined) == (1, 2)
    with pytest.raises(Problem, match=r"nothing lands. line 3: received_at is empty"):
        decide(scene.home, scene.settings, "retry", result.file_id, [3, 4], who="Olga", why="hope")
    first = scene.rows("select key, landed_at from crm.crm_leads")
    declared.write_text(ROADBOOK, encoding="utf-8")
    # A changed mapping alone lands nothing: what was known then stays what was known then.
    with open_landing(scene.home, scene.settings):
        pass
    assert scene.rows("select key, landed_at from crm.crm_leads") == first
    decided = decide(scene.home, scene.settings, "retry", result.file_id, [3, 4], who="Olga", why="mapping mended")
    assert (decided.results, list(decided.still)) == ({3: "new"}, [4])
    assert scene.rows("select row_number, status, decided_why from ledger.quarantine order by row_number") == [
        (3, "retried", "mapping mended"),
        (4, "open", None),
    ]
    landed = scene.rows("select key, landed_at, exported_at::varchar from crm.crm_leads order by key")
    assert [row[0] for row in landed] == ["Nord|1", "Nord|2"]
    assert landed[1][1] > landed[0][1]
    assert landed[1][2] == "2026-11-05 23:59:59"
    assert scene.rows("select rows_new, rows_quarantined from ledger.files") == [(2, 1)]
    same_again(scene)


def test_a_refused_file_is_read_again_once_its_kind_is_declared(scene: Scene, declared: Path) -> None:
    declared.unlink()
    refused = scene.land_text("roadbook_2026-11-05.csv", "Filiale;Nr;Eingang;Status\nNord;1;03.11.2026 09:15;offen\n")
    assert refused.status == "refused"
    with pytest.raises(Problem, match="is that of no source"):
        retry_file(scene.home, scene.settings, refused.file_id, who="Olga", why="hope")
    declared.write_text(ROADBOOK, encoding="utf-8")
    rebuild(scene.home, scene.settings)
    assert "forecourt quarantine retry" in scene.rows("select reason from ledger.files")[0][0]
    result = retry_file(scene.home, scene.settings, refused.file_id, who="Olga", why="declared now")
    assert (result.status, result.rows_new) == ("landed", 1)
    ((known,),) = scene.rows("select landed_at from crm.crm_leads")
    assert known > datetime.fromisoformat(json.loads(scene.home.log.read_text().splitlines()[1])["received_at"])
    same_again(scene)


def test_a_retried_row_of_a_full_file_is_removed_by_the_full_file_after_it(scene: Scene, declared: Path) -> None:
    full = ROADBOOK + "full: true\n"
    declared.write_text(full.replace("Nr\n", "Nummer\n", 1).replace("lead_id: Nr", "lead_id: Nummer"), encoding="utf-8")
    head = "Filiale;Nr;Nummer;Eingang\n"
    scene.land_text("roadbook_2026-11-01.csv", head + "R2;1;1;01.11.2026\nR2;2;;01.11.2026\n")
    file_id = scene.rows("select file_id from ledger.files")[0][0]
    scene.land_text("roadbook_2026-11-02.csv", head + "R2;1;1;01.11.2026\n")
    declared.write_text(full, encoding="utf-8")
    decided = decide(scene.home, scene.settings, "retry", file_id, [3], who="Olga", why="the number is Nr")
    assert decided.results == {3: "new"}
    assert scene.rows("select key, op, exported_at::date::varchar from crm.crm_leads order by key, exported_at") == [
        ("R2|1", "row", "2026-11-01"),
        ("R2|2", "row", "2026-11-01"),
        ("R2|2", "removed", "2026-11-02"),
    ]
    same_again(scene)


def in_force(scene: Scene) -> list[tuple[object, ...]]:
    """What the last statement of every key that is there says."""
    return scene.rows(
        """select * from (
                select key, due_at, kind, op
                from crm.crm_tasks as tasks inner join ledger.files as files on tasks.file_id = files.file_id
                qualify row_number() over (
                    partition by key order by tasks.exported_at desc, files.name desc, tasks.row_number desc
                ) = 1
            ) where op = 'row' order by key"""
    )


@pytest.mark.parametrize("seed", range(2))
def test_accepted_rows_give_the_state_that_sound_ones_would_have_given(tmp_path: Path, seed: int) -> None:
    """Files in any order, full and partial, some lines without their last value: accepted one by one, whenever."""
    source = random.Random(seed)
    torn, whole = Scene(made(tmp_path / "torn")), Scene(made(tmp_path / "whole"))
    files = []
    for number in range(5):
        full = ".full" if source.random() < 0.5 else ""
        keys = source.sample(["T1", "T2", "T3", "T4"], source.randrange(2, 4))
        lines = [f"R1,{key},2026-01-0{source.randrange(1, 9)},{source.choice(['', 'call'])}" for key in keys]
        files.append((f"crm_tasks{full}.2026-01-0{source.randrange(1, 5)}T0{number}00.csv", lines))
    for name, lines in files:
        header = "rooftop,task_id,due_at,kind\n"
        cut = [line.removesuffix(",") if line.endswith(",") else line for line in lines]
        torn.land_text(name, header + "\n".join(cut) + "\n")
        whole.land_text(name, header + "\n".join(lines) + "\n")
        accept_some(torn, source, most=1)
    accept_some(torn, source, most=100)
    assert in_force(torn) == in_force(whole)
    assert torn.rows("select count(*) from ledger.quarantine where status in ('open', 'closed')") == [(0,)]
    assert torn.unaccounted() == []
    same_again(torn)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def accept_some(scene: Scene, source: random.Random, most: int) -> None:
    waiting = scene.rows(
        "select file_id, row_number from ledger.quarantine where status in ('open', 'closed') order by all"
    )
    for file_id, line in source.sample(waiting, min(most, len(waiting))):
        decide(scene.home, scene.settings, "accept", file_id, [line], who="Olga", why="the last value is not needed")
