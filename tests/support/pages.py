"""``make docs``: writes the pages of docs/ that are made from the project itself."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from forecourt.build import Paths, build
from forecourt.door import Warehouse
from forecourt.handbook import page, read_book
from forecourt.home import Home
from forecourt.meta import write_meta
from forecourt.settings import load_settings
from tests.support.metrics_lines import ROOT, table
from tests.support.warehouse import make_warehouse

HANDBOOK = ROOT / "docs" / "kpis.md"
LINES = ROOT / "docs" / "metrics-tests.md"
LEAD = (
    "Written by `make docs` from the definitions beside the marts and from the statements that compute them, with the "
    "settings of an empty `forecourt.toml`. `forecourt kpi NAME --explain` prints an entry with the settings, targets "
    "and benchmarks of your own home. [METRICS.md](METRICS.md) has the rules in full, [settings.md](settings.md) what "
    "each setting means."
)
#: One lead, so that something has landed; the definitions do not depend on it.
FILES = {"crm_leads_2026-03-02.csv": "rooftop,lead_id,received_at\nR1,L1,2026-03-02T10:00:00\n"}


def handbook(home: Home, paths: Paths) -> str:
    """The handbook by what a whole build of a home has made."""
    write_meta(home, paths, run_id="docs", started_at=datetime.now(UTC).replace(tzinfo=None), known_at=None)
    return page(read_book(Warehouse(paths.warehouse)), "KPI handbook", LEAD)


def main() -> None:
    LINES.write_text(table(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        home = make_warehouse(Path(folder), FILES, select="dim_date")
        build(home, load_settings(home.settings))
        HANDBOOK.write_text(handbook(home, Paths(home.build)), encoding="utf-8")


if __name__ == "__main__":
    main()
