"""Time travel: a warehouse built as it was known at an instant, in a folder of its own, for one question."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from forecourt.build import Paths, build
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.landed import open_landed
from forecourt.meta import write_meta
from forecourt.settings import Settings


@contextmanager
def known_at(home: Home, settings: Settings, instant: datetime, models: Iterable[str]) -> Iterator[Warehouse]:
    """Builds what ``models`` need from the deliveries received by ``instant`` (UTC) and opens it for reading.

    Raises Problem where nothing had been received by then.
    """
    with open_landed(home) as landing:
        first = landing.execute("select min(received_at) from ledger.files where status = 'landed'").fetchone()
    if first is None or first[0] is None or first[0] > instant:
        since = f"the first delivery came at {first[0]:%Y-%m-%d %H:%M} UTC" if first and first[0] else "none came yet"
        raise Problem(f"Nothing was known at {instant:%Y-%m-%d %H:%M} UTC: {since}.")
    home.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="known-", dir=home.build) as folder:
        paths = Paths(Path(folder))
        selection = " ".join(f"+{model}" for model in sorted({*models, "dim_rooftop"}))
        broken = [
            node.name
            for node in build(home, settings, folder=paths.folder, known_at=instant, select=selection, tests=False)
            if node.resource_type == "model" and node.status != "success"
        ]
        if broken:
            raise Problem(f"These models could not be built as known at {instant}: {', '.join(broken)}.")
        started = datetime.now(UTC).replace(tzinfo=None)
        write_meta(home, paths, run_id="known-at", started_at=started, known_at=instant)
        yield Warehouse(paths.warehouse)
