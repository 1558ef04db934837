"""Files that nobody here wrote: every published file set, and receivables and leads accounted for row by row.

They are not ours to ship, so these tests exist where the folder with them lies beside the checkout.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest.landing import land

FORECOURT = Path(sys.executable).with_name("forecourt")
DATA = Path(__file__).resolve().parents[1] / "../shared/data"
IBM = DATA / "inv-ibm-ar/WA_Fn-UseC_-Accounts-Receivable.csv"
TABLE = Path(__file__).resolve().parents[1] / "docs/real-files.md"
#: A file without a header is known by its name, and the name it was published under says nothing.
RENAMED = {"veh-ecuador-headerless": "autos_ec_listings.csv"}
ADF_FILES = sorted(path for path in DATA.glob("adf-*/*") if path.suffix in (".xml", ".txt"))

if DATA.exists():

    def forecourt(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([FORECOURT, *map(str, arguments)], capture_output=True, text=True, check=False)

    @pytest.fixture(scope="module")
    def ibm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
        home = tmp_path_factory.mktemp("ibm") / "warehouse"
        ended = forecourt("run", IBM, "--home", home)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return home

    def day(text: str) -> date:
        month, of_month, year = text.split("/")
        return date(int(year), int(month), int(of_month))

    def bucket(days: int) -> str:
        if days <= 0:
            return "not_due"
        return next((f"{top - 29}-{top}" for top in (30, 60, 90, 120) if days <= top), "121+")

    def expected_ageing(as_of: date) -> dict[str, tuple[Decimal, int, str]]:
        """Invoice -> (open amount, days past due, bucket), from the file alone: open until the day it was settled."""
        open_invoices = {}
        with IBM.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if day(row["InvoiceDate"]) <= as_of < day(row["SettledDate"]):
                    days = (as_of - day(row["DueDate"])).days
                    open_invoices[row["invoiceNumber"]] = (Decimal(row["InvoiceAmount"]), days, bucket(days))
        return open_invoices

    @pytest.mark.parametrize("as_of", [date(2012, 12, 31), date(2013, 6, 30)])
    def test_ibm_ageing_equals_an_independent_calculation(ibm_home: Path, tmp_path: Path, as_of: date) -> None:
        file = tmp_path / "ageing.csv"
        ended = forecourt("export", "ageing", "--as-of", as_of, "--format", "csv", "-o", file, "--home", ibm_home)
        assert ended.returncode == 0, ended.stderr
        with file.open(newline="", encoding="utf-8") as exported:
            rows = list(csv.DictReader(exported))
        assert {row["document_kind"] for row in rows} == {"invoice"}
        found = {
            row["document"]: (Decimal(row["outstanding"]), int(row["days_past_due"]), row["bucket"]) for row in rows
        }
        assert len(found) == len(rows)
        assert found == expected_ageing(as_of)

    def test_ibm_rows_are_all_accounted_for(tmp_path: Path) -> None:
        home = tmp_path / "warehouse"
        first = json.loads(forecourt("land", IBM, "--home", home, "--json").stdout)[0]
        lines = len(IBM.read_text(encoding="utf-8").splitlines()) - 1
        assert first["status"] == "landed"
        assert first["rows_read"] == first["rows_new"] == lines
        assert set(first["feeds"]) == {"dms_invoices", "dms_payments", "dms_allocations"}
        again = json.loads(forecourt("land", IBM, "--home", home, "--json").stdout)[0]
        assert again["status"] == "same again"
        twin = IBM.with_name("WA_Fn-UseC_-Accounts-Receivable_with_missing.csv")
        other = json.loads(forecourt("land", twin, "--home", home, "--json").stdout)[0]
        parts = ("new", "changed", "unchanged", "quarantined", "skipped")
        assert other["rows_read"] == sum(other[f"rows_{part}"] for part in parts)

    def told() -> dict[str, list[int]]:
        """Set -> landed, refused, read, new, changed, unchanged, quarantined, skipped, as the page has them."""
        rows = [line.split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines() if " | " in line]
        return {
            row[0].removeprefix("| "): [int(cell.replace(",", "")) for cell in row[1:9]]
            for row in rows
            if row[1].isdigit()
        }

    @pytest.mark.parametrize("name", sorted(told()))
    def test_a_file_set_gives_what_the_page_says(tmp_path: Path, name: str) -> None:
        files = sorted(path for path in (DATA / name).rglob("*") if path.is_file() and path.suffix != ".dtd")
        if name in RENAMED:
            (tmp_path / RENAMED[name]).write_bytes(files[0].read_bytes())
            files = [tmp_path / RENAMED[name]]
        home = Home(tmp_path / "warehouse")
        results = land(home, load_settings(home.settings), files)
        parts = ("read", "new", "changed", "unchanged", "quarantined", "skipped")
        counts = [sum(getattr(result, f"rows_{part}") for result in results) for part in parts]
        statuses = Counter(result.status for result in results)
        assert [statuses["landed"], statuses["refused"], *counts] == told()[name]
        assert counts[0] == sum(counts[1:])

    def test_every_file_set_stands_on_the_page() -> None:
        assert set(told()) == {path.name for path in DATA.iterdir() if path.is_dir() and "torture" not in path.name}

    def test_every_adf_sample_is_a_lead_or_a_quarantined_row(tmp_path: Path) -> None:
        inbox = tmp_path / "portal"
        inbox.mkdir()
        for number, file in enumerate(ADF_FILES):
            (inbox / f"{number:02d}_{file.name}").write_bytes(file.read_bytes())
        results = json.loads(forecourt("land", inbox, "--home", tmp_path / "warehouse", "--json").stdout)
        assert len(results) == len(ADF_FILES)
        for result in results:
            told = result["rows_new"] + result["rows_changed"] + result["rows_unchanged"] + result["rows_quarantined"]
            assert told >= 1 or result["reason"], result["name"]
            assert result["rows_read"] == told + result["rows_skipped"], result["name"]
        leads = Counter(result["status"] for result in results if result["rows_new"])
        assert leads.total() >= 10
