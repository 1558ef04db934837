"""The SQL unit tests that stand beside the models: the golden vectors of METRICS.md among them, all run by dbt.

The same whole build shows whether the KPI handbook and the reference of the marts are fresh.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from forecourt.build import NodeResult, Paths, build
from forecourt.home import Home
from forecourt.settings_file import load_settings
from tests.support.pages import CONTRACT, FILES, HANDBOOK, REFERENCE, handbook, reference
from tests.support.warehouse import make_warehouse


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_warehouse(tmp_path_factory.mktemp("units"), FILES, select="dim_date")


@pytest.fixture(scope="module")
def nodes(home: Home) -> Sequence[NodeResult]:
    """Every node of a build with unit tests; what lies in the home does not matter to them."""
    return build(home, load_settings(home.settings), folder=home.root / "units", unit_tests=True)


def test_every_sql_unit_test_passes(nodes: Sequence[NodeResult]) -> None:
    failed = {node.name: node.message for node in nodes if node.resource_type == "unit_test" and node.status != "pass"}
    assert not failed


def test_the_vectors_are_there(nodes: Sequence[NodeResult]) -> None:
    """A selection that runs no unit test would pass the test above."""
    assert sum(node.resource_type == "unit_test" for node in nodes) >= 80


def test_the_pages_are_what_the_definitions_and_the_built_marts_say(home: Home, nodes: Sequence[NodeResult]) -> None:
    assert nodes
    assert HANDBOOK.read_text(encoding="utf-8") == handbook(home, Paths(home.root / "units")), "run `make docs`"
    page, contract = reference(Paths(home.root / "units"))
    assert CONTRACT.read_text(encoding="utf-8") == contract, "run `make docs`"
    assert REFERENCE.read_text(encoding="utf-8") == page, "run `make docs`"
