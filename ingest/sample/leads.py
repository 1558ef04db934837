"""The CRM: enquiries, what people did about them, appointments, tasks, quotes, appraisals, surveys and spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingest.sample.people import Customer, People
from ingest.sample.stock import Car, Stock
from ingest.sample.world import (
    Rooftop,
    Table,
    World,
    at,
    in_hours,
    is_open,
    month_end,
    one_of,
    open_day,
    spread,
    weighted,
    work_time,
)

LEADS_A_MONTH = 90  # beside those that end in a sale
CHANNELS = (
    ("portal", 34), ("web_form", 22), ("phone", 16), ("whatsapp", 9), ("walk_in", 9), ("email", 5), ("social", 3),
    ("referral", 2),
)  # fmt: skip
INTENTS = (
    ("buy", 62), ("trade_in", 8), ("finance", 6), ("test_drive", 9), ("service", 8), ("parts", 3), ("rental", 2),
    ("other", 2),
)  # fmt: skip
#: how the same source is spelt over time; the first is the name its bill carries
SOURCES = {
    "portal": (("AutoMarkt", "Auto Markt", "automarkt.example"), ("CarSquare", "Car Square UK"), ("MotorWeb",)),
    "web_form": (("Website", "website - contact form", "Web"),),
    "phone": (("Phone", "Tel."), ("AutoMarkt", "AutoMarkt Call")),
    "whatsapp": (("WhatsApp", "WA Business"),),
    "walk_in": (("Showroom", "Walk-in"),),
    "email": (("E-mail", "info@"),),
    "social": (("SocialAds", "FB/IG Ads"),),
    "referral": (("Referral", ""),),
}
SPEND = (
    ("AutoMarkt", 240_000), ("CarSquare", 150_000), ("MotorWeb", 90_000), ("SocialAds", 110_000), ("Website", 60_000),
)  # fmt: skip
VISITS = {"test_drive": "test_drive", "trade_in": "appraisal", "service": "service"}  # by intent; else a sales visit
HOURS = (0, 480, 570, 660, 780, 900, 1020, 1140, 1260, 1439)  # minutes of the day at which people enquire
RESPONSE = (1, 4, 9, 16, 28, 50, 110, 420)  # minutes of opening time until somebody answers
OPEN_STAGES = ("new", "contacted", "contacted", "qualified", "appointment", "quoted", "negotiation")


@dataclass(slots=True)
class Enquiry:
    """One lead on its way into the tables."""

    lead_id: str
    received: datetime
    channel: str
    source: str
    intent: str
    customer: Customer | None
    contact: tuple[str, str, str]  # name, e-mail, phone
    car: Car | None
    vehicle_text: str
    owner: str
    wants: str  # what becomes of it: won, lost, open, duplicate, bad, test


class Leads:
    """The enquiries of one rooftop."""

    def __init__(self, world: World, rooftop: Rooftop, people: People, stock: Stock) -> None:
        self.world, self.rooftop, self.people, self.stock = world, rooftop, people, stock
        self.chance = world.chance("leads", rooftop.code)
        self.portal: list[Enquiry] = []  # those that came as portal messages
        self.made: dict[str, int] = {}

    def number(self, prefix: str) -> str:
        """The next number of a kind, such as L000001; every rooftop counts from one."""
        self.made[prefix] = self.made.get(prefix, 0) + 1
        return f"{prefix}{self.made[prefix]:06d}"

    def _table(self, feed: str) -> Table:
        return self.world.tables[feed]

    def run(self) -> None:
        """The enquiries that lead to no sale, month by month, the calls and what the sources cost."""
        for month in self.world.months:
            days = month_end(month).day
            for _ in range(self.world.volume(LEADS_A_MONTH, self.chance)):
                self._idle(month + timedelta(days=int(self.chance.random() * days)))
            for source, amount in SPEND:
                self._table("crm_spend").add(
                    month,
                    rooftop=self.rooftop.code,
                    month=month,
                    source=source,
                    amount=int(amount * (0.9 + 0.2 * self.chance.random())),
                    currency=self.rooftop.currency,
                )
            for _ in range(self.world.volume(12, self.chance)):
                started = at(month + timedelta(days=int(self.chance.random() * days)), spread(self.chance, HOURS))
                self._call(started, self.people.stranger()[2], None, answered=self.chance.random() < 0.55)

    def buying(self, customer: Customer, car: Car, first: date, contract: date, delivered: date) -> str:
        """The leads of somebody who buys; gives the number that the deal will carry."""
        chance = self.chance
        if chance.random() < 0.05:  # asked once before, long ago, and did not buy
            before = first - timedelta(days=140 + int(chance.random() * 90))
            self._enter(self._enquiry(before, customer, None, "lost", "buy"), before + timedelta(days=20))
            customer.since = min(customer.since, before)
        if chance.random() < 0.01:  # entered after the fact
            first = delivered + timedelta(days=1 + int(chance.random() * 3))
        known = car if car.acquired_on <= first else None
        lead = self._enquiry(first, customer, known, "won", weighted(chance, (("buy", 78), *INTENTS[1:4])))
        self._enter(lead, contract)
        lead_id = lead.lead_id
        gap = (contract - first).days
        if gap > 2 and chance.random() < 0.25:
            again = first + timedelta(days=1 + int(chance.random() * (gap - 1)))
            second = self._enquiry(again, customer, known, "won", "buy")
            self._enter(second, contract)
            lead_id = one_of(chance, (lead_id, second.lead_id))
        self._quote(lead, min(contract, first + timedelta(days=2)))
        if chance.random() < 0.35:
            self._appraise(lead, won=True)
        self._task(lead, delivered + timedelta(days=3), "follow_up")
        if chance.random() < 0.6:
            self._survey(customer, delivered)
        return lead_id

    def _idle(self, day: date) -> None:
        chance = self.chance
        wants = weighted(chance, (("bad", 7), ("test", 1), ("lost", 92)))
        if wants == "lost" and (self.world.end - day).days < int(spread(chance, (5, 20, 40, 70))):
            wants = "open"
        intent = weighted(chance, INTENTS)
        customer = self.people.person(day) if chance.random() < 0.9 and wants != "test" else None
        lead = self._enquiry(day, customer, None, wants, intent)
        gone = lead.received.date() + timedelta(days=int(spread(chance, (1, 4, 9, 15, 25))))
        self._enter(lead, gone)
        if customer and chance.random() < 0.06:
            twin = self._enquiry(day + timedelta(days=int(chance.random() * 3)), customer, None, "duplicate", intent)
            twin.vehicle_text = lead.vehicle_text
            self._enter(twin, gone, duplicate_of=lead.lead_id)

    def _enquiry(self, day: date, customer: Customer | None, car: Car | None, wants: str, intent: str) -> Enquiry:
        chance = self.chance
        channel = weighted(chance, CHANNELS)
        spellings: Sequence[str] = one_of(chance, SOURCES[channel])
        drift = min(len(spellings) - 1, int(chance.random() * chance.random() * len(spellings) * 1.6))
        received = at(day, spread(chance, HOURS))
        if channel == "walk_in":
            received = work_time(self.rooftop, day, chance) if is_open(self.rooftop, day) else received
        elif channel == "referral":
            received = at(day, 0)  # written down with its day only
        contact = self.people.stranger()
        if customer:
            contact = (customer.name, customer.email, customer.phone)
        looked = car or one_of(chance, self.stock.cars[-40:])
        return Enquiry(
            lead_id=self.number("L"),
            received=received,
            channel=channel,
            source=spellings[drift],
            intent=intent,
            customer=customer,
            contact=contact,
            car=car,
            vehicle_text=looked.text,
            owner=self.people.on_duty("sales", open_day(self.rooftop, max(day, self.world.start)), chance),
            wants=wants,
        )

    def _enter(self, lead: Enquiry, settled: date, duplicate_of: str | None = None) -> None:
        """Writes the lead and everything that was done about it until the day it was settled."""
        chance, table = self.chance, self._table("crm_leads")
        closed = lead.wants in ("won", "lost", "duplicate", "bad", "test")
        changed = max(lead.received + timedelta(minutes=5), at(settled, 600 + chance.random() * 400))
        stage = {"won": "won", "lost": "lost", "open": one_of(chance, OPEN_STAGES)}.get(lead.wants, "lost")
        if lead.wants == "open":
            changed = lead.received if stage == "new" else lead.received + timedelta(hours=20 * chance.random())
        next_due = lead.received + timedelta(days=1 + int(chance.random() * 20))
        quality = {"bad": "bad", "test": "test", "duplicate": "duplicate"}.get(lead.wants)
        row = len(table.rows)
        made = table.add(
            (lead.received, changed),
            rooftop=self.rooftop.code,
            lead_id=lead.lead_id,
            received_at=lead.received,
            source=lead.source,
            channel=lead.channel,
            intent=lead.intent,
            customer_id=lead.customer.customer_id if lead.customer else None,
            customer_name=lead.contact[0],
            email=lead.contact[1],
            phone=lead.contact[2],
            vin=lead.car.vin if lead.car else None,
            stock_number=lead.car.stock_number if lead.car else None,
            vehicle_text=lead.vehicle_text,
            budget=int(chance.random() * 30) * 100_000 if chance.random() < 0.2 else None,
            currency=self.rooftop.currency,
            owner=lead.owner if chance.random() < 0.97 else None,
            stage=stage,
            stage_changed_at=changed,
            quality=quality or (None if chance.random() < 0.6 else "good"),
            duplicate_of=duplicate_of,
            next_action="call" if not closed and chance.random() < 0.75 else None,
            next_action_due_at=next_due if not closed else None,
            lost_reason=one_of(chance, ("price", "no contact", "bought elsewhere", "no stock"))
            if stage == "lost"
            else None,
        )
        if not made:
            return
        before = {"stage": "new", "stage_changed_at": lead.received, "lost_reason": None, "next_action": "call"}
        table.earlier[row] = before | {"next_action_due_at": next_due}
        if lead.channel == "portal" and lead.wants in ("won", "lost", "open"):
            self.portal.append(lead)
        if lead.channel == "phone":
            self._call(lead.received, lead.contact[2], lead.car, answered=chance.random() < 0.8)
        if lead.wants in ("won", "lost", "open"):
            reached = self._talk(lead, settled)
            self._meet(lead, settled, reached)
            if chance.random() < 0.4:
                self._task(lead, lead.received.date() + timedelta(days=2), "call_back")
            if lead.wants != "won" and lead.intent in ("buy", "finance") and chance.random() < 0.12:
                self._quote(lead, lead.received.date() + timedelta(days=2))
            if lead.wants != "won" and lead.intent == "trade_in":
                self._appraise(lead, won=False)

    def _talk(self, lead: Enquiry, settled: date) -> bool:
        """Answers, attempts and replies; whether both sides ever spoke."""
        chance = self.chance
        if lead.channel not in ("walk_in", "phone") and chance.random() < 0.6:
            self._activity(lead, lead.received + timedelta(seconds=20), "out", "email", "sent", automatic=True)
        moment = in_hours(self.rooftop, lead.received, spread(chance, RESPONSE))
        if lead.channel == "walk_in":
            self._activity(lead, lead.received, "in", "visit", "connected")
        if lead.wants != "won" and chance.random() < 0.07:
            return lead.channel == "walk_in"  # never answered
        willing = lead.wants == "won" or chance.random() < 0.55
        reached = False
        for attempt in range(1 + int(spread(chance, (0, 1, 2, 3, 5)))):
            way = weighted(chance, (("call", 48), ("email", 22), ("whatsapp", 18), ("sms", 12)))
            outcome = "sent"
            if way == "call":
                outcome = (
                    "connected"
                    if willing and chance.random() < 0.6
                    else weighted(chance, (("no_answer", 60), ("voicemail", 40)))
                )
            self._activity(lead, moment, "out", way, outcome)
            if outcome == "connected":
                reached = True
            elif outcome == "sent" and willing and chance.random() < 0.6:
                reply = moment + timedelta(minutes=int(spread(chance, (2, 20, 90, 400, 1500))))
                self._activity(lead, reply, "in", way, "sent")
                reached = True
            step = 90 + 600 * chance.random() if attempt == 0 else 500 + 1500 * chance.random()
            moment = in_hours(self.rooftop, moment, step)
            if moment.date() > max(settled, lead.received.date() + timedelta(days=3)):
                break
        if chance.random() < 0.1:
            newsletter = at(open_day(self.rooftop, lead.received.date() + timedelta(days=9)), 600)
            self._activity(lead, newsletter, "out", "email", "sent", bulk=True)
        return reached

    def _activity(
        self,
        lead: Enquiry,
        moment: datetime,
        direction: str,
        channel: str,
        outcome: str,
        *,
        automatic: bool = False,
        bulk: bool = False,
    ) -> None:
        call = channel == "call"
        self._table("crm_activities").add(
            moment,
            rooftop=self.rooftop.code,
            activity_id=self.number("A"),
            lead_id=lead.lead_id,
            customer_id=lead.customer.customer_id if lead.customer else None,
            occurred_at=moment,
            direction=direction,
            channel=channel,
            automatic=automatic,
            bulk=bulk,
            outcome=outcome,
            duration_seconds=(int(30 + 300 * self.chance.random()) if outcome == "connected" else 0) if call else None,
            employee=None if automatic or direction == "in" else lead.owner,
        )

    def _meet(self, lead: Enquiry, settled: date, reached: bool) -> None:
        """An appointment, kept or not; one in five of the missed is set again."""
        chance = self.chance
        if not (chance.random() < 0.85 if lead.wants == "won" else reached and chance.random() < 0.42):
            return
        created = lead.received + timedelta(hours=1 + 20 * chance.random())
        day = open_day(self.rooftop, created.date() + timedelta(days=int(chance.random() * 5)))
        if lead.wants == "won":
            day = min(day, max(settled, created.date()))
        kind = VISITS.get(lead.intent, "sales_visit")
        shown, earlier = lead.wants == "won" and chance.random() < 0.85, None
        for _ in range(2):
            starts = work_time(self.rooftop, day, chance).replace(second=0)
            fate = weighted(chance, (("no_show", 52), ("shown", 29), ("cancelled", 11), ("rescheduled", 8)))
            fate = "shown" if shown else fate
            number = self.number("AP")
            self._table("crm_appointments").add(
                (min(created, starts), starts),
                rooftop=self.rooftop.code,
                appointment_id=number,
                lead_id=lead.lead_id,
                customer_id=lead.customer.customer_id if lead.customer else None,
                vin=lead.car.vin if lead.car else None,
                kind=kind,
                created_at=min(created, starts),
                starts_at=starts,
                status=fate if chance.random() > 0.03 else "booked",
                confirmed_at=starts - timedelta(hours=2) if chance.random() < 0.5 else None,
                shown_at=starts + timedelta(minutes=int(chance.random() * 12)) if fate == "shown" else None,
                cancelled_at=starts - timedelta(hours=1) if fate in ("cancelled", "rescheduled") else None,
                rescheduled_from=earlier,
                employee=lead.owner,
            )
            again = fate == "rescheduled" or (fate == "no_show" and chance.random() < 0.2)
            if not again:
                return
            earlier = number if fate == "rescheduled" else None
            created, day = starts, starts.date() + timedelta(days=1 + int(chance.random() * 4))

    def _task(self, lead: Enquiry, due: date, kind: str) -> None:
        chance = self.chance
        due_at = at(open_day(self.rooftop, due), 1020)
        late = spread(chance, (-300, -60, 0, 500, 3000))
        done = due_at + timedelta(minutes=int(late)) if chance.random() < 0.8 else None
        created = min(lead.received + timedelta(minutes=30), due_at)
        self._table("crm_tasks").add(
            (created, done),
            rooftop=self.rooftop.code,
            task_id=self.number("T"),
            lead_id=lead.lead_id,
            kind=kind,
            created_at=created,
            due_at=due_at,
            completed_at=max(done, created) if done else None,
            employee=lead.owner,
        )

    def _quote(self, lead: Enquiry, day: date) -> None:
        chance = self.chance
        requested = max(lead.received, work_time(self.rooftop, day, chance))
        approved = in_hours(self.rooftop, requested, spread(chance, (5, 30, 90, 400)))
        sent = in_hours(self.rooftop, approved, spread(chance, (2, 15, 60, 600)))
        approval = weighted(chance, (("approved", 45), ("rejected", 5), ("not_required", 50)))
        decided = approval in ("approved", "rejected")
        row = len(self._table("crm_quotes").rows)
        made = self._table("crm_quotes").add(
            (requested, approved if decided else None, sent),
            rooftop=self.rooftop.code,
            quote_id=self.number("Q"),
            lead_id=lead.lead_id,
            stock_number=lead.car.stock_number if lead.car else None,
            requested_at=requested,
            sent_at=sent if approval != "rejected" else None,
            amount=(lead.car.base_price if lead.car else 1_500_000) * 118 // 100,
            currency=self.rooftop.currency,
            approval_status=approval,
            approved_by=self.people.on_duty("manager", max(day, self.world.start), chance) if decided else None,
            approved_at=approved if decided else None,
            valid_until=sent.date() + timedelta(days=14),
        )
        if made and decided:
            self._table("crm_quotes").earlier[row] = {"approval_status": "pending", "approved_by": None}

    def _appraise(self, lead: Enquiry, *, won: bool) -> None:
        chance = self.chance
        requested = in_hours(self.rooftop, lead.received, 30)
        offered = in_hours(self.rooftop, requested, spread(chance, (20, 60, 180, 500, 1500)))
        value = 200_000 + int(chance.random() * 800_000)
        answered = won or chance.random() < 0.8
        self._table("crm_appraisals").add(
            (requested, offered if answered else None),
            rooftop=self.rooftop.code,
            appraisal_id=self.number("V"),
            lead_id=lead.lead_id,
            vin=None,
            requested_at=requested,
            offered_at=offered if answered else None,
            offer=value // 5_000 * 5_000 if answered else None,
            acv=value if answered else None,
            currency=self.rooftop.currency,
            accepted_at=offered + timedelta(hours=3) if won else None,
        )

    def _survey(self, customer: Customer, delivered: date) -> None:
        sent = at(delivered + timedelta(days=7), 600)
        responded = sent + timedelta(hours=int(1 + 90 * self.chance.random())) if self.chance.random() < 0.3 else None
        self._table("crm_surveys").add(
            (sent, responded),
            rooftop=self.rooftop.code,
            survey_id=self.number("SV"),
            customer_id=customer.customer_id,
            about="sale",
            sent_at=sent,
            responded_at=responded,
            score=int(spread(self.chance, (2, 7, 8, 9, 10, 10))) if responded else None,
            scale_min=0,
            scale_max=10,
        )

    def _call(self, started: datetime, phone: str, car: Car | None, *, answered: bool) -> None:
        self._table("portal_calls").add(
            started,
            rooftop=self.rooftop.code,
            call_id=self.number("PC"),
            portal=one_of(self.chance, ("AutoMarkt", "CarSquare")),
            source="tracking number",
            started_at=started,
            duration_seconds=int(20 + 400 * self.chance.random()) if answered else int(8 * self.chance.random()),
            answered=answered,
            caller_phone=phone,
            stock_number=car.stock_number if car else None,
            vin=car.vin if car else None,
        )
