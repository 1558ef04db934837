"""The verbs that show what a file said: ``trace`` for what landed, ``quarantine`` for what did not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.load import settings_of
from forecourt.verbs.options import home_option, json_option


@click.command()
@click.argument("mart")
@click.argument("key", nargs=-1, required=True)
@home_option()
@json_option
def trace(mart: str, key: tuple[str, ...], home_path: Path, as_json: bool) -> None:
    """Show the file rows behind a row of a mart: every version of its record, with the original text.

    A deal has its products and costs with it, a receivable its allocations; what a version changed is said.

    \b
    KEY is the natural key part by part; its first parts alone show all rows that begin with them.
    Example:  forecourt trace fct_deal R1 D1
    """
    from dataclasses import asdict

    from forecourt import show
    from forecourt.door import open_warehouse
    from forecourt.terminal import out
    from forecourt.trace import changes_of, parts_of
    from forecourt.trace import trace as versions_of
    from ingest.originals import original_texts

    home = Home(home_path)
    warehouse = open_warehouse(home)
    versions = versions_of(warehouse, mart, key)
    versions += parts_of(warehouse, mart, versions)
    changes = changes_of(warehouse, versions)
    settings = settings_of(home)
    wanted: dict[tuple[str, str], set[int]] = {}
    for version in versions:
        if version.op == "row" and version.row is not None:
            wanted.setdefault((version.file, version.content_hash), set()).add(version.row)
    texts = {
        (digest, row): text
        for (name, digest), rows in wanted.items()
        for row, text in original_texts(home, settings, name, digest, rows).items()
    }
    facts = [
        asdict(version)
        | {
            "text": texts.get((version.content_hash, version.row or 0)) if version.op == "row" else None,
            "changes": changes.get((version.feed, version.key, version.file_id, version.row), []),
        }
        for version in versions
    ]
    if as_json:
        show.print_json(facts)
        return
    for fact in facts:
        said = "" if fact["op"] == "row" else " removed: a full file no longer had it"
        mark = " (in force)" if fact["is_in_force"] else ""
        out.print(
            f"{fact['feed']} {fact['key']}  {fact['file']}:{fact['row'] or ''}  "
            f"received {fact['received_at']:%Y-%m-%d %H:%M} UTC{mark}{said}",
            markup=False,
            highlight=False,
        )
        if fact["text"]:
            click.echo(f"    {fact['text']}")
        for changed in fact["changes"]:
            click.echo(f"    changed {changed}")


@click.group(invoke_without_command=True)
@home_option()
@json_option
@click.pass_context
def quarantine(context: click.Context, home_path: Path, as_json: bool) -> None:
    """List the rows that did not land, each with its file, its line and the reason.

    \b
    Every row ever withheld stands here, for good. Deliver its file again with the line corrected to land it.
    Example:  forecourt quarantine
    """
    if context.invoked_subcommand is not None:
        if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("home_path", "as_json")):
            raise click.UsageError(f"Options go behind the word {context.invoked_subcommand}.")
        return
    from forecourt import show
    from ingest.quarantine import kept_rows

    rows = kept_rows(Home(home_path))
    if as_json:
        show.print_json([{name: value for name, value in row.items() if name != "text"} for row in rows])
    else:
        show.print_quarantine(rows)


@quarantine.command("show")
@click.argument("place", metavar="FILE:LINE")
@home_option()
@json_option
def quarantine_show(place: str, home_path: Path, as_json: bool) -> None:
    """Show what is wrong with a row in quarantine, and the row itself as the file has it.

    \b
    FILE is a file's name, or its file_id where the same name came more than once.
    Example:  forecourt quarantine show crm_leads_2026-03-31.csv:57
    """
    from forecourt import show
    from ingest.quarantine import kept_rows

    rows = _at(place, kept_rows(Home(home_path)))
    if as_json:
        show.print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['file']}:{row['row']}  {row['file_id']}  received {row['received_at']:%Y-%m-%d %H:%M} UTC")
        click.echo(f"    {row['reason']}")
        click.echo(f"    {row['text']}")


def _at(place: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows at FILE:LINE. Raises Problem with the lines or files there are."""
    file, _, line = place.rpartition(":")
    of_file = [row for row in rows if file in (row["file"], row["file_id"])]
    found = [row for row in of_file if str(row["row"]) == line]
    if found:
        return found
    if of_file:
        lines = dict.fromkeys(str(row["row"]) for row in of_file)
        raise Problem(f"{file} has no row in quarantine at line {line!r}. It has: {', '.join(lines)}.")
    files = dict.fromkeys(row["file"] for row in rows)
    raise Problem(f"No row in quarantine is at {place!r}; write FILE:LINE. Files: {', '.join(files) or 'none'}.")
