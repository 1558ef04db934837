"""The verbs that show what a file said: ``trace`` for what landed, ``quarantine`` for what did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.load import settings_of
from forecourt.verbs.options import home_option, json_option
from forecourt.wording import counted


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

    from forecourt.door import open_warehouse
    from forecourt.trace import changes_of, made_of
    from forecourt.trace import trace as versions_of
    from forecourt.verbs import show
    from forecourt.verbs.terminal import one_line, out
    from ingest.originals import original_texts

    home = Home(home_path)
    warehouse = open_warehouse(home)
    versions = versions_of(warehouse, mart, key)
    versions += made_of(warehouse, mart, versions)
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
            f"{fact['feed']} {fact['key']}  {one_line(fact['file'])}:{fact['row'] or ''}  "
            f"received {fact['received_at']:%Y-%m-%d %H:%M} UTC{mark}{said}",
            markup=False,
            highlight=False,
        )
        if fact["text"]:
            out.print(f"    {fact['text']}", markup=False)
        for changed in fact["changes"]:
            out.print(f"    changed {changed}", markup=False)


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also the rows that a later file or a decision has settled.")
@click.option("--file", "file", help="Only the rows of this file, by its name or its file_id.")
@click.option("--code", help="Only the rows withheld for this reason, such as missing_value.")
@home_option()
@json_option
@click.pass_context
def quarantine(
    context: click.Context, everything: bool, file: str | None, code: str | None, home_path: Path, as_json: bool
) -> None:
    """List the rows that did not land and wait for you, each with its file, its line and the reason.

    \b
    A later file that states the row soundly settles it; else mend and retry, accept or discard it.
    Example:  forecourt quarantine --file crm_leads_2026-03-31.csv
    """
    if context.invoked_subcommand is not None:
        if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in context.params):
            raise click.UsageError(f"Options go behind the word {context.invoked_subcommand}.")
        return
    from forecourt.verbs import show
    from ingest.quarantine import kept_rows

    kept = kept_rows(Home(home_path))
    rows = [
        row
        for row in kept
        if (everything or row["status"] == "open")
        and file in (None, row["file"], row["file_id"])
        and code in (None, row["reason_code"])
    ]
    if as_json:
        show.print_json(rows)
    else:
        show.print_quarantine(rows, [] if everything else [row for row in kept if row["status"] != "open"])


@quarantine.command("show")
@click.argument("place", metavar="FILE:LINE")
@home_option()
@json_option
def quarantine_show(place: str, home_path: Path, as_json: bool) -> None:
    """Show what is wrong with a row in quarantine, the row itself as the file has it, and what became of it.

    \b
    FILE is a file's name, or its file_id where the same name came more than once.
    Example:  forecourt quarantine show crm_leads_2026-03-31.csv:57
    """
    from forecourt.verbs import show
    from forecourt.verbs.terminal import one_line, out
    from ingest.quarantine import kept_rows

    rows = _at(place, kept_rows(Home(home_path)))
    if as_json:
        show.print_json(rows)
        return
    for row in rows:
        received = f"{row['file_id']}  received {row['received_at']:%Y-%m-%d %H:%M} UTC"
        out.print(f"{one_line(row['file'])}:{row['row']}  {received}", markup=False)
        out.print(f"    {one_line(row['reason'])}", markup=False)
        out.print(f"    {row['text']}", markup=False)
        if row["status"] != "open":
            out.print(f"    {show.settled(row)}", markup=False)


def _deciding(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every decision has."""
    command = click.option("--who", help="Who decides; default: the user of this machine.")(command)
    command = click.option("--reason", required=True, help="Why; kept in the log with the name.")(command)
    return json_option(home_option()(command))


@quarantine.command("retry")
@click.argument("place", metavar="FILE[:LINE]")
@_deciding
def quarantine_retry(place: str, reason: str, who: str | None, home_path: Path, as_json: bool) -> None:
    """Read withheld rows again from the archived file, after its mapping was mended.

    \b
    Without LINE all open rows of the file. A file that was refused is read whole. What lands counts as known
    from now on.
    Example:  forecourt quarantine retry roadbook_2026-11-03.csv --reason "dates are day first"
    """
    _decide("retry", place, reason, who, home_path, as_json)


