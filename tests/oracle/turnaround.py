"""Response time, target and enquiry to handover by METRICS.md sections 2 and 6."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.oracle.leads import Lead, Leads
from tests.oracle.records import LONGEST, Part, Question, World

UNITS = ("retail", "lease")
SECOND = timedelta(seconds=1)
NO_TIME = "received on a day without a time"
BATCH = "batch-stamped response"
TOO_LONG = "over 365 days"
NO_LEAD = "no lead"
BEFORE = "handed over before its enquiry"


class Turnaround:
    """The clocks of leads and deals."""

    def __init__(self, world: World, leads: Leads) -> None:
        self._world = world
        self._leads = leads

    def parts(self, kpi: str, question: Question) -> Iterator[Part]:
        """The records of one KPI."""
        if kpi == "response_minutes":
            return self._response(question)
        if kpi == "sla_met_rate":
            return self._in_time(question)
        return self._handover(question)

    @cached_property
    def answers(self) -> dict[Lead, tuple[datetime, str | None]]:
        """Per answered lead the instant of its response and who gave it."""
        found: dict[Lead, tuple[datetime, str | None]] = {}
        for lead in self._leads.all:
            if lead.answered_at_receipt:
                found[lead] = (lead.received.at, None)
                continue
            for row in lead.activities:
                if (
                    row["direction"] == "out"
                    and row["channel"] != "note"
                    and not row.get("automatic")
                    and not row.get("bulk")
                    and row["occurred_at"].at >= lead.received.at
                    and self._leads.got_through(row)
                ):
                    found[lead] = (row["occurred_at"].at, row.get("employee"))
                    break
        return found

    @cached_property
    def batched(self) -> set[Lead]:
        """Leads that one person answered in the same second as four others."""
        stamped: dict[Any, list[Lead]] = defaultdict(list)
        for lead, (at, who) in self.answers.items():
            if who is not None:
                stamped[lead.rooftop, who, at.replace(microsecond=0)].append(lead)
        return {lead for group in stamped.values() if len(group) >= 5 for lead in group}

    def _answered(self, lead: Lead, as_of: date) -> datetime | None:
        """The instant of the response where it was known by the end of a day."""
        at, _ = self.answers.get(lead, (None, None))
        if at is None or at.astimezone(self._world.settings.rooftop(lead.rooftop).zone).date() > as_of:
            return None
        return at

    def seconds(self, lead: Lead, at: datetime) -> int:
        """Seconds from the receipt to an instant by the clock of the policy."""
        if self._world.settings.policy("response.clock", self._leads.day(lead)) == "elapsed":
            return (at - lead.received.at) // SECOND
        return self._world.clock.seconds(lead.rooftop, lead.received.at, at)

    def _groups(self, lead: Lead, day: date) -> dict[str, Any]:
        is_open = self._world.clock.is_open(lead.rooftop, lead.received.at)
        return {**self._leads.groups_on(lead, day), "after_hours": "open" if is_open else "after hours"}

    def _response(self, question: Question) -> Iterator[Part]:
        for lead in self._leads.all:
            day = self._leads.day(lead)
            if not question.covers(day):
                continue
            part = Part(day, self._groups(lead, question.as_of))
            at = self._answered(lead, question.as_of)
            if lead.received.is_day:
                yield replace(part, excluded=NO_TIME)
            elif at is None:
                yield replace(part, is_open=True)
            elif lead in self.batched:
                yield replace(part, excluded=BATCH)
            elif at - lead.received.at > LONGEST:
                yield replace(part, excluded=TOO_LONG)
            else:
                yield replace(part, top=Decimal(self.seconds(lead, at)) / 60)

    def due(self, lead: Lead) -> tuple[datetime | None, int]:
        """The instant by which a lead is to be answered, and its target in seconds."""
        settings, received = self._world.settings, self._leads.day(lead)
        default = settings.policy("sla.default_minutes", received)
        target = int(settings.policy(f"sla.{lead.channel}.{lead.intent}_minutes", received, default)) * 60
        if lead.received.is_day:
            return None, target
        if settings.policy("response.clock", received) == "elapsed":
            return lead.received.at + target * SECOND, target
        return self._world.clock.after(lead.rooftop, lead.received.at, target), target

    def _in_time(self, question: Question) -> Iterator[Part]:
        """Leads by their receipt day, as for the response time, once the day of their target has come."""
        settings = self._world.settings
        for lead in self._leads.all:
            received = self._leads.day(lead)
            if not question.covers(received):
                continue
            if lead.received.is_day:
                yield Part(received, self._groups(lead, question.as_of), excluded=NO_TIME)
                continue
            due, target = self.due(lead)
            if due is None:
                continue
            if due.astimezone(settings.rooftop(lead.rooftop).zone).date() > question.as_of:
                yield Part(received, self._groups(lead, question.as_of), is_open=True)
                continue
            at = self._answered(lead, question.as_of)
            met = at is not None and self.seconds(lead, at) <= target
            yield Part(received, self._groups(lead, question.as_of), top=int(met), bottom=1)

    def _handover(self, question: Question) -> Iterator[Part]:
        vehicles = {key: rows[0] for key, rows in self._world.by("dms_vehicles", "rooftop", "stock_number").items()}
        for deal in self._world.rows("dms_deals"):
            if deal["deal_type"] not in UNITS:
                continue
            episode = self._leads.episode_of_deal.get((deal["rooftop"], deal["deal_number"]))
            first = episode.first if episode else None
            vehicle = vehicles.get((deal["rooftop"], deal.get("stock_number")), {})
            groups = {
                "channel": first.channel if first else None,
                "condition": vehicle.get("condition"),
                "deal_type": deal["deal_type"],
                "make": vehicle.get("make"),
                "model": vehicle.get("model"),
                "rooftop": deal["rooftop"],
                "salesperson": deal.get("salesperson"),
                "source": first.source if first else None,
            }
            delivered: date | None = deal.get("delivered_on")
            part = Part(delivered, groups)
            started = self._leads.day(first) if first else None
            done = deal["status"] in ("finalised", "delivered", "unwound") or deal.get("reversed_on")
            if done and delivered is not None and delivered <= question.end:
                if not question.covers(delivered):
                    continue
                if started is None:
                    yield replace(part, excluded=NO_LEAD)
                elif delivered < started:
                    yield replace(part, excluded=BEFORE)
                elif delivered - started > LONGEST:
                    yield replace(part, excluded=TOO_LONG)
                else:
                    yield replace(part, top=(delivered - started).days)
            elif (
                # One that is taken back after its delivery may be called cancelled, too: until then it was an order.
                (deal["status"] != "cancelled" or deal.get("reversed_on") is not None)
                and (deal["status"] != "unwound" or delivered is not None)
                and (deal.get("reversed_on") is None or deal["reversed_on"] > question.end)
                and deal.get("contract_on")
                and deal["contract_on"] <= question.end
                and started is not None
                and started <= question.end
            ):
                yield replace(part, day=question.end, is_open=True)
