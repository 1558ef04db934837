"""What the pages show is so: their commands exist with these options, and their mapping is one that is read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from forecourt.cli import cli
from ingest.sources import read_source

ROOT = Path(__file__).resolve().parent.parent
#: The design also names verbs that are still to come.
PAGES = (ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.name != "DESIGN.md"))


def commands_shown() -> Iterator[tuple[str, list[str]]]:
    """Every ``forecourt ...`` of a code line or a quotation, as (page and command, words after the program's name)."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"(?m)^ {4}(?:[\d* ]+|\.venv/bin/)?(forecourt [^#\n]*)", text)
        for shown in (*lines, *re.findall(r"`(forecourt [^`\n]+)`", text)):
            yield f"{page.name}: {shown.strip()}", shlex.split(shown.partition(" >")[0])[1:]


def test_every_command_that_a_page_shows_exists_with_its_options() -> None:
    wrong = []
    shown = list(commands_shown())
    for where, words in shown:
        command: click.Command = cli
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in option.opts} | {"--help", "--version"}
        unknown = [word for word in words if word.startswith("-") and word not in (*known, "-")]
        if unknown or (isinstance(command, click.Group) and words):
            wrong.append(f"{where}: {' '.join(unknown or words)}")
    assert len(shown) > 20
    assert wrong == []


def test_the_mapping_of_the_how_to_is_read_and_gives_what_the_page_says() -> None:
    text = (ROOT / "docs/how-to/add-a-source.md").read_text(encoding="utf-8")
    source = read_source("roadbook", text.partition("```yaml\n")[2].partition("```")[0], "roadbook.yml")
    assert source.feeds == ("crm_leads", "crm_activities")
    header = next(line for line in text.splitlines() if line.startswith("    Filiale;")).strip().split(";")
    used = {column for mapping in source.mappings for cell in mapping.cells.values() for column in cell.columns}
    assert used == set(header)
    assert set(source.signature) <= set(header)
