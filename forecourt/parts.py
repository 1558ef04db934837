"""The parts of KPIs: what a definition says of every record, worked out once when a run is published.

``parts.<kpi>`` of a published file holds one row per record, day and group, and per span of days ``known_from`` to
before ``known_to`` as of which the definition says the same of it. A KPI of any period, as of any day, for any rooftops
is then a count and a sum over a small table without a join. All expressions are the definition's own; which rows a
question takes is said in ``tallies.py``. A KPI whose definition cannot be cut into such spans has no table, and is
asked of the marts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from forecourt.literals import literal
from forecourt.metrics import Metric

SCHEMA = "parts"
#: Before any day of a source.
EVER = date(1, 1, 1)
DAY = timedelta(days=1)
#: Days before the newest one of which the states of a table function are worked out, and how many at once.
REACH, AT_ONCE = 1100, 100
#: Days that the templates of ``statements.py`` compare with a period, besides the KPI's own: field -> column.
DAYS = ("dated", "due", "started", "stopped", "closed", "event", "event_by_as_of", "excluded_on")
#: Where a definition compares a column with the day that is asked for; a column that is reckoned with is no such one.
_BEFORE, _AFTER = r"(?:(?<=^)|(?<=\()|(?<=\bor )|(?<=\band )|(?<=\bwhen ))", r"(?=\)| and | or | then |$)"
_COMPARED = re.compile(
    rf"{_BEFORE}(?P<left>(?!end\b)[a-z_.]+) (?P<is>[<>]=?) \{{as_of\}}{_AFTER}"
    rf"|{_BEFORE}\{{as_of\}} (?P<was>[<>]=?) (?P<right>[a-z_.]+){_AFTER}"
)
#: What makes of a look-up more than the rows for which a condition holds.
_MORE = re.compile(r"\b(not|case|order|limit|select)\b")
#: A dimension that is looked up in another table as of the day.
_LOOKED_UP = re.compile(
    r"\(select (?P<it>\w+)\.\w+ from (?P<table>marts\.\w+) as (?P=it) where (?P<where>.*)\)", re.DOTALL
)
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_COMMENT = (
    "Parts of a KPI for the pages: what its definition says of each record, as of the days from known_from to before "
    "known_to. Ask the marts."
)


@dataclass(frozen=True)
class Cut:
    """How the rows of a KPI change with the day that is asked for.

    ``days`` are SQL for lists of the days on which something changes; with ``is_daily`` every day is worked out.
    """

    days: tuple[str, ...] = ()
    is_daily: bool = False


def numbered(column: str) -> str:
    """SQL of a number from 1 on for each value of a column: records are counted and told apart, and never named."""
    return f"case when {column} is not null then cast(dense_rank() over (order by {column}) as integer) end"


def cut(metric: Metric) -> Cut | None:
    """How a KPI's rows are cut into spans; None where its definition does not say."""
    if metric.record is None or (metric.due and metric.kind != "flow"):
        return None
    if metric.event_by_as_of and metric.kind == "stock":
        return None
    if metric.kind in ("flow", "stock") and not all(map(_adds_up, (metric.numerator, metric.denominator))):
        return None
    if "{as_of}" in metric.relation:
        return Cut(is_daily=True) if metric.kind == "stock" else None
    days: dict[str, None] = {}
    for text in (metric.population, metric.excluded, metric.date, metric.numerator, metric.denominator):
        found = _changes(text or "")
        if found is None:
            return None
        days |= dict.fromkeys(found)
    for name in groups(metric):
        days |= dict.fromkeys(_changes(metric.dimensions[name]) or ())
    return Cut(tuple(days))


def groups(metric: Metric) -> tuple[str, ...]:
    """The dimensions that the parts tell."""
    return tuple(name for name, text in metric.dimensions.items() if _changes(text) is not None)


def _changes(text: str) -> list[str] | None:
    """SQL for lists of the days on which an expression may change; None where it does not only compare columns."""
    if "{as_of}" not in text:
        return []
    looked_up = _LOOKED_UP.fullmatch(text)
    condition = looked_up["where"] if looked_up else text
    rest = _COMPARED.sub("true", condition)
    if "{as_of}" in rest or (looked_up and _MORE.search(condition)) or "select" in condition:
        return None
    days = dict.fromkeys(
        # `column <= as_of` and `column > as_of` turn on the day itself, the others on the day after.
        column if (found["is"] or _MIRRORED[found["was"]]) in ("<=", ">") else f"{column} + 1"
        for found in _COMPARED.finditer(condition)
        for column in [found["left"] or found["right"]]
    )
    if not looked_up:
        return [f"[{day}]" for day in days]
    table = f"{looked_up['table']} as {looked_up['it']}"
    return [f"coalesce((select list({day}) from {table} where {rest}), [])" for day in days]


def write(connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric], last: date) -> None:
    """Fills the schema ``parts`` of a file that is open for writing; ``last`` is the newest day of the data."""
    connection.execute(f"drop schema if exists {SCHEMA} cascade")
    connection.execute(f"create schema {SCHEMA}")
    first = last - timedelta(days=REACH - 1)
    connection.execute(
        f"create table {SCHEMA}.reach as select {literal(first)} as first_day, {literal(last)} as last_day"
    )
    daily: dict[str, list[Metric]] = {}
    for metric in metrics:
        how = cut(metric)
        if how and how.is_daily:
            daily.setdefault(metric.relation, []).append(metric)
        elif how:
            connection.execute(f"create table {SCHEMA}.{metric.name} as {_cut(metric, how)}")
    for relation, asked in daily.items():
        _write_daily(connection, relation, asked, first, last)
    for (table,) in connection.execute(
        f"select table_name from duckdb_tables() where schema_name = '{SCHEMA}'"
    ).fetchall():
        connection.execute(f"comment on table {SCHEMA}.{table} is '{_COMMENT}'")


