"""The verbs about the published warehouse itself: ``dashboards``, ``where``, ``status``, ``rollback``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from forecourt.home import Home
from forecourt.verbs.options import home_option, json_option


@click.command()
@home_option()
@click.option("--port", default=None, type=click.IntRange(1, 65535), help="Port on this machine.")
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; any but this machine's needs [access].",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def dashboards(home_path: Path, port: int | None, address: str, no_browser: bool) -> None:
    """Open the dashboards of the published warehouse; on this machine, or behind a sign-in on a network.

    \b
    Example:  forecourt dashboards --home warehouse
    """
    from dashboards.serve import serve

    sys.exit(serve(Home(home_path), port=port, open_browser=not no_browser, address=address))


@click.command()
@home_option()
@json_option
def where(home_path: Path, as_json: bool) -> None:
    """Say where the published warehouse lies and how DBeaver, Excel and Python open it.

    \b
    Example:  forecourt where --json
    """
    from forecourt.door import current_run, open_warehouse, published_path
    from forecourt.verbs import show
    from forecourt.verbs.terminal import out

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
        open_warehouse(home)
    for name, value in facts.items():
        out.print(f"{name:<10} {value}")
    out.print(
        f"\nPython     import duckdb; warehouse = duckdb.connect({str(path)!r}, read_only=True)\n"
        '           warehouse.sql("from marts.fct_deal").show()\n'
        f"DBeaver    new DuckDB connection, driver 1.5 or newer, URL jdbc:duckdb:{path}\n"
        "           and the driver property duckdb.read_only = true; tables and columns carry their descriptions\n"
        f'Excel      forecourt sql "from fct_deal" -o deals.csv --home {shlex.quote(str(home.root))}\n'
        f"           forecourt export ageing -o ageing.xlsx --home {shlex.quote(str(home.root))}\n"
        "A run makes a new file and leaves this one as it is; ask again after the next run.",
        markup=False,
    )


@click.command()
@home_option()
@json_option
def status(home_path: Path, as_json: bool) -> None:
    """Say what is published, how fresh each feed is, and what lies in quarantine.

    \b
    Example:  forecourt status --home warehouse
    """
    from forecourt.status import status_of
    from forecourt.verbs import show

    facts = status_of(Home(home_path))
    if as_json:
        show.print_json(facts)
    else:
        show.print_status(facts)


@click.command()
@click.argument("run_id", required=False)
@home_option()
def rollback(run_id: str | None, home_path: Path) -> None:
    """Put a kept run back in force (default: the one before).

    \b
    Example:  forecourt rollback --home warehouse
    """
    from forecourt.publish import rollback as put_back
    from forecourt.verbs.terminal import out

    home = Home(home_path)
    with home.lock():
        out.print(f"In force: {put_back(home, run_id)}")
