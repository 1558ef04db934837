"""The SQL behind a KPI: one template per kind of METRICS.md section 0.

Every template selects the records of a period into a CTE ``facts``; what counts as numerator and denominator is an
aggregate over it, so the same pieces serve a KPI's total, its groups and its single records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from forecourt.literals import literal
from forecourt.metrics import Metric, Period

COUNTED = "why_excluded is null"
NOT_DUE = "why_excluded = 'not due yet'"


@dataclass(frozen=True)
class Pieces:
    """What a kind selects: conditions on the relation, further columns, and its aggregates over ``facts``.

    ``numerator`` and ``denominator`` are additive over records (a duration's are the sum and the count).
    """

    relation: str
    where: tuple[str, ...]
    numerator: str
    denominator: str
    extra: tuple[str, ...] = ()


def statement(metric: Metric, period: Period, *, by: str | None = None, rooftops: Sequence[str] | None = None) -> str:
    """The SQL that computes a KPI: one row per group and currency.

    Columns: grp, currency, numerator, denominator, n, p90, open, immature, so_far, excluded (rows counted by
    record), reasons (JSON of reason -> count). Runs on a published file as it stands, without parameters.
    """
    metric = _asked(metric, period)
    pieces = _pieces(metric, period, rooftops)
    facts = _facts(metric, period, pieces, by)
    match metric.kind:
        case "duration":
            return _duration(metric, period, facts)
        case "cohort":
            return _cohort(metric, period, facts, pieces)
        case _:
            return _ratio(metric, period, facts, pieces)


def answer_statement(
    metric: Metric, period: Period, *, by: str | None = None, rooftops: Sequence[str] | None = None
) -> str:
    """The SQL that gives a KPI as it is shown: group, currency, value, numerator, denominator, n and what is beside.

    Durations are in the KPI's unit with no numerator, times as that unit's number; the value of a ratio is null
    where its denominator is not positive.
    """
    seconds = metric.seconds if metric.seconds and metric.kind != "cohort" else 1
    scaled = "{}" if seconds == 1 else "round(cast({} as double) / " + str(seconds) + ", 6)"
    # Records counted, and none of them in the numerator: 0. No records: nothing that could be 0.
    counted = "coalesce(numerator, case when n > 0 then 0 end)"
    top, bottom = scaled.format(counted), scaled.format("denominator")
    value = f"case when denominator > 0 then cast({counted} as double) / cast(denominator as double) end"
    if metric.kind == "duration":
        value, top, bottom = f"case when n > 0 then {scaled.format('numerator')} end", "null", "n"
    elif metric.denominator is None and metric.kind != "cohort":
        value = top
    elif metric.unit == "money":
        value, bottom = (
            f"case when denominator > 0 then round({counted} / denominator, 2) end",
            "denominator",
        )
    inner = statement(metric, period, by=by, rooftops=rooftops).replace("\n", "\n    ")
    return f"""select
    grp as "group",
    currency,
    {value} as value,
    {top} as numerator,
    {bottom} as denominator,
    n,
    {scaled.format("p90")} as p90,
    open,
    immature,
    excluded,
    reasons as excluded_reasons,
from (
    {inner}
)
order by "group", currency"""


def record_statement(
    metric: Metric, period: Period, *, by: str | None = None, rooftops: Sequence[str] | None = None
) -> str:
    """The SQL of a KPI's counted records: grp, currency, record, numerator, denominator, one row each.

    The sums over all rows are the KPI's numerator and denominator (a duration's are its seconds and its count).
    """
    metric = _asked(metric, period)
    pieces = _pieces(metric, period, rooftops)
    return f"""with {_facts(metric, period, pieces, by)}

select
    grp,
    money_currency as currency,
    counted_record as record,
    coalesce({pieces.numerator}, 0) as numerator,
    coalesce({pieces.denominator}, 0) as denominator,
from facts
where {COUNTED}
group by all
order by all"""


def excluded_record_statement(metric: Metric, period: Period, *, rooftops: Sequence[str] | None = None) -> str:
    """The SQL of a KPI's excluded records: currency, record, reason, one row each."""
    metric = _asked(metric, period)
    selected = _within(metric, period) if metric.kind == "duration" else _is_due(metric, period)
    return f"""with {_facts(metric, period, _pieces(metric, period, rooftops), None)}

select
    money_currency as currency,
    counted_record as record,
    min(why_excluded) as reason,
from facts
where why_excluded is not null and ({selected})
group by all
order by all"""


def grouped_record_statement(
    metric: Metric, period: Period, dimensions: Sequence[str], *, rooftops: Sequence[str] | None = None
) -> str:
    """The SQL of a KPI's counted records with their group in each dimension.

    Columns: currency, record, numerator, denominator, then g0, g1 ... in the order of ``dimensions``; one row
    per record and combination of groups. The sums over all rows are those of ``record_statement``.
    """
    metric = _asked(metric, period)
    pieces = _pieces(metric, period, rooftops)
    # Beside the records, where a dimension that asks another table can still name their mart.
    told = [f"{_group(metric, period, name)} as g{place}" for place, name in enumerate(dimensions)]
    pieces = replace(pieces, extra=(*pieces.extra, *told))
    groups = "".join(f"\n    g{place}," for place in range(len(dimensions)))
    return f"""with {_facts(metric, period, pieces, None)}

select
    money_currency as currency,
    cast(counted_record as varchar) as record,
    coalesce({pieces.numerator}, 0) as numerator,
    coalesce({pieces.denominator}, 0) as denominator,{groups}
from facts
where {COUNTED}
group by all
having numerator != 0 or denominator != 0
order by all"""


