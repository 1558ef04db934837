"""The verb for questions nobody has thought of: ``sql``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from forecourt.home import Home
from forecourt.verbs.options import home_option, json_option
from forecourt.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["table", "csv", "parquet", "json"]

#: Rows of an answer where --limit gives no other number: what a person reads, and what a file holds.
ROWS_SHOWN, ROWS_IN_A_FILE = 1_000, 1_000_000


@click.command()
@click.argument("statement")
@home_option()
@click.option("--run", "run_id", help="Ask this kept run instead of the one in force.")
@click.option("--format", "kind", type=click.Choice(["table", "csv", "parquet", "json"]), help="Default: table.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"Rows at the most. Default: {ROWS_SHOWN:,}, into a file {ROWS_IN_A_FILE:,}.",
)
@click.option("--timeout", default=60.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds at the most.")
@json_option
def sql(
    statement: str,
    home_path: Path,
    run_id: str | None,
    kind: Kind | None,
    output: Path | None,
    limit: int | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Ask the published warehouse in SQL: one select, which can read this warehouse and nothing else.

    \b
    STATEMENT stands in quotes; - reads it from standard input.
    What there is: forecourt sql "show tables", forecourt sql "describe fct_deal"
    Example:  forecourt sql "select rooftop, count(*) as deals from fct_deal group by rooftop" --format csv
    """
    from forecourt.door import open_warehouse
    from forecourt.query import ask

    kind = kind or ("json" if as_json else _kind_of(output))
    if kind == "parquet" and output is None:
        raise click.UsageError("Parquet is no text: say with -o which file it goes to.")
    if kind == "table" and output is not None:
        raise click.UsageError("A file is written as csv, parquet or json: name it so, or say --format.")
    home = Home(home_path)
    warehouse = open_warehouse(home, run_id)
    text = sys.stdin.read() if statement == "-" else statement
    limit = limit or (ROWS_IN_A_FILE if output else ROWS_SHOWN)
    answer = ask(warehouse, text, limit=limit, seconds=timeout)
    if output is None:
        _print(answer.rows, kind)
    else:
        _write(home, answer.rows, output, kind, warehouse.run_id, text)
    for name in answer.as_text:
        click.echo(f"{name} is given as text: it has a day or time beyond the calendar, like infinity.", err=True)
    if answer.is_cut:
        click.echo(f"These are the first {limit:,} rows; there are more. --limit gives another number.", err=True)


def _kind_of(output: Path | None) -> Kind:
    """What the ending of the file says, a table where there is none."""
    kinds: dict[str, Kind] = {".csv": "csv", ".parquet": "parquet", ".json": "json"}
    return kinds.get(output.suffix.lower(), "table") if output else "table"


def _print(rows: pa.Table, kind: Kind) -> None:
    from forecourt.exported import csv_of
    from forecourt.verbs import show

    if kind == "csv":
        click.echo(csv_of(rows), nl=False)
    elif kind == "json":
        show.print_json(_records(rows))
    else:
        show.print_answer(rows)


def _write(home: Home, rows: pa.Table, output: Path, kind: Kind, run_id: str, statement: str) -> None:
    from forecourt import __version__
    from forecourt.exported import csv_of, parquet_of, record_export, write_whole
    from forecourt.verbs.show import as_json as json_of

    if kind == "parquet":
        data = parquet_of(rows)
    else:
        data = csv_of(rows) if kind == "csv" else f"{json_of(_records(rows))}\n".encode()
    write_whole(output, data)
    facts = {"rows": rows.num_rows, "parameters": {"statement": statement}, "version": __version__}
    digest = record_export(home, data, export="sql", name=output.name, run=run_id, by="command", facts=facts)
    click.echo(f"{output}: {counted(rows.num_rows, 'rows')} of run {run_id}, sha256 {digest[:16]}")


def _records(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows as dicts ready for JSON, which knows neither infinity nor what is no number."""
    from math import isfinite

    return [
        {name: str(value) if isinstance(value, float) and not isfinite(value) else value for name, value in row.items()}
        for row in rows.to_pylist()
    ]
