"""How much memory the database of the landing may take: beyond it, work of large files goes to disk."""

from __future__ import annotations

import os

#: In MB: in all, for each processor, and for each part of a comparison by history. What temporary tables held is let go
#: with the transaction only, and some of it cannot go to disk.
_BASE, _OF_PROCESSOR, _OF_PART = 1024, 128, 64


def memory_limit(parts: int = 0) -> str:
    """As the database takes it, for a comparison in so many parts."""
    return f"{max(_BASE, _OF_PROCESSOR * (os.cpu_count() or 1)) + _OF_PART * parts}MB"
