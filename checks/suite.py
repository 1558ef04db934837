"""What an expectation is: one SQL query for the rows that break it, and the numbers it compares with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal

import yaml

THRESHOLDS = Path(__file__).parent / "thresholds.yml"


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite.

    ``failing`` is SQL for the rows that break it, worst first; ``$name`` in it and in ``says`` stands for a threshold.
    ``needs`` names the columns it reads by table (``marts.fct_deal``): where every mart among them is empty, it is
    left out.
    """

    name: str
    level: Literal["finding", "block"]
    says: str
    failing: str
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def query(self) -> str:
        values = {name: threshold.value for name, threshold in thresholds().items()}
        return Template(self.failing).substitute(values).strip()

    def sentence(self) -> str:
        return Template(self.says).substitute({name: threshold.words() for name, threshold in thresholds().items()})


@dataclass(frozen=True)
class Threshold:
    """One number of ``thresholds.yml``. ``unit``: share (0 to 1), points (of a share, 0 to 1), times or count."""

    value: int | float
    unit: Literal["share", "points", "times", "count"]

    def words(self) -> str:
        """The number as a sentence shows it."""
        shown = {"share": f"{self.value * 100:g} %", "points": f"{self.value * 100:g} points"}
        return shown.get(self.unit, f"{self.value:g}").replace("-", "\N{MINUS SIGN}")


@cache
def thresholds() -> dict[str, Threshold]:
    """The numbers of ``thresholds.yml`` by name."""
    entries = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    return {name: Threshold(entry["value"], entry["unit"]) for name, entry in entries.items()}