def _asked(metric: Metric, period: Period) -> Metric:
    """The metric with the day that is asked for in place of ``{as_of}``, and no exclusion that comes after it.

    A stock is the state at least(to, as_of), where open durations are looked at too when they are selected by their
    stop; the records of the other kinds are judged as of as_of.
    """
    at_the_end = metric.kind == "stock" or (metric.kind == "duration" and metric.by == "stop")
    day = literal(period.end if at_the_end else period.as_of)
    parts = ("relation", "population", "numerator", "denominator", "excluded", "date")
    given = {part: getattr(metric, part) for part in parts}
    asked = replace(
        metric,
        dimensions={name: text.replace("{as_of}", day) for name, text in metric.dimensions.items()},
        **{part: text.replace("{as_of}", day) for part, text in given.items() if text},
    )
    if asked.excluded and asked.excluded_on:
        excluded = f"case when coalesce({asked.excluded_on} <= {day}, true) then {asked.excluded} end"
        return replace(asked, excluded=excluded)
    return asked


def _pieces(metric: Metric, period: Period, rooftops: Sequence[str] | None) -> Pieces:
    where = [f"({metric.population})"] if metric.population else []
    if rooftops:
        where.append(f"rooftop in ({', '.join(literal(code) for code in rooftops)})")
    match metric.kind:
        case "flow":
            return _flow_pieces(metric, period, where)
        case "stock":
            relation = metric.relation if metric.relation.startswith("marts.") else f"marts.{metric.relation}"
            return Pieces(relation, tuple(where), *_counted_aggregates(metric, COUNTED))
        case "duration":
            done = f"{_done(metric, period)} and {COUNTED}"
            return Pieces(
                metric.relation,
                tuple(where),
                f"sum({metric.numerator}) filter (where {done})",
                f"count({metric.numerator}) filter (where {done})",
            )
        case _:
            return _cohort_pieces(metric, period, where)


def _flow_pieces(metric: Metric, period: Period, where: list[str]) -> Pieces:
    where = [*where, _within(metric, period)]
    if metric.dated:
        where.append(f"{metric.dated} <= {literal(period.as_of)}")
    if metric.due:
        where.append(f"{metric.due} is not null")
    top = COUNTED
    if metric.event_by_as_of:
        top += f" and {metric.event_by_as_of} <= {literal(period.as_of)}"
    return Pieces(metric.relation, tuple(where), *_counted_aggregates(metric, top))


def _counted_aggregates(metric: Metric, top: str) -> tuple[str, str]:
    bottom = f"{metric.denominator} filter (where {COUNTED})" if metric.denominator else "null"
    return f"{metric.numerator} filter (where {top})", bottom


def _cohort_pieces(metric: Metric, period: Period, where: list[str]) -> Pieces:
    window = f"""cast((
            select policies.value
            from meta.policies
            where policies.key = '{metric.window}'
                and {metric.date} >= policies.valid_from
                and ({metric.date} < policies.valid_to or policies.valid_to is null)
        ) as integer)"""
    mature = f"{COUNTED} and {_mature(metric, period)}"
    return Pieces(
        metric.relation,
        (*where, _within(metric, period)),
        f"count(distinct counted_record) filter (where {mature} and {_happened(metric, period)})",
        f"count(distinct counted_record) filter (where {mature})",
        (f"{window} as window_days",),
    )


def _mature(metric: Metric, period: Period) -> str:
    return f"{metric.date} + window_days <= {literal(period.as_of)}"


def _happened(metric: Metric, period: Period) -> str:
    return (
        f"{metric.event} >= {metric.date} and {metric.event} <= {metric.date} + window_days"
        f" and {metric.event} <= {literal(period.as_of)}"
    )


def _is_due(metric: Metric, period: Period) -> str:
    """A record that can be judged by as_of."""
    return f"{metric.due} <= {literal(period.as_of)}" if metric.due else "true"


def _within(metric: Metric, period: Period) -> str:
    return f"{metric.date} between {literal(period.first)} and {literal(period.end)}"


def _done(metric: Metric, period: Period) -> str:
    """A duration that counts: stopped in the period, or started in it and stopped by as_of."""
    if metric.by == "start":
        return f"{_within(metric, period)} and {metric.stopped or metric.date} <= {literal(period.as_of)}"
    return _within(metric, period)


def _still_open(metric: Metric, period: Period) -> str:
    started, stopped = metric.started or metric.date, metric.stopped or metric.date
    end = literal(period.end)
    if metric.by == "start":
        still = f"{_within(metric, period)} and ({stopped} is null or {stopped} > {literal(period.as_of)})"
    else:
        still = f"{started} <= {end} and ({stopped} is null or {stopped} > {end})"
    if metric.closed:
        still += f" and ({metric.closed} is null or {metric.closed} > {end})"
    return still


