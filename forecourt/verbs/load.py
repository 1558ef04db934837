"""The verbs that bring files in and numbers out: ``land``, ``build``, ``run``."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.options import home_option, json_option
from forecourt.wording import counted

if TYPE_CHECKING:
    from forecourt.alerts import Looked
    from forecourt.run import Outcome
    from forecourt.settings import Settings
    from ingest.outcome import FileResult


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@home_option()
@click.option("--confirm", "file_id", help="Land this file, which was held, after all; --reason says why.")
@click.option("--reason", help="Why a held file is right; kept in the log with your name.")
@click.option("--draft", is_flag=True, help="Land nothing: print a first mapping (YAML) for a file of a new kind.")
@json_option
def land(
    paths: tuple[Path, ...], home_path: Path, file_id: str | None, reason: str | None, draft: bool, as_json: bool
) -> None:
    """Land export files: into the archive, as row versions, with every row accounted for.

    \b
    Without PATH the files of the inbox.
    Example:  forecourt land crm_leads_2026-03-31.csv
    """
    from forecourt.verbs import show

    home = Home(home_path)
    if draft:
        _draft(home, paths)
        return
    with home.lock():
        settings = settings_of(home, paths)
        if file_id:
            results = [_confirm(home, settings, file_id, reason)]
        else:
            results = _land(home, settings, paths, quiet=as_json)
    if as_json:
        show.print_json([asdict(result) for result in results])
    else:
        show.print_files(results)
    if any(result.status == "refused" for result in results):
        sys.exit(1)


def _draft(home: Home, paths: Sequence[Path]) -> None:
    """Prints a first mapping for each file."""
    from ingest.draft import draft, look_at
    from ingest.intake import take_file

    if not paths:
        raise click.UsageError("Name the file that --draft shall look at.")
    for path in paths:
        try:
            click.echo(draft(look_at(path.name, take_file(path, home.inbox).content())), nl=False)
        except Problem as problem:
            raise Problem(f"{path}: {problem}") from None


@click.command()
@home_option()
@json_option
def build(home_path: Path, as_json: bool) -> None:
    """Build the marts from what has landed and test them, without publishing.

    A landing that is gone is made anew from the archive.

    \b
    Example:  forecourt build --home warehouse
    """
    from forecourt.build import Paths
    from forecourt.build import build as build_marts
    from forecourt.run import dbt_checks
    from forecourt.verbs import show
    from forecourt.verbs.terminal import step
    from ingest.landing import rebuild

    home = Home(home_path)
    with home.lock():
        settings = settings_of(home)
        if home.log.exists() and not home.landing.exists():
            rebuild(home, settings)
        if as_json:
            nodes = build_marts(home, settings)
        else:
            with step("build") as current:
                nodes = build_marts(home, settings, on_node=current.advance)
                current.say(show.summary_of(nodes))
        checks = list(dbt_checks(home, Paths(home.build), nodes))
    blocks = [check for check in checks if check.outcome == "block"]
    if as_json:
        show.print_json([asdict(check) for check in checks])
    else:
        show.print_checks(checks)
    if blocks:
        raise Problem(f"{counted(len(blocks), 'checks')} failed: {', '.join(check.name for check in blocks)}.")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@home_option()
@json_option
def run(paths: tuple[Path, ...], home_path: Path, as_json: bool) -> None:
    """Land, build, check and publish: the one command of every day.

    \b
    Without PATH the files of the inbox. A file that is refused does not stop the rest.
    Example:  forecourt run ./exports --home warehouse
    """
    from forecourt.verbs import show

    home = Home(home_path)
    outcome = land_and_publish(home, paths, quiet=as_json)
    looked = _look_at_alerts(home) if outcome.is_published else None
    if as_json:
        show.print_json(
            {
                "alerts": [alert.text for alert in looked.alerts] if looked else [],
                "alerts_not_judged": list(looked.unjudged) if looked else [],
                "run": outcome.run_id,
                "published": outcome.is_published,
                "message": outcome.message,
                "blocks": [asdict(check) for check in outcome.blocks],
                "findings": [asdict(check) for check in outcome.findings],
            }
        )
        if looked:
            _tell(home, outcome.run_id, looked, quiet=True)
        sys.exit(0 if outcome.is_published else 1)
    print_outcome(outcome)
    from forecourt.verbs.terminal import out

    if looked:
        _tell(home, outcome.run_id, looked, quiet=False)
    out.print(f"Next: forecourt kpi --home {home.root}")


def _look_at_alerts(home: Home) -> Looked | None:
    """What the rules under [[alerts]] say of the run in force; None where there are none."""
    from forecourt.settings_file import load_settings

    settings = load_settings(home.settings)
    if not settings.alerts:
        return None
    from forecourt.alerts import look
    from forecourt.door import open_warehouse

    return look(open_warehouse(home), settings)


def _tell(home: Home, run_id: str, looked: Looked, *, quiet: bool) -> None:
    """Prints the alerts and mails the new ones. Raises Problem where mail fails; the run stays published."""
    from forecourt.alerts import tell
    from forecourt.settings_file import load_settings
    from forecourt.verbs.terminal import out

    if not quiet:
        for text in [alert.text for alert in looked.alerts] + [f"not judged: {said}" for said in looked.unjudged]:
            out.print(f"alert    {text.splitlines()[0]}", markup=False)
    try:
        told = tell(home, load_settings(home.settings), run_id, looked.alerts)
    except Problem as problem:
        raise Problem(f"Run {run_id} is published, but its alerts were not mailed: {problem}") from None
    if told and not quiet:
        out.print(f"         mailed to {', '.join(told)}", markup=False)


def settings_of(home: Home, paths: Sequence[Path] = ()) -> Settings:
    """The home's settings; a new home takes those that lie beside the files it is given."""
    from forecourt.settings_file import load_settings
    from forecourt.verbs.terminal import out

    home.create()
    beside = [path / "forecourt.toml" for path in paths if (path / "forecourt.toml").is_file()]
    if beside and not home.settings.exists():
        load_settings(beside[0])
        home.settings.write_bytes(beside[0].read_bytes())
        if out.is_terminal:
            out.print(f"settings   taken from {beside[0]}")
    return load_settings(home.settings)


