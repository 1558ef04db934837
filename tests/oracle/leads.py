"""Leads, episodes and appointments by METRICS.md section 6."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.oracle.clock import Moment, local_day, moment, through
from tests.oracle.exports import Record, Row
from tests.oracle.gross import recognised_on
from tests.oracle.identity import Identity, contacts_of, normal_phone
from tests.oracle.records import Part, Question, World, car

SOURCE_MAP = Path(__file__).resolve().parents[2] / "seeds" / "source_map.csv"
SALES = ("buy", "finance", "test_drive", "trade_in")
NEAR = timedelta(hours=24)
NOT_KNOWN = "quality not known on the day"
MARKED = {"bad": "marked bad", "duplicate": "marked duplicate", "test": "marked test"}


@dataclass(eq=False)
class Lead:
    """One lead: of the CRM, or a portal message or call that no lead of the CRM took up."""

    rooftop: str
    number: str
    origin: str
    received: Moment
    channel: str | None
    intent: str | None
    source: str | None
    owner: str | None
    quality: str
    customer: str | None
    phone: str
    email: str
    vehicle: frozenset[str]
    answered_at_receipt: bool
    is_won: bool = False
    next_action_due: Moment | None = None
    record: Record | None = None
    activities: list[Row] = field(default_factory=list)
    appointments: list[Row] = field(default_factory=list)

    def groups(self) -> dict[str, Any]:
        """The values of the dimensions that KPIs of leads have."""
        return {
            "channel": self.channel,
            "intent": self.intent,
            "origin": self.origin,
            "owner": self.owner,
            "quality": self.quality,
            "rooftop": self.rooftop,
            "source": self.source,
        }


@dataclass(eq=False)
class Episode:
    """The leads of one customer about one wish to buy, in order of receipt."""

    leads: list[Lead]
    delivered: date | None = None

    @property
    def first(self) -> Lead:
        return self.leads[0]


class Leads:
    """Every lead with what belongs to it."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self.identity = Identity(world)
        self._of_call: dict[tuple[str, str], Lead] = {}
        with SOURCE_MAP.open(encoding="utf-8") as lines:
            self._sources = {row["spelling"]: row["source"] for row in csv.DictReader(lines)}

    def day(self, lead: Lead) -> date:
        """The local day a lead was received."""
        return local_day(lead.received, self._world.settings.rooftop(lead.rooftop))

    def source(self, text: str | None) -> str | None:
        """The canonical source of a spelling; None where the map has none."""
        return self._sources.get(" ".join(text.lower().split())) if text else None

    @cached_property
    def all(self) -> list[Lead]:
        """Leads of the CRM with the portal messages and calls that belong to them, then the others."""
        crm = [self._of_crm(record) for record in self._world.feeds.get("crm_leads", {}).values()]
        by_number = {(lead.rooftop, lead.number): lead for lead in crm}
        by_contact: dict[tuple[str, str], list[Lead]] = defaultdict(list)
        for lead in crm:
            for contact in {lead.phone, lead.email} - {""}:
                by_contact[lead.rooftop, contact].append(lead)
        others = []
        for message in [*self._portal_leads(), *self._portal_calls()]:
            taken = by_number.get((message.rooftop, message.number)) if message.origin == "portal_lead" else None
            taken = taken or self._near(message, by_contact)
            if message.origin == "portal_call":
                self._of_call[message.rooftop, message.number] = taken or message
            if taken is None:
                said = {contact for contact in (message.phone, message.email) if contact}
                if message.origin == "portal_lead":
                    message.customer = self.identity.party_of_lead(message.rooftop, message.number, said)
                others.append(message)
                continue
            taken.received = min(taken.received, message.received, key=lambda at: self._order(at, taken.rooftop))
            taken.answered_at_receipt |= message.answered_at_receipt
        by_customer: dict[tuple[str, str], list[Lead]] = defaultdict(list)
        for lead in sorted(crm, key=lambda lead: (lead.received.at, lead.number)):
            if lead.customer:
                by_customer[lead.rooftop, lead.customer].append(lead)
        for row in self._world.rows("crm_activities"):
            found = self._lead_of(row, "occurred_at", by_number, by_customer)
            if found is not None:
                found.activities.append(row)
        for row in self._world.rows("crm_appointments"):
            found = self._lead_of(row, "created_at", by_number, by_customer)
            if found is not None:
                found.appointments.append(row)
        for lead in crm:
            lead.activities.sort(key=lambda row: (row["occurred_at"].at, row["activity_id"]))
            lead.answered_at_receipt |= lead.channel == "phone" and self._call_was_taken(lead)
        return crm + others

    def _order(self, at: Moment, rooftop: str) -> tuple[date, bool, Moment]:
        """Earlier days first; of one day what has an hour before what has none."""
        return local_day(at, self._world.settings.rooftop(rooftop)), at.is_day, at

    def lead_of_call(self, call: Row) -> Lead:
        """The lead that a tracked call belongs to, itself where nobody wrote it down."""
        assert self.all is not None  # which finds them
        return self._of_call[call["rooftop"], call["call_id"]]

    def _lead_of(
        self,
        row: Row,
        at: str,
        by_number: dict[tuple[str, str], Lead],
        by_customer: dict[tuple[str, str], list[Lead]],
    ) -> Lead | None:
        """The lead a record names, else the newest one of its customer by then, if it is not too old."""
        rooftop = row["rooftop"]
        if row.get("lead_id"):
            return by_number.get((rooftop, row["lead_id"]))
        customer = self.identity.party(rooftop, row.get("customer_id"))
        known = [lead for lead in by_customer.get((rooftop, customer or ""), []) if lead.received.at <= row[at].at]
        if not known:
            return None
        day = local_day(row[at], self._world.settings.rooftop(rooftop))
        gap = timedelta(days=self._world.settings.policy("episode.gap_days", day))
        return known[-1] if day - self.day(known[-1]) <= gap else None

    def _call_was_taken(self, lead: Lead) -> bool:
        """Whether the first call of a telephone lead, within a day of it, was picked up."""
        calls = [
            row
            for row in lead.activities
            if row["direction"] == "in"
            and row["channel"] == "call"
            and abs(row["occurred_at"].at - lead.received.at) <= NEAR
        ]
        return bool(calls) and self.got_through(calls[0])

    def _near(self, message: Lead, by_contact: dict[tuple[str, str], list[Lead]]) -> Lead | None:
        """The lead nearest in time with the same phone or e-mail and no other vehicle, within 24 hours."""
        found = [
            lead
            for contact in (message.phone, message.email)
            if contact
            for lead in by_contact.get((message.rooftop, contact), [])
            if abs(lead.received.at - message.received.at) <= NEAR
            and (not lead.vehicle or not message.vehicle or lead.vehicle & message.vehicle)
        ]
        return min(found, key=lambda lead: (abs(lead.received.at - message.received.at), lead.number), default=None)

    def _of_crm(self, record: Record) -> Lead:
        row = record.row
        quality = row.get("quality") or ("duplicate" if row.get("duplicate_of") else "good")
        return Lead(
            row["rooftop"],
            row["lead_id"],
            "crm",
            row["received_at"],
            row.get("channel"),
            row.get("intent"),
            self.source(row.get("source")),
            row.get("owner"),
            quality,
            self.identity.party(row["rooftop"], row.get("customer_id"))
            or self.identity.party_of_lead(row["rooftop"], row["lead_id"], contacts_of(row)),
            normal_phone(row.get("phone")),
            (row.get("email") or "").lower(),
            vehicle(row.get("vin"), row.get("stock_number")),
            row.get("channel") == "walk_in",
            row.get("stage") == "won",
            row.get("next_action_due_at"),
            record,
        )

    def _portal_calls(self) -> Iterator[Lead]:
        for row in self._world.rows("portal_calls"):
            yield Lead(
                row["rooftop"],
                row["call_id"],
                "portal_call",
                row["started_at"],
                "phone",
                None,
                self.source(row.get("portal")),
                None,
                "good",
                None,
                normal_phone(row.get("caller_phone")),
                "",
                vehicle(row.get("vin"), row.get("stock_number")),
                bool(row.get("answered")),
            )

    def _portal_leads(self) -> Iterator[Lead]:
        """The prospects of the ADF files, each once."""
        seen = set()
        for path in sorted(self._folder.glob("portal_leads*.xml")):
            for prospect in ElementTree.parse(path).getroot().iter("prospect"):
                found = self._prospect(prospect)
                if (found.rooftop, found.number) not in seen:
                    seen.add((found.rooftop, found.number))
                    yield found

    def _prospect(self, prospect: ElementTree.Element) -> Lead:
        def text(path: str) -> str | None:
            value = prospect.findtext(path)
            return value.strip() or None if value else None

        rooftop = text("vendor/id") or ""
        interest = prospect.find("vehicle")
        intent = (interest.get("interest") or "buy") if interest is not None else "buy"
        return Lead(
            rooftop,
            text("id") or "",
            "portal_lead",
            moment(text("requestdate") or "", self._world.settings.rooftop(rooftop)),
            "portal",
            intent.replace("-", "_"),
            self.source(text("provider/name")),
            None,
            "good",
            None,
            normal_phone(text("customer/contact/phone")),
            (text("customer/contact/email") or "").lower(),
            vehicle(text("vehicle/vin"), text("vehicle/stock")),
            False,
        )

    def on(self, lead: Lead, day: date) -> Row | None:
        """What the CRM said of a lead at the end of a day, by its versions; None before the first."""
        if lead.record is None:
            return {}
        rooftop = self._world.settings.rooftop(lead.rooftop)
        steps = []
        for version in lead.record.versions:
            updated = version.values.get("updated_at")
            since = local_day(updated, rooftop) if updated else through(version.exported_at, rooftop)
            steps.append((since, version.order, version.values))
        known = [step for step in sorted(steps, key=lambda step: step[:2]) if step[0] <= day]
        return {name: value for _, _, values in known for name, value in values.items()} if known else None

    def quality_on(self, lead: Lead, day: date) -> str:
        """good, why a lead was not good at the end of a day, or that nobody knows."""
        said = self.on(lead, day)
        if said is None:
            return NOT_KNOWN if lead.rooftop in self._marking else "good"
        quality = said.get("quality") or ("duplicate" if said.get("duplicate_of") else "good")
        return MARKED.get(quality, "good")

    @cached_property
    def _marking(self) -> set[str]:
        """Rooftops that mark the quality of leads."""
        marks = ("quality", "duplicate_of")
        return {row["rooftop"] for row in self._world.rows("crm_leads") if any(row.get(name) for name in marks)}

    def owner_on(self, lead: Lead, day: date) -> str | None:
        """Who owned a lead at the end of a day."""
        said = self.on(lead, day)
        return "not known" if said is None else said.get("owner")

    def groups_on(self, lead: Lead, day: date) -> dict[str, Any]:
        """The values of a lead's dimensions at the end of a day: whose it was and what it was taken for then."""
        said = self.on(lead, day)
        if said is not None:
            quality = said.get("quality") or "good"
        else:
            quality = "not known" if lead.rooftop in self._marking else "good"
        return {**lead.groups(), "owner": self.owner_on(lead, day), "quality": quality}

    def contacted_on(self, lead: Lead) -> list[date]:
        """The days of two-way contact: at receipt, an answer of the customer, a call that got through."""
        rooftop = self._world.settings.rooftop(lead.rooftop)
        found = [self.day(lead)] if lead.answered_at_receipt else []
        for row in lead.activities:
            if row["occurred_at"].at < lead.received.at or row.get("automatic") or row.get("bulk"):
                continue
            if row["channel"] == "note":
                continue
            if row["direction"] == "in":
                if row["occurred_at"].at > lead.received.at and row.get("outcome") not in ("missed", "bounced"):
                    found.append(local_day(row["occurred_at"], rooftop))
            elif row["channel"] == "call" and row.get("outcome") != "sent" and self.got_through(row):
                found.append(local_day(row["occurred_at"], rooftop))
        return found

    def got_through(self, row: Row) -> bool:
        """Whether an activity reached the customer: a call of a length, or anything else that was not lost."""
        outcome, seconds = row.get("outcome"), row.get("duration_seconds")
        if row["channel"] != "call":
            return outcome in ("connected", "sent")
        if outcome not in ("connected", "sent", None):
            return False
        if seconds is None:
            return bool(outcome == "connected")
        day = local_day(row["occurred_at"], self._world.settings.rooftop(row["rooftop"]))
        return bool(seconds >= self._world.settings.policy("response.min_call_seconds", day))

    @cached_property
    def episodes(self) -> list[Episode]:
        """Every episode, from its sales leads in order of receipt.

        A lead joins the episode of its customer's last lead when that came at most 60 days before and no delivery
        has ended it since. A call that nobody wrote down and a test start none.
        """
        found: list[Episode] = []
        running: dict[tuple[str, str], Episode] = {}
        for lead in sorted(self.all, key=lambda lead: (lead.received.at, lead.rooftop, lead.number)):
            if lead.intent not in (*SALES, None) or lead.origin == "portal_call" or lead.quality == "test":
                continue
            day = self.day(lead)
            episode = running.get((lead.rooftop, lead.customer)) if lead.customer else None
            if (
                episode is None
                or (episode.delivered is not None and episode.delivered < day)
                or day - self.day(episode.leads[-1]) > self._gap(day)
            ):
                episode = Episode([])
                found.append(episode)
                if lead.customer:
                    running[lead.rooftop, lead.customer] = episode
            episode.leads.append(lead)
            for deal in self._deals_of_lead.get((lead.rooftop, lead.number), []):
                on = self._delivered_on(deal)
                if on:
                    episode.delivered = min(episode.delivered or on, on)
        return found

    def _gap(self, day: date) -> timedelta:
        return timedelta(days=self._world.settings.policy("episode.gap_days", day))

    def _delivered_on(self, deal: Row) -> date | None:
        done = deal["status"] in ("finalised", "delivered", "unwound") or deal.get("reversed_on")
        return deal.get("delivered_on") if done else None

    def ends_on(self, episode: Episode) -> date:
        """60 days after the last lead or two-way contact, a contact counting while the episode is alive."""
        last = self.day(episode.leads[-1])
        contacts = sorted(day for lead in episode.leads for day in self.contacted_on(lead))
        for day in contacts:
            if last < day <= last + self._gap(last):
                last = day
        return last + self._gap(last)

    @cached_property
    def _deals_of_lead(self) -> dict[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for deal in self._world.rows("dms_deals"):
            lead, _ = self.lead_of_deal.get((deal["rooftop"], deal["deal_number"]), (None, ""))
            if lead is not None:
                found[lead.rooftop, lead.number].append(deal)
        return found

    @cached_property
    def lead_of_deal(self) -> dict[tuple[str, str], tuple[Lead, str]]:
        """Per deal the lead that the ladder finds, and its rung."""
        crm = {(lead.rooftop, lead.number): lead for lead in self.all if lead.origin == "crm"}
        surveys = {
            (row["rooftop"], row["reference"]): row
            for row in self._world.rows("crm_surveys")
            if row["about"] == "sale" and row.get("reference") and row.get("customer_id")
        }
        vehicles = self._world.by("dms_vehicles", "rooftop", "stock_number")
        buyers = self._world.by("dms_customers", "rooftop", "customer_id")
        found = {}
        taken: set[Lead] = set()
        for deal in sorted(self._world.rows("dms_deals"), key=lambda row: (row["rooftop"], row["deal_number"])):
            rooftop, key = deal["rooftop"], (deal["rooftop"], deal["deal_number"])
            days = [deal[name] for name in ("contract_on", "finalised_on", "delivered_on") if deal.get(name)]
            named = crm.get((rooftop, deal.get("lead_id") or ""))
            if named is not None:
                found[key] = named, "lead"
                continue
            survey = surveys.get(key)
            party = self.identity.party(rooftop, survey["customer_id"]) if survey else None
            mine = [
                lead
                for lead in crm.values()
                if party
                and lead.rooftop == rooftop
                and lead.customer == party
                and self.day(lead) <= max(days, default=date.min)
            ]
            if mine:
                found[key] = max(mine, key=lambda lead: (lead.received.at, lead.number)), "deal number"
                continue
            vin = car(deal.get("vin")) or next(
                (car(row.get("vin")) for row in vehicles.get((rooftop, deal.get("stock_number")), [])), None
            )
            buyer = next(iter(buyers.get((rooftop, deal.get("customer_id")), [])), {})
            for rung, reach in (("VIN", 7), ("phone", 0), ("e-mail", 0)):
                fits = [
                    (min(abs((won - day).days) for day in days), lead.number, lead)
                    for lead in crm.values()
                    if lead.rooftop == rooftop and lead not in taken and days
                    for won in self.won_on(Episode([lead]))
                    if any(abs((won - day).days) <= reach for day in days) and self._is_by(rung, lead, vin, buyer)
                ]
                if fits:
                    _, _, lead = min(fits, key=lambda fit: fit[:2])
                    taken.add(lead)
                    found[key] = lead, rung
                    break
        return found

    def _is_by(self, rung: str, lead: Lead, vin: str | None, buyer: Row) -> bool:
        if rung == "VIN":
            return bool(vin) and lead.record is not None and car(lead.record.row.get("vin")) == vin
        if rung == "phone":
            return bool(lead.phone) and lead.phone == normal_phone(buyer.get("phone"))
        return bool(lead.email) and lead.email == (buyer.get("email") or "").strip().lower()

    @cached_property
    def episode_of_deal(self) -> dict[tuple[str, str], Episode]:
        """Per deal the episode of its lead."""
        by_lead = {lead: episode for episode in self.episodes for lead in episode.leads}
        return {key: by_lead[lead] for key, (lead, _) in self.lead_of_deal.items() if lead in by_lead}

    def parts(self, kpi: str, question: Question) -> Iterator[Part]:
        """The records of one KPI."""
        if kpi in ("contact_rate", "appointment_set_rate"):
            return self._of_good_leads(kpi, question)
        if kpi in ("show_rate", "marked_show_rate"):
            return self._shows(kpi, question)
        if kpi == "conversion_rate":
            return self._conversion(question)
        raise ValueError(f"{kpi}: the oracle does not know this KPI")

    def _of_good_leads(self, kpi: str, question: Question) -> Iterator[Part]:
        for lead in self.all:
            day = self.day(lead)
            if not question.covers(day):
                continue
            groups = self.groups_on(lead, question.as_of)
            quality = self.quality_on(lead, question.as_of)
            if quality != "good":
                yield Part(day, groups, excluded=quality)
                continue
            days = self.contacted_on(lead) if kpi == "contact_rate" else self.appointed_on(lead)
            yield Part(day, groups, top=int(any(when <= question.as_of for when in days)), bottom=1)

    def appointed_on(self, lead: Lead) -> list[date]:
        """The days on which appointments of a lead were made."""
        rooftop = self._world.settings.rooftop(lead.rooftop)
        return [local_day(row["created_at"], rooftop) for row in lead.appointments]

    def _shows(self, kpi: str, question: Question) -> Iterator[Part]:
        for row, status, lead in self._slots(question):
            day = local_day(row["starts_at"], self._world.settings.rooftop(row["rooftop"]))
            groups = {
                "channel": lead.channel if lead else None,
                "source": lead.source if lead else None,
                "employee": row.get("employee"),
                "kind": row["kind"],
                "rooftop": row["rooftop"],
            }
            if kpi == "marked_show_rate":
                if status in ("shown", "no_show"):
                    yield Part(day, groups, top=int(status == "shown"), bottom=1)
            elif status == "cancelled":
                yield Part(day, groups, excluded="cancelled")
            elif status == "rescheduled":
                yield Part(day, groups, excluded="moved to a slot that is not in the data")
            else:
                yield Part(day, groups, top=int(status == "shown"), bottom=1)

    def missed(self, question: Question) -> Iterator[tuple[Row, Lead | None]]:
        """Missed appointments due in the period, with the lead they belong to."""
        return ((row, lead) for row, status, lead in self._slots(question) if status == "no_show")

    def _slots(self, question: Question) -> Iterator[tuple[Row, str, Lead | None]]:
        """Slots due in the period. A slot that did not take place and was moved by then is its successor's affair."""
        followers = defaultdict(list)
        for row in self._world.rows("crm_appointments"):
            if row.get("rescheduled_from"):
                followers[row["rooftop"], row["rescheduled_from"]].append(row)
        slots = {(row["rooftop"], row["appointment_id"]): row for row in self._world.rows("crm_appointments")}
        leads = {(lead.rooftop, row["appointment_id"]): lead for lead in self.all for row in lead.appointments}
        for row in self._world.rows("crm_appointments"):
            rooftop = self._world.settings.rooftop(row["rooftop"])
            if not question.covers(local_day(row["starts_at"], rooftop)):
                continue
            status = self._status(row, question.as_of)
            known = [
                one
                for one in followers[row["rooftop"], row["appointment_id"]]
                if local_day(one["created_at"], rooftop) <= question.as_of
            ]
            if known and status not in ("shown", "no_show"):
                continue
            if self._is_second_try(row, followers, slots, question.as_of):
                continue
            yield row, status, leads.get((row["rooftop"], row["appointment_id"]))

    def _is_second_try(
        self,
        row: Row,
        followers: dict[tuple[str, str], list[Row]],
        slots: dict[tuple[str, str], Row],
        as_of: date,
    ) -> bool:
        """Whether another slot that the same one was moved to is the chain's last."""
        source = slots.get((row["rooftop"], row.get("rescheduled_from") or ""))
        if source is None or self._status(source, as_of) in ("shown", "no_show"):
            return False
        rooftop = self._world.settings.rooftop(row["rooftop"])
        others = [
            other
            for other in followers[row["rooftop"], row["rescheduled_from"]]
            if local_day(other["created_at"], rooftop) <= as_of
        ]
        last = max(others, key=lambda other: (other["starts_at"].at, other["appointment_id"]), default=row)
        return last is not row

    def _status(self, row: Row, as_of: date) -> str:
        """What had become of a slot by the end of a day, by its stamps where it has them."""
        rooftop = self._world.settings.rooftop(row["rooftop"])
        status: str = row["status"]
        shown, cancelled = row.get("shown_at"), row.get("cancelled_at")
        if status in ("booked", "confirmed"):
            status = "shown" if shown else "cancelled" if cancelled else status
        if status == "shown" and shown and local_day(shown, rooftop) > as_of:
            return "booked"
        if status == "cancelled" and cancelled and local_day(cancelled, rooftop) > as_of:
            return "booked"
        return status

    @cached_property
    def sold_on(self) -> dict[Episode, list[date]]:
        """The days on which the deals of an episode count."""
        sold: dict[Episode, list[date]] = defaultdict(list)
        for deal in self._world.rows("dms_deals"):
            on = recognised_on(self._world, deal)
            found = self.episode_of_deal.get((deal["rooftop"], deal["deal_number"]))
            if on is not None and found is not None:
                sold[found].append(on)
        return sold

    def won_on(self, episode: Episode) -> list[date]:
        """The days on which leads of an episode were won; without one that of the receipt."""
        return [
            local_day(
                lead.record.row.get("stage_changed_at") or lead.received, self._world.settings.rooftop(lead.rooftop)
            )
            for lead in episode.leads
            if lead.is_won and lead.record
        ]

    def episode_excluded(self, episode: Episode, day: date) -> str | None:
        """Why an episode was not good at the end of a day: none of its leads by then was."""
        said = [self.quality_on(lead, day) for lead in episode.leads if self.day(lead) <= day]
        if "good" in said:
            return None
        return NOT_KNOWN if NOT_KNOWN in said else "no good lead"

    def _conversion(self, question: Question) -> Iterator[Part]:
        by_deal = {row["rooftop"] for row in self._world.rows("dms_deals")}
        sold = self.sold_on
        for episode in self.episodes:
            first = episode.first
            day = self.day(first)
            if not question.covers(day):
                continue
            basis = "deal" if first.rooftop in by_deal else "CRM"
            owner = self.owner_on(first, question.as_of)
            groups = {**first.groups(), "conversion_basis": basis, "owner": owner}
            reason = self.episode_excluded(episode, question.as_of)
            if reason:
                yield Part(day, groups, excluded=reason)
                continue
            window = timedelta(days=self._world.settings.policy("conversion.window_days", day))
            days = sold[episode] if basis == "deal" else self.won_on(episode)
            won = any(day <= on <= min(day + window, question.as_of) for on in days)
            mature = day + window <= question.as_of
            yield Part(day, groups, top=int(won), bottom=1, is_immature=not mature, so_far=0 if mature else int(won))


def vehicle(vin: str | None, stock_number: str | None) -> frozenset[str]:
    """What a message names a car by."""
    return frozenset(name for name in (car(vin), stock_number) if name)
