"""From disk to bytes: links, growing files, large files."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from forecourt.errors import Problem
from ingest.intake import take_file
from tests.ingest.landing_scene import Scene

TASKS = "rooftop,task_id,due_at\nR1,T1,2026-01-09T10:00Z\n"


def test_a_link_that_leads_out_of_the_inbox_is_refused_and_one_inside_is_read(scene: Scene) -> None:
    outside = scene.write("crm_tasks_2026-01-01.csv", TASKS)
    link = scene.home.inbox / "crm_tasks_2026-01-02.csv"
    link.symlink_to(outside)
    (scene.home.inbox / "crm_tasks_2026-01-03.csv").write_text(TASKS)
    # Before its target by name, which is moved out once it has landed.
    (scene.home.inbox / "crm_tasks_2026-01-01.csv").symlink_to("crm_tasks_2026-01-03.csv")
    results = scene.land(scene.home.inbox)
    assert [(result.name, result.status) for result in results] == [
        ("crm_tasks_2026-01-01.csv", "landed"),
        ("crm_tasks_2026-01-02.csv", "refused"),
        ("crm_tasks_2026-01-03.csv", "landed"),
    ]
    assert results[1].reason == (f"is a link to {outside}, which lies outside of the inbox. Put the file itself here.")
    assert link.is_symlink()
    assert outside.exists()


def test_a_name_that_is_no_utf8_is_refused_and_stops_no_other_file(scene: Scene) -> None:
    (scene.home.inbox / "crm_tasks_\udce9_2026-01-01.csv").write_text(TASKS)
    (scene.home.inbox / "crm_tasks_2026-01-02.csv").write_text(TASKS)
    results = scene.land(scene.home.inbox)
    assert [(result.name, result.status) for result in results] == [
        ("crm_tasks_2026-01-02.csv", "landed"),
        ("crm_tasks_\\xe9_2026-01-01.csv", "refused"),
    ]
    assert "no UTF-8" in results[1].reason


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crm_tasks.csv"
    with path.open("wb") as file:
        file.truncate(256 << 20)
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            with path.open("ab") as file:
                file.write(b"x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(Problem, match="it changed while it was read, so it is still being written"):
            take_file(path, tmp_path)
    finally:
        is_over.set()
        writer.join()


def test_a_disk_without_room_for_a_large_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * 11)
    monkeypatch.setattr("ingest.intake.LARGE", 10)
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("ingest.mapped.tempfile.TemporaryFile", lambda **_: full)
        with pytest.raises(Problem, match="there is no room for it"):
            take_file(path, tmp_path)


def test_a_file_larger_than_is_read_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * 11)
    with pytest.raises(Problem, match="it has 0 MB, and files are read up to 0 MB"):
        take_file(path, tmp_path, max_bytes=10)
    assert take_file(path, tmp_path, max_bytes=11).content() == b"x" * 11
