"""One small published warehouse and one empty home for every test of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboards import prepared
from dashboards.serve import command, environment
from forecourt.door import current_run, published_path
from forecourt.home import Home
from forecourt.run import Prepare, build_and_publish
from forecourt.settings_file import load_settings
from ingest.landing import land
from ingest.sample import write_sample
from tests.support.browser import free_port, opened_browser, running

#: What the pages read; the sample's other feeds would only cost time here.
FEEDS = (
    "crm_activities",
    "crm_appointments",
    "crm_customers",
    "crm_employees",
    "crm_leads",
    "crm_tasks",
    "dms_allocations",
    "dms_claims",
    "dms_control_balances",
    "dms_customers",
    "dms_deal_products",
    "dms_deals",
    "dms_instalments",
    "dms_invoices",
    "dms_payments",
    "dms_rentals",
    "dms_repair_orders",
    "dms_ro_lines",
    "dms_vehicle_costs",
    "dms_vehicle_events",
    "dms_vehicles",
    "fx_rates",
)


@pytest.fixture(scope="session")
def published_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A sample dealership, landed, built and published as ``forecourt run`` does."""
    folder = tmp_path_factory.mktemp("dashboards")
    sample, home = folder / "sample", Home(folder / "home")
    write_sample(sample, years=1.5, scale=0.2)
    home.create()
    shutil.copy(sample / "forecourt.toml", home.settings)
    files = [file for file in sorted(sample.glob("*.csv")) if file.name.startswith(FEEDS)]
    return published(home, files, prepare=prepared.write)


INVOICES = (
    "rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,currency\n"
    "R1,I1,invoice,C1,2026-01-10,2026-02-09,1000.00,GBP\n"
)


@pytest.fixture(scope="session")
def single_feed_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A business that sends nothing but its invoices."""
    return of_files(
        tmp_path_factory.mktemp("single"),
        {"dms_invoices_2026-03-31.csv": INVOICES + "R1,I2,invoice,C2,2026-03-20,2026-04-20,70.50,GBP\n"},
    )


@pytest.fixture(scope="session")
def refused_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A run that published although its only file was refused."""
    return of_files(tmp_path_factory.mktemp("refused"), {"dms_invoices_2026-03-31.csv": "wrong,header\n1,2\n"})


@pytest.fixture(scope="session")
def quarantined_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A run whose only file landed with every row in quarantine: no feed has a day."""
    return of_files(
        tmp_path_factory.mktemp("quarantined"),
        {
            "dms_invoices_2026-03-31.csv": "rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,currency\n"
            "R1,I1,invoice,C1,not a day,2026-02-09,much,GBP\n"
        },
    )


@pytest.fixture(scope="session")
def unwound_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A car sold in February and taken back in March: March has negative revenue. The invoices stop in February."""
    return of_files(
        tmp_path_factory.mktemp("unwound"),
        {
            "dms_deals_2026-03-31.csv": "rooftop,deal_number,deal_type,status,finalised_on,delivered_on,reversed_on,"
            "sale_price,vehicle_cost,currency\n"
            "R1,D1,retail,unwound,2026-02-10,2026-02-10,2026-03-05,20000.00,18000.00,GBP\n",
            "dms_invoices_2026-02-28.csv": INVOICES,
        },
    )


@pytest.fixture(scope="session")
def ledger_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A ledger and a stock book small enough to work out by hand, as of 31 March 2026.

    Customer C1 of R1 and of R2 are two people; the control account of R1 is 0.01 off. Cars under the margin scheme:
    sold with a profit and with a loss, sold and taken back, in stock, sold without a purchase price.
    """
    home = Home(tmp_path_factory.mktemp("ledger") / "home")
    home.create()
    folder = Path(__file__).with_name("ledger")
    shutil.copy(folder / "forecourt.toml", home.settings)
    files = [Path(shutil.copy(file, home.root.parent)) for file in sorted(folder.glob("*.csv"))]
    return published(home, files)


def of_files(folder: Path, texts: Mapping[str, str]) -> Home:
    """The home in a folder with files of these names and texts landed, built and published."""
    home = Home(folder / "home")
    home.create()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return published(home, [folder / name for name in texts])


def published(home: Home, files: list[Path], prepare: Prepare | None = None) -> Home:
    """The home with these files landed, built and published; without ``prepare`` its pages ask the marts."""
    settings = load_settings(home.settings)
    with home.lock():
        land(home, settings, files)
        outcome = build_and_publish(home, settings, lambda home, paths: [], prepare=prepare)
    assert outcome.is_published, outcome.message
    return home


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    """A home that nothing was ever put in."""
    return Home(tmp_path / "empty")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium; of a module, since its loop must not run while other modules' tests do."""
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def address(published_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server shows the sample dealership."""
    yield from served(published_home, tmp_path_factory.mktemp("server") / "log")


@pytest.fixture(scope="session")
def empty_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server shows a home in which nothing was published."""
    folder = tmp_path_factory.mktemp("empty")
    yield from served(Home(folder / "home"), folder / "log")


#: Column -> what a business may well write into it.
LONG = {
    "rooftop_name": "Example Motors of Saint Bartholomew-on-the-Marsh and Upper Hollybank",
    "employee_name": "Maximiliana Featherstonehaugh-Cholmondeley van der Oosterhout",
    "customer_name": "Rechtsanwaltsgesellschaft Schwarzenbacher-Oberhuber und Partner mit beschränkter Berufshaftung",
}


@pytest.fixture(scope="session")
def long_names(published_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server shows the sample with long names: of rooftops, people and customers."""
    folder = tmp_path_factory.mktemp("long")
    home = Home(folder / "home")
    home.create()
    home.current.write_text(published_home.current.read_text("utf-8"), "utf-8")
    run = Path(shutil.copy(published_path(published_home, str(current_run(published_home))), home.published))
    run.chmod(0o644)
    with duckdb.connect(str(run)) as connection:
        found = connection.execute(
            "select table_name, column_name from duckdb_columns() join duckdb_tables() using (schema_name, table_name) "
            "where schema_name = 'marts' and column_name in (select unnest($1))",
            [list(LONG)],
        ).fetchall()
        for table, column in found:
            key = "rooftop" if column == "rooftop_name" else "employee" if column == "employee_name" else column
            connection.execute(
                f"update marts.{table} set {column} = $1 || ' ' || {key} where {column} is not null", [LONG[column]]
            )
    yield from served(home, folder / "log")


def served(home: Home, log: Path) -> Iterator[str]:
    """The address of a server that shows the home, stopped afterwards; its log may hold no complaint."""
    port = free_port()
    with running(command(port), port, log, environment(home)) as address:
        yield address
