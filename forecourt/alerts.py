"""Alerts: thresholds of forecourt.toml, looked at after every published run; a breach is told once, until it is over.

What is looked at is what the KPIs and the promises say of the newest day, over the same statements as every page.
``alerts.json`` of the home keeps what stood after the last run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from forecourt import durable
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.kpi import compute, headline_period, load_metrics, newest_day
from forecourt.mail import send
from forecourt.metrics import figure
from forecourt.periods import default_period
from forecourt.settings import AlertRule, Settings
from forecourt.wording import counted

#: Records of a broken promise that a mail lists; their number is told in full.
LISTED = 20


@dataclass(frozen=True)
class Alert:
    """One rule that is breached. ``key`` and ``records`` say whether it is told already.

    ``text``: what is the matter, one sentence, and a line for each of the records most at stake.
    """

    rule: AlertRule
    key: str
    text: str
    records: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What a look at all rules gave: breaches, and why rules could not be judged."""

    alerts: tuple[Alert, ...]
    unjudged: tuple[str, ...]


def look(warehouse: Warehouse, settings: Settings) -> Looked:
    """Judges every rule by the newest day of the published run."""
    alerts: list[Alert] = []
    unjudged: list[str] = []
    for rule in settings.alerts:
        try:
            found = _promise(warehouse, rule) if rule.promise else _kpi(warehouse, rule)
        except Problem as problem:
            unjudged.append(f"{title(rule)}: {problem}")
        else:
            alerts += found
    return Looked(tuple(alerts), tuple(unjudged))


def title(rule: AlertRule) -> str:
    """What a rule is called: its own name, else what it looks at."""
    what = rule.kpi or rule.promise or ""
    group = f" of {rule.by} {rule.group}" if rule.by else ""
    where = f" at {rule.rooftop}" if rule.rooftop else ""
    return rule.name or f"{what.replace('_', ' ')}{group}{where}"


def _is_broken(rule: AlertRule, value: Decimal) -> bool:
    return value > rule.above if rule.above is not None else rule.below is not None and value < rule.below


def _kpi(warehouse: Warehouse, rule: AlertRule) -> list[Alert]:
    """Raises Problem where the KPI has no such value, or its data are behind."""
    metric = load_metrics(warehouse)[str(rule.kpi)]
    if rule.by and rule.by not in metric.dimensions:
        raise Problem(f"{metric.label} is not told by {rule.by}; it is by {', '.join(metric.dimensions)}.")
    period = headline_period(warehouse, metric, default_period(newest_day(warehouse)))
    rows = compute(warehouse, metric, period, by=rule.by, rooftops=(rule.rooftop,) if rule.rooftop else None)
    rows = [row for row in rows if row.group == rule.group]
    known = [row for row in rows if row.value is not None]
    if not known:
        # A group that is not there has nothing to alert of, as long as the KPI itself has data.
        if rule.group is not None:
            return []
        raise Problem(rows[0].reason or "no data" if rows else "no data")
    if known[0].is_stale:
        raise Problem(f"the data reach {known[0].data_through} only, so the value is not judged.")
    found = []
    for row in known:
        value = Decimal(str(row.value))
        if _is_broken(rule, value):
            limit = figure(metric, rule.above if rule.above is not None else rule.below or 0)
            where = "above" if rule.above is not None else "below"
            span = f"{row.from_} to {row.to}" if metric.kind != "stock" else f"on {row.to}"
            said = f"{figure(metric, value)} {row.currency or ''}".strip()
            text = f"{title(rule)}: {metric.label} is {said}, {where} {limit} ({span})."
            found.append(Alert(rule, _key(rule), text, (row.currency or "",)))
    return found


def _promise(warehouse: Warehouse, rule: AlertRule) -> list[Alert]:
    """The records whose promise is broken and open on the newest day. Raises Problem where the run has no promises."""
    if not warehouse.has("fct_exception"):
        raise Problem("this run holds no promises.")
    day = newest_day(warehouse)
    rows = warehouse.rows(
        "select exception_key, label, replace(entity, '_', ' ') || ' ' || entity_id as record, rooftop, owner, "
        "broken_on, amount, currency from marts.fct_exception "
        "where rule = $1 and broken_on <= $2 and (closed_on is null or closed_on > $2) and excluded is null "
        "and ($3::varchar is null or rooftop = $3) order by abs(amount) desc nulls last, broken_on, exception_key",
        [rule.promise, day, rule.rooftop],
    )
    if not _is_broken(rule, Decimal(len(rows))):
        return []
    lines = [
        f"  {row['rooftop']} {row['record']}, since {row['broken_on']}"
        + (f", {row['owner']}" if row["owner"] else "")
        + (f", {row['amount']:,.2f} {row['currency'] or ''}".rstrip() if row["amount"] is not None else "")
        for row in rows[:LISTED]
    ]
    if len(rows) > LISTED:
        lines.append(f"  and {len(rows) - LISTED} more")
    label = f" ({rows[0]['label']})" if rows else ""
    limit = f"above {rule.above}" if rule.above is not None else f"below {rule.below}"
    head = f"{title(rule)}{label}: {len(rows)} open on {day}, {limit}."
    return [Alert(rule, _key(rule), "\n".join([head, *lines]), tuple(row["exception_key"] for row in rows))]


def _key(rule: AlertRule) -> str:
    parts = (rule.kpi, rule.promise, rule.by, rule.group, rule.rooftop, rule.above, rule.below)
    return "|".join("" if part is None else str(part) for part in parts)


def news(home: Home, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts with something in them that did not stand after the last run."""
    try:
        before = json.loads(home.alerts.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        before = {}
    return [alert for alert in alerts if set(alert.records) - set(before.get(alert.key, ()))]


def tell(home: Home, settings: Settings, run_id: str, alerts: Sequence[Alert]) -> list[str]:
    """Mails what is new, one message to each address, and keeps what stands; returns the addresses.

    Raises Problem where a message cannot be sent: then nothing counts as told, and the next run tries again.
    """
    letters: dict[str, list[str]] = defaultdict(list)
    for alert in news(home, alerts):
        for address in alert.rule.to:
            letters[address].append(alert.text)
    for address, texts in letters.items():
        subject = f"{settings.company}: {counted(len(texts), 'alerts')}"
        body = "\n\n".join(texts) + f"\n\nRun {run_id} of forecourt. Each is told once, until it is over.\n"
        send(settings.mail, [address], subject, body)
    standing: dict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        standing[alert.key] += alert.records
    durable.replace(home.alerts, json.dumps(standing, indent=1).encode())
    return list(letters)
