"""The truth about the fleet: seconds in the fleet, out of service and on hire, day by day and car by car."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ingest.sample.world import World, at

FLEET = ("rental", "courtesy", "demo")
OUT_OF_SERVICE = ("in_recon", "inspection", "awaiting_parts", "out_of_service")
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
Key = tuple[str, str]  # rooftop and stock number


@dataclass(slots=True)
class Use:
    """Sums in whole seconds; ``other_hires`` counts hires of cars that were not in the fleet when they went out."""

    in_fleet: int = 0
    out_of_service: int = 0
    on_hire: int = 0
    cars: int = 0
    other_hires: int = 0


class FleetFacts:
    """The hires and status events of every car, in local time."""

    def __init__(self, world: World) -> None:
        table = world.tables["dms_vehicles"]
        self.cars = [(row, table.earlier.get(number)) for number, row in enumerate(table.records())]
        self.hires: dict[Key, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        for row in world.tables["dms_rentals"].records():
            self.hires[row["rooftop"], row["stock_number"]].append((row["out_at"], row["returned_at"]))
        self.events: dict[Key, list[tuple[datetime, str]]] = defaultdict(list)
        for row in world.tables["dms_vehicle_events"].records():
            self.events[row["rooftop"], row["stock_number"]].append((row["occurred_at"], row["status"]))

    def use(self, rooftops: set[str], first: date, as_of: date) -> Use:
        """The fleet of some rooftops from the day ``first`` to the end of ``as_of``."""
        whole, use = (at(first, 0), at(as_of + DAY, 0)), Use()
        for row, earlier in self.cars:
            if row["rooftop"] not in rooftops:
                continue
            key = (row["rooftop"], row["stock_number"])
            hires = [(out, back or whole[1]) for out, back in self.hires.get(key, ())]
            days = fleet_days(row, earlier, first, as_of)
            there = set(days)
            use.other_hires += sum(first <= out.date() <= as_of and out.date() not in there for out, _ in hires)
            use.cars += bool(days)
            hired = union(clip(hires, whole))
            resting = idle_spells([event for event in self.events.get(key, ()) if event[0] < whole[1]], whole[1])
            for day in days:
                window = (at(day, 0), at(day + DAY, 0))
                out = clip(hired, window)
                rest = clip(resting, window)
                use.in_fleet += 86_400
                use.on_hire += seconds(out)
                use.out_of_service += seconds(rest) - sum(seconds(clip(out, span)) for span in rest)
        return use


def fleet_days(row: dict[str, Any], earlier: dict[str, Any] | None, first: date, as_of: date) -> list[date]:
    """The days of the period on which the car was in the fleet, by the use it had on each."""
    day = max(first, row["arrived_on"] or row["acquired_on"])
    last = min(as_of, row["removed_on"] - DAY) if row["removed_on"] else as_of
    days = []
    while day <= last:
        use = earlier["use"] if earlier and "use" in earlier and day < row["updated_at"] else row["use"]
        if use in FLEET:
            days.append(day)
        day += DAY
    return days


def idle_spells(events: list[tuple[datetime, str]], end: datetime) -> list[Span]:
    """The spells out of service, each until the next event of any kind or the end."""
    ordered = sorted(events)
    ends = [*(moment for moment, _ in ordered[1:]), end]
    return [
        (moment, until)
        for (moment, status), until in zip(ordered, ends, strict=False)
        if status in OUT_OF_SERVICE and until > moment
    ]


def union(spans: list[Span]) -> list[Span]:
    """The same time without overlaps, in order."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def clip(spans: list[Span], window: Span) -> list[Span]:
    """The parts of the spans inside the window."""
    parts = [(max(start, window[0]), min(stop, window[1])) for start, stop in spans]
    return [(start, stop) for start, stop in parts if start < stop]


def seconds(spans: list[Span]) -> int:
    """The length of spans that do not overlap."""
    return sum(int((stop - start).total_seconds()) for start, stop in spans)
