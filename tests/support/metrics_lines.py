"""Every statement of docs/METRICS.md and the tests that name it.

A statement is a sentence, a formula line, a table row or a rule of a list; ``metrics_lines.yml`` gives each an id and
its opening words. A test names the ids it is about: a Python test by ``@pytest.mark.metrics("1.late-cost")``, a SQL
unit test by ``config.meta.metrics``, a SQL data test by a comment ``-- METRICS: 1.late-cost``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
METRICS = ROOT / "docs" / "METRICS.md"
LINES = Path(__file__).with_name("metrics_lines.yml")


@dataclass(frozen=True)
class Statement:
    """One statement; ``section`` is the heading it stands under."""

    section: str
    text: str


def statements(text: str) -> list[Statement]:
    """The statements of METRICS.md in their order."""
    found: list[Statement] = []
    section = ""
    paragraph: list[str] = []
    lines = [*text.splitlines(), ""]

    def flush() -> None:
        whole = " ".join(" ".join(paragraph).split())
        paragraph.clear()
        for sentence in re.split(r"(?<=[.;]) (?=[A-Z`*(\[])|(?<=;) (?=[a-z ]+ = )", whole):
            parts = sentence.split(" · ") if sentence.startswith("Rules: ") else [sentence]
            found.extend(Statement(section, part.strip()) for part in parts if part.strip())

    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#"):
            flush()
            section = line.lstrip("# ").partition(" (")[0]
            if "(" in line:
                found.append(Statement(section, line.lstrip("# ")))
        elif line.startswith("|"):
            flush()
            is_heading = set(following) == set("|-") or set(line) == set("|-")
            if not is_heading:
                found.append(Statement(section, line))
        elif line.startswith("    "):
            flush()
            found.append(Statement(section, " ".join(line.split())))
        else:
            if line.startswith("- ") or not line.strip():
                flush()
            paragraph.append(line.removeprefix("- "))
    flush()
    return found


def known_lines() -> dict[str, str]:
    """Id -> opening words of every statement, in their order."""
    loaded: dict[str, str] = yaml.safe_load(LINES.read_text(encoding="utf-8"))
    return loaded


def identified() -> tuple[dict[str, Statement], list[str]]:
    """Id -> statement, and what does not fit: a statement without an id, an id without a statement."""
    left = statements(METRICS.read_text(encoding="utf-8"))
    found: dict[str, Statement] = {}
    wrong = []
    for name, opening in known_lines().items():
        if left and left[0].text.startswith(opening):
            found[name] = left.pop(0)
            continue
        places = [place for place, statement in enumerate(left) if statement.text.startswith(opening)]
        if not places:
            wrong.append(f"{name}: no statement begins with {opening!r}")
            continue
        wrong += [f"no id: {statement.text[:80]}" for statement in left[: places[0]]]
        found[name] = left[places[0]]
        del left[: places[0] + 1]
    return found, wrong + [f"no id: {statement.text[:80]}" for statement in left]


def naming_tests() -> dict[str, list[str]]:
    """Id -> the tests that name it, as ``path::name``."""
    found: dict[str, list[str]] = {}
    for test, names in sorted({*_of_python(), *_of_sql(), *_of_yaml()}):
        for name in names:
            found.setdefault(name, []).append(test)
    return found


def _of_python() -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.metrics(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.metrics":
                        names = tuple(str(ast.literal_eval(argument)) for argument in mark.args)
                        yield f"{path.relative_to(ROOT).as_posix()}::{node.name}", names


def _of_sql() -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in sorted((ROOT / "tests" / "dbt").rglob("*.sql")):
        for listed in re.findall(r"(?m)^-- METRICS: (.+)$", path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), tuple(name.strip() for name in listed.split(","))


def _of_yaml() -> Iterator[tuple[str, tuple[str, ...]]]:
    for folder in ("marts", "models"):
        for path in sorted((ROOT / folder).rglob("*.yml")):
            text = path.read_text(encoding="utf-8")
            if "metrics: [" not in text:
                continue
            for test in (yaml.safe_load(text) or {}).get("unit_tests", []):
                names = test.get("config", {}).get("meta", {}).get("metrics", ())
                if names:
                    yield f"{path.relative_to(ROOT).as_posix()}::{test['name']}", tuple(names)


def table() -> str:
    """The page that maps every statement to the tests that name it."""
    named = naming_tests()
    parts = [
        "# METRICS.md, line by line",
        "Every statement of [METRICS.md](METRICS.md) and the tests that name it. Written by `make docs`; a test fails "
        "when a statement has no id or no test, or when this page is stale. Besides these, the oracle in "
        "`tests/oracle/` recomputes the KPIs by other means.",
    ]
    section = None
    rows: list[str] = []
    for name, statement in identified()[0].items():
        if statement.section != section:
            section = statement.section
            rows += ["", f"## {section}", "", "| id | statement | tests |", "|---|---|---|"]
        text = statement.text.strip("|").replace("\\|", "|").replace("|", "\\|").strip()
        tests = "<br>".join(f"`{test}`" for test in named.get(name, ())) or "none"
        rows.append(f"| {name} | {text} | {tests} |")
    return "\n\n".join(parts) + "\n" + "\n".join(rows) + "\n"
