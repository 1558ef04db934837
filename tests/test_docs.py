"""What the pages show is so: commands exist with their options, the mapping is read, examples are those of a test."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from forecourt.cli import cli
from ingest.source_file import read_source
from tests.support.pictures import LARGEST

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
        if unknown or (isinstance(command, click.Group) and words and not words[0].startswith("-")):
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


def kpis() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and meta of every KPI beside the marts."""
    for path in sorted((ROOT / "marts").rglob("*.yml")):
        for entry in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("metrics", []):
            meta = entry.get("config", {}).get("meta", {})
            if "kind" in meta:
                yield entry["name"], meta


def text_of_test(named: str) -> str | None:
    """A Python test with its decorators, or a SQL unit test, as text; None where it is not there."""
    path, _, name = named.partition("::")
    if not (ROOT / path).is_file():
        return None
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".py"):
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
        return None
    unit_tests = (yaml.safe_load(text) or {}).get("unit_tests", [])
    return next((str(test) for test in unit_tests if test["name"] == name), None)


def test_the_example_of_a_kpi_is_the_one_a_test_asserts() -> None:
    """The test that an example names exists, and where the example divides, the test holds both numbers."""
    wrong = []
    unnamed = set()
    for name, meta in kpis():
        if not meta.get("tested_by"):
            unnamed.add(name)
            continue
        text = text_of_test(meta["tested_by"])
        if text is None:
            wrong.append(f"{name}: there is no {meta['tested_by']}")
            continue
        held = set(re.findall(r"\d+(?:\.\d+)?", text))
        example = meta["example"].replace(",", "")
        for pair in re.findall(r"(\d+(?:\.\d+)?) / (\d+(?:\.\d+)?)", example):
            wrong += [f"{name}: {meta['tested_by']} has no {number}" for number in pair if number not in held]
    assert wrong == []
    assert unnamed == set()


def test_every_feature_has_its_standing_and_a_picture_that_is_shown() -> None:
    """The 25 rows, each with a section, a picture of a size that loads, and no picture that no row shows."""
    page = ROOT / "docs" / "features.md"
    text = page.read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \| \[[^\]]+\]\(#([^)]+)\) \| (met|partly|not met)\b", text)
    assert [int(number) for number, _, _ in rows] == list(range(1, 26))
    headings = re.findall(r"(?m)^## (.+)$", text)
    assert [re.sub(r"[^a-z0-9 ]", "", heading.lower()).replace(" ", "-") for heading in headings] == [
        anchor for _, anchor, _ in rows
    ]
    sections = re.split(r"(?m)^## ", text)[1:]
    shown = [re.findall(r"!\[[^\]]+\]\((images/features/[^)]+)\)", section) for section in sections]
    assert [len(pictures) for pictures in shown] == [1] * 25
    kept = {f"images/features/{file.name}": file.stat().st_size for file in (page.parent / "images/features").iterdir()}
    assert {picture for pictures in shown for picture in pictures} == kept.keys()
    assert max(kept.values()) <= LARGEST
    for section, (_, _, standing) in zip(sections, rows, strict=True):
        assert ("**Not met:**" in section) == (standing != "met"), section[:40]


def test_every_fixture_of_the_trade_has_its_tests() -> None:
    page = (ROOT / "docs" / "fixtures.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \| [^|]+ \| (.+) \|$", page)
    assert [int(number) for number, _ in rows] == list(range(1, 68))
    for number, tests in rows:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, number
        for name in named:
            sample = ROOT / "tests/ingest/sources" / f"{name}.yml"
            assert text_of_test(name) if "::" in name else sample.is_file(), f"fixture {number}: {name}"
