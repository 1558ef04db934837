"""Every KPI, recomputed from a folder of exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

from tests.oracle.ageing import Ageing
from tests.oracle.claims import Claims
from tests.oracle.customers import Customers
from tests.oracle.exports import newest_day, read_feeds
from tests.oracle.fleet import Fleet
from tests.oracle.gross import Gross
from tests.oracle.history import History
from tests.oracle.inspections import Inspections
from tests.oracle.leads import Leads
from tests.oracle.penetration import PRODUCT, Penetration
from tests.oracle.promises import Promises
from tests.oracle.quotes import Quotes
from tests.oracle.records import Answer, Part, Question, World, spread, summed
from tests.oracle.scorecard import Scorecard
from tests.oracle.service import Service
from tests.oracle.settings import read_settings
from tests.oracle.stock import Stock, states
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
#: KPIs with a function of their own: their name, in the part of the oracle that has it.
OWN = {
    "scorecard": (
        "follow_up_rate",
        "contact_to_appointment_rate",
        "source_visibility_rate",
        "missed_call_recovery_rate",
        "owned_rate",
        "next_action_rate",
        "stage_age_days",
        "cost_per_lead",
        "cost_per_sale",
        "sales_matched",
        "sales_in_crm_only",
        "sales_crm_unmatched",
        "sales_dms_unmatched",
    ),
    "inspections": ("inspection_fail_rate", "inspection_fail_rate_all_kinds"),
    "promises": ("promise_kept_rate",),
    "quotes": ("appraisal_hours", "approval_hours"),
    "history": ("exception_days", "change_explained_rate"),
    "ageing": ("receivable_provision", "dso_days", "funding_days"),
    "claims": ("claims_submitted", "claim_cost", "claims_per_service_month"),
    "customers": (
        "csi_score",
        "csi_response_rate",
        "repeat_rate",
        "service_retention_rate",
        "first_service_set_rate",
        "no_show_save_rate",
        "orphan_rate",
    ),
    "service": (
        "repair_order_days",
        "service_gross",
        "comeback_rate",
        "declined_recovery_rate",
        "ro_close_contact_rate",
        "worked_per_attended",
        "sold_per_worked",
        "sold_per_available",
    ),
    "stock": (
        "days_in_stock",
        "transit_days",
        "time_to_line_days",
        "stock_ready_rate",
        "stock_units",
        "stock_cost",
        "days_supply",
    ),
}
PART_OF = {kpi: part for part, kpis in OWN.items() for kpi in kpis}
SPREAD = {
    *DURATIONS,
    "repair_order_days",
    "days_in_stock",
    "transit_days",
    "time_to_line_days",
    "appraisal_hours",
    "approval_hours",
    "exception_days",
    "funding_days",
}
#: States at the end of a day; by month that of every month's end.
STATES = {"stock_units", "stock_cost", "days_supply", "service_retention_rate", "receivable_provision", "dso_days"} | {
    "owned_rate",
    "next_action_rate",
    "stage_age_days",
    "orphan_rate",
}
#: With fewer records there is no number.
FEWEST = {"csi_score": 30}
KPIS = frozenset(
    (*GROSS, "store_gross", *DURATIONS, "sla_met_rate", *FLEET, *CLAIMS, *STOCKS, *LEADS, *PRODUCT, *PART_OF)
)


class Oracle:
    """The KPIs of one folder of native csv exports and its forecourt.toml."""

    def __init__(self, folder: Path, settings: Path, closed: Iterable[date] = ()) -> None:
        """``closed``: the first days of the months that were closed."""
        said = read_settings(settings)
        said.closed = frozenset(closed)
        self.world = World(read_feeds(folder, said), said, newest_day(folder, said))
        self.folder = folder
        self._parts: dict[tuple[str, Question, str | None], list[Part]] = {}

    @cached_property
    def gross(self) -> Gross:
        return Gross(self.world)

    @cached_property
    def inspections(self) -> Inspections:
        return Inspections(self.world)

    @cached_property
    def penetration(self) -> Penetration:
        return Penetration(self.world, self.gross)

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

    @cached_property
    def service(self) -> Service:
        return Service(self.world)

    @cached_property
    def stock(self) -> Stock:
        return Stock(self.world, self.gross)

    @cached_property
    def customers(self) -> Customers:
        return Customers(self.world, self.claims, self.leads, self.service)

    @cached_property
    def quotes(self) -> Quotes:
        return Quotes(self.world, self.leads)

    @cached_property
    def history(self) -> History:
        return History(self.world)

    @cached_property
    def promises(self) -> Promises:
        return Promises(self.world, self.leads, self.turnaround, self.service, self.customers, self.ageing, self.gross)

    @cached_property
    def scorecard(self) -> Scorecard:
        return Scorecard(self.world, self.leads, self.promises)

    def answer(
        self, kpi: str, question: Question, by: str | None = None
    ) -> dict[tuple[str | None, str | None], Answer]:
        """The KPI by group and currency; both None where there is one total."""
        shape = by if (by == "month" and kpi in {*STOCKS, *STATES}) or by == "salesperson" else None
        if (kpi, question, shape) not in self._parts:
            self._parts[kpi, question, shape] = list(self.parts(kpi, question, shape))
        parts = self._parts[kpi, question, shape]
        found = spread(parts, by) if kpi in SPREAD else summed(parts, by)
        for answer in found.values():
            if answer.n < FEWEST.get(kpi, 0):
                answer.value = None
        return found

    def parts(self, kpi: str, question: Question, by: str | None = None) -> Iterator[Part]:
        """The records that a KPI adds up."""
        if kpi in PART_OF:
            function = getattr(getattr(self, PART_OF[kpi]), kpi)
            if kpi in STATES and by == "month":
                ends = [Question(question.first, day, question.as_of) for day in states(question)]
                return (part for end in ends for part in function(end))
            found: Iterator[Part] = function(question)
            return found
        if kpi in GROSS:
            return self.gross.parts(kpi, question, by)
        if kpi in PRODUCT:
            return self.penetration.parts(kpi, question, by)
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
