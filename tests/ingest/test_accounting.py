"""Promise 1 for random deliveries: every line of every file is counted once, whatever comes in whatever order."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.deciding import confirm
from ingest.outcome import FileResult
from tests.ingest.histories import HistoryFile, landed_state, random_history
from tests.ingest.landing_scene import Scene

#: Lines that no file should have: unclosed, ragged, quoted in the middle, blank, without values, the header again.
DIRT = (b'R1,"T1', b"R1", b"R1,T1,,,,,,,,,,", b'R1,T"1', b"", b",", b"\r", b"rooftop,task_id,due_at")


@dataclass(frozen=True)
class Delivered:
    """A file as it arrives; ``lines`` counts those below the header."""

    name: str
    content: bytes

    @property
    def lines(self) -> int:
        body = self.content.partition(b"\n")[2]
        return body.count(b"\n") + (not body.endswith(b"\n") and body != b"")


def deliveries(source: random.Random) -> list[Delivered]:
    """Exports with dirt between their lines, some cut short, some sent again under the same or a later name."""
    made = []
    for file in random_history(source, source.choice((2, 3, 4, 5))):
        header, *lines = file.content.split(b"\n")[:-1]
        for _ in range(source.choice((0, 0, 1, 3))):
            lines.insert(source.randrange(len(lines) + 1), source.choice(DIRT))
        content = b"\n".join([header, *lines]) + b"\n"
        if source.random() < 0.3 and not file.is_full:
            content = content[: source.randrange(len(header) + 1, len(content) + 1)]
        made.append(Delivered(file.name, content))
        if source.random() < 0.3:
            made.append(made[-1])
        if source.random() < 0.3:
            made.append(Delivered(_later(file), content))
    return made


def _later(file: HistoryFile) -> str:
    return file.name.replace(f"{file.exported_at:%Y-%m-%dT%H%M}", f"{file.exported_at + timedelta(days=1):%Y-%m-%d}")


def landed(arrived: list[Delivered], folder: Path, calls: int) -> tuple[list[FileResult], dict[str, Any]]:
    """What became of each file, and the state at the end, held files confirmed.

    Landed in so many calls: opening and closing the landing costs as much as a file of a few lines.
    """
    scene = Scene(folder)
    scene.home.settings.write_text(scene.home.settings.read_text().replace("Europe/London", "UTC"))
    paths = [scene.write(file.name, file.content) for file in arrived]
    results = []
    for call in range(calls):
        results += scene.land(*paths[len(paths) * call // calls : len(paths) * (call + 1) // calls])
    for result in results:
        if result.status == "held":
            confirm(scene.home, scene.settings, result.file_id, who="Olga", why="a test")
    with duckdb.connect(str(scene.home.landing), read_only=True) as connection:
        twice = "select key from crm.crm_tasks group by key, file_id, row_number having count(*) > 1"
        assert connection.execute(twice).fetchall() == []
        return results, landed_state(connection)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_every_line_is_accounted_for_and_the_order_of_arrival_changes_nothing(seed: int) -> None:
    source = random.Random(seed)
    arrived = deliveries(source)
    other = source.sample(arrived, len(arrived))
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        results, state = landed(arrived, Path(first), calls=2)
        _, state_of_other = landed(other, Path(second), calls=1)
    assert state == state_of_other
    for file, result in zip(arrived, results, strict=True):
        assert result.status in ("landed", "held", "same again")
        if result.status == "landed":
            counted = (result.rows_new, result.rows_changed, result.rows_unchanged, result.rows_quarantined)
            assert sum(counted) + result.rows_skipped == result.rows_read == file.lines
