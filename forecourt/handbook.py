"""The KPI handbook: for every KPI what it answers, how it is made, under which settings, and where it comes from.

Made from the published definitions alone, so that the docs, ``forecourt kpi --explain`` and the pages say the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecourt.metrics import HEADLINES, Metric, figure
from forecourt.settings import BEGINNING

if TYPE_CHECKING:
    from forecourt.door import Warehouse

Row = Mapping[str, Any]

#: What the kind of a KPI says about the records it counts.
KINDS = {
    "flow": "records whose day lies in the period and not after as-of",
    "duration": "records that ended in the period, not after as-of: median, with those still open beside",
    "stock": "the state at the end of the period, or of as-of where that is earlier",
    "cohort": "records that began in the period and whose window has passed by as-of; younger ones are immature",
}
UNITS = {"percent": "percent", "money": "money in the rooftop's currency", "count": "a count", "score": "0 to 100"}


@dataclass(frozen=True)
class Book:
    """What entries are written from: rows of the tables of ``meta`` of one published run.

    ``policies``: key, value, valid_from, valid_to; ``targets``: kpi, rooftop, valid_from, value; ``benchmarks``: kpi,
    value, source, on; ``columns``: (mart, column) -> description.
    """

    metrics: Mapping[str, Metric]
    policies: Sequence[Row] = ()
    targets: Sequence[Row] = ()
    benchmarks: Sequence[Row] = ()
    columns: Mapping[tuple[str, str], str] | None = None


def read_book(warehouse: Warehouse) -> Book:
    """The book of a published run."""
    found = [Metric.from_json(row["spec"]) for row in warehouse.rows("select spec from meta.metrics order by name")]
    order = {name: place for place, name in enumerate(HEADLINES)}
    return Book(
        {
            metric.name: metric
            for metric in sorted(found, key=lambda metric: (order.get(metric.name, len(order)), metric.label))
        },
        warehouse.rows("select key, value, valid_from, valid_to from meta.policies order by key, valid_from"),
        warehouse.rows("select kpi, rooftop, valid_from, value from meta.targets order by all"),
        warehouse.rows('select kpi, value, source, "on" from meta.benchmarks order by all'),
        {
            (row["mart"], row["column"]): row["description"]
            for row in warehouse.rows('select mart, "column", description from meta.columns')
        },
    )


def facts(book: Book, name: str) -> list[tuple[str, str]]:
    """What there is to say about a KPI of the book, as (heading, Markdown). Raises KeyError for an unknown name."""
    metric = book.metrics[name]
    return [
        ("Formula", _formula(book, metric)),
        ("Counts", _counted(metric)),
        ("Settings in force", "; ".join(_settings(book, metric)) or "none"),
        ("Left out, and counted", "; ".join(metric.reasons) or "nothing"),
        ("Causes are seen by", ", ".join([*metric.dimensions, "month"])),
        ("Made of", "; ".join(_sources(metric)) or "nothing of the feeds"),
        *[("Target", text) for text in _targets(book, metric)],
        *[("Benchmark", text) for text in _benchmarks(book, metric)],
        ("Example", _line(metric.example)),
        *([("Tested by", f"`{metric.tested_by}`")] if metric.tested_by else []),
    ]


def entry(book: Book, name: str) -> str:
    """One KPI of the book in Markdown, from its heading on. Raises KeyError for an unknown name."""
    metric = book.metrics[name]
    unit = UNITS.get(metric.unit, metric.unit)
    parts = [
        f"## {metric.label}",
        f"`{metric.name}`: {unit}; {'more' if metric.better == 'up' else 'less'} is better.",
        f"**{metric.question}** {_line(metric.description)}",
        _table(facts(book, name)),
    ]
    return "\n\n".join(parts) + "\n"


def page(book: Book, title: str, lead: str) -> str:
    """The whole handbook in Markdown: the kinds, an index by question, an entry for every KPI."""
    index = [(f"[{m.label}](#{_anchor(m.label)})", m.question) for m in book.metrics.values()]
    parts = [
        f"# {title}",
        lead,
        "Every KPI is of one of four kinds, which says what it counts. The period is from and to, both included; facts "
        "dated after as-of are not seen.",
        _table([(f"**{kind}**", text) for kind, text in KINDS.items()]),
        _table(index),
        *(entry(book, name).rstrip("\n") for name in book.metrics),
    ]
    return "\n\n".join(parts) + "\n"


def _formula(book: Book, metric: Metric) -> str:
    mart = metric.relation.removeprefix("marts.")
    named = []
    for name in dict.fromkeys(re.findall(r"[a-z_]\w*", f"{metric.numerator} {metric.denominator or ''}")):
        told = (book.columns or {}).get((mart.partition("(")[0], name))
        if told:
            named.append(f"`{name}`: {_line(told)}")
    return " ".join([f"`{_line(metric.formula)}` over `{mart}`.", *named])


def _counted(metric: Metric) -> str:
    kind = f"{metric.kind} by `{metric.date}`" if metric.kind != "stock" else "stock"
    if metric.event:
        kind += f", an event by `{metric.event}`"
    if metric.dated:
        kind += f", known from `{metric.dated}`"
    if metric.due:
        kind += f", open until `{metric.due}`"
    said = [kind]
    if metric.population:
        said.append(f"only where `{_line(metric.population)}`")
    if metric.record:
        said.append(f"n counts `{_line(metric.record)}`")
    if metric.fewest:
        said.append(f"no number under {metric.fewest}")
    if metric.requires:
        said.append(f"no number without {', '.join(metric.requires)}")
    return "; ".join(said)


def _settings(book: Book, metric: Metric) -> list[str]:
    """Every setting behind a KPI with its value, and the day from which on where that is not always."""
    found: dict[str, list[str]] = {}
    for row in book.policies:
        if any(row["key"].startswith(key) if key.endswith(".") else row["key"] == key for key in metric.settings):
            since = f" from {row['valid_from']}" if row["valid_from"] > BEGINNING else ""
            value = str(row["value"]).replace(",", ", ")
            found.setdefault(row["key"], []).append(f"{value}{since}")
    return [f"`{key}` {', then '.join(values)}" for key, values in found.items()]


def _sources(metric: Metric) -> list[str]:
    feeds: dict[str, list[str]] = {}
    for source in metric.sources:
        feed, _, column = source.partition(".")
        feeds.setdefault(feed, []).append(column)
    return [f"`{feed}` ({', '.join(columns)})" for feed, columns in feeds.items()]


def _targets(book: Book, metric: Metric) -> list[str]:
    return [
        f"{figure(metric, row['value'])} for {row['rooftop'] or 'every rooftop'} from {row['valid_from']}"
        for row in book.targets
        if row["kpi"] == metric.name
    ]


def _benchmarks(book: Book, metric: Metric) -> list[str]:
    return [
        f"{figure(metric, row['value'])} ({row['source']}, {row['on']})"
        for row in book.benchmarks
        if row["kpi"] == metric.name
    ]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    lines = ["| | |", "|---|---|"]
    lines += [f"| {left} | {right.replace('|', chr(92) + '|')} |" for left, right in rows]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
