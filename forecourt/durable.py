"""Files that are there whole or not at all, also when the power fails."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """What was written to a file, or what was named in a folder, is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """The file has these bytes or, if this fails at any moment, those it had. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    sync(beside)
    os.replace(beside, path)
    sync(path.parent)
