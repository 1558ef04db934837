"""The warehouse against the simulation: truth.json is computed in the simulated world, never through a query."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.dealership import SEEDS, dealership, forecourt


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = dealership(tmp_path_factory, request.param)
    return root / "warehouse", json.loads((root / "sample/truth.json").read_text(encoding="utf-8"))


def test_a_run_says_the_alerts_that_stand_and_keeps_them(sample: tuple[Path, dict[str, Any]]) -> None:
    home, _ = sample
    (row,) = json.loads(forecourt("kpi", "stock_units", "--home", home, "--json"))
    alert = f"Any stock: Cars in stock is {row['value']}, above 1 (on {row['to']})."
    assert alert in home.with_name("run.txt").read_text(encoding="utf-8")
    assert json.loads((home / "alerts.json").read_text(encoding="utf-8")) == {"stock_units|||||1|": [""]}


def numbers(row: dict[str, Any]) -> tuple[Any, ...]:
    """What must be equal: the parts exactly, the value to the last digits of a division."""
    value = None if row["value"] is None else round(float(row["value"]), 9)
    return (row["numerator"], row["denominator"], value, row["n"], row["excluded"])


def test_headlines(sample: tuple[Path, dict[str, Any]]) -> None:
    home, truth = sample
    differences = []
    for as_of, groups in truth["headlines"].items():
        rows = json.loads(forecourt("kpi", "--as-of", as_of, "--home", home, "--json"))
        by_rooftop = json.loads(forecourt("kpi", "--as-of", as_of, "--by", "rooftop", "--home", home, "--json"))
        found = {(row["kpi"], row["group"] or "all", row["currency"]): row for row in rows + by_rooftop}
        for group, kpis in groups.items():
            name, _, currency = group.partition(":")
            for kpi, expected in kpis.items():
                matching = [
                    row
                    for (a_kpi, a_group, a_currency), row in found.items()
                    if a_kpi == kpi and a_group == name and (not currency or a_currency == currency)
                ]
                got = [numbers(row) for row in matching]
                if expected["value"] is None and not got:
                    continue
                if got != [numbers(expected)]:
                    differences.append((as_of, group, kpi, numbers(expected), got))
    assert not differences


def test_units_and_gross_by_month_and_rooftop(sample: tuple[Path, dict[str, Any]]) -> None:
    import duckdb

    home, truth = sample
    published = json.loads(forecourt("where", "--home", home, "--json"))["warehouse"]
    with duckdb.connect(published, read_only=True) as connection:
        rows = connection.execute(
            """
            select
                rooftop || '|' || strftime(moved_on, '%Y-%m'),
                sum(unit), sum(revenue), sum(front), sum(back), sum(total)
            from marts.fct_deal_movement
            where deal_type in ('retail', 'lease') and dated_on <= $1
            group by all
            """,
            [truth["as_of"]],
        ).fetchall()
    parts = ("revenue", "front", "back", "total")
    found = {
        key: {"units": int(units)} | dict(zip(parts, map(str, money), strict=True))
        for key, units, *money in rows
        if money[0] is not None
    }
    expected = {
        key: {"units": row["units"]} | {part: row[part] for part in parts}
        for key, row in truth["gross_by_month"].items()
    }
    assert found == expected


def test_ageing_by_bucket_at_three_dates(sample: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    home, truth = sample
    for as_of, groups in truth["ageing"].items():
        file = tmp_path / f"{as_of}.csv"
        forecourt("export", "ageing", "--as-of", as_of, "--format", "csv", "-o", file, "--home", home)
        found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        with file.open(newline="", encoding="utf-8") as exported:
            for row in csv.DictReader(exported):
                key = f"{row['rooftop']}|{row['schedule']}|{row['currency']}"
                amount = Decimal(row["outstanding"])
                found[key][row["bucket"]] += amount
                found[key]["outstanding"] += amount
                found[key]["gross" if amount > 0 else "unallocated"] += amount
        expected = {
            key: {name: Decimal(value) for name, value in row.items() if Decimal(value) != 0}
            for key, row in groups.items()
        }
        assert {key: {n: v for n, v in row.items() if v} for key, row in found.items()} == {
            key: row for key, row in expected.items() if row
        }
