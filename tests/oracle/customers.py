"""What becomes of customers after the sale, and what they say, by METRICS.md sections 4 and 6 and DOMAIN 2.7."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property

from tests.oracle.claims import UNITS, Claims
from tests.oracle.clock import DAY, local_day, midnight, months_after
from tests.oracle.exports import Row
from tests.oracle.leads import Leads
from tests.oracle.records import Part, Question, World, car
from tests.oracle.service import Service

OWNED = 24
VISITED = 12


class Customers:
    """Buyers, owners, missed appointments and surveys."""

    def __init__(self, world: World, claims: Claims, leads: Leads, service: Service) -> None:
        self._world = world
        self._claims = claims
        self._leads = leads
        self._service = service

    def csi_score(self, question: Question) -> Iterator[Part]:
        """Section 6: (score − scale_min) / (scale_max − scale_min) × 100 by the day of the answer."""
        for row in self._world.rows("crm_surveys"):
            day = self._day(row, "responded_at")
            if day is None or not question.covers(day):
                continue
            part = Part(day, {"about": row["about"], "rooftop": row["rooftop"]})
            score, low, high = (row.get(name) for name in ("score", "scale_min", "scale_max"))
            if score is None:
                yield replace(part, excluded="answered without a score")
            elif low is None or high is None or high <= low:
                yield replace(part, excluded="answered without a scale")
            else:
                yield replace(part, top=(score - low) / (high - low) * 100, bottom=1)

    def csi_response_rate(self, question: Question) -> Iterator[Part]:
        """Section 6: surveys answered by as_of over surveys sent in the period."""
        for row in self._world.rows("crm_surveys"):
            day, answered = self._day(row, "sent_at"), self._day(row, "responded_at")
            if day is not None and question.covers(day):
                hit = answered is not None and answered <= question.as_of
                yield Part(day, {"about": row["about"], "rooftop": row["rooftop"]}, top=int(hit), bottom=1)

    def _day(self, row: Row, column: str) -> date | None:
        at = row.get(column)
        return local_day(at, self._world.settings.rooftop(row["rooftop"])) if at is not None else None

    @cached_property
    def units(self) -> list[Row]:
        """Retail and lease deals that were handed over, in order."""
        found = [deal for deal in self._claims.deliveries if deal["deal_type"] in UNITS]
        return sorted(found, key=lambda deal: (deal["delivered_on"], deal["rooftop"], deal["deal_number"]))

    def repeat_rate(self, question: Question) -> Iterator[Part]:
        """Section 6: buyers who bought here before / buyers. A buyer of two cars is one."""
        before: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for deal in self.units:
            on, customer = deal["delivered_on"], deal.get("customer_id")
            earlier = before[deal["rooftop"], customer] if customer else []
            hit = any(
                one["delivered_on"] < on and not (one.get("reversed_on") and one["reversed_on"] <= on)
                for one in earlier
            )
            earlier.append(deal)
            if not question.covers(on):
                continue
            part = Part(on, self._claims.groups(deal), record=("buyer", deal["rooftop"], customer), is_once=True)
            if not customer:
                yield replace(part, excluded="no customer", record=("deal", deal["rooftop"], deal["deal_number"]))
            else:
                yield replace(part, top=int(hit), bottom=1)

    def service_retention_rate(self, question: Question) -> Iterator[Part]:
        """Section 6: owners with a paid visit in 12 months / owners of 24 months."""
        day = question.end
        for deal in self.units:
            on, undone = deal["delivered_on"], deal.get("reversed_on")
            until = months_after(on, OWNED)
            if not on <= day < until or (undone and undone <= day):
                continue
            customer, vin = deal.get("customer_id"), self._vin(deal)
            buyer = ("buyer", deal["rooftop"], customer) if customer else ("deal", deal["rooftop"], deal["deal_number"])
            part = Part(day, self._claims.groups(deal), record=buyer, is_once=True)
            visits = [
                order.closed_on
                for order in self._service.orders.values()
                if not order.is_voided
                and order.closed_on is not None
                and any(line["outcome"] == "sold" and line["pay_type"] == "customer" for line in order.lines)
                and (
                    (vin and order.vin == vin)
                    or (customer and order.rooftop == deal["rooftop"] and order.row.get("customer_id") == customer)
                )
            ]
            hit = any(visit >= on and visit <= day < months_after(visit, VISITED) for visit in visits)
            if not customer:
                yield replace(part, excluded="no customer")
            else:
                yield replace(part, top=int(hit), bottom=1)

    def orphan_rate(self, question: Question) -> Iterator[Part]:
        """DOMAIN 2.7: owners whose assigned employee has left / owners in their first 24 months."""
        day = question.end
        said = {(row["rooftop"], row["customer_id"]): row for row in self._world.rows("dms_customers")}
        employees = {(row.get("rooftop"), row["employee"]): row for row in self._world.rows("crm_employees")}
        for deal in self.units:
            on, undone = deal["delivered_on"], deal.get("reversed_on")
            if not on <= day < months_after(on, OWNED) or (undone and undone <= day):
                continue
            rooftop, customer = deal["rooftop"], deal.get("customer_id")
            lead, _ = self._leads.lead_of_deal.get((rooftop, deal["deal_number"]), (None, ""))
            number = lead.record.row.get("customer_id") if lead and lead.record else None
            known = self._leads.identity.record(rooftop, number)
            employee = (
                said.get((rooftop, customer), {}).get("employee") or known.get("employee") or deal.get("salesperson")
            )
            listed = employees.get((rooftop, employee)) or employees.get((None, employee))
            groups = {**self._claims.groups(deal), "employee": employee}
            buyer = ("buyer", rooftop, customer) if customer else ("deal", rooftop, deal["deal_number"])
            part = Part(day, groups, record=buyer, is_once=True)
            if not customer:
                yield replace(part, excluded="no customer")
            elif not employee:
                yield replace(part, excluded="nobody assigned")
            elif listed is None:
                yield replace(part, excluded="employee not in the list of the CRM")
            elif known.get("active") is False:
                yield replace(part, excluded="customer closed in the CRM")
            else:
                left = listed.get("active_to")
                yield replace(part, top=int(left is not None and left < day), bottom=1)

    def _vin(self, deal: Row) -> str | None:
        return car(deal.get("vin")) or car(self._claims.vehicle(deal).get("vin"))

    def first_service_set_rate(self, question: Question) -> Iterator[Part]:
        """DOMAIN 2.7: retail deliveries with a later service appointment made by the day after / deliveries."""
        visits = [row for row in self._world.rows("crm_appointments") if row["kind"] == "service"]
        for deal in self.units:
            on = deal["delivered_on"]
            if deal["deal_type"] != "retail" or not question.covers(on):
                continue
            part = Part(on, self._claims.groups(deal), record=(deal["rooftop"], deal["deal_number"]))
            made = self.first_service_made(deal, visits)
            yield replace(part, top=int(made is not None and made <= question.as_of), bottom=1)

    def first_service_made(self, deal: Row, visits: list[Row]) -> date | None:
        """The day by which a service visit after the handover was set, no later than the day after it."""
        on, vin = deal["delivered_on"], self._vin(deal)
        days = []
        for row in visits:
            if row["rooftop"] != deal["rooftop"]:
                continue
            named = car(row.get("vin"))
            mine = named == vin if named else bool(deal.get("lead_id")) and row.get("lead_id") == deal["lead_id"]
            made, due = self._day(row, "created_at"), self._day(row, "starts_at")
            if mine and made is not None and due is not None and due > on and made <= on + DAY:
                days.append(max(made, on))
        return min(days, default=None)

    def no_show_save_rate(self, question: Question) -> Iterator[Part]:
        """DOMAIN 2.7: missed appointments with a new one made the same day / missed appointments."""
        for row, lead in self._leads.missed(question):
            day = self._day(row, "starts_at")
            groups = {
                "channel": lead.channel if lead else None,
                "employee": row.get("employee"),
                "kind": row["kind"],
                "rooftop": row["rooftop"],
                "source": lead.source if lead else None,
            }
            yield Part(day, groups, top=int(self.is_saved(row)), bottom=1)

    def is_saved(self, row: Row) -> bool:
        """Whether a new appointment was made on the day of a missed one, at or after its hour."""
        rooftop = self._world.settings.rooftop(row["rooftop"])
        day = local_day(row["starts_at"], rooftop)
        end: datetime = midnight(day + DAY, rooftop)
        for other in self._world.rows("crm_appointments"):
            if other is row or other["rooftop"] != row["rooftop"]:
                continue
            if not row["starts_at"].at <= other["created_at"].at < end:
                continue
            if other.get("rescheduled_from") == row["appointment_id"]:
                return True
            if (row["kind"] == "service") == (other["kind"] == "service") and any(
                row.get(name) and row[name] == other.get(name) for name in ("customer_id", "lead_id")
            ):
                return True
        return False
