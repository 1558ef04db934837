"""No number of a page differs from ``forecourt kpi``: cards, lines, tables and sentences, for several filters.

The filters say which period is asked; the rows are those of the command, and words write them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data, prepared, words
from dashboards.periods import before_of, period_of
from dashboards.prepared import FIRST_STEPS, MONTH, SOLD
from forecourt import kpi, tallies, why
from forecourt.build import Paths
from forecourt.door import Warehouse, current_run, open_warehouse, published_path
from forecourt.handbook import facts, read_book
from forecourt.home import Home
from forecourt.metrics import HEADLINES, Metric, Period
from forecourt.periods import shifted
from forecourt.scope import open_scope
from forecourt.why import Effect
from tests.dashboards.test_pages import opened
from tests.support.command import call

QUERIES: list[dict[str, Any]] = [
    {},
    {"rooftop": ["R2"], "versus": "year_ago"},
    {"period": "last_month", "versus": "year_ago"},
    {"period": "quarter", "rooftop": ["R1"]},
    {"period": "custom", "from": "2026-07-06", "to": "2026-08-11", "rooftop": ["R1", "R2"]},
]
#: Page, its KPI, the dimension it is asked by.
PAGES = [
    ("gross", "gross_margin_rate", "make"),
    ("turnaround", "enquiry_to_handover_days", "source"),
    ("utilisation", "fleet_utilisation_rate", "rooftop"),
    ("claims", "claim_rate", "condition"),
    ("leads", "response_minutes", "channel"),
    ("stock", "stock_units", "bucket"),
    ("promises", "promise_kept_rate", "rule"),
]
BESIDE = {
    "gross": ("units", "gross_per_unit", "front_gross_per_unit", "back_gross_per_unit", "store_gross"),
    "stock": ("stock_cost", "days_supply", "days_in_stock", "stock_ready_rate", "time_to_line_days"),
}


class Asked:
    """The period and the comparison that a query chooses, and what the command tells of them."""

    def __init__(self, home: Home, query: dict[str, Any]) -> None:
        self.home, self.warehouse = home, open_warehouse(home)
        self.metrics = kpi.load_metrics(self.warehouse)
        as_of = kpi.newest_day(self.warehouse)
        choice = query.get("period", "month")
        days = (date.fromisoformat(query[name]) for name in ("from", "to")) if choice == "custom" else (None, None)
        self.period = period_of(choice, as_of, *days)
        self.before = before_of(choice, query.get("versus", "before"), self.period)
        self.rooftops = query.get("rooftop", [])
        found = self.warehouse.rows("select currency from marts.dim_rooftop group by 1 order by min(rooftop)")
        self.currencies = [row["currency"] for row in found]

    def rows(self, metric: Metric, period: Period, by: str | None = None) -> list[dict[str, Any]]:
        """The rows of ``forecourt kpi``, currencies in the order of the pages."""
        given = ["--from", period.first, "--to", period.last, "--as-of", period.as_of]
        given += [word for code in self.rooftops for word in ("--rooftop", code)] + (["--by", by] if by else [])
        answer = call("kpi", metric.name, "--home", str(self.home.root), *map(str, given), "--json")
        assert not answer.exception, answer.exception
        order = self.currencies
        return sorted(
            json.loads(answer.output),
            key=lambda row: order.index(row["currency"]) if row["currency"] in order else len(order),
        )

    def shown(self, metric: Metric, of: Period | None = None) -> Period:
        return kpi.headline_period(self.warehouse, metric, of or self.period)


def written(metric: Metric, row: dict[str, Any]) -> str:
    if row["value"] is None:
        return words.missing(metric, row["reason"])[0]
    return words.value_text(metric, row["value"], row["currency"])


def plain(text: Any) -> str:
    """Without colours and icons."""
    return re.sub(r":[a-z]+\[|\]|:material/[a-z_]+: ?", "", str(text)).replace("\\", "")


def moved(metric: Metric, row: dict[str, Any], before: list[dict[str, Any]]) -> str:
    """The change as a card writes it; nothing where there is none to compare with."""
    match = next((one for one in before if one["currency"] == row["currency"]), None)
    change = words.difference(row["value"], match["value"] if match else None)
    if change is None:
        return ""
    if not words.is_visible(metric, change):
        return "no change"
    return f"{'+' if change > 0 else words.MINUS}{words.difference_text(metric, change, row['currency'])}"


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: "-".join(map(str, query.values())) or "default")
def test_the_overview_shows_what_the_command_says(
    query: dict[str, Any], published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(published_home, query)
    app = opened(published_home, "overview", monkeypatch, **query)
    expected, lines, years = [], [], []
    last_year = shifted(asked.period, 12)
    for metric in (asked.metrics[name] for name in (*HEADLINES, *FIRST_STEPS)):
        now = asked.shown(metric)
        rows = asked.rows(metric, now)
        before = asked.rows(metric, asked.shown(metric, asked.before)) if asked.before else []
        for row in rows:
            label = row["currency"] if len(rows) > 1 else metric.label
            expected.append((label, written(metric, row), moved(metric, row, before)))
        if asked.before not in (None, last_year):
            then = asked.rows(metric, asked.shown(metric, last_year))
            deltas = [(row["currency"], moved(metric, row, then)) for row in rows]
            told = [f"{currency} {delta}" if len(rows) > 1 else delta for currency, delta in deltas if delta]
            years.append(f"Against last year {' · '.join(told)}" if told else "Last year: no data to compare with")
        months = {(row["group"], row["currency"]): row for row in asked.rows(metric, year_to(now), "month")}
        lines += [
            (f"{date.fromisoformat(f'{month}-01'):%B %Y}", written(metric, row))
            for (month, _), row in months.items()
            if row["value"] is not None
        ]
    assert [(each.label, plain(each.value), plain(each.delta)) for each in app.metric] == expected
    captions = [plain(each.value) for each in app.caption]
    assert [each for each in captions if each.startswith(("Against last year", "Last year:"))] == years
    drawn = "".join(str(each.proto.body) for each in app.get("html"))
    assert lines
    for month, text in lines:
        assert re.search(f'title="{month}(?: \\(unfinished\\))?: {re.escape(text)}"', drawn), (month, text)
    figures = {plain(each.value) for each in app.markdown}
    month = Period(asked.period.end.replace(day=1), asked.period.end, asked.period.as_of)
    for name in ("units", "total_gross", "stock_units"):
        metric = asked.metrics[name]
        assert f"**{' · '.join(written(metric, row) for row in asked.rows(metric, month))}**" in figures


def year_to(period: Period) -> Period:
    """The thirteen months that end with the period."""
    first = (period.end.replace(day=1) - timedelta(days=366)).replace(day=1)
    return Period(first if first.month == period.end.month else _next_month(first), period.end, period.as_of)


def _next_month(day: date) -> date:
    return (day + timedelta(days=32)).replace(day=1)


@pytest.mark.parametrize(("place", "name", "by"), PAGES)
def test_a_page_shows_what_the_command_says(
    place: str, name: str, by: str, published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = QUERIES[sorted(page for page, _, _ in PAGES).index(place) % len(QUERIES)]
    asked = Asked(published_home, query)
    metric = asked.metrics[name]
    period = asked.shown(metric)
    app = opened(published_home, place, monkeypatch, **query)
    app.segmented_control(key="by").set_value(by).run()
    assert not app.exception
    said = "\n".join(plain(each.value) for each in app.markdown)
    excluded: Counter[str] = Counter()
    for row in asked.rows(metric, period):
        assert row["value"] is None or f"**{written(metric, row)}**" in said
        excluded.update(row["excluded_reasons"])
    small = "\n".join(plain(each.value) for each in app.caption)
    assert all(f"{count} {reason}" in small for reason, count in excluded.items())
    # The settings behind the number are those of `kpi --explain`.
    told_settings = dict(facts(read_book(asked.warehouse), name))["Settings in force"]
    settings = [key for frame in app.dataframe if "key" in frame.value for key in frame.value["key"]]
    assert settings == re.findall(r"`([^`]+)`", told_settings)
    scale = 100 if metric.unit == "percent" else 1

    months = table(app, "Month")
    told = {(row["group"], row["currency"]): row for row in asked.rows(metric, year_to(period), "month")}
    currencies = {currency for _, currency in told}
    for shown in months:
        key = f"{as_month(shown['Month']):%Y-%m}"
        row = told.get((key, shown.get("currency") or next(iter(currencies))))
        assert shown["value"] == (None if row is None or row["value"] is None else float(row["value"]) * scale), key
        assert shown["n"] == (row["n"] if row else 0), key

    groups = table(app, "n", "excluded")
    told_groups = [row for row in asked.rows(metric, period, by) if row["group"] is not None]
    assert sorted(
        (each["n"], each["excluded"], each["value"] is not None, each["value"] or 0.0) for each in groups
    ) == sorted(
        (row["n"], row["excluded"], row["value"] is not None, float(row["value"] or 0) * scale) for row in told_groups
    )
    for part in ("numerator", "denominator"):
        if part in groups[0]:
            assert sum(each[part] or 0 for each in groups) == pytest.approx(
                sum(float(row[part] or 0) for row in told_groups)
            )
    for other in (asked.metrics[each] for each in BESIDE.get(place, ())):
        rows = asked.rows(other, asked.shown(other))
        values = [value(other, row, several=len(rows) > 1) for row in rows if row["value"] is not None]
        assert f"**{' · '.join(values or [written(other, rows[0])])}**" in said


@pytest.mark.parametrize(
    ("query", "by", "group"),
    [
        ({}, None, None),
        ({"rooftop": ["R2"], "as_of": "2026-08-31"}, None, None),
        ({"as_of": "2026-07-31", "schedule": "Customer"}, "schedule", "customer"),
        ({"rooftop": ["R2"], "as_of": "2026-08-31", "currency": "GBP"}, "currency", "GBP"),
    ],
)
def test_the_ageing_says_the_outstanding_of_the_command(
    query: dict[str, Any], by: str | None, group: str | None, published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(published_home, query)
    metric = asked.metrics["receivable_outstanding"]
    newest = asked.period.as_of
    day = date.fromisoformat(query.get("as_of", newest.isoformat()))
    told = [row for row in asked.rows(metric, Period(day, day, newest), by) if row["group"] == group]
    app = opened(published_home, "ageing", monkeypatch, **query)
    (sentence,) = [plain(each.value) for each in app.markdown if each.value.startswith("#### On ")]
    said = {currency: amount.removeprefix(words.MINUS) for currency, amount in said_in(sentence).items()}
    assert said == {row["currency"]: written(metric, row).removeprefix(words.MINUS) for row in told} != {}
    is_negative = [float(row["value"]) < 0 for row in told]
    assert ("credits exceeded what was owed by" in sentence) == any(is_negative)
    assert (" was open" in sentence) == (not all(is_negative))
    assert ("past due" in sentence) == (by is None)


def said_in(sentence: str) -> dict[str, str]:
    """Currency → amount of the sentence, without its bold."""
    codes = {symbol: code for code, symbol in words.SYMBOLS.items()}
    return {codes[amount[0]]: amount for amount in re.findall(r"\*\*([^*]+)\*\*", sentence)}


def value(metric: Metric, row: dict[str, Any], *, several: bool) -> str:
    text = written(metric, row)
    return f"{text} {row['currency']}" if several and metric.unit != "money" and row["currency"] else text


def as_month(text: str) -> date:
    name, year = text.removesuffix(" (unfinished)").split()
    return date(int(year), list(words.calendar.month_name).index(name), 1)


def table(app: AppTest, *columns: str) -> list[dict[str, Any]]:
    """The first table that has these columns; a number that is missing is None."""
    (frame, *_) = [each.value for each in app.dataframe if set(columns) <= set(each.value.columns)]
    return [
        {key: None if isinstance(cell, float) and isnan(cell) else cell for key, cell in row.items()}
        for row in frame.to_dict(orient="records")
    ]


#: First day, last day, as of, rooftops.
ASKED = [
    (date(2026, 9, 1), date(2026, 9, 30), date(2026, 9, 30), ()),
    (date(2026, 5, 10), date(2026, 8, 20), date(2026, 9, 11), ("R1",)),
    (date(2025, 8, 1), date(2025, 8, 31), date(2025, 8, 31), ("R1", "R2")),
    (date(2026, 3, 1), date(2026, 4, 30), date(2026, 4, 11), ("R2",)),
]


@pytest.mark.parametrize(("first", "last", "as_of", "rooftops"), ASKED)
@pytest.mark.parametrize("scope_of", [None, ("R2",)])
def test_parts_say_what_the_marts_say(
    scope_of: tuple[str, ...] | None,
    first: date,
    last: date,
    as_of: date,
    rooftops: tuple[str, ...],
    published_home: Home,
) -> None:
    """Total, months, groups and records of every KPI with parts, also in the file of whoever sees one rooftop."""
    run = str(current_run(published_home))
    warehouse = open_scope(published_home, run, scope_of) if scope_of else open_warehouse(published_home)
    metrics, period = kpi.load_metrics(warehouse), Period(first, last, as_of)
    counted = 0
    for name in (*HEADLINES, *FIRST_STEPS, *SOLD, *MONTH):
        metric, parts = metrics[name], tallies.load(warehouse, metrics[name])
        assert parts is not None
        assert set(parts.groups) == set(metric.dimensions)
        for by in (None, "month", *metric.dimensions):
            asked = kpi.compute(warehouse, metric, period, by=by, rooftops=rooftops)
            told = kpi.compute(
                warehouse, metric, period, by=by, rooftops=rooftops, parts=partial(parts.rows, rooftops=rooftops)
            )
            assert told == asked, (name, by)
            counted += sum(row.n for row in told)
        if why.is_explained(metric):
            before = shifted(period, 1)
            splits = [
                why.explain(warehouse, metric, period, before, rooftops=rooftops, parts=by_parts)
                for by_parts in (None, partial(parts.records, rooftops=rooftops))
            ]
            asked_of, told_of = ([replace(each, effects=_exact(each.effects)) for each in found] for found in splits)
            assert told_of == asked_of, name
    assert counted or scope_of  # the rooftops asked for may be none of those in the file


def _exact(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """The effects without what is judged in floats."""
    return tuple(replace(each, noise=0.0) for each in effects)


@pytest.mark.parametrize("query", QUERIES)
def test_the_overview_counts_its_kpis_from_their_parts(
    query: dict[str, Any], published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    original = Warehouse.rows

    def counted(self: Warehouse, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        statements.append(sql)
        return original(self, sql, parameters)

    monkeypatch.setattr(Warehouse, "rows", counted)
    for kept in (data._kpi, data._why):
        kept.cache_clear()
    app = opened(published_home, "overview", monkeypatch, **query)
    assert len(app.metric) > len(HEADLINES)
    computed = [sql for sql in statements if "with facts as" in sql]
    assert not computed, computed[0]


def test_without_a_landed_file_nothing_is_prepared(published_home: Home, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.warehouse.write_bytes(published_path(published_home, str(current_run(published_home))).read_bytes())
    paths.warehouse.chmod(0o644)
    with duckdb.connect(str(paths.warehouse)) as connection:
        connection.execute("drop schema parts cascade")
        connection.execute("delete from meta.freshness")
        connection.execute("update meta.files set status = 'refused'")
    prepared.write(published_home, paths)
    assert not Warehouse(paths.warehouse).rows("select 1 from duckdb_schemas() where schema_name = 'parts'")
