"""What the verbs print beside figures: facts as JSON, files, checks, the standing of a home, rows in quarantine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from forecourt.verbs.terminal import STEERING, one_line, out, table
from forecourt.wording import counted, form

if TYPE_CHECKING:
    import pyarrow as pa

    from forecourt.build import NodeResult
    from forecourt.meta import CheckResult
    from ingest.decisions import Decided
    from ingest.outcome import FileResult

#: Notes that are printed one by one.
_MOST_NOTES = 12


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
    _print_notes(results)
    quarantined = [result for result in results if result.rows_quarantined]
    if quarantined:
        columns = [("file with quarantined rows", "left"), ("read", "right"), ("quarantined", "right")]
        table("", columns, [(r.name, f"{r.rows_read:,}", f"{r.rows_quarantined:,}") for r in quarantined[:12]])


def _print_notes(results: Sequence[FileResult]) -> None:
    """What was odd in the files, a line each if they are few."""
    notes = [(result.name, note) for result in results for note in result.notes]
    if len(notes) > _MOST_NOTES:
        files = counted(len({name for name, _ in notes}), "files")
        out.print(f"  {len(notes):,} notes on what was odd in {files}: the page Data, or meta.notes in SQL")
        return
    for name, note in notes:
        out.print(f"  [cyan]note[/] {escape(one_line(name))}: {escape(one_line(note))}")


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


def summary_of(nodes: Sequence[NodeResult]) -> str:
    """How many models were built and tests run."""
    models = sum(node.resource_type == "model" for node in nodes)
    tests = sum(node.resource_type == "test" for node in nodes)
    return f"{counted(models, 'models')}, {counted(tests, 'tests')}"


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
