"""``truth.json``: what the numbers of the sample must be, worked out here in Python from the simulated rows.

Nothing of the warehouse takes part: the definitions of METRICS.md are written a second time, record by record.
Where its text leaves room, this is how it is read:

1.  Period: the first of the month of as_of up to as_of. Ratios of money stand per currency, under "all:GBP" and
    "all:EUR" beside each rooftop; the other three under "all".
2.  Gross: retail and lease deals. ``n`` is the number of deals of known gross of which anything moved in the
    period, ``excluded`` the number of those of unknown gross. If any
    part of a deal's gross is unknown, the whole deal (late costs and chargebacks too) leaves numerator and
    denominator; it stays in ``units`` of gross_by_month, and ``excluded`` there counts its units.
3.  Which cost source a deal has is decided on all lines posted up to its reversal, not only those up to the sale.
    A product with side "none" makes nothing unknown. A chargeback always lowers back gross and never the revenue.
    A deal's scheme is its own ``vat_scheme``, else its vehicle's, else standard.
4.  A consignment deal's revenue and front gross are its commission; the purchase and other costs play no part.
5.  Enquiry to handover: recognised retail and lease deals by delivered_on, those reversed later included. The
    deal's lead is the one it names; days run from the local day of the first lead of that lead's episode. Excluded:
    no lead (none named, or one that is not there), and a lead after the handover. In the data a customer's leads lie
    either under 45 or over 140 days apart, so that every reading of the 60-day rule gives the same episodes.
6.  Utilisation: numerator and denominator are days, rounded to the millionth; ``n`` counts cars with a day in the
    fleet; ``excluded`` counts hires that went out in the period when their car was not in the fleet. No period here
    holds a change of the clock, so a day is 86,400 s. Cars that changed their use were exported before and after.
7.  Claim rate: the cohort is as long as the period and ends 90 days before as_of. ``excluded`` counts claims of
    the kinds that were opened on the cohort's days and name no deal, stock unit or VIN, or one that was not yet
    delivered then.
8.  Receivables: refunds, returned payments, credit notes and payments are aged from the day they were posted,
    overpayments from their last allocation; a refund is past due the day after. A row's value in the rooftop's
    currency is its open amount times the document's rate, rounded once. Contracts in transit are bucketed by the
    days since the deal's contract day (by the posting day where no deal is named). ``n`` of the overdue rate counts
    open debit rows, an instalment being one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from ingest.sample.truth_fleet import FleetFacts
from ingest.sample.truth_ledger import OpenRow, buckets_of, documents, open_rows
from ingest.sample.truth_sales import Movement, SalesFacts
from ingest.sample.world import World

AS_OF = (date(2026, 5, 31), date(2026, 7, 15), date(2026, 9, 30))
CLAIM_WINDOW = 90
HEADLINE_SCHEDULES = ("customer", "parts_account", "wholesale", "rental_damage", "insurance", "employee")

Figure = dict[str, Any]


def truth(world: World) -> dict[str, Any]:
    """The whole of truth.json as it will be written: money as decimal text, ratios as numbers."""
    facts, fleet = SalesFacts(world), FleetFacts(world)
    docs = documents(world)
    rows = {day: open_rows(day, docs) for day in AS_OF}
    return {
        "seed": world.seed,
        "as_of": world.end.isoformat(),
        "dates": [day.isoformat() for day in AS_OF],
        "headlines": {day.isoformat(): headlines(world, facts, fleet, rows[day], day) for day in AS_OF},
        "gross_by_month": gross_by_month(facts, world.end),
        "ageing": {day.isoformat(): ageing(rows[day]) for day in AS_OF},
    }


def as_json(facts: dict[str, Any]) -> str:
    """Stable text of the truth, one fact a line."""
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def headlines(
    world: World, facts: SalesFacts, fleet: FleetFacts, rows: list[OpenRow], as_of: date
) -> dict[str, dict[str, Figure]]:
    """Group ("all", "all:GBP", "R1" ...) -> KPI -> figure, for the month of ``as_of`` up to that day."""
    first = as_of.replace(day=1)
    codes = [rooftop.code for rooftop in world.rooftops]
    currencies = sorted({rooftop.currency for rooftop in world.rooftops})
    groups: dict[str, dict[str, Figure]] = {}
    for name, members in [("all", codes), *((code, [code]) for code in codes)]:
        groups[name] = {
            "enquiry_to_handover_days": enquiry_to_handover(facts, set(members), first, as_of),
            "fleet_utilisation_rate": fleet_utilisation(fleet, set(members), first, as_of),
            "claim_rate": claim_rate(facts, set(members), first, as_of),
        }
    for currency in currencies:
        members = [rooftop.code for rooftop in world.rooftops if rooftop.currency == currency]
        groups[f"all:{currency}"] = {}
        for name, part in [(f"all:{currency}", members), *((code, [code]) for code in members)]:
            groups[name]["gross_margin_rate"] = gross_margin(facts, set(part), first, as_of)
            groups[name]["overdue_rate"] = overdue(rows, set(part))
    return groups


def figure(numerator: int | None, denominator: int, n: int, excluded: int, *, money: bool = False) -> Figure:
    """One ratio; without a positive denominator its value is None."""
    value = numerator / denominator if numerator is not None and denominator > 0 else None
    parts = [cents(part) if money and part is not None else part for part in (numerator, denominator)]
    return {"value": value, "numerator": parts[0], "denominator": parts[1], "n": n, "excluded": excluded}


def cents(amount: int) -> str:
    """A whole number of cents as decimal text: 12345 -> "123.45"."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def gross_margin(facts: SalesFacts, rooftops: set[str], first: date, as_of: date) -> Figure:
    """Sum of gross over sum of revenue of what moved in the period."""
    moved = [m for m in facts.movements if m.rooftop in rooftops and in_period(m, first, as_of)]
    known = [m for m in moved if m.known]
    return figure(
        sum(m.front + m.back for m in known),
        sum(m.revenue for m in known),
        len({(m.rooftop, m.deal) for m in known}),
        len({(m.rooftop, m.deal) for m in moved if not m.known}),
        money=True,
    )


