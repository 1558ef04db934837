"""Reads ``forecourt.toml``: each value checked, a wrong one refused with the line it stands on."""

from __future__ import annotations

import csv
import difflib
import itertools
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forecourt.settings import (
    BEGINNING,
    DEFAULT_HOURS,
    LOOPBACK,
    POLICY_CHOICES,
    POLICY_DEFAULTS,
    POLICY_FAMILIES,
    POLICY_WORDS,
    ROLES,
    WEEKDAYS,
    Access,
    AlertRule,
    Benchmark,
    Dated,
    Mail,
    Rooftop,
    Settings,
    Target,
    User,
)
from forecourt.toml_file import TomlFile

MARTS = Path(__file__).resolve().parent.parent / "marts"

_ROOFTOP_KEYS = (
    "code",
    "name",
    "legal_entity",
    "time_zone",
    "currency",
    "vat_rate",
    "holidays",
    "hours",
    "aliases",
    "country",
)
_ALERT_KEYS = ("name", "kpi", "promise", "by", "group", "rooftop", "above", "below", "to")
#: How mail is kept from being read on its way -> the port where that is usual.
_MAIL_SECURITY = {"starttls": 587, "tls": 465, "none": 25}


def load_settings(path: Path) -> Settings:
    """Reads the file; a file that is not there gives the defaults.

    Raises Problem naming file and line of the first wrong value.
    """
    return _SettingsFile.read(path).settings()


