"""Inspections that fail when a car is presented for the first time, by METRICS.md section 4."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.oracle.clock import local_day
from tests.oracle.exports import Row
from tests.oracle.records import Part, Question, World

HEADLINE = ("statutory", "delivery")
FAILED = ("fail", "pass_after_repair")


class Inspections:
    """Every inspection, with whether it is the first attempt of its car and kind."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._vehicles = {key: rows[0] for key, rows in world.by("dms_vehicles", "rooftop", "stock_number").items()}
        self._firsts = list(self._first_attempts())

    def inspection_fail_rate(self, question: Question) -> Iterator[Part]:
        """First attempts failed / first attempts, statutory and delivery."""
        return (part for part in self.inspection_fail_rate_all_kinds(question) if part.groups["kind"] in HEADLINE)

    def inspection_fail_rate_all_kinds(self, question: Question) -> Iterator[Part]:
        """First attempts failed / first attempts, aborted ones out."""
        for row in self._firsts:
            day = local_day(row["inspected_at"], self._world.settings.rooftop(row["rooftop"]))
            if not question.covers(day):
                continue
            vehicle = self._vehicle(row)
            groups = {name: row.get(name) for name in ("inspector", "kind", "rooftop")}
            groups |= {name: vehicle.get(name) for name in ("make", "model")}
            if row["result"] == "aborted":
                yield Part(day, groups, excluded="aborted")
            else:
                yield Part(day, groups, top=int(row["result"] in FAILED), bottom=1)

    def _first_attempts(self) -> Iterator[Row]:
        """Those numbered 1; without a number those that follow no failure of the same car and kind."""
        before: dict[Any, str] = {}
        rows = self._world.rows("dms_inspections")
        for row in sorted(rows, key=lambda row: (row["inspected_at"].at, row.get("attempt") or 10**6)):
            attempt = row.get("attempt")
            car = (self._car(row), row.get("kind"))
            if attempt == 1 or (attempt is None and before.get(car) != "fail"):
                yield row
            if row["result"] != "aborted" and car[0] is not None:
                before[car] = row["result"]

    def _vehicle(self, row: Row) -> Row:
        return self._vehicles.get((row["rooftop"], row.get("stock_number")), {})

    def _car(self, row: Row) -> Any:
        """What names the car: its VIN, else its registration, else the stock unit; None where nothing does."""
        vehicle = self._vehicle(row)
        vin = vehicle.get("vin") or (row.get("vin") if not vehicle else None)
        plain = re.sub(r"[^A-Z0-9]", "", (vehicle.get("registration") or "").upper())
        stock = (row["rooftop"], row["stock_number"]) if vehicle else None
        return vin.upper() if vin else plain or stock
