"""What several verbs take: days, instants and months as people write them, the home, rooftops, ``--json``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click


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
