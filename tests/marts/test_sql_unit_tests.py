"""The SQL unit tests that stand beside the models: the golden vectors of METRICS.md among them, all run by dbt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from forecourt.build import NodeResult, build
from forecourt.home import Home
from forecourt.settings import load_settings
from tests.support.warehouse import make_warehouse

LEAD = "rooftop,lead_id,received_at\nR1,L1,2026-03-02T10:00:00\n"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Sequence[NodeResult]:
    """Every node of a build with unit tests; what lies in the home does not matter to them."""
    home: Home = make_warehouse(tmp_path_factory.mktemp("units"), {"crm_leads_2026-03-02.csv": LEAD}, select="dim_date")
    folder: Path = home.root / "units"
    return build(home, load_settings(home.settings), folder=folder, unit_tests=True)


def test_every_sql_unit_test_passes(nodes: Sequence[NodeResult]) -> None:
    failed = {node.name: node.message for node in nodes if node.resource_type == "unit_test" and node.status != "pass"}
    assert not failed


def test_the_vectors_are_there(nodes: Sequence[NodeResult]) -> None:
    """A selection that runs no unit test would pass the test above."""
    assert sum(node.resource_type == "unit_test" for node in nodes) >= 80
