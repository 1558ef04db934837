"""The verbs that write reports for good: ``export`` and ``close``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.load import publish_landed, settings_of
from forecourt.verbs.options import Day, Instant, Month, home_option, json_option, rooftop_option
from forecourt.verbs.question import as_known, require_rooftops, require_schedule
from forecourt.wording import counted

if TYPE_CHECKING:
    from forecourt.door import Warehouse


@click.group()
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
@click.option("--entity", help="Only this legal entity, by its whole name.")
@click.option("--currency", help="Only documents in this currency, like EUR.")
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv", "pdf"]), default="xlsx", show_default=True)
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
    entity: str | None,
    currency: str | None,
    kind: Literal["xlsx", "csv", "pdf"],
    output: Path,
    as_json: bool,
) -> None:
    """Write the receivable ageing of a day: every open document with its days past due and bucket.

    \b
    Example:  forecourt export ageing --as-of 2026-03-31 --format csv -o ageing.csv
    """
    from dashboards.reports.exports import export_ageing as write_ageing
    from dashboards.reports.receivables import Choice, beyond
    from forecourt.door import open_warehouse
    from forecourt.kpi import newest_day
    from forecourt.verbs import show

    home = Home(home_path)
    if closed is not None:
        if known_at is not None or rooftops or entity or currency:
            raise click.UsageError("--closed gives the files kept then; it goes with --basis, --schedule and --format.")
        facts = _export_closed(home, closed, as_of, output, kind, basis, schedule)
        if as_json:
            show.print_json(facts)
        else:
            click.echo(f"{output}: as closed at {facts['closed_at']} UTC, sha256 {facts['sha256'][:16]}")
        return
    published = open_warehouse(home)
    require_rooftops(published, rooftops)
    with as_known(
        home, published, known_at, ("overdue_rate",), ("fct_control_tieout", "fct_receivable_rollforward")
    ) as warehouse:
        require_schedule(warehouse, schedule)
        _require_known(warehouse, "legal_entity", entity)
        _require_known(warehouse, "currency", currency)
        day = as_of or newest_day(warehouse)
        facts = write_ageing(
            home,
            warehouse,
            output,
            kind=kind,
            as_of=day,
            basis=basis,
            choice=Choice(rooftops, schedule, entity, currency),
            known_at=known_at,
        )
    through = facts["data_through"]
    if said := beyond(day, date.fromisoformat(through) if through else None):
        click.echo(said, err=True)
    if as_json:
        show.print_json(facts)
    else:
        from forecourt.verbs.terminal import out

        out.print(f"{output}: {facts['rows']:,} open documents as of {day}, sha256 {facts['sha256'][:16]}")


def _require_known(warehouse: Warehouse, column: str, value: str | None) -> None:
    """Raises Problem, with those there are, where no document has this value of a column."""
    known = [row[column] for row in warehouse.rows(f"select distinct {column} from marts.fct_receivable order by 1")]
    if value is not None and value not in known:
        raise Problem(
            f"No document has the {column.replace('_', ' ')} {value!r}. Known: {', '.join(map(str, known)) or 'none'}."
        )


@export.command("statement")
@home_option()
@click.option("--customer", "customer_id", required=True, help="The customer's number, as the DMS writes it.")
@click.option("--rooftop", help="Whose customer number it is, where several rooftops have it.")
@click.option("--as-of", type=Day(), help="The day whose end counts. Default: the newest day of the data.")
@click.option("--from", "since", type=Day(), help="The first day whose entries are listed. Default: that of the month.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export_statement(
    home_path: Path,
    customer_id: str,
    rooftop: str | None,
    as_of: date | None,
    since: date | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write a customer's statement of account as pdf: brought forward, entries, open items, by age.

    \b
    Example:  forecourt export statement --customer C00035 --rooftop R2 --as-of 2026-03-31 -o statement.pdf
    """
    from dashboards.reports.exports import export_statement as write_statement
    from forecourt.door import open_warehouse
    from forecourt.kpi import newest_day

    home = Home(home_path)
    warehouse = open_warehouse(home)
    require_rooftops(warehouse, [rooftop] if rooftop else [])
    day = as_of or newest_day(warehouse)
    facts = write_statement(home, warehouse, output, customer_id=customer_id, as_of=day, rooftop=rooftop, since=since)
    _told(facts, as_json, f"{output}: statement of {customer_id} as of {day}")


