"""What a person sees of a command: a progress bar on a terminal, plain lines elsewhere, aligned figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

#: Into a file or a pipe nothing is cut to the width of a screen.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 250)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Step:
    """One step of a run; ``advance`` moves its bar, ``say`` sets what stands behind its name when it ends."""

    def __init__(self, progress: Progress | None, task: Any) -> None:
        self._progress, self._task = progress, task
        self.said = ""

    def advance(self, done: int, total: int | None, what: str = "") -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total, what=what)

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
    out.print(f"[bold]{name:<10}[/] {seconds:6.1f} s  {current.said}")


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table, cells as they are; a column is (heading, 'left' or 'right')."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading, side in columns:
        made.add_column(escape(heading), justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    out.print(made)


def is_interactive() -> bool:
    """True where a person sits at a terminal that can open a browser."""
    return sys.stdin.isatty() and sys.stdout.isatty()
