"""The verbs of ``forecourt``. Each imports what it needs when it is called, so ``--help`` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from forecourt import __version__
from forecourt.errors import Problem
from forecourt.home import Home

if TYPE_CHECKING:
    from forecourt.door import Warehouse
    from forecourt.metrics import Metric
    from forecourt.run import Outcome
    from forecourt.settings import Settings
    from ingest.landing import FileResult


class Day(click.ParamType):
    """A calendar day, written 2026-03-31."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it like 2026-03-31.", param, ctx)


class Instant(click.ParamType):
    """An instant, written 2026-03-31T18:00; without an offset it is UTC, a day alone is its end."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            given = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no instant; write it like 2026-03-31T18:00.", param, ctx)
        if len(value) == len("2026-03-31"):
            given = given.replace(hour=23, minute=59, second=59, microsecond=999999)
        return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given


class Month(click.ParamType):
    """A calendar month, written 2026-03; its first day."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            if len(value) != len("2026-03"):
                raise ValueError
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            self.fail(f"{value!r} is no month; write it like 2026-03.", param, ctx)


def home_option(default: str = "warehouse") -> Callable[[Any], Any]:
    """``--home``: else the environment's FORECOURT_HOME, else ``default`` below the current folder."""
    return click.option(
        "--home",
        "home_path",
        envvar="FORECOURT_HOME",
        default=default,
        show_default=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="The home folder of the warehouse.",
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
rooftop_option = click.option("--rooftop", "rooftops", multiple=True, help="Only this rooftop; may be repeated.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="forecourt")
def cli() -> None:
    """The reporting warehouse of the car trade: export files in, checked KPIs out.

    \b
    Start here:  forecourt demo
    """


@cli.command()
@home_option("demo-warehouse")
@click.option("--no-serve", is_flag=True, help="End after publishing; do not open the dashboards.")
def demo(home_path: Path, no_serve: bool) -> None:
    """Make a sample dealership, land, build, check and publish it, and open its dashboards.

    \b
    Example:  forecourt demo --no-serve
    """
    from forecourt.terminal import is_interactive, out, step

    home = Home(home_path)
    folder = home.root / "sample"
    with step("sample") as current:
        summary = _write_sample(folder, current, rooftops=2, years=2, seed=1, scale=1.0)
        current.say(f"{summary.files} files, {summary.rows:,} rows in {folder}")
    outcome = _run(home, [folder])
    _print_outcome(outcome)
    warehouse = _open(home)
    as_of = summary.as_of
    out.print()
    _print_headlines(warehouse, as_of)
    workbook = home.reports / f"ageing-{as_of}.xlsx"
    _export_ageing(home, warehouse, workbook, "xlsx", as_of, "due", (), None, None)
    out.print(f"\nReceivable ageing as of {as_of}: {workbook}")
    out.print(f"Next: forecourt dashboards --home {home.root}")
    if is_interactive() and not no_serve:
        from dashboards.serve import serve

        sys.exit(serve(home))


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--rooftops", default=2, show_default=True, type=click.IntRange(1, 50), help="Number of rooftops.")
@click.option("--years", default=2.0, show_default=True, type=click.FloatRange(0.25, 20), help="Years of history.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed gives the same files.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.05, 100), help="Volume.")
@json_option
def sample(directory: Path, rooftops: int, years: float, seed: int, scale: float, as_json: bool) -> None:
    """Write the export files of an invented dealership, and truth.json with what they must give.

    \b
    Example:  forecourt sample ./sample --rooftops 3 --years 1 --seed 7
    """
    from forecourt import show
    from forecourt.terminal import out, step

    if as_json:
        summary = _write_sample(directory, None, rooftops=rooftops, years=years, seed=seed, scale=scale)
        show.print_json(
            {"directory": str(directory), "files": summary.files, "rows": summary.rows, "as_of": summary.as_of}
        )
        return
    with step("sample") as current:
        summary = _write_sample(directory, current, rooftops=rooftops, years=years, seed=seed, scale=scale)
        current.say(f"{summary.files} files, {summary.rows:,} rows in {directory}")
    out.print(f"Next: forecourt run {directory}")


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@home_option()
@click.option("--confirm", "file_id", help="Land this file, which was held, after all; --reason says why.")
@click.option("--reason", help="Why a held file is right; kept in the log with your name.")
@json_option
def land(paths: tuple[Path, ...], home_path: Path, file_id: str | None, reason: str | None, as_json: bool) -> None:
    """Land export files: into the archive, as row versions, with every row accounted for.

    \b
    Without PATH the files of the inbox.
    Example:  forecourt land crm_leads_2026-03-31.csv
    """
    from forecourt import show

    home = Home(home_path)
    with home.lock():
        settings = _settings(home, paths)
        if file_id:
            results = [_confirm(home, settings, file_id, reason)]
        else:
            results = _land(home, settings, paths, quiet=as_json)
    if as_json:
        show.print_json([show.file_facts(result) for result in results])
    else:
        show.print_files(results)
    if any(result.status == "refused" for result in results):
        sys.exit(1)


@cli.command()
@home_option()
@json_option
def build(home_path: Path, as_json: bool) -> None:
    """Build the marts from what has landed and test them, without publishing.

    \b
    Example:  forecourt build --home warehouse
    """
    from forecourt import show
    from forecourt.build import Paths
    from forecourt.build import build as build_marts
    from forecourt.run import dbt_checks
    from forecourt.terminal import step

    home = Home(home_path)
    with home.lock():
        settings = _settings(home)
        if as_json:
            nodes = build_marts(home, settings)
        else:
            with step("build") as current:
                nodes = build_marts(home, settings, on_node=current.advance)
                current.say(show.summary_of(nodes))
        checks = list(dbt_checks(home, Paths(home.build), nodes))
    blocks = [check for check in checks if check.outcome == "block"]
    if as_json:
        show.print_json([show.check_facts(check) for check in checks])
    else:
        show.print_checks(checks)
    if blocks:
        raise Problem(f"{len(blocks)} checks failed: {', '.join(check.name for check in blocks)}.")


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@home_option()
@json_option
def run(paths: tuple[Path, ...], home_path: Path, as_json: bool) -> None:
    """Land, build, check and publish: the one command of every day.

    \b
    Without PATH the files of the inbox. A file that is refused does not stop the rest.
    Example:  forecourt run ./exports --home warehouse
    """
    from forecourt import show

    home = Home(home_path)
    outcome = _run(home, paths, quiet=as_json)
    if as_json:
        show.print_json(
            {
                "run": outcome.run_id,
                "published": outcome.is_published,
                "message": outcome.message,
                "blocks": [show.check_facts(check) for check in outcome.blocks],
                "findings": [show.check_facts(check) for check in outcome.findings],
            }
        )
        sys.exit(0 if outcome.is_published else 1)
    _print_outcome(outcome)
    from forecourt.terminal import out

    out.print(f"Next: forecourt kpi --home {home.root}")


@cli.command()
@home_option()
@click.option("--port", default=None, type=click.IntRange(1, 65535), help="Port on this machine.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def dashboards(home_path: Path, port: int | None, no_browser: bool) -> None:
    """Open the dashboards of the published warehouse on this machine.

    \b
    Example:  forecourt dashboards --home warehouse
    """
    from dashboards.serve import serve

    sys.exit(serve(Home(home_path), port=port, open_browser=not no_browser))


@cli.command()
@click.argument("names", nargs=-1)
@home_option()
@click.option("--from", "first", type=Day(), help="First day of the period.")
@click.option("--to", "last", type=Day(), help="Last day of the period.")
@click.option("--as-of", type=Day(), help="Facts dated later do not count. Default: the newest day of the data.")
@click.option("--known-at", type=Instant(), help="As the warehouse knew it at this instant (UTC).")
@click.option("--versus-now", is_flag=True, help="With --known-at: against now, and the records that differ.")
@rooftop_option
@click.option("--by", help="One row per value of this dimension, like rooftop or month.")
@click.option("--sql", "as_sql", is_flag=True, help="Print the statement behind each number.")
@json_option
def kpi(
    names: tuple[str, ...],
    home_path: Path,
    first: date | None,
    last: date | None,
    as_of: date | None,
    known_at: datetime | None,
    versus_now: bool,
    rooftops: tuple[str, ...],
    by: str | None,
    as_sql: bool,
    as_json: bool,
) -> None:
    """Print KPIs with their parts: value, numerator, denominator, what is excluded, open or immature.

    \b
    Without NAMES all of them. Without a period the month of as-of so far; a cohort KPI then shows the
    equally long cohort whose window has passed.
    Example:  forecourt kpi gross_margin_rate --from 2026-03-01 --to 2026-03-31 --by rooftop --json
    """
    from forecourt import show

    if versus_now and (known_at is None or by is not None or as_sql):
        raise click.UsageError("--versus-now goes with --known-at, and neither with --by nor with --sql.")
    home = Home(home_path)
    published = _open(home)
    _require_rooftops(published, rooftops)
    with _as_known(home, published, known_at, names) as warehouse:
        chosen = _chosen(warehouse, names)
        if by is not None and not names:
            chosen = [metric for metric in chosen if by == "month" or by in metric.dimensions]
            if not chosen:
                raise Problem(f"No KPI has a dimension {by!r}. `forecourt kpi NAME --by ...` lists those of one.")
        asked = _asked(warehouse, chosen, first, last, as_of)
        if as_sql:
            from forecourt.statements import answer_statement

            for metric, period in asked:
                click.echo(f"-- {metric.label}\n{answer_statement(metric, period, by=by, rooftops=rooftops)};\n")
            return
        if versus_now:
            from forecourt.reported import restate

            restated = [
                each for metric, period in asked for each in restate(warehouse, published, metric, period, rooftops)
            ]
            if as_json:
                show.print_json([each.as_dict() for each in restated])
            else:
                show.print_restated(restated)
            return
        from forecourt.kpi import compute

        rows = [row for metric, period in asked for row in compute(warehouse, metric, period, by=by, rooftops=rooftops)]
        metrics = {metric.name: metric for metric in chosen}
    if as_json:
        show.print_json([row.as_dict() for row in rows])
    else:
        show.print_kpis(rows, metrics)


@cli.command()
@click.argument("name")
@home_option()
@click.option("--from", "first", type=Day(), help="First day of the period.")
@click.option("--to", "last", type=Day(), help="Last day of the period.")
@click.option("--versus", nargs=2, type=Day(), help="First and last day compared with. Default: as many months before.")
@rooftop_option
@json_option
def why(
    name: str,
    home_path: Path,
    first: date | None,
    last: date | None,
    versus: tuple[date, date] | None,
    rooftops: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what moved a KPI: its change split over the groups of each dimension, exactly.

    \b
    Causes stand out of the noise of their records and make a tenth of the move or more.
    Example:  forecourt why gross_margin_rate --from 2026-09-01 --to 2026-09-30
    """
    from forecourt import show
    from forecourt.kpi import shifted, whole_months
    from forecourt.metrics import Period
    from forecourt.why import explain

    warehouse = _open(Home(home_path))
    _require_rooftops(warehouse, rooftops)
    (metric,) = _chosen(warehouse, [name])
    ((_, period),) = _asked(warehouse, [metric], first, last, None)
    if versus:
        before = Period(versus[0], versus[1], min(versus[1], period.as_of))
    else:
        before = shifted(period, whole_months(period) or 1)
    if metric.kind == "cohort":
        before = Period(before.first, before.last, period.as_of)
    found = explain(warehouse, metric, period, before, rooftops=rooftops)
    if as_json:
        show.print_json([fact for each in found for fact in show.why_facts(each)])
    else:
        show.print_why(found, period, before)


@cli.command()
@click.argument("mart")
@click.argument("key", nargs=-1, required=True)
@home_option()
@json_option
def trace(mart: str, key: tuple[str, ...], home_path: Path, as_json: bool) -> None:
    """Show the file rows behind a row of a mart: every version of its record, with the original text.

    \b
    KEY is the natural key part by part; its first parts alone show all rows that begin with them.
    Example:  forecourt trace fct_deal R1 D1
    """
    from dataclasses import asdict

    from forecourt import show
    from forecourt.terminal import out
    from forecourt.trace import trace as versions_of
    from ingest.originals import original_texts

    home = Home(home_path)
    versions = versions_of(_open(home), mart, key)
    settings = _settings(home)
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
        asdict(version) | {"text": texts.get((version.content_hash, version.row or 0)) if version.op == "row" else None}
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


@cli.group()
def export() -> None:
    """Write a report to a file."""


@export.command("ageing")
@home_option()
@click.option("--as-of", type=Day(), help="The day whose end counts. Default: the newest day of the data.")
@click.option("--basis", type=click.Choice(["due", "invoice"]), default="due", show_default=True)
@click.option("--known-at", type=Instant(), help="As the warehouse knew it at this instant (UTC).")
@click.option("--closed", type=Month(), help="The bytes kept when this month was closed, like 2026-03.")
@rooftop_option
@click.option("--schedule", help="Only this schedule, like customer or contract_in_transit.")
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export_ageing(
    home_path: Path,
    as_of: date | None,
    basis: Literal["due", "invoice"],
    known_at: datetime | None,
    closed: date | None,
    rooftops: tuple[str, ...],
    schedule: str | None,
    kind: Literal["xlsx", "csv"],
    output: Path,
    as_json: bool,
) -> None:
    """Write the receivable ageing of a day: every open document with its days past due and bucket.

    \b
    Example:  forecourt export ageing --as-of 2026-03-31 --format csv -o ageing.csv
    """
    from forecourt import show
    from forecourt.kpi import newest_day

    home = Home(home_path)
    if closed is not None:
        if known_at is not None or rooftops:
            raise click.UsageError("--closed gives the files kept then; it goes with --basis, --schedule and --format.")
        facts = _export_closed(home, closed, as_of, output, kind, basis, schedule)
        if as_json:
            show.print_json(facts)
        else:
            click.echo(f"{output}: as closed at {facts['closed_at']} UTC, sha256 {facts['sha256'][:16]}")
        return
    published = _open(home)
    _require_rooftops(published, rooftops)
    with _as_known(home, published, known_at, ("overdue_rate",), ("fct_control_tieout",)) as warehouse:
        day = as_of or newest_day(warehouse)
        facts = _export_ageing(home, warehouse, output, kind, day, basis, rooftops, schedule, known_at)
    if as_json:
        show.print_json(facts)
    else:
        from forecourt.terminal import out

        out.print(f"{output}: {facts['rows']:,} open documents as of {day}, sha256 {facts['sha256'][:16]}")


@cli.command()
@click.argument("month", type=Month())
@home_option()
@json_option
def close(month: date, home_path: Path, as_json: bool) -> None:
    """Close a month: keep its ageing and headlines for good, byte for byte, and the run they came from.

    \b
    From then on a late cost of the month counts on its own day. A month is closed once.
    Example:  forecourt close 2026-03
    """
    from dataclasses import asdict

    from dashboards.exports import month_end_ageing
    from forecourt import show
    from forecourt.close import close_month, headlines_csv, last_day, require_closable

    home = Home(home_path)
    warehouse = _open(home)
    with home.lock():
        behind = require_closable(home, warehouse, month)
        files = {"headlines.csv": headlines_csv(warehouse, month)}
        if warehouse.rows("select 1 from meta.freshness where feed in ('dms_invoices', 'dms_payments') limit 1"):
            files |= month_end_ageing(warehouse, last_day(month))
        closed = close_month(home, warehouse.run_id, month, files, behind)
        if not as_json:
            click.echo(f"Closed {closed.month}: {len(closed.files)} files in {home.closed / closed.month}")
            for feed in behind:
                click.echo(f"  not through the month: {feed}")
        # The closing changes where late costs count, so the numbers in force are made again with it.
        outcome = _publish(home, _settings(home), quiet=as_json)
    if as_json:
        show.print_json(asdict(closed) | {"published": outcome.run_id if outcome.is_published else None})
    elif not outcome.is_published:
        click.echo(f"The month is closed; the numbers in force are those from before: {outcome.message}")


@cli.command()
@home_option()
@json_option
def where(home_path: Path, as_json: bool) -> None:
    """Say where the published warehouse lies and how DBeaver, Excel and Python open it.

    \b
    Example:  forecourt where --json
    """
    from forecourt import show
    from forecourt.door import current_run, published_path
    from forecourt.terminal import out

    home = Home(home_path)
    run_id = current_run(home)
    path = published_path(home, run_id).resolve() if run_id else None
    facts = {
        "home": str(home.root.resolve()),
        "run": run_id,
        "warehouse": str(path) if path else None,
        "inbox": str(home.inbox.resolve()),
        "reports": str(home.reports.resolve()),
    }
    if as_json:
        show.print_json(facts)
        return
    if path is None:
        _open(home)
    for name, value in facts.items():
        out.print(f"{name:<10} {value}")
    out.print(
        f"\nPython     duckdb.connect({str(path)!r}, read_only=True)\n"
        "DBeaver    new DuckDB connection to that file; driver property duckdb.read_only = true\n"
        "Excel      export a table: forecourt export ageing -o ageing.xlsx\n"
        "A run makes a new file and leaves this one as it is; ask again after the next run."
    )


@cli.command()
@home_option()
@json_option
def status(home_path: Path, as_json: bool) -> None:
    """Say what is published, how fresh each feed is, and what lies in quarantine.

    \b
    Example:  forecourt status --home warehouse
    """
    from forecourt import show
    from forecourt.status import status_of

    facts = status_of(Home(home_path))
    if as_json:
        show.print_json(facts)
    else:
        show.print_status(facts)


@cli.command()
@click.argument("run_id", required=False)
@home_option()
def rollback(run_id: str | None, home_path: Path) -> None:
    """Put a kept run back in force (default: the one before).

    \b
    Example:  forecourt rollback --home warehouse
    """
    from forecourt.publish import rollback as put_back
    from forecourt.terminal import out

    home = Home(home_path)
    with home.lock():
        out.print(f"In force: {put_back(home, run_id)}")


def main() -> None:
    """Entry point: anticipated trouble is one sentence and exit code 1, wrong use exit code 2."""
    from rich.markup import escape

    try:
        cli()
    except Exception as error:
        said = _sentence(error)
        if said is None:
            raise
        from forecourt.terminal import err

        err.print(f"[bold red]error[/] {escape(said)}")
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """What a person is told of an error that was foreseen; None for a defect of ours, whose traceback we want."""
    if isinstance(error, Problem):
        return str(error)
    if "Could not set lock on file" in str(error):
        return "A file of the home is open for writing in another process. Close that program, then run again."
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be written or read by this user. Give access, or choose another --home."
    return None


def _settings(home: Home, paths: Sequence[Path] = ()) -> Settings:
    """The home's settings; a new home takes those that lie beside the files it is given."""
    from forecourt.settings import load_settings
    from forecourt.terminal import out

    home.create()
    beside = [path / "forecourt.toml" for path in paths if (path / "forecourt.toml").is_file()]
    if beside and not home.settings.exists():
        load_settings(beside[0])
        home.settings.write_bytes(beside[0].read_bytes())
        if out.is_terminal:
            out.print(f"settings   taken from {beside[0]}")
    return load_settings(home.settings)


def _open(home: Home) -> Warehouse:
    from forecourt.door import open_warehouse

    return open_warehouse(home)


def _write_sample(directory: Path, current: Any, **size: Any) -> Any:
    from ingest.sample import write_sample

    written = 0

    def on_step(name: str, rows: int) -> None:
        nonlocal written
        written += rows
        if current is not None:
            current.advance(written, None, name)

    return write_sample(directory, on_step=on_step, **size)


def _land(home: Home, settings: Settings, paths: Sequence[Path], *, quiet: bool) -> list[FileResult]:
    from forecourt.terminal import step
    from ingest.landing import land as land_files

    wanted = list(paths) or [home.inbox]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        raise Problem(f"There is no file or folder {missing[0]}. Check its name.")
    if quiet:
        return land_files(home, settings, wanted)
    with step("land") as current:
        landed = 0

        def on_file(result: FileResult) -> None:
            nonlocal landed
            landed += 1
            current.advance(landed, None, result.name)

        results = land_files(home, settings, wanted, on_file=on_file)
        rows = sum(result.rows_read for result in results)
        current.say(f"{len(results)} files, {rows:,} rows")
    return results


def _confirm(home: Home, settings: Settings, file_id: str, reason: str | None) -> FileResult:
    """Lands a held file on somebody's word, which the log keeps."""
    from getpass import getuser

    from ingest.landing import confirm

    if not reason:
        raise Problem(f"Say why {file_id} is right: forecourt land --confirm {file_id} --reason '...'.")
    return confirm(home, settings, file_id, who=getuser(), why=reason)


def _run(home: Home, paths: Sequence[Path], *, quiet: bool = False) -> Outcome:
    from forecourt import show

    with home.lock():
        settings = _settings(home, paths)
        results = _land(home, settings, paths, quiet=quiet)
        if not quiet:
            show.print_files(results)
        _require_something_landed(home)
        return _publish(home, settings, quiet=quiet)


def _require_something_landed(home: Home) -> None:
    """An empty warehouse is no success: a first run on a wrong path must say so."""
    import duckdb

    with duckdb.connect(str(home.landing), read_only=True) as landing:
        found = landing.execute("select count(*) from ledger.files where status = 'landed'").fetchone()
    if not found or not found[0]:
        raise Problem(f"Nothing has landed in {home.root} yet: no file was taken. Put export files in {home.inbox}.")


def _publish(home: Home, settings: Settings, *, quiet: bool) -> Outcome:
    """Builds and publishes what has landed; the caller holds the lock."""
    from checks.gate import check
    from forecourt.run import build_and_publish
    from forecourt.terminal import step

    if quiet:
        return build_and_publish(home, settings, check)
    with step("publish") as current:
        outcome = build_and_publish(home, settings, check, on_node=current.advance)
        current.say(outcome.message if outcome.is_published else "not published")
    return outcome


def _print_outcome(outcome: Outcome) -> None:
    """Prints findings and, where checks block, their rows; exits 1 when nothing was published."""
    from forecourt import show

    show.print_checks(outcome.checks)
    if not outcome.is_published:
        raise Problem(f"Nothing was published: {outcome.message} The run in force before stays on the pages.")


def _require_rooftops(warehouse: Warehouse, rooftops: Sequence[str]) -> None:
    if not rooftops:
        return
    known = [row["rooftop"] for row in warehouse.rows("select rooftop from meta.rooftops order by rooftop")]
    unknown = [code for code in rooftops if code not in known]
    if unknown:
        raise Problem(f"There is no rooftop {unknown[0]!r}. Known: {', '.join(known)}.")


def _chosen(warehouse: Warehouse, names: Sequence[str]) -> list[Metric]:
    from difflib import get_close_matches

    from forecourt.kpi import load_metrics

    metrics = load_metrics(warehouse)
    for name in names:
        if name not in metrics:
            near = get_close_matches(name, metrics, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Problem(f"There is no KPI {name!r}.{hint} Known: {', '.join(metrics)}.")
    return [metrics[name] for name in names] if names else list(metrics.values())


def _asked(
    warehouse: Warehouse, metrics: Sequence[Metric], first: date | None, last: date | None, as_of: date | None
) -> list[tuple[Metric, Any]]:
    """The period of each KPI: as asked, else the default of METRICS section 0."""
    from forecourt.kpi import default_period, headline_period, newest_day
    from forecourt.metrics import Period

    day = as_of or last or newest_day(warehouse)
    if first is None and last is None:
        period = default_period(day)
        return [(metric, headline_period(warehouse, metric, period)) for metric in metrics]
    until = last or day
    start = first or until.replace(day=1)
    if start > until:
        raise Problem(f"The period starts on {start} and ends before, on {until}. Swap --from and --to.")
    as_of_day = as_of or newest_day(warehouse)
    return [(metric, Period(start, until, as_of_day)) for metric in metrics]


@contextmanager
def _as_known(
    home: Home, published: Warehouse, known_at: datetime | None, names: Sequence[str], further: Sequence[str] = ()
) -> Iterator[Warehouse]:
    """The published warehouse, or one built as it was known at an instant for the KPIs named and further models."""
    if known_at is None:
        yield published
        return
    from forecourt.asof import known_at as built_as_known

    models = set(further)
    for metric in _chosen(published, names):
        # A stock is asked of a table function, which is a model of its own.
        function = metric.relation.removeprefix("marts.").partition("(")
        models |= {metric.model, *([function[0]] if function[1] else [])}
    with home.lock(), built_as_known(home, _settings(home), known_at, models) as warehouse:
        yield warehouse


def _export_ageing(
    home: Home,
    warehouse: Warehouse,
    output: Path,
    kind: Literal["xlsx", "csv"],
    as_of: date,
    basis: Literal["due", "invoice"],
    rooftops: Sequence[str],
    schedule: str | None,
    known_at: datetime | None,
) -> dict[str, Any]:
    from dashboards.exports import export_ageing as write_ageing

    return write_ageing(
        home,
        warehouse,
        output,
        kind=kind,
        as_of=as_of,
        basis=basis,
        rooftops=list(rooftops) or None,
        schedule=schedule,
        known_at=known_at,
    )


def _export_closed(
    home: Home,
    month: date,
    as_of: date | None,
    output: Path,
    kind: Literal["xlsx", "csv"],
    basis: Literal["due", "invoice"],
    schedule: str | None,
) -> dict[str, Any]:
    from dashboards.exports import export_closed_ageing
    from forecourt.close import closed_month

    closed = closed_month(home, f"{month:%Y-%m}")
    if as_of not in (None, closed.last_on):
        raise Problem(f"{closed.month} was closed as of {closed.last_on}. Leave --as-of out, or give that day.")
    return export_closed_ageing(home, closed, output, kind=kind, basis=basis, schedule=schedule)


def _print_headlines(warehouse: Warehouse, as_of: date) -> None:
    from forecourt import show
    from forecourt.kpi import compute
    from forecourt.metrics import HEADLINES

    chosen = _chosen(warehouse, HEADLINES)
    rows = [
        row
        for metric, period in _asked(warehouse, chosen, None, None, as_of)
        for row in compute(warehouse, metric, period)
    ]
    show.print_kpis(rows, {metric.name: metric for metric in chosen})


if __name__ == "__main__":
    main()
