"""What can be set: the company, its rooftops, policies, targets and benchmarks, each with a documented default.

Every value has a default, so an empty home works. ``settings_file`` reads them from ``forecourt.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BEGINNING = date(1900, 1, 1)
DEFAULT_HOURS = dict.fromkeys(WEEKDAYS[:5], "09:00-19:00") | {"sat": "09:00-17:00"}

#: What a person may be to the dashboards; docs/decisions/0015-access.md says what each of them sees.
ROLES = ("owner", "accountant", "analyst")
#: Names of this machine, which no one else can reach; a link to any other goes over https.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Policy key -> default. METRICS.md section 9; the meaning of each stands in docs/settings.md.
POLICY_DEFAULTS: dict[str, Any] = {
    "deal.recognition": "delivered",
    "deal.view": "period",
    "deal.pack": "beside",
    "stock.in_stock_from": "arrived_on",
    "stock.edges": [30, 45, 60, 90, 120],
    "stock.prep_days": 7,
    "stock.prep_budget.default": 0,
    "rental.part_day": "exact",
    "fleet.out_of_service": ["in_recon", "inspection", "awaiting_parts", "out_of_service"],
    "response.clock": "business",
    "response.min_call_seconds": 10,
    "sla.default_minutes": 30,
    "follow_up.attempts": 2,
    "follow_up.hours": 72,
    "episode.gap_days": 60,
    "claim.kinds": ["warranty", "goodwill"],
    "claim.window_days": 90,
    "return.window_days": 30,
    "comeback.days": 30,
    "declined.window_days": 90,
    "conversion.window_days": 90,
    "ageing.edges.default": [30, 60, 90, 120],
    "ageing.edges.contract_in_transit": [3, 7, 10, 15],
    "ageing.default_terms.default": 0,
    "ageing.headline_schedules": [
        "customer",
        "parts_account",
        "wholesale",
        "rental_damage",
        "insurance",
        "employee",
    ],
    "ageing.provision.default": 0,
    "quote.answer_hours": 24,
    "identity.match": ["email", "phone"],
    "identity.join_systems": "no",
    "identity.shared_by": 5,
    "identity.never_match": [],
    "identity.relay_domains": [],
}

#: Keys whose value must be one of a few words.
POLICY_CHOICES: dict[str, tuple[str, ...]] = {
    "deal.recognition": ("delivered", "contract", "finalised"),
    "deal.view": ("period", "cohort"),
    "deal.pack": ("beside", "in_cost"),
    "stock.in_stock_from": ("arrived_on", "acquired_on"),
    "rental.part_day": ("exact", "started_day", "day_24h"),
    "response.clock": ("business", "elapsed"),
    "identity.join_systems": ("no", "by_contact", "by_id"),
}

#: Keys whose value is a list of some of a few words.
POLICY_WORDS: dict[str, tuple[str, ...]] = {"identity.match": ("email", "phone")}

#: Keys that take any last part: `ageing.edges.warranty`, `sla.portal.buy_minutes`.
POLICY_FAMILIES = (
    re.compile(r"stock\.prep_budget\.[a-z_]+"),
    re.compile(r"ageing\.(edges|default_terms|provision)\.[a-z0-9_+\-]+"),
    re.compile(r"sla\.[a-z_]+\.[a-z_]+_minutes"),
)


@dataclass(frozen=True)
class Rooftop:
    """One place of business.

    ``hours``: weekday -> intervals in minutes after local midnight (may pass 1440); ``country``: two letters, that of
    telephone numbers written without a country code.
    """

    code: str
    name: str
    legal_entity: str
    time_zone: str
    currency: str
    vat_rate: Decimal
    holidays: str | tuple[date, ...] | None
    hours: Mapping[str, tuple[tuple[int, int], ...]]
    aliases: tuple[str, ...] = ()
    is_configured: bool = True
    country: str = "GB"


@dataclass(frozen=True)
class Dated:
    """A value in force from a day on."""

    valid_from: date
    value: Any


@dataclass(frozen=True)
class Target:
    kpi: str
    rooftop: str | None
    valid_from: date
    value: Decimal


@dataclass(frozen=True)
class Benchmark:
    kpi: str
    value: Decimal
    source: str
    on: date


@dataclass(frozen=True)
class User:
    """A person who may sign in. ``email`` is lower case; ``rooftops``: codes in order, None = all of them."""

    email: str
    role: str
    rooftops: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Access:
    """Who may see the dashboards, by the sign-in of an OpenID Connect provider.

    The client's secret is in ``client_secret_file`` (beside forecourt.toml where the path is relative) or in the
    environment variable ``client_secret_env``, one of them. ``url``: where browsers find the dashboards, empty = this
    machine only; ``contact``: whom somebody asks who is not on the list.
    """

    issuer: str
    client_id: str
    client_secret_file: Path | None
    client_secret_env: str | None
    url: str
    contact: str
    users: tuple[User, ...]
    #: roles to which customers are numbers, not names
    masked: tuple[str, ...] = ()

    def user(self, email: str) -> User | None:
        """The person with that address, upper and lower case aside."""
        return next((user for user in self.users if user.email == email.strip().lower()), None)


@dataclass(frozen=True)
class Mail:
    """The server that takes mail, by SMTP. ``security``: starttls, tls, or none, which only this machine may have.

    The password is in ``password_file`` (beside forecourt.toml where the path is relative) or in the environment
    variable ``password_env``; without ``user`` there is none.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password_file: Path | None = None
    password_env: str | None = None


@dataclass(frozen=True)
class AlertRule:
    """One threshold that is looked at after every run, and whom a breach is mailed to.

    Of a KPI (``kpi``, of one ``group`` of the dimension ``by`` where given) the value, a ratio as a share of 1; of a
    promise (``promise``, a rule) how many are broken and open. ``above`` or ``below`` is the limit that still is fine.
    """

    name: str
    kpi: str | None
    promise: str | None
    by: str | None
    group: str | None
    rooftop: str | None
    above: Decimal | None
    below: Decimal | None
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All settings of one home; ``fallback`` is the rooftop that a code unknown to the file gets."""

    company: str
    fallback: Rooftop
    rooftops: Mapping[str, Rooftop]
    policies: Mapping[str, tuple[Dated, ...]]
    targets: tuple[Target, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()
    keep_runs: int = 10
    #: spelling of a lead source, lower case -> canonical source; goes before the seed source_map
    sources: Mapping[str, str] = field(default_factory=dict)
    #: pairs of customer keys that no rule may join
    apart: tuple[tuple[str, str], ...] = ()
    #: None: no sign-in, so the dashboards stay on this machine
    access: Access | None = None
    #: None: nothing is mailed
    mail: Mail | None = None
    alerts: tuple[AlertRule, ...] = ()

    def rooftop(self, code: str) -> Rooftop:
        """The rooftop of that code; one that is not in the file has the company's defaults and is flagged."""
        known = self.rooftops.get(code)
        return known or replace(self.fallback, code=code, name=code or self.company, is_configured=False)

    def rooftop_code(self, text: str) -> str:
        """The code of the rooftop whose code, name or alias is ``text`` (case and spaces aside), else ``text``."""
        wanted = _folded(text)
        for rooftop in self.rooftops.values():
            if wanted in {_folded(word) for word in (rooftop.code, rooftop.name, *rooftop.aliases)}:
                return rooftop.code
        return text

    def policy(self, key: str, on: date | None = None) -> Any:
        """The value of a policy in force on a day (default: the newest)."""
        return [entry for entry in self.policies[key] if on is None or entry.valid_from <= on][-1].value


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
