"""Row versions: the state does not depend on the order in which files arrive, and nothing is stored twice."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from unittest.mock import patch

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.histories import expected_state, landed_state, random_history
from tests.ingest.landing_scene import Scene

TASKS = "rooftop,task_id,kind,due_at\n"
DUE = "2026-01-09T10:00Z"


def tasks(*rows: tuple[str, str]) -> str:
    return TASKS + "".join(f"R1,{task},{kind},{DUE}\n" for task, kind in rows)


def in_force(scene: Scene) -> dict[str, str | None]:
    """Task -> kind in force; a removed one is left out."""
    with duckdb.connect(str(scene.home.landing), read_only=True) as connection:
        state = landed_state(connection)
    return {key.split("|")[1]: values["kind"][0] for key, (is_gone, values) in state.items() if not is_gone}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_state_is_that_of_whole_files_in_any_order_of_arrival(seed: int) -> None:
    source = random.Random(seed)
    files = random_history(source, 7)
    source.shuffle(files)
    keys_at_once = source.choice((1, 100_000))
    with tempfile.TemporaryDirectory() as folder, patch("ingest.history._KEYS_AT_ONCE", keys_at_once):
        scene = Scene(Path(folder))
        scene.home.settings.write_text(scene.home.settings.read_text().replace("Europe/London", "UTC"))
        results = scene.land(*[file.write(scene.given) for file in files])
        landed = {result.name for result in results if result.status == "landed"}
        held = {result.name for result in results if result.status == "held"}
        assert landed | held == {file.name for file in files}
        with duckdb.connect(str(scene.home.landing), read_only=True) as connection:
            assert landed_state(connection) == expected_state([file for file in files if file.name in landed])
            assert (
                connection.execute(
                    "select key from crm.crm_tasks group by key, file_id, row_number having count(*) > 1"
                ).fetchall()
                == []
            )


def test_three_full_files_x_y_x_end_as_x(scene: Scene) -> None:
    for day, rows in ((1, [("T1", "call")]), (2, [("T1", "visit")]), (3, [("T1", "call")])):
        result = scene.land_text(f"crm_tasks.full.2026-01-0{day}.csv", tasks(*rows))
        assert result.status == "landed"
    assert in_force(scene) == {"T1": "call"}
    assert (result.rows_changed, result.rows_unchanged) == (1, 0)


def test_an_older_file_that_comes_late_does_not_overwrite_what_later_files_confirmed(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(("T1", "call")))
    assert scene.land_text("crm_tasks_b_2026-01-03.csv", tasks(("T1", "call"))).rows_unchanged == 1
    late = scene.land_text("crm_tasks_2026-01-02.csv", tasks(("T1", "visit")))
    assert late.rows_changed == 1
    assert in_force(scene) == {"T1": "call"}
    # What was restored counts as known only since the late file came, and points at the file that said it.
    landed = scene.rows(
        """select exported_at::date::varchar, versions.landed_at = late.received_at, name
           from crm.crm_tasks as versions
           inner join ledger.files on versions.file_id = files.file_id
           cross join (select received_at from ledger.files where name = 'crm_tasks_2026-01-02.csv') as late
           order by 1""".replace("exported_at::date", "versions.exported_at::date")
    )
    assert landed == [
        ("2026-01-01", False, "crm_tasks_2026-01-01.csv"),
        ("2026-01-02", True, "crm_tasks_2026-01-02.csv"),
        ("2026-01-03", True, "crm_tasks_b_2026-01-03.csv"),
    ]


def test_a_late_file_does_not_revive_what_a_later_full_file_left_out(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-05.csv", tasks(("T1", "call")))
    assert scene.land_text("crm_tasks_2026-01-02.csv", tasks(("T2", "visit"))).rows_new == 1
    assert in_force(scene) == {"T1": "call"}


def test_a_full_file_removes_and_a_later_one_brings_back(scene: Scene) -> None:
    both = tasks(("T1", "call"), ("T2", "visit"))
    scene.land_text("crm_tasks.full.2026-01-01.csv", both)
    scene.land_text("crm_tasks.full.2026-01-02.csv", tasks(("T1", "call")))
    assert in_force(scene) == {"T1": "call"}
    assert scene.rows(
        "select rows_removed from ledger.file_feeds order by file_id = '', rows_removed desc limit 1"
    ) == [(1,)]
    scene.land_text("crm_tasks.full.2026-01-03.csv", both)
    assert in_force(scene) == {"T1": "call", "T2": "visit"}


def test_a_full_file_speaks_for_its_rooftops_only(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-01.csv", tasks(("T1", "call")) + f"R2,T9,visit,{DUE}\n")
    scene.land_text("crm_tasks.full.2026-01-02.csv", tasks(("T1", "call")))
    assert in_force(scene) == {"T1": "call", "T9": "visit"}


def test_a_quarantined_row_is_not_called_gone(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-01.csv", tasks(("T1", "call"), ("T2", "visit")))
    result = scene.land_text("crm_tasks.full.2026-01-02.csv", tasks(("T1", "call")) + "R1,T2,visit,\n")
    assert result.rows_quarantined == 1
    assert in_force(scene) == {"T1": "call", "T2": "visit"}


def test_an_absent_column_is_not_carried_and_an_empty_cell_clears(scene: Scene) -> None:
    header = "rooftop,task_id,lead_id,kind,due_at\n"
    scene.land_text("crm_tasks_2026-01-01.csv", f"{header}R1,T1,L1,call,{DUE}\n")
    scene.land_text("crm_tasks_2026-01-02.csv", f"rooftop,task_id,kind,due_at\nR1,T1,,{DUE}\n")
    with duckdb.connect(str(scene.home.landing), read_only=True) as connection:
        _, values = landed_state(connection)["R1|T1"]
    assert values["lead_id"][0] == "L1"
    assert values["kind"][0] is None


def test_same_rows_exported_later_are_sighted_and_advance_the_freshness(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(("T1", "call")))
    again = scene.land_text("crm_tasks_2026-01-02.csv", tasks(("T1", "call")))
    assert (again.status, again.rows_unchanged) == ("landed", 1)
    assert scene.rows("select count(*) from crm.crm_tasks") == [(1,)]
    assert scene.rows("select key, row_number from ledger.sightings") == [("R1|T1", 2)]
    assert scene.rows("select max(exported_at)::date::varchar from ledger.files where status = 'landed'") == [
        ("2026-01-02",)
    ]