def _group(metric: Metric, period: Period, by: str | None) -> str:
    if by is None:
        return "cast(null as varchar)"
    if by == "month":
        if metric.kind == "stock":
            return "cast(null as varchar)"
        month = f"strftime({metric.date}, '%Y-%m')"
        if metric.kind == "duration":
            # What is still open has no stop day yet, or one that as_of must not see: it is open in the last month.
            return f"case when {_within(metric, period)} then {month} else '{period.end:%Y-%m}' end"
        return month
    return f"coalesce(cast({metric.dimensions[by]} as varchar), 'unknown')"


def _facts(metric: Metric, period: Period, pieces: Pieces, by: str | None) -> str:
    conditions = "\n        and ".join(pieces.where) or "true"
    excluded = metric.excluded or "cast(null as varchar)"
    if metric.due:
        excluded = f"coalesce({excluded}, case when not ({_is_due(metric, period)}) then 'not due yet' end)"
    columns = [
        "*",
        f"{_group(metric, period, by)} as grp",
        f"{metric.currency or 'cast(null as varchar)'} as money_currency",
        f"{excluded} as why_excluded",
        f"{metric.record or 'row_number() over ()'} as counted_record",
        *pieces.extra,
    ]
    return (
        "facts as (\n    select\n        "
        + ",\n        ".join(columns)
        + f"\n    from {pieces.relation}\n    where {conditions}\n)"
    )


def _excluded(selected: str = "true") -> str:
    """CTE of excluded records and their reasons per group."""
    return f"""excluded as (
    select
        grp,
        money_currency,
        sum(records) as excluded,
        cast(json_group_object(why_excluded, records) as varchar) as reasons,
    from (
        select grp, money_currency, why_excluded, count(distinct counted_record) as records
        from facts
        where why_excluded is not null and ({selected})
        group by grp, money_currency, why_excluded
        order by why_excluded
    )
    group by grp, money_currency
)"""


def _joined(facts: str, counted: str, having: str, columns: str, excluded: str) -> str:
    """Values and exclusions side by side, also where a group has only excluded records."""
    return f"""with {facts},

counted as (
    select
        grp,
        money_currency,
        {counted},
    from facts
    group by grp, money_currency
    having {having}
),

{excluded}

select
    coalesce(counted.grp, excluded.grp) as grp,
    coalesce(counted.money_currency, excluded.money_currency) as currency,
    {columns},
    coalesce(excluded.excluded, 0) as excluded,
    excluded.reasons,
from counted
full join excluded
    on counted.grp is not distinct from excluded.grp
    and counted.money_currency is not distinct from excluded.money_currency
order by grp, currency"""


def _ratio(metric: Metric, period: Period, facts: str, pieces: Pieces) -> str:
    counted = f"""{pieces.numerator} as numerator,
        {pieces.denominator} as denominator,
        count(distinct counted_record) filter (where {COUNTED}) as n"""
    still, having = "null", "n > 0"
    if metric.due:
        counted += f""",
        count(distinct counted_record) filter (where {NOT_DUE}) as open"""
        still, having = "coalesce(counted.open, 0)", "n > 0 or open > 0"
    columns = f"""counted.numerator,
    counted.denominator,
    coalesce(counted.n, 0) as n,
    null as p90,
    {still} as open,
    null as immature,
    null as so_far"""
    return _joined(facts, counted, having, columns, _excluded(_is_due(metric, period)))


def _duration(metric: Metric, period: Period, facts: str) -> str:
    done = f"{_done(metric, period)} and {COUNTED}"
    counted = f"""quantile_cont({metric.numerator}, 0.5) filter (where {done}) as median_seconds,
        quantile_cont({metric.numerator}, 0.9) filter (where {done}) as p90_seconds,
        count({metric.numerator}) filter (where {done}) as n,
        count(*) filter (where {_still_open(metric, period)} and {COUNTED}) as open"""
    columns = """counted.median_seconds as numerator,
    counted.n as denominator,
    coalesce(counted.n, 0) as n,
    counted.p90_seconds as p90,
    coalesce(counted.open, 0) as open,
    null as immature,
    null as so_far"""
    return _joined(facts, counted, "n > 0 or open > 0", columns, _excluded(_within(metric, period)))


def _cohort(metric: Metric, period: Period, facts: str, pieces: Pieces) -> str:
    immature = f"{COUNTED} and not ({_mature(metric, period)})"
    counted = f"""{pieces.numerator} as numerator,
        {pieces.denominator} as denominator,
        count(distinct counted_record) filter (where {immature}) as immature,
        count(distinct counted_record) filter (where {immature} and {_happened(metric, period)}) as so_far"""
    columns = """counted.numerator,
    counted.denominator,
    coalesce(counted.denominator, 0) as n,
    null as p90,
    null as open,
    coalesce(counted.immature, 0) as immature,
    coalesce(counted.so_far, 0) as so_far"""
    return _joined(facts, counted, "denominator > 0 or immature > 0", columns, _excluded())
