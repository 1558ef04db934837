"""The verbs to begin with: ``demo`` and ``sample``, on an invented dealership."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecourt.home import Home
from forecourt.verbs.load import land_and_publish, print_outcome
from forecourt.verbs.options import home_option, json_option
from forecourt.verbs.question import chosen_metrics, periods_of
from forecourt.wording import counted

if TYPE_CHECKING:
    from forecourt.door import Warehouse


@click.command()
@home_option("demo-warehouse")
@click.option("--no-serve", is_flag=True, help="End after publishing; do not open the dashboards.")
def demo(home_path: Path, no_serve: bool) -> None:
    """Make a sample dealership, land, build, check and publish it, and open its dashboards.

    \b
    Example:  forecourt demo --no-serve
    """
    from dashboards.reports.exports import export_ageing
    from forecourt.door import open_warehouse
    from forecourt.verbs.terminal import is_interactive, out, step

    home = Home(home_path)
    folder = home.root / "sample"
    with step("sample") as current:
        summary = _write_sample(folder, current, rooftops=2, years=2, seed=1, scale=1.0)
        current.say(f"{counted(summary.files, 'files')}, {counted(summary.rows, 'rows')} in {folder}")
    print_outcome(land_and_publish(home, [folder]))
    warehouse = open_warehouse(home)
    as_of = summary.as_of
    out.print()
    _print_headlines(warehouse, as_of)
    workbook = home.reports / f"ageing-{as_of}.xlsx"
    export_ageing(home, warehouse, workbook, kind="xlsx", as_of=as_of)
    out.print(f"\nReceivable ageing as of {as_of}: {workbook}")
    out.print(f"Next: forecourt dashboards --home {home.root}")
    if is_interactive() and not no_serve:
        from dashboards.serve import serve

        sys.exit(serve(home))


@click.command()
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
    from forecourt.verbs import show
    from forecourt.verbs.terminal import out, step

    if as_json:
        summary = _write_sample(directory, None, rooftops=rooftops, years=years, seed=seed, scale=scale)
        show.print_json(
            {"directory": str(directory), "files": summary.files, "rows": summary.rows, "as_of": summary.as_of}
        )
        return
    with step("sample") as current:
        summary = _write_sample(directory, current, rooftops=rooftops, years=years, seed=seed, scale=scale)
        current.say(f"{counted(summary.files, 'files')}, {counted(summary.rows, 'rows')} in {directory}")
    out.print(f"Next: forecourt run {directory}")


def _write_sample(directory: Path, current: Any, **size: Any) -> Any:
    from ingest.sample import write_sample

    written = 0

    def on_step(name: str, rows: int) -> None:
        nonlocal written
        written += rows
        if current is not None:
            current.advance(written, None, name)

    return write_sample(directory, on_step=on_step, **size)


def _print_headlines(warehouse: Warehouse, as_of: date) -> None:
    from forecourt.kpi import compute
    from forecourt.metrics import HEADLINES
    from forecourt.verbs import show_figures

    chosen = chosen_metrics(warehouse, HEADLINES)
    rows = [
        row
        for metric, period in periods_of(warehouse, chosen, None, None, as_of)
        for row in compute(warehouse, metric, period)
    ]
    show_figures.print_kpis(rows, {metric.name: metric for metric in chosen})