def _adds_up(aggregate: str | None) -> bool:
    """Whether an aggregate over all rows is the sum of that over each."""
    return aggregate is None or (aggregate.startswith(("sum(", "count(")) and "distinct" not in aggregate)


def _columns(metric: Metric, day: str) -> dict[str, str]:
    """Column of the parts -> its SQL over the relation, as of the day that is SQL, too."""

    def told(text: str | None, kind: str) -> str:
        return f"cast({text.replace('{as_of}', day)} as {kind})" if text else f"cast(null as {kind})"

    window = (
        f"""(select policies.value from meta.policies where policies.key = '{metric.window}'
            and {metric.date} >= policies.valid_from
            and ({metric.date} < policies.valid_to or policies.valid_to is null))"""
        if metric.window
        else None
    )
    return {
        "record": told(metric.record, "varchar"),
        "rooftop": "cast(rooftop as varchar)",
        "currency": told(metric.currency, "varchar"),
        "excluded": told(metric.excluded, "varchar"),
        "day": told(None if metric.kind == "stock" else metric.date, "date"),
        **{name: told(getattr(metric, name), "date") for name in DAYS},
        "window_days": told(window, "integer"),
        **{
            f"by_{name}": f"coalesce(cast({metric.dimensions[name].replace('{as_of}', day)} as varchar), 'unknown')"
            for name in groups(metric)
        },
    }


def _sums(metric: Metric, day: str) -> dict[str, str]:
    if metric.kind == "duration":
        return {"numerator": metric.numerator, "denominator": "null::bigint"}
    if metric.kind == "cohort":
        return {"numerator": "null::bigint", "denominator": "null::bigint"}
    bottom = metric.denominator or "null::bigint"
    return {"numerator": metric.numerator.replace("{as_of}", day), "denominator": bottom.replace("{as_of}", day)}


def _cut(metric: Metric, how: Cut) -> str:
    """The spans between the days on which a row changes."""
    day = "known_from"
    days = ", ".join([f"[{literal(EVER)}]", *how.days])
    columns, sums = _columns(metric, day), _sums(metric, day)
    told = ",\n        ".join(f"{sql} as {name}" for name, sql in columns.items())
    counted = ",\n        ".join(f"{sql} as {name}" for name, sql in sums.items())
    population = (metric.population or "true").replace("{as_of}", day)
    # A duration's numerator is a column, so that its rows stay apart: each is one of those a median is of.
    group = "" if metric.kind == "duration" else "group by all"
    return f"""
with cuts as (
    select {metric.model}.*, list_sort(list_distinct(flatten([{days}]))) as cuts from {metric.relation}
),

spans as (
    select * exclude (cuts), unnest(cuts) as known_from, unnest(list_append(cuts[2:], null)) as known_to from cuts
)

select * replace ({numbered("record")} as record)
from (
    select
        known_from,
        known_to,
        {told},
        {counted},
    from spans as {metric.model}
    where ({population})
    {group}
)
order by day, known_from, record"""


def _write_daily(
    connection: duckdb.DuckDBPyConnection, relation: str, metrics: Sequence[Metric], first: date, last: date
) -> None:
    """The KPIs of a table function: its rows of every day, days on which a row says the same put together."""
    relation = relation.replace("{as_of}", "asked.day")
    relation = relation if relation.startswith("marts.") else f"marts.{relation}"
    start = first
    while start <= last:
        end = min(start + timedelta(days=AT_ONCE - 1), last)
        connection.execute(f"""
            create or replace temp table states as
            with asked as (
                select cast(unnest(generate_series({literal(start)}, {literal(end)}, interval 1 day)) as date) as day
            )

            select asked.day as state_on, it.*
            from asked, lateral (select * from {relation}) as it""")
        for metric in metrics:
            verb = f"create temp table {metric.name} as" if start == first else f"insert into {metric.name}"
            connection.execute(f"{verb} {_states(metric)}")
        start = end + DAY
    for metric in metrics:
        connection.execute(f"create table {SCHEMA}.{metric.name} as {_runs(metric)}")
        connection.execute(f"drop table temp.{metric.name}")
    connection.execute("drop table temp.states")


def _states(metric: Metric) -> str:
    """A KPI's rows of the days in ``states``."""
    told = ",\n    ".join(f"{sql} as {name}" for name, sql in _columns(metric, "state_on").items())
    counted = ",\n    ".join(f"{sql} as {name}" for name, sql in _sums(metric, "state_on").items())
    return f"""
select
    state_on,
    {told},
    {counted},
from states
where ({(metric.population or "true").replace("{as_of}", "state_on")})
group by all"""


def _runs(metric: Metric) -> str:
    """Days one after the other on which a row says the same as one span."""
    names = ", ".join([*_columns(metric, ""), "numerator", "denominator"])
    return f"""
with numbered as (
    select
        *,
        state_on - cast(row_number() over (partition by {names} order by state_on) as integer) as run,
    from temp.{metric.name}
)

select * replace ({numbered("record")} as record)
from (
    select
        min(state_on) as known_from,
        cast(max(state_on) + 1 as date) as known_to,
        {names},
    from numbered
    group by {names}, run
)
order by known_from, record"""
