"""What the verbs print: facts as JSON, files, checks and KPIs as aligned text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from forecourt.terminal import STEERING, one_line, out, table
from forecourt.wording import counted, form

if TYPE_CHECKING:
    import pyarrow as pa

    from forecourt.build import NodeResult
    from forecourt.kpi import KpiRow
    from forecourt.meta import CheckResult
    from forecourt.metrics import Metric, Period
    from forecourt.reported import Moved, Parts, Restated
    from forecourt.why import Effect, Why
    from ingest.decisions import Decided
    from ingest.outcome import FileResult


def as_json(facts: Any) -> str:
    """Facts as indented JSON; days and instants in ISO 8601, anything else as text."""
    return json.dumps(facts, indent=2, ensure_ascii=False, default=_plain)


def print_json(facts: Any) -> None:
    """Facts as JSON on standard output."""
    click.echo(STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", as_json(facts)))


def print_answer(rows: pa.Table) -> None:
    """The rows of a select with numbers to the right; one record below the other where they are too wide."""
    from pyarrow import types

    records = [["" if value is None else str(value) for value in row.values()] for row in rows.to_pylist()]
    widths = [max(map(len, cells)) for cells in zip(rows.column_names, *records, strict=True)]
    if sum(widths) + 2 * len(widths) > out.width:
        for number, record in enumerate(records, start=1):
            table("", [(f"row {number}", "left"), ("", "left")], list(zip(rows.column_names, record, strict=True)))
            out.print()
    else:
        kinds = [field.type for field in rows.schema]
        are_numbers = [types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) for kind in kinds]
        sides = ["right" if is_number else "left" for is_number in are_numbers]
        table("", list(zip(rows.column_names, sides, strict=True)), records)
    out.print(counted(rows.num_rows, "rows"))


def print_files(results: Sequence[FileResult]) -> None:
    """Counts of files and rows by what became of them, and every file that did not land, with its reason."""
    counts = [
        (status, sum(result.status == status for result in results))
        for status in ("landed", "same again", "held", "refused")
    ]
    said = ", ".join(f"{number} {status}" for status, number in counts if number) or "no files"
    parts = ("new", "changed", "unchanged", "quarantined", "skipped")
    sums = {part: sum(getattr(result, f"rows_{part}") for result in results) for part in parts}
    rows = ", ".join(f"{number:,} {part}" for part, number in sums.items() if number)
    out.print(f"           {said}{'; rows: ' + rows if rows else ''}")
    told = [result for result in results if result.status in ("held", "refused")]
    for result in told:
        out.print(f"  [yellow]{result.status}[/] {escape(one_line(result.name))}: {escape(one_line(result.reason))}")
    for result in results:
        if result.stays:
            out.print(f"  [yellow]stays[/] {escape(one_line(result.path.name))}: {escape(one_line(result.stays))}")
    quarantined = [result for result in results if result.rows_quarantined]
    if quarantined:
        columns = [("file with quarantined rows", "left"), ("read", "right"), ("quarantined", "right")]
        table("", columns, [(r.name, f"{r.rows_read:,}", f"{r.rows_quarantined:,}") for r in quarantined[:12]])


def print_checks(checks: Sequence[CheckResult]) -> None:
    """What blocks, with its rows, then the findings."""
    findings = [check for check in checks if check.outcome == "finding"]
    for check in [check for check in checks if check.outcome == "block"]:
        failed = counted(check.failures, "rows")
        out.print(f"  [bold red]blocks[/] {escape(check.name)}: {failed}. {escape(check.description)}")
        for row in check.rows:
            out.print(f"         {escape(json.dumps(row, default=str, ensure_ascii=False))}")
    for check in findings[:8]:
        out.print(f"  [yellow]finding[/] {escape(check.name)}: {counted(check.failures, 'rows')}")
    if len(findings) > 8:
        out.print(f"  ... and {len(findings) - 8} more {form(len(findings) - 8, 'findings')}: forecourt status --json")


def print_kpis(rows: Sequence[KpiRow], metrics: dict[str, Metric]) -> None:
    """One line per KPI, group and currency, figures aligned."""
    from forecourt.handbook import figure

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
                *(_parts(parts) for parts in (record.then, record.now)),
                _whence(record),
            )
            for record in each.records[:20]
        ]
        table("", columns, lines)
        if len(each.records) > 20:
            out.print(f"... and {len(each.records) - 20} more: --json lists them all")
    out.print(f"{len(found) - len(moved)} of {len(found)} figures are as they were reported.")


def _parts(parts: Parts | None) -> str:
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


def print_status(facts: dict[str, Any]) -> None:
    """What is published, and a table for each part that has rows."""
    out.print(f"home       {escape(facts['home'])}")
    out.print(f"published  {facts['run'] or 'nothing yet'}")
    if facts["last_run"]:
        last = facts["last_run"]
        out.print(f"last run   {last['status']} at {last['ended_at']} UTC: {escape(last['message'])}")
    out.print(f"inbox      {counted(facts['inbox'], 'files')} waiting")
    if facts["counted_in"] == "run":
        out.print("landing    not open for reading now; files and quarantine are counted as they were published")
    parts = {part: facts[part] for part in ("files", "held", "quarantined", "quarantine", "checks", "findings")}
    parts["quarantine"] = [row for row in facts["quarantine"] if row["rows"]]
    for part, rows in (parts | {"feeds": _by_state(facts["feeds"])}).items():
        if rows:
            out.print()
            columns = [(name, "right" if isinstance(value, int) else "left") for name, value in rows[0].items()]
            table(part.capitalize(), columns, [list(row.values()) for row in rows])


def _by_state(feeds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rooftops of a feed whose newest export is of the same instant and speaks for the same day, in one row."""
    rooftops: dict[tuple[Any, ...], list[str]] = {}
    for row in feeds:
        state = (row["feed"], row["exported_at"], row["data_through"])
        rooftops.setdefault(state, []).append(row["rooftop"] or "")
    return [
        {"feed": feed, "rooftops": ", ".join(filter(None, codes)), "exported_at": exported, "data_through": through}
        for (feed, exported, through), codes in rooftops.items()
    ]


