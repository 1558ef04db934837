"""``make docs``: writes the pages of docs/ that are made from the project itself."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from forecourt.build import Paths, build
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.handbook import page, read_book
from forecourt.home import Home
from forecourt.meta import write_meta
from forecourt.reference import as_text, columns_of, read_marts, renewed
from forecourt.reference import page as reference_page
from forecourt.settings_file import load_settings
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
REFERENCE = ROOT / "docs" / "reference" / "marts.md"
CONTRACT = REFERENCE.with_name("contract.json")
REFERENCE_LEAD = (
    "Written by `make docs` from the descriptions beside the marts. The same stands in the published file: as comments "
    "on tables and columns, and in `meta.columns`. [How to ask in SQL](../how-to/ask-in-sql.md)."
)
#: One lead, so that something has landed; the definitions do not depend on it.
FILES = {"crm_leads_2026-03-02.csv": "rooftop,lead_id,received_at\nR1,L1,2026-03-02T10:00:00\n"}


def handbook(home: Home, paths: Paths) -> str:
    """The handbook by what a whole build of a home has made."""
    write_meta(home, paths, run_id="docs", started_at=datetime.now(UTC).replace(tzinfo=None), known_at=None)
    return page(read_book(Warehouse(paths.warehouse)), "KPI handbook", LEAD)


def reference(paths: Paths) -> tuple[str, str]:
    """The reference of the marts and their contract, by a build whose meta is written.

    Raises Problem where the contract is broken and its version has not gone up.
    """
    marts = read_marts(Warehouse(paths.warehouse))
    kept = json.loads(CONTRACT.read_text(encoding="utf-8")) if CONTRACT.exists() else {}
    contract = renewed(kept, columns_of(marts))
    return reference_page(marts, contract["version"], REFERENCE_LEAD), as_text(contract)


def main() -> None:
    LINES.write_text(table(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        home = make_warehouse(Path(folder), FILES, select="dim_date")
        build(home, load_settings(home.settings))
        paths = Paths(home.build)
        HANDBOOK.write_text(handbook(home, paths), encoding="utf-8")
        REFERENCE.parent.mkdir(exist_ok=True)
        try:
            made = reference(paths)
        except Problem as problem:
            sys.exit(str(problem))
        for file, text in zip((REFERENCE, CONTRACT), made, strict=True):
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
