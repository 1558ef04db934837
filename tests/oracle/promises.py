"""Promises that fell due, kept or not, by METRICS.md section 7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.oracle.ageing import SIDE, Ageing
from tests.oracle.clock import DAY, Moment, elapsed, local_day, through
from tests.oracle.customers import Customers
from tests.oracle.exports import Record, Row
from tests.oracle.gross import Gross, recognised_on
from tests.oracle.history import read
from tests.oracle.leads import MARKED, Lead, Leads
from tests.oracle.records import Part, Question, World
from tests.oracle.service import Service
from tests.oracle.turnaround import UNITS, Turnaround

NOTHING = timedelta()
FUNDED_IN = timedelta(days=7)
ACKNOWLEDGED_IN = timedelta(minutes=5)
MESSAGED_IN = timedelta(hours=24)


@dataclass(frozen=True)
class Promise:
    """One promise with the day it falls due."""

    rule: str
    rooftop: str
    owner: str | None
    due_on: date
    is_kept: bool
    record: Any


class Promises:
    """Every promise of a rule that sets a time."""

    def __init__(
        self,
        world: World,
        leads: Leads,
        turnaround: Turnaround,
        service: Service,
        customers: Customers,
        ageing: Ageing,
        gross: Gross,
    ) -> None:
        self._world = world
        self._leads = leads
        self._turnaround = turnaround
        self._service = service
        self._customers = customers
        self._ageing = ageing
        self._gross = gross

    def promise_kept_rate(self, question: Question) -> Iterator[Part]:
        """Section 7: kept on time / due in the period."""
        rules = {row["rule"]: row for row in read("exception_rules")}
        for promise in self.all:
            if question.covers(promise.due_on):
                said = rules[promise.rule]
                groups = {
                    "owner": promise.owner,
                    "role": said["role"],
                    "rooftop": promise.rooftop,
                    "rule": said["label"],
                    "stage": said["stage"],
                }
                yield Part(promise.due_on, groups, top=int(promise.is_kept), bottom=1)

    def _is_alive(self, lead: Lead | None, day: date) -> bool:
        """Whether a lead was neither won nor lost nor gone, and its episode not over, before a day."""
        if lead is None:
            return True
        ended = self._ended.get(lead)
        return ended is None or day <= ended

    @cached_property
    def _ended(self) -> dict[Lead, date]:
        found: dict[Lead, date] = {}
        for episode in self._leads.episodes:
            for lead in episode.leads:
                found[lead] = self._leads.ends_on(episode)
                if episode.delivered and episode.delivered >= self._leads.day(episode.first):
                    found[lead] = min(found[lead], episode.delivered)
        for record in self._world.feeds.get("crm_leads", {}).values():
            row = record.row
            lead = self._lead_of[row["rooftop"], row["lead_id"]]
            days = [found[lead]] if lead in found else []
            if row.get("stage") in ("won", "lost"):
                days.append(self._day(row.get("stage_changed_at") or lead.received, row["rooftop"]))
            if record.gone_on:
                days.append(record.gone_on)
            if days:
                found[lead] = min(days)
        return found

    @cached_property
    def all(self) -> list[Promise]:
        """The promises of every rule."""
        return [
            *self._unanswered_leads(),
            *self._whatsapps(),
            *self._tasks(),
            *self._trade_ins(),
            *self._quotes(),
            *self._quotes_sent(),
            *self._missed_calls(),
            *self._no_shows(),
            *self._documents(),
            *self._deliveries(),
            *self._sales(),
            *self._hires(),
            *self._payments(),
            *self._messages(),
            *self._promised_times(),
            *self._parts(),
        ]

    def _day(self, at: Moment | datetime, rooftop: str) -> date:
        said = self._world.settings.rooftop(rooftop)
        return local_day(at, said) if isinstance(at, Moment) else at.astimezone(said.zone).date()

    def _is_by(self, done: Moment | None, due: Moment, rooftop: str) -> bool:
        return done is not None and elapsed(due, done, self._world.settings.rooftop(rooftop)) <= NOTHING

    def _unanswered_leads(self) -> Iterator[Promise]:
        """Unanswered lead past target."""
        for lead in self._leads.all:
            due, target = self._turnaround.due(lead)
            if due is None:
                continue
            at, _ = self._turnaround.answers.get(lead, (None, None))
            kept = at is not None and self._turnaround.seconds(lead, at) <= target
            yield Promise("unanswered_lead", lead.rooftop, lead.owner, self._day(due, lead.rooftop), kept, lead)

    def _whatsapps(self) -> Iterator[Promise]:
        """WhatsApp unacknowledged after 5 minutes: the first of several in a row; a machine may acknowledge."""
        for lead in self._leads.all:
            waiting = False
            for place, row in enumerate(lead.activities):
                if row["channel"] == "note":
                    continue
                if row["direction"] == "out":
                    waiting = False
                elif row["channel"] == "whatsapp" and not waiting:
                    waiting = True
                    if not self._is_alive(lead, self._day(row["occurred_at"], lead.rooftop)):
                        continue
                    due = row["occurred_at"].at + ACKNOWLEDGED_IN
                    kept = any(
                        other["direction"] == "out" and other["channel"] != "note" and other["occurred_at"].at <= due
                        for other in lead.activities[place + 1 :]
                    )
                    yield Promise(
                        "unacknowledged_whatsapp",
                        lead.rooftop,
                        lead.owner,
                        self._day(due, lead.rooftop),
                        kept,
                        row["activity_id"],
                    )

    def _tasks(self) -> Iterator[Promise]:
        """Task overdue."""
        for row in self._world.rows("crm_tasks"):
            kept = self._is_by(row.get("completed_at"), row["due_at"], row["rooftop"])
            day = self._day(row["due_at"], row["rooftop"])
            yield Promise("overdue_task", row["rooftop"], row.get("employee"), day, kept, row["task_id"])

    @cached_property
    def _tasks_of(self) -> dict[tuple[Any, ...], list[Row]]:
        return self._world.by("crm_tasks", "rooftop", "lead_id")

    def _trade_ins(self) -> Iterator[Promise]:
        """Trade-in lead without appraisal or task the same day."""
        appraisals = self._world.by("crm_appraisals", "rooftop", "lead_id")
        for lead in self._leads.all:
            if lead.intent != "trade_in" or lead.quality in MARKED:
                continue
            day, key = self._leads.day(lead), (lead.rooftop, lead.number)
            stamps = [row["requested_at"] for row in appraisals.get(key, [])]
            stamps += [row["created_at"] for row in self._tasks_of.get(key, []) if row.get("created_at")]
            kept = any(self._day(at, lead.rooftop) == day for at in stamps)
            yield Promise("trade_without_appraisal", lead.rooftop, lead.owner, day, kept, lead)

    @cached_property
    def _lead_of(self) -> dict[tuple[str, str], Lead]:
        return {(lead.rooftop, lead.number): lead for lead in self._leads.all if lead.origin == "crm"}

    def _owner(self, row: Row) -> str | None:
        lead = self._lead_of.get((row["rooftop"], row.get("lead_id") or ""))
        return lead.owner if lead else None

    def _quotes(self) -> Iterator[Promise]:
        """Quote unanswered within a day."""
        for row in self._world.rows("crm_quotes"):
            asked, rooftop = row.get("requested_at"), row["rooftop"]
            lead = self._lead_of.get((rooftop, row.get("lead_id") or ""))
            if asked is None or not self._is_alive(lead, self._day(asked, rooftop)):
                continue
            if row.get("sent_at") and self._day(row["sent_at"], rooftop) < self._day(asked, rooftop):
                continue
            hours = self._world.settings.policy("quote.answer_hours", self._day(asked, rooftop))
            due = Moment(asked.at + timedelta(hours=hours), asked.is_day)
            kept = self._is_by(row.get("sent_at"), due, rooftop)
            yield Promise("unanswered_quote", rooftop, self._owner(row), self._day(due, rooftop), kept, row["quote_id"])

    def _quotes_sent(self) -> Iterator[Promise]:
        """Quote sent without next action that day."""
        for row in self._world.rows("crm_quotes"):
            sent, rooftop = row.get("sent_at"), row["rooftop"]
            if sent is None:
                continue
            day = self._day(sent, rooftop)
            lead = self._lead_of.get((rooftop, row.get("lead_id") or ""))
            if lead is None or not self._is_alive(lead, day):
                continue
            kept = self._has_next_action(lead, day)
            yield Promise("quote_without_next_action", rooftop, self._owner(row), day, kept, row["quote_id"])

    def _has_next_action(self, lead: Lead, day: date) -> bool:
        """Whether at the end of a day anything was planned for it or later; of a next action today's word counts."""
        tasks = self._tasks_of.get((lead.rooftop, lead.number), [])
        planned = [(row.get("created_at"), row["due_at"]) for row in tasks]
        planned += [(row["created_at"], row["starts_at"]) for row in lead.appointments]
        if lead.next_action_due and self._day(lead.next_action_due, lead.rooftop) >= day:
            return True
        return any(
            made is not None and self._day(made, lead.rooftop) <= day <= self._day(due, lead.rooftop)
            for made, due in planned
        )

    def _missed_calls(self) -> Iterator[Promise]:
        """Missed call not returned within the target of a telephone enquiry."""
        for row, due, kept in self.missed_calls:
            day = self._day(due, row["rooftop"])
            yield Promise("missed_call", row["rooftop"], None, day, kept, row["call_id"])

    @cached_property
    def missed_calls(self) -> list[tuple[Row, datetime, bool]]:
        """Missed calls with the instant of their target, and whether somebody tried to return them by then."""
        settings = self._world.settings
        found = []
        for row in self._world.rows("portal_calls"):
            if row.get("answered"):
                continue
            start = row["started_at"]
            day = self._day(start, row["rooftop"])
            minutes = settings.policy("sla.phone.other_minutes", day, settings.policy("sla.default_minutes", day))
            if settings.policy("response.clock", day) == "elapsed":
                due: datetime | None = start.at + timedelta(minutes=minutes)
            else:
                due = self._world.clock.after(row["rooftop"], start.at, int(minutes) * 60)
            if due is None:
                continue
            tries = [
                one["occurred_at"].at
                for one in self._leads.lead_of_call(row).activities
                if one["direction"] == "out"
                and one["channel"] != "note"
                and not one.get("automatic")
                and not one.get("bulk")
                and one["occurred_at"].at >= start.at
            ]
            found.append((row, due, bool(tries) and min(tries) <= due))
        return found

    def _no_shows(self) -> Iterator[Promise]:
        """No-show not rebooked the same day."""
        for row, lead in self._leads.missed(Question(date.min, date.max, date.max)):
            day = self._day(row["starts_at"], row["rooftop"])
            if not self._is_alive(lead, day):
                continue
            yield Promise(
                "no_show_not_rebooked",
                row["rooftop"],
                row.get("employee"),
                day,
                self._customers.is_saved(row),
                row["appointment_id"],
            )

    def _documents(self) -> Iterator[Promise]:
        """Document missing at its stage."""
        deals = {key: rows[0] for key, rows in self._world.by("dms_deals", "rooftop", "deal_number").items()}
        for record in self._world.feeds.get("dms_documents", {}).values():
            row = record.row
            required = row.get("required_on")
            if required is None:
                continue
            deal = deals.get((row["rooftop"], row["entity_id"]), {}) if row["entity"] == "deal" else {}
            days = [row["received_on"]] if row.get("received_on") else []
            if row.get("waived_by"):
                days.append(self._since(record, "waived_by"))
            kept = any(day <= required for day in days)
            owner = deal.get("finance_manager") or deal.get("salesperson")
            yield Promise(
                "missing_document", row["rooftop"], owner, required, kept, (row["entity_id"], row["document"])
            )

    def _since(self, record: Record, column: str) -> date:
        """The day from which a column has had its value, by the versions."""
        rooftop = self._world.settings.rooftop(record.row["rooftop"])
        since, before = date.max, None
        for version, state in record.states():
            if state.get(column) != before:
                updated = version.values.get("updated_at")
                since = local_day(updated, rooftop) if updated else through(version.exported_at, rooftop)
            before = state.get(column)
        return since

    def _deliveries(self) -> Iterator[Promise]:
        """Delivered without first service appointment."""
        visits = [row for row in self._world.rows("crm_appointments") if row["kind"] == "service"]
        sending = {row["rooftop"] for row in visits}
        for deal in self._customers.units:
            if deal["rooftop"] not in sending:
                continue
            kept = self._customers.first_service_made(deal, visits) is not None
            yield Promise(
                "no_first_service",
                deal["rooftop"],
                deal.get("salesperson"),
                deal["delivered_on"] + DAY,
                kept,
                deal["deal_number"],
            )

    def _sales(self) -> Iterator[Promise]:
        """Sold without follow-up task, with a lead behind it or without."""
        sending = {row["rooftop"] for row in self._world.rows("crm_tasks")}
        for deal in self._world.rows("dms_deals"):
            day = recognised_on(self._world, deal)
            if deal["deal_type"] not in UNITS or day is None:
                continue
            rooftop = deal["rooftop"]
            if rooftop not in sending:
                continue
            episode = self._leads.episode_of_deal.get((rooftop, deal["deal_number"]))
            leads = episode.leads if episode else []
            tasks = [row for lead in leads for row in self._tasks_of.get((rooftop, lead.number), [])]
            kept = any(
                row.get("created_at")
                and self._day(row["created_at"], rooftop) <= day <= self._day(row["due_at"], rooftop)
                for row in tasks
            )
            yield Promise("sold_without_follow_up", rooftop, deal.get("salesperson"), day, kept, deal["deal_number"])

    def _hires(self) -> Iterator[Promise]:
        """Hire past due back."""
        for row in self._world.rows("dms_rentals"):
            due = row.get("due_back_at")
            if due is not None:
                kept = self._is_by(row.get("returned_at"), due, row["rooftop"])
                day = self._day(due, row["rooftop"])
                yield Promise("hire_past_due", row["rooftop"], None, day, kept, row["agreement_number"])

    def _payments(self) -> Iterator[Promise]:
        """Payment past policy, and contract in transit past 7 days."""
        deals = {key: rows[0] for key, rows in self._world.by("dms_deals", "rooftop", "deal_number").items()}
        for document in self._ageing.documents:
            if document.kind != "invoice" or SIDE[document.kind] < 0:
                continue
            rooftop = document.rooftop
            contract = self._ageing.contract_day(document)
            if contract is not None:
                deal = deals.get((rooftop, document.row.get("deal_number")), {})
                due = contract + FUNDED_IN
                kept = not any(self._ageing.left_of(document, due).values())
                yield Promise(
                    "late_funding", rooftop, deal.get("finance_manager") or deal.get("salesperson"), due, kept, document
                )
                continue
            for number, day, amount in self._ageing.rows_of(document):
                if amount > 0:
                    kept = not self._ageing.left_of(document, day)[number]
                    yield Promise(
                        "late_payment", rooftop, document.row.get("customer_id"), day, kept, (document, number)
                    )

    def _messages(self) -> Iterator[Promise]:
        """Closed order without a message in 24 h."""
        for order in self._service.orders.values():
            if order.is_voided or order.closed_on is None or self._service.contact_unknown(order):
                continue
            due = order.row["closed_at"].at + MESSAGED_IN
            kept = self._service.message_after(order) is not None
            yield Promise(
                "closed_without_message",
                order.rooftop,
                order.row.get("advisor"),
                self._day(due, order.rooftop),
                kept,
                order.key,
            )

    def _promised_times(self) -> Iterator[Promise]:
        """Promised time passed or moved: the first promise, kept only where it was never moved to a later time."""
        moved = {
            (record.row["rooftop"], record.row["ro_number"])
            for record in self._world.feeds.get("dms_repair_orders", {}).values()
            if self._is_moved(record)
        }
        for order in self._service.orders.values():
            row = order.row
            promised = row.get("first_promised_at") or row.get("promised_at")
            if order.is_voided or promised is None:
                continue
            kept = self._is_by(row.get("completed_at") or row.get("closed_at"), promised, order.rooftop)
            kept = kept and order.key not in moved
            yield Promise(
                "promised_time_missed",
                order.rooftop,
                row.get("advisor"),
                self._day(promised, order.rooftop),
                kept,
                order.key,
            )

    def _is_moved(self, record: Record) -> bool:
        """Whether a version promised an order for later than it was promised first."""
        rooftop = self._world.settings.rooftop(record.row["rooftop"])
        first: Moment | None = None
        for _, state in record.states():
            promised = state.get("promised_at")
            if promised is None:
                continue
            first = first or promised
            if elapsed(state.get("first_promised_at") or first, promised, rooftop) > NOTHING:
                return True
        return False

    def _parts(self) -> Iterator[Promise]:
        """Part past its ETA."""
        for order in self._service.orders.values():
            for line in order.lines:
                eta = line.get("eta")
                if line["kind"] != "part" or eta is None or order.is_voided:
                    continue
                received = line.get("received_on")
                kept = received is not None and received <= eta
                yield Promise(
                    "part_past_eta", order.rooftop, order.row.get("advisor"), eta, kept, (*order.key, line["line"])
                )
