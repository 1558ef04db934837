from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from forecourt.door import current_run, last_run, open_warehouse, published_path
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.publish import publish, record_end, rollback
from forecourt.run import new_run_id

#: Rows of one published file: enough that half a file would show.
ROWS = 2000

READER = """
import json, sys
from pathlib import Path
from forecourt.door import open_warehouse
from forecourt.home import Home

home, stop = Home(Path(sys.argv[1])), Path(sys.argv[2])
seen, wrong = [], []
print("reading", flush=True)
while True:
    last_time = stop.exists()
    warehouse = open_warehouse(home)
    (row,) = warehouse.rows("select min(run) as low, max(run) as high, count(*) as n from marts.fct_x")
    if not (row["low"] == row["high"] == warehouse.run_id and row["n"] == int(sys.argv[3])):
        wrong.append(row)
    if not seen or seen[-1] != warehouse.run_id:
        seen.append(warehouse.run_id)
    if last_time:
        break
print(json.dumps({"seen": seen, "wrong": wrong}, default=str))
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "warehouse")
    made.create()
    return made


def candidate(home: Home, run_id: str) -> Path:
    """A candidate file whose every row names its run."""
    home.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.fct_x as select '{run_id}' as run from range({ROWS})")
    return home.warehouse


def published(home: Home, *runs: str, keep: int = 10) -> None:
    for run_id in runs:
        publish(home, candidate(home, run_id), run_id, keep=keep)


def kept(home: Home) -> list[str]:
    return sorted(path.stem for path in home.published.glob("*.duckdb"))


def test_readers_in_other_processes_see_only_whole_runs_during_fifty_publishes(home: Home, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    published(home, "run00")
    command = [sys.executable, "-c", READER, str(home.root), str(stop), str(ROWS)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
    # Only one run is kept, so that a reader who still holds the old name must look at the pointer again.
    published(home, *(f"run{number:02}" for number in range(1, 51)), keep=1)
    stop.touch()
    for reader in readers:
        told = json.loads(reader.communicate(timeout=60)[0])
        assert told["wrong"] == []
        assert told["seen"] == sorted(told["seen"])
        assert told["seen"][-1] == "run50"
        assert len(told["seen"]) > 2, "the reader never met a publish"


def test_a_reader_keeps_the_run_it_opened(home: Home) -> None:
    published(home, "run1")
    before = open_warehouse(home)
    published(home, "run2", keep=1)
    assert kept(home) == ["run2"]
    assert before.rows("select distinct run from marts.fct_x") == [{"run": "run1"}]
    assert open_warehouse(home).rows("select distinct run from marts.fct_x") == [{"run": "run2"}]


def test_a_reader_whose_run_is_cleared_away_while_it_looks_follows_the_pointer(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(home, "run1")

    def publish_in_between(place: Home, run_id: str) -> Path:
        monkeypatch.undo()
        published(place, "run2", keep=1)
        return published_path(place, run_id)

    monkeypatch.setattr("forecourt.door.published_path", publish_in_between)
    assert open_warehouse(home).run_id == "run2"
    assert kept(home) == ["run2"]


def test_the_candidate_is_moved_and_nobody_may_write_it(home: Home) -> None:
    file = publish(home, candidate(home, "run1"), "run1", keep=10)
    assert file == published_path(home, "run1")
    assert not home.warehouse.exists()
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert home.current.read_text(encoding="utf-8") == "run1\n"


def test_a_publish_that_fails_before_the_pointer_leaves_the_run_in_force(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(home, "run1")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    ready = candidate(home, "run2")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        publish(home, ready, "run2", keep=10)
    monkeypatch.undo()
    assert current_run(home) == "run1"
    assert open_warehouse(home).rows("select distinct run from marts.fct_x") == [{"run": "run1"}]


def test_only_the_last_runs_are_kept(home: Home) -> None:
    published(home, "run1", "run2", "run3", "run4", keep=3)
    assert kept(home) == ["run2", "run3", "run4"]


def test_a_run_from_a_clock_that_went_back_is_kept_all_the_same(home: Home) -> None:
    published(home, "run5", "run6", "run7", "run2", keep=2)
    assert current_run(home) == "run2"
    assert "run2" in kept(home)


def test_rollback_goes_one_back_each_time_and_says_when_there_is_none(home: Home) -> None:
    published(home, "run1", "run2", "run3")
    assert [rollback(home), rollback(home)] == ["run2", "run1"]
    assert open_warehouse(home).run_id == "run1"
    with pytest.raises(Problem, match=r"no kept run before the current one\. Kept: run1, run2, run3"):
        rollback(home)


def test_rollback_to_a_named_run_also_forward(home: Home) -> None:
    published(home, "run1", "run2", "run3")
    rollback(home, "run1")
    assert rollback(home, "run3") == "run3"
    assert current_run(home) == "run3"
    with pytest.raises(Problem, match="no kept run run9"):
        rollback(home, "run9")
    assert current_run(home) == "run3"


def test_a_pointer_that_is_damaged_is_mended_as_its_sentence_says(home: Home) -> None:
    published(home, "run1", "run2")
    home.current.write_bytes(b"\xff\xfe")
    for ask in (open_warehouse, rollback):
        with pytest.raises(Problem, match=r"is damaged.*forecourt rollback RUN.*Kept: run1, run2"):
            ask(home)
    assert rollback(home, "run2") == "run2"
    assert open_warehouse(home).run_id == "run2"


def test_rollback_where_nothing_was_published(home: Home) -> None:
    with pytest.raises(Problem, match="Kept: none"):
        rollback(home)


def test_how_a_run_ended_is_read_back(home: Home) -> None:
    assert last_run(home) is None
    record_end(home, "run1", "blocked", 'a "quoted" reason, Škoda')
    last = last_run(home)
    assert last is not None
    assert (last.run_id, last.status, last.message) == ("run1", "blocked", 'a "quoted" reason, Škoda')
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", last.ended_at)
    record_end(home, "run2", "published", "")
    assert json.loads(home.last.read_text(encoding="utf-8"))["run_id"] == "run2"


def test_the_door_says_why_there_is_nothing_to_open(home: Home) -> None:
    with pytest.raises(Problem, match="Nothing is published"):
        open_warehouse(home)
    record_end(home, "run1", "failed", "the disk is full")
    with pytest.raises(Problem, match="the disk is full"):
        open_warehouse(home)
    published(home, "run1")
    with pytest.raises(Problem, match=r"Run run0 is not kept .* Kept: run1"):
        open_warehouse(home, "run0")


def test_a_published_file_that_is_damaged_is_one_sentence(home: Home) -> None:
    published(home, "run1")
    file = published_path(home, "run1")
    file.chmod(0o644)
    file.write_bytes(b"not a database" * 400)
    with pytest.raises(Problem, match="forecourt rollback"):
        open_warehouse(home)


def test_run_ids_sort_by_time_also_within_a_second() -> None:
    ids = [new_run_id() for _ in range(200)]
    assert ids == sorted(ids)
    assert len(set(ids)) > 100