class _SettingsFile(TomlFile):
    """Checks the tables of one file and converts them."""

    def settings(self) -> Settings:
        """All settings, each the default where the file says nothing."""
        tables = self._tables()
        self._only(
            tables,
            (
                *("company", "rooftops", "policy", "targets", "benchmarks", "access", "publish", "sources", "identity"),
                *("mail", "alerts"),
            ),
            "",
        )
        company = self._table(tables.get("company", {}), "company")
        self._only(
            company,
            ("name", "currency", "time_zone", "vat_rate", "holidays", "hours", "legal_entity", "country"),
            "company",
        )
        name = self._text(company.get("name", "My company"), "company.name")
        base = {
            "code": "",
            "name": name,
            "legal_entity": name,
            "time_zone": "Europe/London",
            "currency": "GBP",
            "vat_rate": 0.20,
            "hours": DEFAULT_HOURS,
        } | {key: value for key, value in company.items() if key != "name"}
        fallback = replace(self._rooftop(base, "company", {}), is_configured=False)
        rooftops: dict[str, Rooftop] = {}
        for number, given in self._entries(tables, "rooftops", _ROOFTOP_KEYS):
            entry = self._rooftop(given, "rooftops", base, number)
            if entry.code in rooftops:
                raise self._problem("rooftops.code", f"rooftop {entry.code!r} stands twice", number)
            rooftops[entry.code] = entry
        publish = self._table(tables.get("publish", {}), "publish")
        self._only(publish, ("keep_runs",), "publish")
        return Settings(
            company=name,
            fallback=fallback,
            rooftops=rooftops,
            policies=self._policies(self._table(tables.get("policy", {}), "policy")),
            targets=tuple(
                Target(
                    kpi=self._kpi(given.get("kpi"), "targets.kpi", number),
                    rooftop=self._known_rooftop(given.get("rooftop"), rooftops, number),
                    valid_from=self._day(given.get("from", BEGINNING), "targets.from", number),
                    value=self._number(given.get("value"), "targets.value", number),
                )
                for number, given in self._entries(tables, "targets", ("kpi", "rooftop", "from", "value"))
            ),
            benchmarks=tuple(
                Benchmark(
                    kpi=self._kpi(given.get("kpi"), "benchmarks.kpi", number),
                    value=self._number(given.get("value"), "benchmarks.value", number),
                    source=self._text(given.get("source"), "benchmarks.source", number),
                    on=self._day(given.get("date"), "benchmarks.date", number),
                )
                for number, given in self._entries(tables, "benchmarks", ("kpi", "value", "source", "date"))
            ),
            keep_runs=self._whole(publish.get("keep_runs", 10), "publish.keep_runs", least=1),
            sources=self._sources(self._table(tables.get("sources", {}), "sources")),
            apart=self._apart(self._table(tables.get("identity", {}), "identity")),
            access=self._access(self._table(tables["access"], "access"), rooftops) if "access" in tables else None,
            mail=self._mail(self._table(tables["mail"], "mail")) if "mail" in tables else None,
            alerts=tuple(
                self._alert(given, rooftops, number) for number, given in self._entries(tables, "alerts", _ALERT_KEYS)
            ),
        )

    def _rooftop(self, given: dict[str, Any], where: str, base: dict[str, Any], number: int | None = None) -> Rooftop:
        if where == "rooftops" and not given.get("code"):
            raise self._problem(f"{where}.code", "every rooftop needs a code", number)
        merged = base | given
        if where == "rooftops":
            merged["code"] = self._text(given["code"], f"{where}.code", number)
            merged["name"] = given.get("name", merged["code"])
        zone = self._text(merged["time_zone"], f"{where}.time_zone", number)
        if not _is_time_zone(zone):
            raise self._problem(f"{where}.time_zone", f"{zone!r} is no time zone (write it like Europe/London)", number)
        currency = self._text(merged["currency"], f"{where}.currency", number)
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise self._problem(f"{where}.currency", f"{currency!r} is no currency code (write GBP, EUR ...)", number)
        vat_rate = self._number(merged["vat_rate"], f"{where}.vat_rate", number)
        if not 0 <= vat_rate < 1:
            raise self._problem(f"{where}.vat_rate", f"{vat_rate} is no share between 0 and 1 (20 % is 0.20)", number)
        return Rooftop(
            code=merged["code"],
            name=self._text(merged["name"], f"{where}.name", number),
            legal_entity=self._text(merged["legal_entity"], f"{where}.legal_entity", number),
            time_zone=zone,
            currency=currency,
            vat_rate=vat_rate,
            holidays=self._holidays(merged.get("holidays"), f"{where}.holidays", number),
            hours=self._hours(merged["hours"], f"{where}.hours", number),
            aliases=tuple(self._words(merged.get("aliases", []), f"{where}.aliases", number)),
            country=self._country(merged, f"{where}.country", number),
        )

    def _country(self, given: dict[str, Any], where: str, number: int | None) -> str:
        """The country that is given, else that of the code of the holidays, else GB."""
        if "country" not in given:
            holidays = given.get("holidays")
            code = holidays.partition("-")[0] if isinstance(holidays, str) else ""
            return {"": "GB", "UK": "GB"}.get(code, code)
        code = self._text(given["country"], where, number)
        if code not in _holiday_codes(aliases=False):
            raise self._problem(where, f"{code!r} is no country of two capital letters (write GB, DE ...)", number)
        return code

    def _sources(self, given: dict[str, Any]) -> dict[str, str]:
        """Spelling in lower case, without spaces at its ends -> canonical source."""
        sources: dict[str, str] = {}
        for spelling, value in given.items():
            where = f"sources.{spelling}"
            canonical = self._text(value, where).strip()
            if not canonical:
                raise self._problem(where, f"{spelling!r} stands for no source; name one")
            if spelling.strip().lower() in sources:
                raise self._problem(where, f"{spelling!r} stands twice (case and spaces at its ends aside)")
            sources[spelling.strip().lower()] = canonical
        return sources

    def _apart(self, given: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        self._only(given, ("apart",), "identity")
        pairs = []
        where = "identity.apart"
        for number, entry in self._entries({where: given.get("apart", [])}, where, ("a", "b")):
            a, b = (self._text(entry.get(side), f"{where}.{side}", number).strip() for side in ("a", "b"))
            for side, key in (("a", a), ("b", b)):
                if not re.fullmatch(r"(crm|dms)\|.+", key):
                    what = f"{key!r} is no customer (write crm|R1|C1, as brg_customer_source does)"
                    raise self._problem(f"{where}.{side}", what, number)
            if a == b:
                raise self._problem(f"{where}.b", f"{b!r} cannot be kept apart from itself", number)
            pairs.append((a, b))
        return tuple(pairs)

    def _access(self, given: dict[str, Any], rooftops: Mapping[str, Rooftop]) -> Access:
        texts = ("issuer", "client_id", "client_secret_file", "client_secret_env", "url", "contact")
        self._only(given, (*texts, "users", "mask"), "access")
        said = {key: self._text(given.get(key, ""), f"access.{key}").strip() for key in texts}
        for key in ("issuer", "client_id"):
            if not said[key]:
                raise self._problem("access", f"a sign-in needs {key}, which the OpenID Connect provider gives")
        if bool(said["client_secret_file"]) == bool(said["client_secret_env"]):
            what = "name the client's secret by client_secret_file or client_secret_env, one of the two"
            raise self._problem("access", what)
        for key in ("issuer", "url"):
            self._web_address(said[key], f"access.{key}")
        users: dict[str, User] = {}
        where = "access.users"
        for number, entry in self._entries({where: given.get("users", [])}, where, ("email", "role", "rooftops")):
            user = self._user(entry, rooftops, number)
            if user.email in users:
                raise self._problem(f"{where}.email", f"{user.email!r} stands twice", number)
            users[user.email] = user
        if not users:
            raise self._problem("access", "nobody may sign in: write an [[access.users]] with email and role")
        masked = tuple(self._words(given.get("mask", []), "access.mask"))
        for role in masked:
            if role not in ROLES:
                raise self._problem("access.mask", f"{role!r} is none of {', '.join(ROLES)}")
        file = said["client_secret_file"]
        return Access(
            issuer=said["issuer"].rstrip("/"),
            client_id=said["client_id"],
            client_secret_file=self.path.parent / Path(file).expanduser() if file else None,
            client_secret_env=said["client_secret_env"] or None,
            url=said["url"].rstrip("/"),
            contact=said["contact"],
            users=tuple(users.values()),
            masked=masked,
        )

    def _user(self, given: dict[str, Any], rooftops: Mapping[str, Rooftop], number: int) -> User:
        where = "access.users"
        email = self._text(given.get("email", ""), f"{where}.email", number).strip().lower()
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise self._problem(f"{where}.email", f"{email!r} is no e-mail address", number)
        role = self._text(given.get("role", ""), f"{where}.role", number)
        if role not in ROLES:
            raise self._problem(f"{where}.role", f"{role!r} is none of {', '.join(ROLES)}", number)
        if "rooftops" not in given:
            return User(email, role)
        codes = self._words(given["rooftops"], f"{where}.rooftops", number)
        if not codes:
            raise self._problem(f"{where}.rooftops", "this names no rooftop; leave it out for all of them", number)
        for code in codes:
            if rooftops and code not in rooftops:
                raise self._problem(f"{where}.rooftops", f"there is no rooftop {code!r} in this file", number)
        return User(email, role, tuple(sorted(set(codes))))

    def _mail(self, given: dict[str, Any]) -> Mail:
        texts = ("host", "security", "sender", "user", "password_file", "password_env")
        self._only(given, (*texts, "port"), "mail")
        said = {key: self._text(given.get(key, ""), f"mail.{key}").strip() for key in texts}
        if not said["host"]:
            raise self._problem("mail", "mail needs host, the server that takes it")
        self._address(said["sender"], "mail.sender")
        security = said["security"] or "starttls"
        if security not in _MAIL_SECURITY:
            raise self._problem("mail.security", f"{security!r} is none of {', '.join(_MAIL_SECURITY)}")
        if security == "none" and said["host"] not in LOOPBACK:
            raise self._problem("mail.security", "only mail to this machine itself may go without encryption")
        has_password = bool(said["password_file"]) + bool(said["password_env"])
        if has_password > 1 or bool(said["user"]) != bool(has_password):
            what = "with user name its password by password_file or password_env, one of the two; without, none"
            raise self._problem("mail", what)
        file = said["password_file"]
        return Mail(
            host=said["host"],
            port=self._whole(given.get("port", _MAIL_SECURITY[security]), "mail.port", least=1),
            security=security,
            sender=said["sender"],
            user=said["user"],
            password_file=self.path.parent / Path(file).expanduser() if file else None,
            password_env=said["password_env"] or None,
        )

    def _address(self, value: str, where: str, number: int | None = None) -> None:
        _, address = parseaddr(value)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or any(sign in value for sign in "\r\n"):
            raise self._problem(where, f"{value!r} is no e-mail address", number)

    def _alert(self, given: dict[str, Any], rooftops: Mapping[str, Rooftop], number: int) -> AlertRule:
        if ("kpi" in given) == ("promise" in given):
            raise self._problem("alerts", "an alert looks at a kpi or at a promise, one of the two", number)
        if ("above" in given) == ("below" in given):
            raise self._problem("alerts", "an alert has a limit: above or below, one of the two", number)
        kpi = self._kpi(given["kpi"], "alerts.kpi", number) if "kpi" in given else None
        promise = self._text(given["promise"], "alerts.promise", number) if "promise" in given else None
        if promise is not None and promise not in promise_rules():
            near = difflib.get_close_matches(promise, sorted(promise_rules()), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise self._problem("alerts.promise", f"there is no promise {promise!r}{hint}", number)
        if ("by" in given) != ("group" in given) or ("by" in given and promise):
            what = "by and group go together: the dimension of a KPI, and the group of it that is looked at"
            raise self._problem("alerts", what, number)
        words = {
            key: self._text(given[key], f"alerts.{key}", number) if key in given else None for key in ("by", "group")
        }
        limits = {
            key: self._number(given[key], f"alerts.{key}", number) if key in given else None
            for key in ("above", "below")
        }
        to = tuple(self._words(given.get("to", []), "alerts.to", number))
        for address in to:
            self._address(address, "alerts.to", number)
        return AlertRule(
            name=self._text(given.get("name", ""), "alerts.name", number).strip(),
            kpi=kpi,
            promise=promise,
            by=words["by"],
            group=words["group"],
            rooftop=self._known_rooftop(given.get("rooftop"), rooftops, number, "alerts"),
            above=limits["above"],
            below=limits["below"],
            to=to,
        )

    def _web_address(self, value: str, where: str) -> None:
        """Refuses what no browser opens, and a way over a network that anybody on it can read."""
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if value and (not is_safe or not parts.hostname or parts.query or parts.fragment):
            raise self._problem(where, f"{value!r} is no address that begins with https://")

    def _holidays(self, given: Any, where: str, number: int | None) -> str | tuple[date, ...] | None:
        if given is None or given == "":
            return None
        if isinstance(given, list):
            return tuple(self._day(day, where, number) for day in given)
        country, _, part = self._text(given, where, number).partition("-")
        supported = _holiday_codes(aliases=True)
        if country not in supported or (part and part not in supported[country]):
            raise self._problem(where, f"{given!r} is no code of the holidays library (like GB-ENG)", number)
        return str(given)

    def _hours(self, given: Any, where: str, number: int | None) -> dict[str, tuple[tuple[int, int], ...]]:
        table = self._table(given, where, number)
        self._only(table, WEEKDAYS, where, number)
        hours = {day: self._intervals(table.get(day, ""), f"{where}.{day}", number) for day in WEEKDAYS}
        for day, after in zip(WEEKDAYS, (*WEEKDAYS[1:], WEEKDAYS[0]), strict=True):
            if hours[day] and hours[after] and hours[day][-1][1] - 1440 > hours[after][0][0]:
                raise self._problem(f"{where}.{day}", f"{day} runs into the opening time of {after}", number)
        return hours

    def _intervals(self, given: Any, where: str, number: int | None) -> tuple[tuple[int, int], ...]:
        intervals = []
        for part in self._text(given, where, number).replace(";", ",").split(","):
            if not part.strip():
                continue
            match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", part)
            if not match:
                raise self._problem(where, f"{part.strip()!r} is no opening time (write 09:00-19:00)", number)
            hour, minute, end_hour, end_minute = map(int, match.groups())
            start, end = hour * 60 + minute, end_hour * 60 + end_minute
            if max(minute, end_minute) > 59 or start > 1440 or end > 1440 or start == end:
                raise self._problem(where, f"{part.strip()!r} is no opening time", number)
            intervals.append((start, end if end > start else end + 1440))
        ordered = tuple(sorted(intervals))
        for (_, end), (start, _) in itertools.pairwise(ordered):
            if start < end:
                raise self._problem(where, "two opening times of one day overlap", number)
        return ordered

    def _policies(self, given: dict[str, Any]) -> dict[str, tuple[Dated, ...]]:
        policies: dict[str, tuple[Dated, ...]] = {
            key: (Dated(BEGINNING, value),) for key, value in POLICY_DEFAULTS.items()
        }
        for key, value in _flat(given).items():
            where = f"policy.{key}"
            if key not in POLICY_DEFAULTS and not any(f.fullmatch(key) for f in POLICY_FAMILIES):
                near = difflib.get_close_matches(key, POLICY_DEFAULTS, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise self._problem(where, f"{key!r} is no policy{hint}")
            dated = [Dated(BEGINNING, value)]
            if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
                dated = [self._dated(entry, where) for entry in value]
                if any(earlier.valid_from >= later.valid_from for earlier, later in itertools.pairwise(dated)):
                    raise self._problem(where, "its values are not in the order of their days")
            for entry in dated:
                self._check_policy(key, entry.value, where)
            if dated[0].valid_from > BEGINNING:
                dated.insert(0, Dated(BEGINNING, _default(key)))
            policies[key] = tuple(dated)
        return policies

    def _dated(self, entry: dict[str, Any], where: str) -> Dated:
        if set(entry) != {"from", "value"}:
            raise self._problem(where, "a value with its day is written { from = 2026-01-31, value = ... }")
        return Dated(self._day(entry["from"], where), entry["value"])

    def _check_policy(self, key: str, value: Any, where: str) -> None:
        choices = POLICY_CHOICES.get(key)
        if choices and value not in choices:
            raise self._problem(where, f"{value!r} is none of {', '.join(choices)}")
        default = POLICY_DEFAULTS.get(key)
        if key.startswith("ageing.edges.") or key == "stock.edges":
            if (
                not isinstance(value, list)
                or not value
                or not all(type(edge) is int and edge > 0 for edge in value)
                or value != sorted(set(value))
            ):
                raise self._problem(where, "edges are rising whole days, like [30, 60, 90, 120]")
        elif isinstance(default, list):
            words = POLICY_WORDS.get(key)
            for word in self._words(value, where):
                if words and word not in words:
                    raise self._problem(where, f"{word!r} is none of {', '.join(words)}")
        elif key.startswith("ageing.provision."):
            self._number(value, where)
        elif not choices:
            self._whole(value, where)

    def _known_rooftop(
        self, value: Any, rooftops: Mapping[str, Rooftop], number: int, table: str = "targets"
    ) -> str | None:
        if value is None:
            return None
        code = self._text(value, f"{table}.rooftop", number)
        if rooftops and code not in rooftops:
            raise self._problem(f"{table}.rooftop", f"there is no rooftop {code!r} in this file", number)
        return code

    def _kpi(self, value: Any, where: str, number: int) -> str:
        name = self._text(value, where, number)
        known = kpi_names()
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `forecourt kpi` lists them"
            raise self._problem(where, f"there is no KPI {name!r}{hint}", number)
        return name


@cache
def kpi_names() -> frozenset[str]:
    """The KPIs that the marts define, read from the YAML beside the facts, so that a wrong name is told at once."""
    tables = [
        table for path in MARTS.rglob("*.yml") for table in re.split(r"^(?=\S)", path.read_text("utf-8"), flags=re.M)
    ]
    return frozenset(
        name
        for table in tables
        if table.startswith("metrics:")
        for name in re.findall(r"^  - name: (\w+)", table, re.M)
    )


@cache
def promise_rules() -> frozenset[str]:
    """The rules of promises and exceptions, as the seed names them."""
    with (MARTS.parent / "seeds" / "exception_rules.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["rule"] for row in csv.DictReader(file))


@cache
def _holiday_codes(*, aliases: bool) -> Mapping[str, list[str]]:
    """Countries that the holidays library knows, and the parts of each."""
    import holidays  # Here, because it takes a tenth of a second and not all settings name one.

    return holidays.list_supported_countries(include_aliases=aliases)


def _is_time_zone(name: str) -> bool:
    # To open the one that is asked for is far cheaper than to list all. These are other tables of the same zones.
    if name.startswith(("posix", "right/")):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _default(key: str) -> Any:
    """What a policy is before the first day of the file: its own default, else that of its family."""
    family = "sla.default_minutes" if key.startswith("sla.") else f"{key.rpartition('.')[0]}.default"
    return POLICY_DEFAULTS[key if key in POLICY_DEFAULTS else family]


def _flat(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys: {'deal': {'pack': 'beside'}} -> {'deal.pack': 'beside'}."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
