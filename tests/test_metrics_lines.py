"""Every statement of docs/METRICS.md has an id and a test that names it, and the page that shows which is fresh."""

from __future__ import annotations

from tests.support.metrics_lines import ROOT, identified, known_lines, naming_tests, statements, table

#: Statements that no test names yet. This set only shrinks.
WITHOUT_A_TEST: set[str] = set()

PAGE = """# Definitions (of everything)

One sentence. Another; `with` a part.

| KPI | parts |
|---|---|
| `x_rate` | a / b |

    formula = a + b   note
    second line

- Rules: the first · the second.
- A bullet
that goes on.
"""


def test_a_page_falls_into_its_statements() -> None:
    assert [statement.text for statement in statements(PAGE)] == [
        "Definitions (of everything)",
        "One sentence.",
        "Another;",
        "`with` a part.",
        "| `x_rate` | a / b |",
        "formula = a + b note",
        "second line",
        "Rules: the first",
        "the second.",
        "A bullet that goes on.",
    ]


def test_every_statement_has_one_id_and_every_id_its_statement() -> None:
    found, wrong = identified()
    assert wrong == []
    assert list(found) == list(known_lines())


def test_no_test_names_an_unknown_statement() -> None:
    known = known_lines()
    assert {name: tests for name, tests in naming_tests().items() if name not in known} == {}


def test_every_statement_has_a_test_that_names_it() -> None:
    assert set(known_lines()) - set(naming_tests()) == WITHOUT_A_TEST


def test_the_page_is_what_the_tests_say() -> None:
    assert (ROOT / "docs" / "metrics-tests.md").read_text(encoding="utf-8") == table(), "run `make docs`"