@quarantine.command("accept")
@click.argument("place", metavar="FILE[:LINE]")
@_deciding
def quarantine_accept(place: str, reason: str, who: str | None, home_path: Path, as_json: bool) -> None:
    """Land a line with too few or too many values as it is, if its key and required columns are sound.

    \b
    Its values stand under the columns from left to right; a missing one is empty, one too many is kept aside.
    Example:  forecourt quarantine accept crm_leads_2026-03-31.csv:57 --reason "the last column was never filled"
    """
    _decide("accept", place, reason, who, home_path, as_json)


@quarantine.command("discard")
@click.argument("place", metavar="FILE[:LINE]")
@_deciding
def quarantine_discard(place: str, reason: str, who: str | None, home_path: Path, as_json: bool) -> None:
    """Settle withheld rows as not to be landed: they stay on record with the reason.

    \b
    Without LINE all open rows of the file.
    Example:  forecourt quarantine discard crm_leads_2026-03-31.csv:57 --reason "a test lead"
    """
    _decide("discard", place, reason, who, home_path, as_json)


@click.command()
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@_deciding
def erase(texts: tuple[str, ...], reason: str, who: str | None, home_path: Path, as_json: bool) -> None:
    """Write a person's name, address or number over in every archived file, for good, and land all anew.

    \b
    Letters become x and digits 0, so counts and sums stay. Give each text as the files have it.
    Example:  forecourt erase "Erika Beispiel" "erika@example.com" --reason "request of 3 May"
    """
    from getpass import getuser

    from forecourt.verbs import show
    from forecourt.verbs.terminal import one_line, out
    from ingest import erasure

    home = Home(home_path)
    with home.lock():
        erased = erasure.erase(home, settings_of(home), texts, who=who or getuser(), why=reason)
    if as_json:
        show.print_json(asdict(erased))
        return
    written_over = ", ".join(map(one_line, erased.files))
    out.print(f"Written over in {counted(len(erased.files), 'files')}: {written_over}.", markup=False)
    for said, names in (
        ("Deleted, because they held these files", erased.containers),
        ("Files whose own names say it, which the log keeps", erased.named),
    ):
        if names:
            out.print(f"{said}: {', '.join(map(one_line, names))}.", markup=False)
    click.echo("Runs that are published, closed months and exports still have it: see docs/how-to/erase-a-person.md.")


def _decide(decision: str, place: str, reason: str, who: str | None, home_path: Path, as_json: bool) -> None:
    """Decides on the open rows at a place, or on a refused file that is to be read again."""
    from getpass import getuser

    from forecourt.verbs import show
    from ingest.deciding import decide, retry_file
    from ingest.ledger import refused_files
    from ingest.quarantine import kept_rows

    home = Home(home_path)
    who = who or getuser()
    with home.lock():
        settings = settings_of(home)
        kept = kept_rows(home)
        refused = refused_files(home, place) if decision == "retry" else []
        if refused:
            result = retry_file(home, settings, refused[-1], who=who, why=reason)
            if as_json:
                show.print_json([asdict(result)])
            else:
                show.print_files([result])
            return
        rows = _undecided(place, kept)
        (file_id,) = {row["file_id"] for row in rows}
        decided = decide(home, settings, decision, file_id, [row["row"] for row in rows], who=who, why=reason)
    if as_json:
        show.print_json(show.decision_facts(decided))
    else:
        show.print_decision(decided)


def _undecided(place: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The open rows of one file at FILE or FILE:LINE. Raises Problem with what is there instead."""
    whole = [row for row in rows if place in (row["file"], row["file_id"])]
    found = whole or _at(place, rows)
    waiting = [row for row in found if row["status"] == "open"]
    if not waiting:
        said = f"its {counted(len(found), 'rows')} in quarantine {'is' if len(found) == 1 else 'are'} settled already"
        raise Problem(f"Nothing is open at {place}: {said}.")
    files = list(dict.fromkeys(row["file_id"] for row in waiting))
    if len(files) > 1:
        raise Problem(f"{waiting[0]['file']} came more than once; name one by its file_id: {', '.join(files)}.")
    return waiting


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