def print_quarantine(rows: Sequence[dict[str, Any]], settled_rows: Sequence[dict[str, Any]] = ()) -> None:
    """How many rows of each file are in quarantine and why, then the first of them with sentence and original line.

    ``settled_rows``: those that are left out; they are counted by what became of them.
    """
    counts = Counter((row["file"], row["feed"], row["reason_code"], row["status"]) for row in rows)
    columns = [("file", "left"), ("feed", "left"), ("reason", "left"), ("", "left"), ("rows", "right")]
    if rows:
        table("", columns, [(*key, f"{number:,}") for key, number in counts.items()])
        out.print()
    for row in rows[:20]:
        out.print(f"{one_line(row['file'])}:{row['row']}  {one_line(row['reason'])}", markup=False)
        out.print(f"    {row['text']}", markup=False, highlight=False)
        if row["status"] != "open":
            out.print(f"    {settled(row)}", markup=False, highlight=False)
    if len(rows) > 20:
        out.print(f"... and {len(rows) - 20:,} more: --json lists them all")
    if settled_rows:
        became = Counter(row["status"] for row in settled_rows)
        said = ", ".join(f"{number:,} {status}" for status, number in sorted(became.items()))
        out.print(f"Settled and not listed: {said}; --all lists them.")
    out.print(f"{counted(len(rows), 'rows')} in quarantine.")


def settled(row: dict[str, Any]) -> str:
    """What became of a row in quarantine that is no longer open."""
    if row["status"] == "closed":
        return f"closed: {one_line(row['closed_by'])} states it soundly"
    return f"{row['status']} by {row['decided_by']} on {row['decided_at']:%Y-%m-%d %H:%M} UTC: {row['decided_why']}"


def decision_facts(decided: Decided) -> dict[str, Any]:
    """What a decision did, ready for JSON."""
    return asdict(decided) | {
        "results": [{"row": row, "result": result} for row, result in decided.results.items()],
        "still": [{"row": row, "reason": reason} for row, reason in decided.still.items()],
    }


def print_decision(decided: Decided) -> None:
    """What became of each row of a decision, in sentences."""
    if decided.decision == "discard":
        out.print(
            f"{counted(len(decided.rows), 'rows')} of {escape(one_line(decided.file))} discarded; the log keeps why."
        )
        return
    said = ", ".join(f"{number:,} {result}" for result, number in Counter(decided.results.values()).items())
    out.print(f"{counted(len(decided.results), 'rows')} of {escape(one_line(decided.file))} landed: {said}.")
    for reason in list(decided.still.values())[:20]:
        out.print(f"  still withheld: {one_line(reason)}", markup=False)
    if len(decided.still) > 20:
        out.print(f"  ... and {len(decided.still) - 20:,} more: forecourt quarantine")
    out.print("The pages show them after the next forecourt run.")


def file_facts(result: FileResult) -> dict[str, Any]:
    """A file's fate, ready for JSON."""
    return asdict(result) | {"path": str(result.path)}


def check_facts(check: CheckResult) -> dict[str, Any]:
    """A check's outcome, ready for JSON."""
    return asdict(check)


def summary_of(nodes: Sequence[NodeResult]) -> str:
    """How many models were built and tests run."""
    models = sum(node.resource_type == "model" for node in nodes)
    tests = sum(node.resource_type == "test" for node in nodes)
    return f"{counted(models, 'models')}, {counted(tests, 'tests')}"


def _figure(row: KpiRow, metric: Metric) -> str:
    from forecourt.handbook import figure

    return "no value" if row.value is None else figure(metric, row.value)


def _benchmark(row: KpiRow, metric: Metric) -> str:
    if row.benchmark is None:
        return ""
    from forecourt.handbook import figure

    return f"{figure(metric, row.benchmark['value'])} ({row.benchmark['source']}, {row.benchmark['date']})"


def _period(row: KpiRow) -> str:
    return f"{row.to}" if row.kind == "stock" else f"{row.from_} to {row.to}"


def _amount(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | Decimal):
        return f"{Decimal(value):,.2f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