def in_period(movement: Movement, first: date, as_of: date) -> bool:
    """Whether it belongs to the period and was already dated at its end."""
    return first <= movement.moved_on <= as_of and movement.dated_on <= as_of


def enquiry_to_handover(facts: SalesFacts, rooftops: set[str], first: date, as_of: date) -> Figure:
    """The median of whole days, between two middle ones half way."""
    days, excluded = [], 0
    for handover in facts.handovers:
        if handover.rooftop in rooftops and first <= handover.day <= as_of:
            if handover.days is None or handover.days < 0 or handover.days > 365:
                excluded += 1
            else:
                days.append(handover.days)
    days.sort()
    middle = None
    if days:
        middle = float(Fraction(days[(len(days) - 1) // 2] + days[len(days) // 2], 2))
    return {"value": middle, "numerator": None, "denominator": len(days), "n": len(days), "excluded": excluded}


def fleet_utilisation(fleet: FleetFacts, rooftops: set[str], first: date, as_of: date) -> Figure:
    """Days on hire over days in the fleet and in service."""
    use = fleet.use(rooftops, first, as_of)
    result = figure(use.on_hire, use.in_fleet - use.out_of_service, use.cars, use.other_hires)
    return result | {part: round(result[part] / 86_400, 6) for part in ("numerator", "denominator")}


def claim_rate(facts: SalesFacts, rooftops: set[str], first: date, as_of: date) -> Figure:
    """Units of the newest mature cohort of the period's length with a claim in time, over all its units."""
    end = as_of - timedelta(days=CLAIM_WINDOW)
    begin = end - (as_of - first)
    units = {
        (unit.rooftop, unit.deal): unit
        for unit in facts.handovers
        if unit.rooftop in rooftops and begin <= unit.day <= end
    }
    claimed, left_out = set(), 0
    for claim in facts.claims:
        if claim.rooftop not in rooftops:
            continue
        if claim.deal is None:
            left_out += begin <= claim.opened_on <= end
            continue
        sold = units.get((claim.rooftop, claim.deal))
        if sold and sold.day <= claim.opened_on <= sold.day + timedelta(days=CLAIM_WINDOW):
            claimed.add((claim.rooftop, claim.deal))
    return figure(len(claimed), len(units), len(units), left_out)


def overdue(rows: list[OpenRow], rooftops: set[str]) -> Figure:
    """Past due over outstanding of open debit documents, in the rooftop's currency."""
    debits = [row for row in rows if row.rooftop in rooftops and row.is_debit and row.schedule in HEADLINE_SCHEDULES]
    late = sum(row.base for row in debits if row.days_past_due > 0)
    return figure(late, sum(row.base for row in debits), len(debits), 0, money=True)


def gross_by_month(facts: SalesFacts, as_of: date) -> dict[str, dict[str, Any]]:
    """ "R1|2026-08" -> units, revenue, front, back, total of all that moved in the month, and units left out."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for m in facts.movements:
        if m.dated_on <= as_of and m.moved_on <= as_of:
            month = sums[f"{m.rooftop}|{m.moved_on:%Y-%m}"]
            month[0] += m.unit
            if m.known:
                month[1] += m.revenue
                month[2] += m.front
                month[3] += m.back
            else:
                month[4] += m.unit
    return {
        key: {
            "units": units,
            "revenue": cents(revenue),
            "front": cents(front),
            "back": cents(back),
            "total": cents(front + back),
            "excluded": excluded,
        }
        for key, (units, revenue, front, back, excluded) in sorted(sums.items())
    }


def ageing(rows: list[OpenRow]) -> dict[str, dict[str, str]]:
    """ "R1|customer|GBP" -> open amounts by bucket, their sum, and the sum split into debits and the rest."""
    groups: dict[str, list[OpenRow]] = defaultdict(list)
    for row in rows:
        groups[f"{row.rooftop}|{row.schedule}|{row.currency}"].append(row)
    result = {}
    for key, members in sorted(groups.items()):
        buckets = dict.fromkeys(buckets_of(members[0].schedule), 0)
        for row in members:
            buckets[row.bucket] += row.outstanding
        debits = sum(row.outstanding for row in members if row.is_debit)
        outstanding = sum(row.outstanding for row in members)
        result[key] = {bucket: cents(amount) for bucket, amount in buckets.items()} | {
            "outstanding": cents(outstanding),
            "gross": cents(debits),
            "unallocated": cents(outstanding - debits),
        }
    return result
