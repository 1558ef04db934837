"""Exceptions that people open in the DMS, and watched fields that changed, by METRICS.md sections 2 and 7."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.oracle.clock import Moment, elapsed, local_day, moment, through
from tests.oracle.exports import Key, Record, Row, contracts
from tests.oracle.records import LONGEST, Part, Question, World

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
SECOND = timedelta(seconds=1)
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Change:
    """One watched field of one record that got another value."""

    rooftop: str
    entity: str
    entity_id: str
    field: str
    value: Any
    changed_on: date
    is_explained: bool


class History:
    """Exceptions of the DMS, and changes with or without one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def exception_days(self, question: Question) -> Iterator[Part]:
        """Section 2: opened to the closing that no reopening follows, by kind."""
        rules = {row["rule"]: row for row in read("exception_rules")}
        for (rooftop_code, _), events in self._world.by("dms_exceptions", "rooftop", "exception_id").items():
            rooftop = self._world.settings.rooftop(rooftop_code)
            events.sort(key=lambda event: event["event"])
            starts = [event for event in events if event["event_kind"] in ("opened", "reopened")]
            first: Moment = min((event["occurred_at"] for event in starts or events), key=lambda at: at.at)
            stop = closing(events)
            last = events[-1]
            part = Part(
                None,
                {
                    "kind": rules[events[0]["kind"]]["label"],
                    "owner": newest(events, "employee"),
                    "role": newest(events, "role") or rules[events[0]["kind"]]["role"],
                    "rooftop": rooftop_code,
                },
                record=(rooftop_code, last["exception_id"]),
            )
            began, ended = local_day(first, rooftop), local_day(stop, rooftop) if stop else None
            if stop and question.covers(ended):
                length = elapsed(first, stop, rooftop)
                part = replace(part, day=ended)
                if length < timedelta():
                    yield replace(part, excluded="stopped before it started")
                elif length > LONGEST:
                    yield replace(part, excluded="over 365 days")
                else:
                    yield replace(part, top=Decimal(length // SECOND) / DAY_SECONDS)
            elif began <= question.end and (ended is None or ended > question.end):
                yield replace(part, day=question.end, is_open=True)

    def change_explained_rate(self, question: Question) -> Iterator[Part]:
        """Section 7: watched fields that changed, and an event that names record, field and new value."""
        sending = {row["rooftop"] for row in self._world.rows("dms_exceptions")}
        for change in self._changes:
            if not question.covers(change.changed_on):
                continue
            groups = {"entity": change.entity, "field": change.field, "rooftop": change.rooftop}
            part = Part(change.changed_on, groups)
            if change.rooftop not in sending:
                yield replace(part, excluded="rooftop sends no events")
            else:
                yield replace(part, top=int(change.is_explained), bottom=1)

    @cached_property
    def _changes(self) -> list[Change]:
        found = []
        for watched in read("watched_fields"):
            feed, column = watched["feed"], watched["field"]
            for key, record in self._world.feeds.get(feed, {}).items():
                found += list(self._of(record, key, feed, column, watched["entity"], watched["dated_by"]))
        return found

    def _of(self, record: Record, key: Key, feed: str, column: str, entity: str, dated_by: str) -> Iterator[Change]:
        at_rooftop = contracts()[feed].key.index("rooftop")
        code = key[at_rooftop] or ""
        rooftop = self._world.settings.rooftop(code)
        rest = [str(part) for place, part in enumerate(key) if place != at_rooftop]
        before: Any = None
        is_first = True
        for version, state in record.states():
            if column not in version.values:
                continue
            value = state.get(column)
            if not is_first and value != before:
                dated = state.get(dated_by) if dated_by and dated_by in version.values else None
                updated = version.values.get("updated_at")
                said = updated or dated
                yield Change(
                    code,
                    entity,
                    "|".join(rest),
                    column,
                    value,
                    local_day(said, rooftop) if said else through(version.exported_at, rooftop),
                    self._is_explained(code, entity, "|".join(rest), column, value),
                )
            before, is_first = value, False

    def _is_explained(self, rooftop: str, entity: str, entity_id: str, field: str, value: Any) -> bool:
        events = self._events.get((rooftop, entity, entity_id, field), [])
        return any(self._is_same(event["new_value"], value, rooftop) for event in events if event.get("new_value"))

    @cached_property
    def _events(self) -> dict[tuple[Any, ...], list[Row]]:
        return self._world.by("dms_exceptions", "rooftop", "entity", "entity_id", "field")

    def _is_same(self, said: str, value: Any, code: str) -> bool:
        """Numbers are compared as numbers, instants by the rooftop's clock."""
        try:
            if isinstance(value, Decimal):
                return Decimal(said) == value
            if isinstance(value, Moment):
                return moment(said, self._world.settings.rooftop(code)).at == value.at
            if isinstance(value, date):
                return date.fromisoformat(said) == value
        except (ValueError, ArithmeticError):
            return False
        return bool(said == value)


def closing(events: list[Row]) -> Moment | None:
    """The closing that no reopening follows."""
    found: Moment | None = None
    for event in events:
        if event["event_kind"] == "closed":
            found = event["occurred_at"]
        elif event["event_kind"] == "reopened":
            found = None
    return found


def newest(events: list[Row], column: str) -> Any:
    """The last value of a column that is not empty."""
    return next((event[column] for event in reversed(events) if event.get(column)), None)


def read(seed: str) -> list[dict[str, str]]:
    """The rows of a seed."""
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
