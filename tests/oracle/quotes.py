"""Appraisals and approvals of quotations by METRICS.md section 2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.oracle.clock import Moment, elapsed, local_day
from tests.oracle.exports import Row
from tests.oracle.leads import Lead, Leads
from tests.oracle.records import LONGEST, Part, Question, World

SECOND = timedelta(seconds=1)
HOUR = 3600


class Quotes:
    """What customers are told about prices, and when."""

    def __init__(self, world: World, leads: Leads) -> None:
        self._world = world
        self._leads = leads

    @cached_property
    def _by_number(self) -> dict[tuple[str, str], Lead]:
        return {(lead.rooftop, lead.number): lead for lead in self._leads.all if lead.origin == "crm"}

    def _groups(self, row: Row) -> dict[str, Any]:
        lead = self._by_number.get((row["rooftop"], row.get("lead_id") or ""))
        return {
            "channel": lead.channel if lead else None,
            "rooftop": row["rooftop"],
            "source": lead.source if lead else None,
        }

    def appraisal_hours(self, question: Question) -> Iterator[Part]:
        """Section 2: requested_at to offered_at."""
        for row in self._world.rows("crm_appraisals"):
            part = Part(None, self._groups(row), record=(row["rooftop"], row["appraisal_id"]))
            yield from self._hours(part, row, row["requested_at"], row.get("offered_at"), question)

    def approval_hours(self, question: Question) -> Iterator[Part]:
        """Section 2: requested_at to approved_at; five decided by one person in one second are no durations."""
        batches = self._batches
        for row in self._world.rows("crm_quotes"):
            status, decided = row.get("approval_status"), row.get("approved_at")
            if decided is None and status in ("not_required", "rejected"):
                continue
            if row.get("requested_at") is None:
                continue
            groups = {**self._groups(row), "approval_status": status, "approved_by": row.get("approved_by")}
            key = (row["rooftop"], row["quote_id"])
            for part in self._hours(Part(None, groups, record=key), row, row["requested_at"], decided, question):
                is_batch = key in batches and not part.is_open
                yield replace(part, top=None, excluded="batch-stamped") if is_batch and not part.excluded else part

    @cached_property
    def _batches(self) -> set[tuple[str, str]]:
        leads: dict[Any, set[str]] = defaultdict(set)
        keys: dict[Any, list[tuple[str, str]]] = defaultdict(list)
        for row in self._world.rows("crm_quotes"):
            if row.get("approved_at") and row.get("approved_by"):
                stamp = (row["rooftop"], row["approved_by"], row["approved_at"].at.replace(microsecond=0))
                keys[stamp].append((row["rooftop"], row["quote_id"]))
                if row.get("lead_id"):
                    leads[stamp].add(row["lead_id"])
        return {key for stamp, some in keys.items() if len(leads[stamp]) >= 5 for key in some}

    def _hours(self, part: Part, row: Row, start: Moment, stop: Moment | None, question: Question) -> Iterator[Part]:
        rooftop = self._world.settings.rooftop(row["rooftop"])
        began: date = local_day(start, rooftop)
        ended = local_day(stop, rooftop) if stop else None
        if stop and question.covers(ended):
            length = elapsed(start, stop, rooftop)
            part = replace(part, day=ended)
            if length < timedelta():
                yield replace(part, excluded="stopped before it started")
            elif length > LONGEST:
                yield replace(part, excluded="over 365 days")
            else:
                yield replace(part, top=Decimal(length // SECOND) / HOUR)
        elif began <= question.end and (ended is None or ended > question.end):
            yield replace(part, day=question.end, is_open=True)
