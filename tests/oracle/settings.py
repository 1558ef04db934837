"""The settings of a home, read from forecourt.toml for the oracle alone."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COMPANY_HOURS = {**dict.fromkeys(DAYS[:5], "09:00-19:00"), "sat": "09:00-17:00"}

#: METRICS.md section 9 with the values of docs/settings.md.
DEFAULTS: dict[str, Any] = {
    "deal.recognition": "delivered",
    "deal.view": "period",
    "deal.pack": "beside",
    "rental.part_day": "exact",
    "fleet.out_of_service": ["in_recon", "inspection", "awaiting_parts", "out_of_service"],
    "response.clock": "business",
    "response.min_call_seconds": 10,
    "sla.default_minutes": 30,
    "episode.gap_days": 60,
    "claim.kinds": ["warranty", "goodwill"],
    "claim.window_days": 90,
    "return.window_days": 30,
    "comeback.days": 30,
    "declined.window_days": 90,
    "conversion.window_days": 90,
    "quote.answer_hours": 24,
    "follow_up.attempts": 2,
    "follow_up.hours": 72,
    "stock.in_stock_from": "arrived_on",
    "stock.edges": [30, 45, 60, 90, 120],
    "ageing.headline_schedules": [
        "customer",
        "parts_account",
        "wholesale",
        "rental_damage",
        "insurance",
        "employee",
    ],
}


@dataclass(frozen=True)
class Rooftop:
    """What the settings say of one rooftop; the company's values where they say nothing."""

    code: str
    zone: ZoneInfo
    currency: str
    vat_rate: Decimal
    holidays: str | tuple[date, ...] | None
    hours: Mapping[str, str]


@dataclass
class Settings:
    """Rooftops and policies; ``closed`` are the first days of the months that were closed."""

    company: Rooftop
    rooftops: dict[str, Rooftop]
    policies: dict[str, Any]
    closed: frozenset[date] = frozenset()

    def rooftop(self, code: str | None) -> Rooftop:
        """The rooftop of that code, or the company under its name."""
        return self.rooftops.get(code or "", self.company)

    def policy(self, key: str, on: date, default: Any = None) -> Any:
        """The value in force on a day: of the settings, else the documented default."""
        given = self.policies.get(key)
        if isinstance(given, list) and given and isinstance(given[0], dict):
            in_force = [step for step in given if step["from"] <= on]
            given = max(in_force, key=lambda step: step["from"])["value"] if in_force else None
        return given if given is not None else DEFAULTS.get(key, default)


def read_settings(path: Path) -> Settings:
    """The settings in one forecourt.toml; every default where it is silent."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    company = _rooftop(raw.get("company", {}), {"code": ""})
    own = {entry["code"]: _rooftop(raw.get("company", {}), entry) for entry in raw.get("rooftops", [])}
    return Settings(company, own, dict(_flat(raw.get("policy", {}))))


def _rooftop(company: Mapping[str, Any], own: Mapping[str, Any]) -> Rooftop:
    said = {**company, **own}
    days = said.get("holidays")
    return Rooftop(
        code=own["code"],
        zone=ZoneInfo(said.get("time_zone", "Europe/London")),
        currency=said.get("currency", "GBP"),
        vat_rate=Decimal(str(said.get("vat_rate", "0.20"))),
        holidays=tuple(days) if isinstance(days, list) else days,
        hours=own.get("hours") or COMPANY_HOURS,
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found
