"""What the verbs print of figures: KPIs, why they moved, and what was learned since they were reported."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from forecourt.metrics import figure
from forecourt.verbs.terminal import out, table
from forecourt.wording import counted

if TYPE_CHECKING:
    from forecourt.kpi import KpiRow
    from forecourt.metrics import Metric, Period
    from forecourt.reported import Contribution, Moved, Restated
    from forecourt.why import Effect, Why


def print_kpis(rows: Sequence[KpiRow], metrics: dict[str, Metric]) -> None:
    """One line per KPI, group and currency, figures aligned."""
    has_groups = any(row.group is not None for row in rows)
    has_target = any(row.target is not None for row in rows)
    has_benchmark = any(row.benchmark is not None for row in rows)
    columns = [
        ("KPI", "left"),
        *([("group", "left")] if has_groups else []),
        ("value", "right"),
        ("", "left"),
        ("numerator", "right"),
        ("denominator", "right"),
        ("n", "right"),
        ("excluded", "right"),
        *([("target", "right")] if has_target else []),
        *([("benchmark", "left")] if has_benchmark else []),
        ("period", "left"),
    ]
    lines = [
        (
            row.label,
            *([row.group or ""] if has_groups else []),
            _figure(row, metrics[row.kpi]),
            row.currency or "",
            _amount(row.numerator),
            _amount(row.denominator),
            f"{row.n:,}",
            f"{row.excluded:,}",
            *([figure(metrics[row.kpi], row.target) if row.target is not None else ""] if has_target else []),
            *([_benchmark(row, metrics[row.kpi])] if has_benchmark else []),
            _period(row),
        )
        for row in rows
    ]
    table("", columns, lines)
    for row in rows:
        if row.value is None:
            out.print(f"{escape(row.label)}{' ' + escape(row.group) if row.group else ''}: {escape(row.reason or '')}")
    out.print(f"as of {rows[0].as_of}, data through {rows[0].data_through or 'unknown'}")


def why_facts(found: Why) -> list[dict[str, Any]]:
    """The effects of one currency, ready for JSON; an empty list where there is nothing to split."""
    return [
        {
            "dimension": effect.dimension,
            "group": effect.group,
            "rate_effect": float(effect.rate_effect),
            "mix_effect": float(effect.mix_effect),
            "effect": float(effect.effect),
            "cause": effect.cause,
            "noise": effect.noise,
            "currency": found.currency,
            "at": effect.at,
            "n": effect.after.records,
            "n_before": effect.before.records,
        }
        for effect in found.effects
    ]


def print_why(found: Sequence[Why], period: Period, before: Period) -> None:
    """How a KPI moved and who explains it, in sentences; then a table for each dimension."""
    for each in found:
        name = f"{each.metric.label}{f' ({each.currency})' if each.currency else ''}"
        if each.change is None:
            out.print(f"{escape(name)}: {each.reason}.")
            continue
        mean = ", the mean," if each.metric.kind == "duration" else ""
        moved = "did not move from" if not each.change else "rose from" if each.change > 0 else "fell from"
        out.print(
            f"[bold]{escape(name)}[/]{mean} {moved} {_level(each, each.before)} to {_level(each, each.after)} "
            f"({_moved(each, each.change)}): {_span(each, period)} against {_span(each, before)}."
        )
        if not each.causes:
            out.print("No group stands out of what is usual between two periods.")
        for cause in each.causes:
            out.print(f"[bold]{escape(_cause(each, cause))}[/]")
        for dimension in dict.fromkeys(effect.dimension for effect in each.effects):
            out.print()
            _print_effects(each, [effect for effect in each.effects if effect.dimension == dimension])
        if each.causes:
            cause, days = each.causes[0], f"--from {period.first} --to {period.last}"
            out.print(
                f"\nThe group over time: forecourt kpi {each.metric.name} {days} --by {cause.dimension}\n"
                f"Its records lie in {each.metric.model}, where {cause.dimension} is {escape(cause.group)!r}; "
                f"the file rows behind one: forecourt trace {each.metric.model} ROOFTOP KEY"
            )


def _cause(found: Why, cause: Effect) -> str:
    """A cause as a sentence: its share of the move, split, its own level and its records."""
    own = f"Its own level went from {_level(found, cause.before.rate)} to {_level(found, cause.after.rate)}. "
    if cause.before.rate is None or cause.after.rate is None:
        own = "It is new. " if cause.before.rate is None else "It is there no longer. "
    return (
        f"{cause.dimension.replace('_', ' ').capitalize()} {cause.group}{f' at {cause.at}' if cause.at else ''} "
        f"explains {_moved(found, cause.effect)}: own rate {_moved(found, cause.rate_effect, unit=False)}, "
        f"weight {_moved(found, cause.mix_effect, unit=False)}. {own}"
        f"{counted(cause.after.records, 'records')}, {cause.before.records:,} before."
    )


def _print_effects(found: Why, effects: Sequence[Effect]) -> None:
    """The groups of one dimension with the largest effects, and what the others add up to."""
    columns = [
        (effects[0].dimension.replace("_", " "), "left"),
        *((name, "right") for name in ("effect", "own rate", "weight", "before", "now", "n before", "n")),
        ("", "left"),
    ]
    lines = [
        (
            effect.group,
            *(_moved(found, part, unit=False) for part in (effect.effect, effect.rate_effect, effect.mix_effect)),
            *(_level(found, sums.rate) for sums in (effect.before, effect.after)),
            f"{effect.before.records:,}",
            f"{effect.after.records:,}",
            "cause" if effect.cause else "",
        )
        for effect in effects[:8]
    ]
    if len(effects) > 8:
        rest = sum((effect.effect for effect in effects[8:]), Fraction(0))
        others = counted(len(effects) - 8, "others")
        lines.append((others, _moved(found, rest, unit=False), "", "", "", "", "", "", ""))
    table("", columns, lines)


def _level(found: Why, value: Fraction | None) -> str:
    if value is None:
        return "none"
    if found.metric.unit == "percent":
        return f"{float(value) * 100:,.1f} %"
    return f"{float(value):,.2f}{'' if found.metric.unit in ('money', 'count') else f' {found.metric.unit}'}"


def _moved(found: Why, change: Fraction, *, unit: bool = True) -> str:
    is_share = found.metric.unit == "percent"
    word = "points" if is_share else "" if found.metric.unit in ("money", "count") else found.metric.unit
    return f"{float(change) * (100 if is_share else 1):+,.2f}{f' {word}' if unit and word else ''}".replace(
        "-", "\u2212"
    )


def _span(found: Why, period: Period) -> str:
    return f"{period.end}" if found.metric.kind == "stock" else f"{period.first} to {period.last}"


def print_restated(found: Sequence[Restated]) -> None:
    """Each KPI that is otherwise now than it was reported, with the records that made the difference."""
    moved = [each for each in found if each.records]
    for each in moved:
        currency = f" ({each.now.currency})" if each.now.currency else ""
        out.print(
            f"[bold]{escape(each.now.label)}[/]{currency} {_period(each.now)}: reported {_restated(each.then)}, "
            f"now {_restated(each.now)}"
        )
        columns = [("record", "left"), ("", "left"), ("reported", "right"), ("now", "right"), ("file", "left")]
        lines = [
            (
                record.record,
                record.change,
                *(_contribution(parts) for parts in (record.then, record.now)),
                _whence(record),
            )
            for record in each.records[:20]
        ]
        table("", columns, lines)
        if len(each.records) > 20:
            out.print(f"... and {len(each.records) - 20} more: --json lists them all")
    out.print(f"{len(found) - len(moved)} of {len(found)} figures are as they were reported.")


def _contribution(parts: Contribution | None) -> str:
    if parts is None:
        return ""
    if parts.excluded:
        return f"excluded: {parts.excluded}"
    of = "" if parts.denominator is None else f" of {_amount(parts.denominator)}"
    return f"{_amount(parts.numerator)}{of}"


def _whence(record: Moved) -> str:
    """The file rows that made the difference; where none came in between, the record's own."""
    if not record.learned:
        return f"{record.file}:{record.row}" if record.file else ""
    told = [f"{each.file}:{each.row}" if each.row else f"{each.file} ({each.op})" for each in record.learned[:3]]
    further = len(record.learned) - len(told)
    return ", ".join(told) + (f" and {further} more" if further else "")


def _restated(row: KpiRow) -> str:
    if row.value is None:
        return f"no value ({escape(row.reason or '')})"
    if row.unit == "percent":
        return f"{float(row.value) * 100:,.2f} %"
    return f"{_amount(row.value)}{'' if row.unit in ('money', 'count') else f' {row.unit}'}"


def _figure(row: KpiRow, metric: Metric) -> str:
    return "no value" if row.value is None else figure(metric, row.value)


def _benchmark(row: KpiRow, metric: Metric) -> str:
    if row.benchmark is None:
        return ""
    return f"{figure(metric, row.benchmark['value'])} ({row.benchmark['source']}, {row.benchmark['date']})"


def _period(row: KpiRow) -> str:
    return f"{row.to}" if row.kind == "stock" else f"{row.from_} to {row.to}"


def _amount(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | Decimal):
        return f"{Decimal(value):,.2f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
