"""What is printed: no name or text of a file steers the terminal of the person who reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecourt.verbs import show
from forecourt.verbs.terminal import Step, err, out, table
from ingest.outcome import FileResult

#: Colour, a line that looks like another, a C1 mark, a turned direction, markup and the name of a picture.
NAME = "a\x1b[31m\nlanded\r\x9b2J\u202e[/x]:car:.csv"
SHOWN = r"a\x1b[31m\nlanded\r\x9b2J\u202e[/x]:car:.csv"


def test_control_characters_of_names_and_reasons_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    refused = FileResult(name=NAME, path=Path("x"), status="refused", reason=f"no {NAME}", rows_quarantined=1)
    show.print_files([refused])
    printed = capsys.readouterr().out
    assert printed.splitlines()[1] == f"  refused {SHOWN}: no {SHOWN}"
    assert printed.splitlines()[3].startswith(SHOWN)
    assert not set(printed) & set("\x1b\r\x9b\u202e")


def test_notes_are_a_line_each_if_they_are_few_and_else_counted(capsys: pytest.CaptureFixture[str]) -> None:
    landed = FileResult(name=NAME, path=Path("x"), status="landed", notes=[f"Column {NAME} is new."])
    show.print_files([landed])
    assert capsys.readouterr().out.splitlines()[1] == f"  note {SHOWN}: Column {SHOWN} is new."
    landed.notes *= 13
    show.print_files([landed, FileResult(name="b.csv", path=Path("b.csv"), status="landed", notes=["Odd."])])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  14 notes on what was odd in 2 files: the page Data, or meta.notes in SQL"
    ]


def test_texts_of_several_lines_stay_so(capsys: pytest.CaptureFixture[str]) -> None:
    out.print("a\tb\n\x1b[2J", markup=False)
    err.print("[bold]c[/]\n\x07\udcff")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("a       b\n\\x1b[2J\n", "c\n\\x07\\udcff\n")


def test_a_cell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table("", [("h\x1b", "left")], [["b\n\x1b"]])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [r"h\x1b", r"b\n\x1b"]


def test_json_has_the_same_texts_and_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_json({"file": NAME})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"file": NAME}
    assert not set(printed) & set("\x1b\r\x9b\u202e")


def test_a_bar_says_the_name_in_work_without_its_control_characters() -> None:
    from rich.progress import Progress

    progress = Progress(console=out)
    step = Step(progress, progress.add_task("land", total=None, what=""))
    step.advance(1, 2, NAME)
    assert progress.tasks[0].fields["what"] == SHOWN.replace("[/x]", r"\[/x]")