def _land(home: Home, settings: Settings, paths: Sequence[Path], *, quiet: bool) -> list[FileResult]:
    from forecourt.verbs.terminal import step
    from ingest.landing import files_of
    from ingest.landing import land as land_files

    wanted = list(paths) or [home.inbox]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        raise Problem(f"There is no file or folder {missing[0]}. Check its name.")
    if quiet:
        return land_files(home, settings, wanted)
    with step("land") as current:
        landed, total, began = 0, len(files_of(wanted)), time.monotonic()

        def on_file(result: FileResult) -> None:
            nonlocal landed, began
            landed, began = landed + 1, time.monotonic()
            current.advance(landed, max(landed, total), result.name)

        def on_rows(path: Path, done: int) -> None:
            rate = done / max(time.monotonic() - began, 0.001)
            current.advance(landed, max(landed, total), f"{path.name}: {counted(done, 'rows')}, {rate:,.0f} a second")

        results = land_files(home, settings, wanted, on_file=on_file, on_rows=on_rows)
        rows = sum(result.rows_read for result in results)
        current.say(f"{counted(len(results), 'files')}, {counted(rows, 'rows')}")
    return results


def _confirm(home: Home, settings: Settings, file_id: str, reason: str | None) -> FileResult:
    """Lands a held file on somebody's word, which the log keeps."""
    from getpass import getuser

    from ingest.deciding import confirm

    if not reason:
        raise Problem(f"Say why {file_id} is right: forecourt land --confirm {file_id} --reason '...'.")
    return confirm(home, settings, file_id, who=getuser(), why=reason)


def land_and_publish(home: Home, paths: Sequence[Path], *, quiet: bool = False) -> Outcome:
    """One run: lands the paths (none: the inbox), builds, checks and publishes; whatever fails, the pages say so."""
    from forecourt.build import reading_ahead
    from forecourt.run import new_run_id, recording_failure
    from forecourt.verbs import show

    home.create()
    with home.lock():
        with recording_failure(home, new_run_id()):
            settings = settings_of(home, paths)
            with reading_ahead(home):
                results = _land(home, settings, paths, quiet=quiet)
            if not quiet:
                show.print_files(results)
            _require_something_landed(home)
        return publish_landed(home, settings, quiet=quiet)


def _require_something_landed(home: Home) -> None:
    """An empty warehouse is no success: a first run on a wrong path must say so."""
    from forecourt.landed import open_landed

    with open_landed(home) as landing:
        found = landing.execute("select count(*) from ledger.files where status = 'landed'").fetchone()
    if not found or not found[0]:
        raise Problem(f"Nothing has landed in {home.root} yet: no file was taken. Put export files in {home.inbox}.")


def publish_landed(home: Home, settings: Settings, *, quiet: bool) -> Outcome:
    """Builds and publishes what has landed; the caller holds the lock."""
    from checks.gate import check
    from dashboards.prepared import write
    from forecourt.run import build_and_publish
    from forecourt.verbs.terminal import step

    if quiet:
        return build_and_publish(home, settings, check, prepare=write)
    with step("publish") as current:
        outcome = build_and_publish(home, settings, check, prepare=write, on_node=current.advance)
        current.say(outcome.message if outcome.is_published else "not published")
    return outcome


def print_outcome(outcome: Outcome) -> None:
    """Prints findings and, where checks block, their rows; exits 1 when nothing was published."""
    from forecourt.verbs import show

    show.print_checks(outcome.checks)
    if not outcome.is_published:
        raise Problem(f"Nothing was published: {outcome.message} The run in force before stays on the pages.")
