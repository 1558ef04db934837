"""The sample dealership: a simulated car business and the export files its systems would have written.

The same arguments give the same bytes on any machine and day. Beside the files stand ``forecourt.toml`` and
``truth.json``, the numbers that the warehouse must find (see ``truth.py`` for how METRICS.md was read).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecourt.errors import Problem
from ingest.sample.adf import write_portal_leads
from ingest.sample.exceptions import write_exceptions
from ingest.sample.files import write_files
from ingest.sample.leads import Leads
from ingest.sample.ledger import Ledger, write_rates
from ingest.sample.people import People
from ingest.sample.planted import Plants, checked
from ingest.sample.rental import Rental
from ingest.sample.sales import Sales
from ingest.sample.settings import settings_text
from ingest.sample.stock import Stock
from ingest.sample.truth import AS_OF, as_json, truth
from ingest.sample.truth_ledger import write_control_balances
from ingest.sample.versions import close
from ingest.sample.workshop import Workshop
from ingest.sample.world import World

OnStep = Callable[[str, int], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was written: the folder, the number of files and of data rows in them, and the last simulated day."""

    directory: Path
    files: int
    rows: int
    as_of: date


def write_sample(
    directory: Path,
    *,
    rooftops: int = 2,
    years: float = 2,
    seed: int = 1,
    scale: float = 1.0,
    plants: Mapping[str, date] | None = None,
    on_step: OnStep | None = None,
) -> SampleSummary:
    """Simulates the business and writes its export files, settings and truth into ``directory``.

    ``scale`` multiplies the volume of every rooftop; ``plants`` names what goes wrong at each from which day on (see
    ``planted.PLANTS``); ``on_step(step, rows)`` hears of each step done and the rows it wrote. Raises Problem for
    numbers that make no business, an unknown plant and a folder that already holds something.
    """
    if not 1 <= rooftops <= 50:
        raise Problem(f"A sample has 1 to 50 rooftops, not {rooftops}.")
    if not 0.5 <= years <= 20:
        raise Problem(f"A sample covers half a year to 20 years, not {years}.")
    if not 0.02 <= scale <= 200:
        raise Problem(f"The scale of a sample lies between 0.02 and 200, not at {scale}.")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Problem(f"{directory} already holds something; name a new or an empty folder for the sample.")
    world, crm = simulate(rooftops, years, seed, scale, on_step, plants)
    directory.mkdir(parents=True, exist_ok=True)
    written = write_files(world, directory, on_step) + write_portal_leads(world, directory, crm)
    facts = truth(world)
    facts["files"] = {file.name: {"rows": file.rows, "bad": file.bad} for file in written}
    if world.planted:
        facts["planted"] = world.planted
    (directory / "truth.json").write_bytes(as_json(facts).encode())
    (directory / "forecourt.toml").write_bytes(settings_text(world).encode())
    if on_step:
        on_step("truth", 0)
    return SampleSummary(directory, len(written) + 3, sum(file.rows for file in written), world.end)


def simulate(
    rooftops: int,
    years: float,
    seed: int,
    scale: float,
    on_step: OnStep | None = None,
    plants: Mapping[str, date] | None = None,
) -> tuple[World, list[Leads]]:
    """The simulated world as its systems last exported it, and the CRM of each rooftop."""
    world = World(rooftops, years, seed, scale, checked(plants))
    crm = []
    for rooftop in world.rooftops:
        people = People(world, rooftop)
        plants_here = Plants(world, rooftop, people)
        stock = Stock(world, rooftop, people)
        leads = Leads(world, rooftop, people, stock)
        sales = Sales(world, rooftop, people, stock, leads, plants_here)
        rental = Rental(world, rooftop, people, stock)
        workshop = Workshop(world, rooftop, people, plants_here)
        sales.run()
        rental.run()
        leads.run()
        workshop.run(sales.deals)
        Ledger(world, rooftop, people, plants_here).run(sales.deals, workshop.orders, workshop.tickets, rental.damages)
        stock.write()
        people.write()
        crm.append(leads)
        if on_step:
            on_step(f"simulated {rooftop.name}", 0)
    write_exceptions(world, {leads.rooftop.code: leads.people for leads in crm})
    write_rates(world)
    for table in world.tables.values():
        close(table, world.end)
    write_control_balances(world, AS_OF)
    return world, crm
