"""A process that ends with the run that started it, however that ends: ``python -m forecourt.child COMMAND ...``.

Without it a killed run leaves dbt working, which keeps the landing locked for the next run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def ending_with_us(command: Sequence[str]) -> list[str]:
    """The command, wrapped so that Linux kills it when this process ends, also by ``kill -9``."""
    return [sys.executable, "-m", "forecourt.child", *command]


def main() -> None:
    """Asks Linux to end this process with its parent, then becomes the command; the wish outlives the change."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
