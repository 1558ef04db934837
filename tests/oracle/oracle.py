"""The KPIs named in ``KPIS``, recomputed from a folder of exports."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tests.oracle.ageing import Ageing
from tests.oracle.claims import Claims
from tests.oracle.exports import newest_day, read_feeds
from tests.oracle.fleet import Fleet
from tests.oracle.gross import Gross
from tests.oracle.leads import Leads
from tests.oracle.records import Answer, Part, Question, World, spread, summed
from tests.oracle.settings import read_settings
from tests.oracle.turnaround import Turnaround

GROSS = (
    "gross_margin_rate",
    "gross_per_unit",
    "front_gross_per_unit",
    "back_gross_per_unit",
    "total_gross",
    "units",
    "gross_beside",
    "units_beside",
)
DURATIONS = ("enquiry_to_handover_days", "response_minutes")
FLEET = ("fleet_utilisation_rate", "fleet_gross_utilisation_rate")
CLAIMS = ("claim_rate", "return_rate")
LEADS = ("contact_rate", "appointment_set_rate", "show_rate", "marked_show_rate", "conversion_rate")
STOCKS = ("overdue_rate", "receivable_outstanding", "unapplied_credits")
KPIS = frozenset((*GROSS, "store_gross", *DURATIONS, "sla_met_rate", *FLEET, *CLAIMS, *STOCKS, *LEADS))


class Oracle:
    """The KPIs of one folder of native csv exports and its forecourt.toml."""

    def __init__(self, folder: Path, settings: Path) -> None:
        said = read_settings(settings)
        self.world = World(read_feeds(folder, said), said, newest_day(folder, said))
        self.folder = folder
        self._parts: dict[tuple[str, Question, str | None], list[Part]] = {}

    @cached_property
    def gross(self) -> Gross:
        return Gross(self.world)

    @cached_property
    def leads(self) -> Leads:
        return Leads(self.world, self.folder)

    @cached_property
    def turnaround(self) -> Turnaround:
        return Turnaround(self.world, self.leads)

    @cached_property
    def fleet(self) -> Fleet:
        return Fleet(self.world)

    @cached_property
    def claims(self) -> Claims:
        return Claims(self.world)

    @cached_property
    def ageing(self) -> Ageing:
        return Ageing(self.world)

    def answer(
        self, kpi: str, question: Question, by: str | None = None
    ) -> dict[tuple[str | None, str | None], Answer]:
        """The KPI by group and currency; both None where there is one total."""
        shape = by if (by == "month" and kpi in STOCKS) or by == "salesperson" else None
        if (kpi, question, shape) not in self._parts:
            self._parts[kpi, question, shape] = list(self.parts(kpi, question, shape))
        parts = self._parts[kpi, question, shape]
        return spread(parts, by) if kpi in DURATIONS else summed(parts, by)

    def parts(self, kpi: str, question: Question, by: str | None = None) -> Iterator[Part]:
        """The records that a KPI adds up."""
        if kpi in GROSS:
            return self.gross.parts(kpi, question, by)
        if kpi == "store_gross":
            return self.gross.store_parts(question)
        if kpi in DURATIONS or kpi == "sla_met_rate":
            return self.turnaround.parts(kpi, question)
        if kpi in FLEET:
            return self.fleet.parts(kpi, question)
        if kpi in CLAIMS:
            return self.claims.parts(kpi, question)
        if kpi in STOCKS:
            return self.ageing.parts(kpi, question, by)
        return self.leads.parts(kpi, question)
