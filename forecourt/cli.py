"""The command ``forecourt``: its verbs, and what a person is told when one fails."""

from __future__ import annotations

import sys

import click

from forecourt import __version__
from forecourt.errors import Problem
from forecourt.verbs import evidence, figures, load, mail, reports, sql, start, warehouse


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="forecourt")
def cli() -> None:
    """The reporting warehouse of the car trade: export files in, checked KPIs out.

    \b
    Start here:  forecourt demo
    """


for verb in (
    start.demo,
    start.sample,
    load.land,
    load.build,
    load.run,
    warehouse.dashboards,
    warehouse.where,
    warehouse.status,
    warehouse.rollback,
    figures.kpi,
    figures.why,
    sql.sql,
    evidence.trace,
    evidence.quarantine,
    evidence.erase,
    reports.export,
    reports.close,
    mail.mail,
):
    cli.add_command(verb)


def main() -> None:
    """Entry point: anticipated trouble is one sentence and exit code 1, wrong use exit code 2."""
    from rich.markup import escape

    try:
        cli()
    except Exception as error:
        said = _sentence(error)
        if said is None:
            raise
        from forecourt.verbs.terminal import err

        err.print(f"[bold red]error[/] {escape(said)}")
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """What a person is told of an error that was foreseen; None for a defect of ours, whose traceback we want."""
    if isinstance(error, Problem):
        return str(error)
    from forecourt.landed import IN_USE  # Here, because it loads the database, and help needs none.

    if IN_USE in str(error):
        return "A file of the home is open for writing in another process. Close that program, then run again."
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be written or read by this user. Give access, or choose another --home."
    return None


if __name__ == "__main__":
    main()