@export.command("deposits")
@home_option()
@click.option("--as-of", type=Day(), help="The day whose end counts. Default: the newest day of the data.")
@rooftop_option
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export_deposits(
    home_path: Path,
    as_of: date | None,
    rooftops: tuple[str, ...],
    kind: Literal["xlsx", "csv"],
    output: Path,
    as_json: bool,
) -> None:
    """Write the deposits and credit balances of a day: payments and credits not set against anything yet.

    \b
    Example:  forecourt export deposits --as-of 2026-03-31 -o deposits.xlsx
    """
    from dashboards.reports.exports import export_credits
    from dashboards.reports.receivables import Choice
    from forecourt.door import open_warehouse
    from forecourt.kpi import newest_day

    home = Home(home_path)
    warehouse = open_warehouse(home)
    require_rooftops(warehouse, rooftops)
    day = as_of or newest_day(warehouse)
    facts = export_credits(home, warehouse, output, kind=kind, as_of=day, choice=Choice(rooftops))
    _told(facts, as_json, f"{output}: {facts['rows']:,} documents with money left as of {day}")


@export.command("stock-book")
@home_option()
@click.option("--from", "first", type=Day(), help="First day of the period. Default: that of the last day's month.")
@click.option("--to", "last", type=Day(), help="Last day of the period. Default: the newest day of the data.")
@rooftop_option
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export_stock_book(
    home_path: Path,
    first: date | None,
    last: date | None,
    rooftops: tuple[str, ...],
    kind: Literal["xlsx", "csv"],
    output: Path,
    as_json: bool,
) -> None:
    """Write the margin-scheme stock book of a period: every car bought, sold, its margin and the VAT due.

    \b
    Example:  forecourt export stock-book --from 2026-01-01 --to 2026-03-31 -o stock_book.xlsx
    """
    from dashboards.reports.exports import export_stock_book as write_book
    from forecourt.door import open_warehouse
    from forecourt.kpi import newest_day

    home = Home(home_path)
    warehouse = open_warehouse(home)
    require_rooftops(warehouse, rooftops)
    until = last or newest_day(warehouse)
    since = first or until.replace(day=1)
    if since > until:
        raise Problem(f"The period starts on {since} and ends before, on {until}. Swap --from and --to.")
    facts = write_book(home, warehouse, output, kind=kind, first=since, last=until, rooftops=rooftops)
    _told(facts, as_json, f"{output}: {facts['rows']:,} cars from {since} to {until}")


def _told(facts: dict[str, Any], as_json: bool, sentence: str) -> None:
    from forecourt.verbs import show

    if as_json:
        show.print_json(facts)
    else:
        click.echo(f"{sentence}, sha256 {facts['sha256'][:16]}")


@click.command()
@click.argument("month", type=Month())
@home_option()
@json_option
def close(month: date, home_path: Path, as_json: bool) -> None:
    """Close a month: keep its month-end pack for good, byte for byte, and the run it came from.

    \b
    The pack: headlines, ageing, tie-out, roll-forward, deposits and credits, stock book, and their sha256.
    From then on a late cost of the month counts on its own day. A month is closed once.
    Example:  forecourt close 2026-03
    """
    from dashboards.reports.pack import LEFT_OUT, SUMS, TIE_OUT, month_end_pack, sums
    from dashboards.reports.receivables import tied_by_name, tieout
    from forecourt.close import close_month, require_closable
    from forecourt.door import open_warehouse
    from forecourt.periods import last_day
    from forecourt.verbs import show

    home = Home(home_path)
    settings, warehouse = settings_of(home), open_warehouse(home)  # a wrong setting is told before a month is closed
    with home.lock():
        behind = require_closable(home, warehouse, month)
        files = month_end_pack(warehouse, month, last_day(month))
        files[SUMS] = sums(files)
        closed = close_month(home, warehouse.run_id, month, files, behind)
        if not as_json:
            click.echo(f"Closed {closed.month}: {counted(len(closed.files), 'files')} in {home.closed / closed.month}")
            if TIE_OUT in files:
                click.echo(f"  {tied_by_name(warehouse, tieout(warehouse, last_day(month)))}")
            for feed in behind:
                click.echo(f"  not through the month: {feed}")
            for line in files.get(LEFT_OUT, b"").decode().splitlines():
                click.echo(f"  left out: {line}")
        # The closing changes where late costs count, so the numbers in force are made again with it.
        outcome = publish_landed(home, settings, quiet=as_json)
    if as_json:
        show.print_json(asdict(closed) | {"published": outcome.run_id if outcome.is_published else None})
    elif not outcome.is_published:
        click.echo(f"The month is closed; the numbers in force are those from before: {outcome.message}")


def _export_closed(
    home: Home,
    month: date,
    as_of: date | None,
    output: Path,
    kind: Literal["xlsx", "csv", "pdf"],
    basis: Literal["due", "invoice"],
    schedule: str | None,
) -> dict[str, Any]:
    from dashboards.reports.exports import export_closed_ageing
    from forecourt.close import closed_month

    closed = closed_month(home, f"{month:%Y-%m}")
    if as_of not in (None, closed.last_on):
        raise Problem(f"{closed.month} was closed as of {closed.last_on}. Leave --as-of out, or give that day.")
    return export_closed_ageing(home, closed, output, kind=kind, basis=basis, schedule=schedule)
