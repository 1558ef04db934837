"""The rest of the lead scorecard, and what leads and sales cost, by METRICS.md section 6."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from tests.oracle.clock import DAY, local_day, through
from tests.oracle.exports import Row
from tests.oracle.gross import recognised_on
from tests.oracle.leads import NOT_KNOWN, Episode, Lead, Leads
from tests.oracle.promises import Promises
from tests.oracle.records import Part, Question, World
from tests.oracle.turnaround import UNITS


class Scorecard:
    """Attention that leads get, and their price."""

    def __init__(self, world: World, leads: Leads, promises: Promises) -> None:
        self._world = world
        self._leads = leads
        self._promises = promises

    def follow_up_rate(self, question: Question) -> Iterator[Part]:
        """Leads with ≥ 2 personal attempts in the first 72 h / leads still open through them."""
        settings = self._world.settings
        for lead in self._leads.all:
            day = self._leads.day(lead)
            if not question.covers(day):
                continue
            is_open = self._world.clock.is_open(lead.rooftop, lead.received.at)
            groups = self._leads.groups_on(lead, question.as_of)
            groups["after_hours"] = "open" if is_open else "after hours"
            part = Part(day, groups, record=lead)
            rooftop = settings.rooftop(lead.rooftop)
            end = lead.received.at + timedelta(hours=float(settings.policy("follow_up.hours", day)))
            is_due = end.astimezone(rooftop.zone).date() <= question.as_of
            if lead.received.is_day:
                if is_due:
                    yield replace(part, excluded="received on a day without a time")
                continue
            row = lead.record.row if lead.record else {}
            changed = row.get("stage_changed_at")
            if row.get("stage") in ("won", "lost") and changed and changed.at <= end:
                if is_due:
                    yield replace(part, excluded="closed before its follow-up was due")
                continue
            if not is_due:
                yield replace(part, is_open=True)
                continue
            tries = sum(self._is_attempt(one) and one["occurred_at"].at <= end for one in self._after(lead))
            enough = tries + lead.answered_at_receipt >= settings.policy("follow_up.attempts", day)
            yield replace(part, top=int(enough), bottom=1)

    def _after(self, lead: Lead) -> list[Row]:
        return [row for row in lead.activities if row["occurred_at"].at >= lead.received.at]

    def _is_attempt(self, row: Row) -> bool:
        is_machine = row.get("automatic") or row.get("bulk")
        return row["direction"] == "out" and row["channel"] != "note" and not is_machine

    def contact_to_appointment_rate(self, question: Question) -> Iterator[Part]:
        """Contacted leads with an appointment created / contacted leads."""
        for lead in self._leads.all:
            day = self._leads.day(lead)
            if question.covers(day) and any(on <= question.as_of for on in self._leads.contacted_on(lead)):
                hit = any(on <= question.as_of for on in self._leads.appointed_on(lead))
                yield Part(day, self._leads.groups_on(lead, question.as_of), top=int(hit), bottom=1)

    def source_visibility_rate(self, question: Question) -> Iterator[Part]:
        """Leads with a known canonical source / leads."""
        for lead in self._leads.all:
            day = self._leads.day(lead)
            if question.covers(day):
                groups = self._leads.groups_on(lead, question.as_of)
                yield Part(day, groups, top=int(lead.source is not None), bottom=1)

    def missed_call_recovery_rate(self, question: Question) -> Iterator[Part]:
        """Missed calls returned within the SLA / missed calls whose target has passed."""
        for row, due, kept in self._promises.missed_calls:
            rooftop = self._world.settings.rooftop(row["rooftop"])
            day = local_day(row["started_at"], rooftop)
            if question.covers(day):
                is_open = self._world.clock.is_open(row["rooftop"], row["started_at"].at)
                groups = {
                    "after_hours": "open" if is_open else "after hours",
                    "portal": row.get("portal"),
                    "rooftop": row["rooftop"],
                }
                is_due = due.astimezone(rooftop.zone).date() <= question.as_of
                yield Part(day, groups, top=int(kept), bottom=1) if is_due else Part(day, groups, is_open=True)

    def owned_rate(self, question: Question) -> Iterator[Part]:
        """Open episodes with exactly one owner / open episodes, at the end of a day."""
        day = question.end
        sending = self._rooftops_that_send("owner")
        for episode in self._leads.episodes:
            first = episode.first
            if not self._leads.day(first) <= day or not self._is_running(episode, day):
                continue
            part = Part(day, first.groups(), record=first)
            reason = self._leads.episode_excluded(episode, day)
            leads = [lead for lead in episode.leads if self._leads.day(lead) <= day]
            is_current = [self._is_open(lead, day) and self._leads.quality_on(lead, day) == "good" for lead in leads]
            current = [lead for lead, counts in zip(leads, is_current, strict=True) if counts] or leads
            said = [self._leads.owner_on(lead, day) for lead in current]
            if reason == "no good lead":
                yield replace(part, excluded=reason)
            elif first.rooftop not in sending:
                yield replace(part, excluded="the rooftop sends no owners")
            elif reason or "not known" in said:
                yield replace(part, excluded="owner not known on the day")
            else:
                yield replace(part, top=int(len({owner for owner in said if owner}) == 1), bottom=1)

    def _rooftops_that_send(self, column: str) -> set[str]:
        return {row["rooftop"] for row in self._world.rows("crm_leads") if row.get(column)}

    def _is_running(self, episode: Episode, day: date) -> bool:
        if episode.delivered and self._leads.day(episode.first) <= episode.delivered <= day:
            return False
        return day < self._leads.ends_on(episode)

    @cached_property
    def _episode_of(self) -> dict[Lead, Episode]:
        return {lead: episode for episode in self._leads.episodes for lead in episode.leads}

    def _is_open(self, lead: Lead, day: date) -> bool:
        """Whether a lead was neither won nor lost nor gone, and its episode not over, at the end of a day."""
        if lead.record and lead.record.gone_on and lead.record.gone_on <= day:
            return False
        episode = self._episode_of.get(lead)
        if episode is None and lead.origin != "crm":
            return False  # nothing would ever end it
        if episode is not None and not self._is_running(episode, day):
            return False
        return self._stage_on(lead, day)[0] not in ("won", "lost")

    def _stage_on(self, lead: Lead, day: date) -> tuple[str | None, date | None]:
        """The stage at the end of a day and the day it was entered: its own, else the first that shows it."""
        if lead.record is None:
            return None, None
        rooftop = self._world.settings.rooftop(lead.rooftop)
        steps = []
        for version, state in lead.record.states():
            updated, changed = version.values.get("updated_at"), state.get("stage_changed_at")
            seen = local_day(updated, rooftop) if updated else through(version.exported_at, rooftop)
            since = min(seen, local_day(changed, rooftop)) if changed else seen
            steps.append((since, version.order, state.get("stage"), changed))
        known = sorted((step for step in steps if step[0] <= day), key=lambda step: step[:2])
        if not known:
            return "not known", None
        since, _, stage, changed = known[-1]
        if changed:
            return stage, local_day(changed, rooftop)
        entered, place = since, len(known) - 1
        while place >= 0 and known[place][2] == stage:
            entered, place = known[place][0], place - 1
        if place < 0 and stage == "new":
            entered = self._leads.day(lead)
        return stage, entered

    def next_action_rate(self, question: Question) -> Iterator[Part]:
        """Open leads with a future next action / open leads, at the end of a day."""
        day = question.end
        sending = self._rooftops_that_send("next_action_due_at")
        for lead in self._open_leads(day):
            stage, _ = self._stage_on(lead, day)
            groups = {**lead.groups(), "owner": self._leads.owner_on(lead, day), "stage": stage}
            part = Part(day, groups, record=lead)
            quality = self._leads.quality_on(lead, day)
            said = self._leads.on(lead, day)
            if lead.origin != "crm":
                yield replace(part, excluded="not in the CRM")
            elif lead.rooftop not in sending:
                yield replace(part, excluded="the rooftop sends no next actions")
            elif quality not in ("good", NOT_KNOWN):
                yield replace(part, excluded=quality)
            elif said is None:
                yield replace(part, excluded="next action not known on the day")
            else:
                due = said.get("next_action_due_at")
                rooftop = self._world.settings.rooftop(lead.rooftop)
                yield replace(part, top=int(due is not None and local_day(due, rooftop) > day), bottom=1)

    def _open_leads(self, day: date) -> Iterator[Lead]:
        """Open leads, those among them that the CRM never got too: they are counted as left out."""
        return (lead for lead in self._leads.all if self._leads.day(lead) <= day and self._is_open(lead, day))

    def stage_age_days(self, question: Question) -> Iterator[Part]:
        """Open leads: as_of − stage entered."""
        day = question.end
        for lead in self._open_leads(day):
            stage, entered = self._stage_on(lead, day)
            groups = {**lead.groups(), "owner": self._leads.owner_on(lead, day), "stage": stage}
            part = Part(day, groups, record=lead)
            quality = self._leads.quality_on(lead, day)
            if lead.origin != "crm":
                yield replace(part, excluded="not in the CRM")
            elif stage == "not known":
                yield replace(part, excluded="stage not known on the day")
            elif quality != "good":
                yield replace(part, excluded=quality)
            elif stage is None or entered is None:
                yield replace(part, excluded="no stage kept")
            else:
                yield replace(part, top=(day - entered).days, bottom=1)

    def cost_per_lead(self, question: Question) -> Iterator[Part]:
        """Spend, spread over the days of its month / good leads."""
        yield from self._spend(question)
        for lead in self._leads.all:
            day = self._leads.day(lead)
            if not question.covers(day):
                continue
            rooftop = self._world.settings.rooftop(lead.rooftop)
            groups = {"rooftop": lead.rooftop, "source": lead.source}
            part = Part(day, groups, currency=rooftop.currency, record=("lead", lead))
            quality = self._leads.quality_on(lead, question.as_of)
            if quality != "good":
                yield replace(part, excluded=quality)
            elif (lead.rooftop, day.replace(day=1)) not in self._months:
                yield replace(part, excluded="no spend of its month")
            else:
                yield replace(part, bottom=1)

    def cost_per_sale(self, question: Question) -> Iterator[Part]:
        """Spend, spread over the days of its month / sold episodes."""
        yield from self._spend(question)
        for episode in self._leads.episodes:
            first = episode.first
            start = self._leads.day(first)
            days = [on for on in self._leads.sold_on.get(episode, []) if on >= start]
            day = min(days, default=None)
            if day is None or not question.covers(day):
                continue
            groups = {"rooftop": first.rooftop, "source": first.source}
            currency = self._world.settings.rooftop(first.rooftop).currency
            part = Part(day, groups, currency=currency, record=("episode", first))
            if (first.rooftop, day.replace(day=1)) not in self._months:
                yield replace(part, excluded="no spend of its month")
            else:
                yield replace(part, bottom=1)

    @cached_property
    def _months(self) -> set[tuple[str, date]]:
        return {(row["rooftop"], row["month"]) for row in self._world.rows("crm_spend")}

    def sales_matched(self, question: Question) -> Iterator[Part]:
        """CRM-to-DMS match: a deal that counts, of a lead that is won."""
        return self._sales(question, "matched")

    def sales_crm_unmatched(self, question: Question) -> Iterator[Part]:
        """CRM-to-DMS match: a deal that counts, of a lead that is not won."""
        return self._sales(question, "CRM unmatched")

    def sales_dms_unmatched(self, question: Question) -> Iterator[Part]:
        """CRM-to-DMS match: a deal that counts and has no lead."""
        return self._sales(question, "DMS unmatched")

    def _sales(self, question: Question, wanted: str) -> Iterator[Part]:
        for deal in self._world.rows("dms_deals"):
            on = recognised_on(self._world, deal)
            if on is None or not question.covers(on):
                continue
            lead, rung = self._leads.lead_of_deal.get((deal["rooftop"], deal["deal_number"]), (None, "nothing"))
            episode = self._episode_of.get(lead) or Episode([lead]) if lead else None
            won = self._leads.won_on(episode) if episode else []
            status = "DMS unmatched" if lead is None else "CRM unmatched"
            if any(day <= question.as_of for day in won):
                status = "matched"
            if status != wanted:
                continue
            kind = deal["deal_type"]
            groups = {
                "deal_type": kind,
                "matched_by": rung,
                "rooftop": deal["rooftop"],
                "salesperson": deal.get("salesperson"),
                "source": episode.first.source if episode else None,
            }
            excluded = None if kind in UNITS else f"deal of type {kind}"
            yield Part(on, groups, top=None if excluded else 1, excluded=excluded)

    def sales_in_crm_only(self, question: Question) -> Iterator[Part]:
        """CRM-to-DMS match: won in the CRM, and no deal of it counts."""
        rest = [Episode([lead]) for lead in self._leads.all if lead not in self._episode_of]
        counted: set[Lead] = set()
        for deal in self._world.rows("dms_deals"):
            on = recognised_on(self._world, deal)
            lead, _ = self._leads.lead_of_deal.get((deal["rooftop"], deal["deal_number"]), (None, ""))
            if lead and on and on <= question.as_of:
                counted.update(self._episode_of[lead].leads if lead in self._episode_of else [lead])
        for episode in [*self._leads.episodes, *rest]:
            first, day = episode.first, min(self._leads.won_on(episode), default=None)
            if day is None or not question.covers(day) or first in counted or first.quality == "test":
                continue
            groups = {
                "deal_type": None,
                "matched_by": "nothing",
                "rooftop": first.rooftop,
                "salesperson": first.owner,
                "source": first.source,
            }
            yield Part(day, groups, top=1)

    def _spend(self, question: Question) -> Iterator[Part]:
        for row in self._world.rows("crm_spend"):
            rooftop = self._world.settings.rooftop(row["rooftop"])
            days = monthrange(row["month"].year, row["month"].month)[1]
            source = self._leads.source(row["source"])
            part = Part(None, {"rooftop": row["rooftop"], "source": source}, currency=rooftop.currency)
            day = row["month"]
            for number in range(1, days + 1):
                if question.covers(day):
                    record = ("spend", row["rooftop"], row["month"], row["source"])
                    share = spread_to(row["amount"], number, days) - spread_to(row["amount"], number - 1, days)
                    known = (row.get("currency") or rooftop.currency) == rooftop.currency
                    said = replace(part, day=day, record=record)
                    yield (
                        replace(said, top=share, bottom=0)
                        if known
                        else replace(said, excluded="not in the currency of the rooftop")
                    )
                day += DAY


def spread_to(amount: Decimal, number: int, days: int) -> Decimal:
    """What of a month's amount falls on its first days, to the cent."""
    return (amount * number / days).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
