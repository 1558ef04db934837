"""What a person sees of a command: a progress bar on a terminal, plain lines elsewhere, aligned figures.

Names and texts of files come from anyone, so what would steer the terminal is written out here, for all that is shown.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

#: Characters that move the cursor, colour what follows or turn its direction, and bytes of a name that is no UTF-8.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_OR_TAB = re.compile(r"[\n\t\u2028\u2029]")


def visible(text: str) -> str:
    """A text of one or several lines with its control characters written out, such as \\x1b."""
    return STEERING.sub(_written_out, text)


def one_line(text: str) -> str:
    """The name or reason of a file as one line: line ends and tabs are written out too."""
    return _LINE_OR_TAB.sub(_written_out, visible(text))


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class _Screen(Console):
    """A console on which no text of a file steers the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(visible(each) if isinstance(each, str) else each for each in objects), **options)


#: Into a file or a pipe nothing is cut to the width of a screen. A colon in a name begins no picture.
out = _Screen(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 250)
err = _Screen(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class Step:
    """One step of a run; ``advance`` moves its bar, ``say`` sets what stands behind its name when it ends."""

    def __init__(self, progress: Progress | None, task: Any) -> None:
        self._progress, self._task = progress, task
        self.said = ""

    def advance(self, done: int, total: int | None, what: str = "") -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total, what=escape(one_line(what)))

    def say(self, text: str) -> None:
        self.said = text


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Shows a bar while the body works and one line with time and counts when it ends."""
    started = time.monotonic()
    if out.is_terminal:
        columns = (
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[what]}"),
        )
        with Progress(*columns, console=out, transient=True) as progress:
            current = Step(progress, progress.add_task(name, total=None, what=""))
            yield current
    else:
        current = Step(None, None)
        yield current
    seconds = time.monotonic() - started
    out.print(f"[bold]{name:<10}[/] {seconds:6.1f} s  {escape(current.said)}")


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table, each cell as one line; a column is (heading, 'left' or 'right')."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading, side in columns:
        made.add_column(escape(one_line(heading)), justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else escape(one_line(str(cell))) for cell in row))
    out.print(made)


def is_interactive() -> bool:
    """True where a person sits at a terminal that can open a browser."""
    return sys.stdin.isatty() and sys.stdout.isatty()
