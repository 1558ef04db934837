"""The way back from a row of a mart to the text in the file: every version, whatever its file looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest import archive
from ingest.landing import land
from ingest.originals import original_texts


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    made.settings.write_text('[[rooftops]]\ncode = "R1"\nname = "North"\n', encoding="utf-8")
    return made


def texts(home: Home, name: str, data: bytes, rows: set[int]) -> dict[int, str]:
    settings: Settings = load_settings(home.settings)
    path = home.inbox / name
    path.write_bytes(data)
    with home.lock():
        (result,) = land(home, settings, [path])
    assert result.status == "landed", result.reason
    return original_texts(home, settings, name, archive.content_hash(data), rows)


def test_a_record_of_several_lines_is_given_whole_and_as_it_stands(home: Home) -> None:
    data = (
        b"\xef\xbb\xbfrooftop,task_id,due_at,kind\r\n"
        b'R1,T1,2026-03-01,"call\r\nback"\r\n'
        b"\r\n"
        b"R1,T2,2026-03-02,  visit \r\n"
    )
    found = texts(home, "crm_tasks_2026-03-31.csv", data, {2, 5, 99})
    assert found == {2: 'R1,T1,2026-03-01,"call\r\nback"', 5: "R1,T2,2026-03-02,  visit "}


def test_leads_that_start_on_one_line_are_told_together(home: Home) -> None:
    lead = (
        '<prospect><requestdate>2026-03-01T10:00:00</requestdate><vehicle interest="buy"><make>Aston</make></vehicle>'
        '<customer><contact><name part="full">{}</name><email>{}@mail.example</email></contact></customer></prospect>'
    )
    text = "<adf>\n" + lead.format("Ann Oak", "ann") + lead.format("Bob Elm", "bob") + "\n</adf>\n"
    (found,) = texts(home, "leads_R1_2026-03-01.xml", text.encode(), {2}).values()
    assert found.split("\n") == [lead.format("Ann Oak", "ann"), lead.format("Bob Elm", "bob")]


def test_a_file_that_the_archive_misses_is_said(home: Home) -> None:
    with pytest.raises(Problem, match="is missing: the log names it"):
        original_texts(home, load_settings(home.settings), "crm_tasks.csv", "0" * 64, {2})
