"""The command line as tests call it: in a process of its own, or in this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from forecourt.cli import cli
from forecourt.errors import Problem


def forecourt(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, in a process of its own."""
    command = [sys.executable, "-m", "forecourt.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def call(*words: str) -> Result:
    """The command in this process; a Problem reaches the caller as the result's exception."""
    return CliRunner().invoke(cli, list(words))


def said(result: Result) -> str:
    """The one sentence a failed command prints."""
    assert isinstance(result.exception, Problem), result.output
    return str(result.exception)
