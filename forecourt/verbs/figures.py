"""The verbs that print figures: ``kpi`` and ``why``."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.options import Day, Instant, home_option, json_option, rooftop_option
from forecourt.verbs.question import as_known, chosen_metrics, periods_of, require_rooftops


@click.command()
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
@click.option(
    "--explain", is_flag=True, help="Print what each KPI means, with the settings, targets and sources behind it."
)
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
    explain: bool,
    as_json: bool,
) -> None:
    """Print KPIs with their parts: value, numerator, denominator, what is excluded, open or immature.

    \b
    Without NAMES all of them. Without a period the month of as-of so far; a cohort KPI then shows the
    equally long cohort whose window has passed.
    Example:  forecourt kpi gross_margin_rate --from 2026-03-01 --to 2026-03-31 --by rooftop --json
    """
    from forecourt.door import open_warehouse
    from forecourt.verbs import show, show_figures

    if versus_now and (known_at is None or by is not None or as_sql):
        raise click.UsageError("--versus-now goes with --known-at, and neither with --by nor with --sql.")
    if explain and (as_sql or as_json or by is not None or known_at is not None):
        raise click.UsageError("--explain stands alone: it tells what a KPI means, not what it is.")
    home = Home(home_path)
    published = open_warehouse(home)
    if explain:
        from forecourt.handbook import entry, read_book

        book = read_book(published)
        click.echo("\n".join(entry(book, metric.name) for metric in chosen_metrics(published, names)))
        return
    require_rooftops(published, rooftops)
    with as_known(home, published, known_at, names) as warehouse:
        chosen = chosen_metrics(warehouse, names)
        if by is not None and not names:
            chosen = [metric for metric in chosen if by == "month" or by in metric.dimensions]
            if not chosen:
                raise Problem(f"No KPI has a dimension {by!r}. `forecourt kpi NAME --by ...` lists those of one.")
        asked = periods_of(warehouse, chosen, first, last, as_of)
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
                show_figures.print_restated(restated)
            return
        from forecourt.kpi import compute

        rows = [row for metric, period in asked for row in compute(warehouse, metric, period, by=by, rooftops=rooftops)]
        metrics = {metric.name: metric for metric in chosen}
    if as_json:
        show.print_json([row.as_dict() for row in rows])
    else:
        show_figures.print_kpis(rows, metrics)


@click.command()
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
    from forecourt.door import open_warehouse
    from forecourt.metrics import Period
    from forecourt.periods import cohort_before, compared, shifted, whole_months
    from forecourt.verbs import show, show_figures
    from forecourt.why import explain

    warehouse = open_warehouse(Home(home_path))
    require_rooftops(warehouse, rooftops)
    (metric,) = chosen_metrics(warehouse, [name])
    ((_, period),) = periods_of(warehouse, [metric], first, last, None)
    before = compared(period, *versus) if versus else shifted(period, whole_months(period) or 1)
    if metric.kind == "cohort":
        is_odd = not versus and not whole_months(period)
        before = cohort_before(period) if is_odd else Period(before.first, before.last, period.as_of)
    found = explain(warehouse, metric, period, before, rooftops=rooftops)
    if as_json:
        show.print_json([fact for each in found for fact in show_figures.why_facts(each)])
    else:
        show_figures.print_why(found, period, before)
