"""The verb ``mail``: a report sent by mail, for a clock of the machine to call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.options import Day, home_option, json_option, rooftop_option
from forecourt.verbs.question import require_rooftops

if TYPE_CHECKING:
    from forecourt.door import Warehouse
    from forecourt.settings import Settings


@click.group()
def mail() -> None:
    """Send a report by mail, through the server under [mail] in forecourt.toml."""


def to_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--to``, an address; may be repeated."""
    return click.option("--to", "addresses", multiple=True, required=True, help="Who gets it; may be repeated.")(
        command
    )


@mail.command("ageing")
@home_option()
@to_option
@click.option("--as-of", type=Day(), help="The day whose end counts. Default: the newest day of the data.")
@click.option("--basis", type=click.Choice(["due", "invoice"]), default="due", show_default=True)
@rooftop_option
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv", "pdf"]), default="xlsx", show_default=True)
@json_option
def mail_ageing(
    home_path: Path,
    addresses: tuple[str, ...],
    as_of: date | None,
    basis: Literal["due", "invoice"],
    rooftops: tuple[str, ...],
    kind: Literal["xlsx", "csv", "pdf"],
    as_json: bool,
) -> None:
    """Mail the receivable ageing of a day as a file, the same bytes as `export ageing` writes.

    \b
    Example:  forecourt mail ageing --to pat@example.com --format pdf
    """
    from tempfile import TemporaryDirectory

    from dashboards.reports.exports import export_ageing
    from dashboards.reports.receivables import Choice, ageing_facts, tied_by_name
    from forecourt.kpi import newest_day

    home = Home(home_path)
    settings, warehouse = _begun(home, rooftops)
    day, choice = as_of or newest_day(warehouse), Choice(rooftops)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"ageing_{day}_{basis}.{kind}"
        facts = export_ageing(home, warehouse, file, kind=kind, as_of=day, basis=basis, choice=choice)
        files = {file.name: file.read_bytes()}
    said = tied_by_name(warehouse, ageing_facts(warehouse, day, basis, choice).tieout)
    text = (
        f"The receivable ageing of {settings.company} as of {day}: {facts['rows']:,} open documents.\n{said}\n\n"
        f"Run {warehouse.run_id}, sha256 {facts['sha256']}.\n"
    )
    _sent(settings.mail, addresses, f"{settings.company}: receivable ageing as of {day}", text, files, as_json)


@mail.command("overview")
@home_option()
@to_option
@rooftop_option
@json_option
def mail_overview(home_path: Path, addresses: tuple[str, ...], rooftops: tuple[str, ...], as_json: bool) -> None:
    """Mail the five headlines with their targets, the alerts that stand, and how fresh the data are.

    \b
    Example:  forecourt mail overview --to pat@example.com
    """
    from forecourt.alerts import look
    from forecourt.kpi import newest_day

    settings, warehouse = _begun(Home(home_path), rooftops)
    day = newest_day(warehouse)
    looked = look(warehouse, settings)
    alerts = [alert.text for alert in looked.alerts if not rooftops or alert.rule.rooftop in rooftops]
    text = "\n\n".join(
        [
            f"{settings.company} on {day}",
            _headlines(warehouse, rooftops),
            "Alerts:\n" + "\n".join(alerts) if alerts else "No alert stands.",
            *(f"Not judged: {said}" for said in looked.unjudged),
            f"Run {warehouse.run_id}. Data through {day}.\n",
        ]
    )
    _sent(settings.mail, addresses, f"{settings.company}: overview of {day}", text, {}, as_json)


def _begun(home: Home, rooftops: tuple[str, ...]) -> tuple[Settings, Warehouse]:
    """What every letter begins with. Raises Problem without a mail server, and for a rooftop that nobody knows."""
    from forecourt.door import open_warehouse
    from forecourt.settings_file import load_settings

    settings = load_settings(home.settings)
    if settings.mail is None:
        raise Problem(f"{home.settings} names no mail server. Write it under [mail]; docs/settings.md says how.")
    warehouse = open_warehouse(home)
    require_rooftops(warehouse, rooftops)
    return settings, warehouse


def _headlines(warehouse: Warehouse, rooftops: tuple[str, ...]) -> str:
    """A line per headline and currency: value, target, records, or why it has none."""
    from forecourt.kpi import compute, headline_period, load_metrics, newest_day
    from forecourt.metrics import HEADLINES, figure
    from forecourt.periods import default_period

    metrics = load_metrics(warehouse)
    lines = []
    for metric in (metrics[name] for name in HEADLINES if name in metrics):
        period = headline_period(warehouse, metric, default_period(newest_day(warehouse)))
        for row in compute(warehouse, metric, period, rooftops=rooftops or None):
            said = figure(metric, row.value) if row.value is not None else f"no data: {row.reason}"
            target = f", target {figure(metric, row.target)}" if row.target is not None else ""
            behind = f", data only to {row.data_through}" if row.is_stale else ""
            money = f" {row.currency}" if row.currency else ""
            lines.append(f"{metric.label}{money}: {said}{target} (n {row.n:,}, excluded {row.excluded:,}{behind})")
    return "\n".join(lines)


def _sent(mail: Any, to: tuple[str, ...], subject: str, text: str, files: dict[str, bytes], as_json: bool) -> None:
    from forecourt.mail import send
    from forecourt.verbs import show

    send(mail, to, subject, text, files)
    if as_json:
        show.print_json({"to": list(to), "subject": subject, "files": list(files)})
    else:
        click.echo(f"Mailed to {', '.join(to)}: {subject}" + (f", with {', '.join(files)}" if files else ""))
